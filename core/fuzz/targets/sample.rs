//! Seeds, generated from the catalogue and the scenarios: every operation with every field, every scripted answer, and
//! all arguments, options and settings of the scenarios.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::check::known;

/// The seeds of each target.
pub struct Samples {
    pub answers: Vec<String>,
    pub errors: Vec<String>,
    pub door: Vec<String>,
    pub settings: Vec<String>,
}

/// Returns enough arguments for the operation to send its request: the required ones, and for an update one field to
/// change.
pub fn arguments(operation: &Value) -> Value {
    let arguments = operation["args"].as_array().unwrap();
    let is_update = operation["http"].as_str().unwrap().starts_with("PATCH");
    let change = arguments.iter().find(|argument| is_update && argument["required"] != true);
    let needed = arguments.iter().filter(|argument| argument["required"] == true).chain(change);
    let mut needed: Map<_, _> = needed
        .map(|argument| (argument["wire"].as_str().unwrap().to_owned(), value(&argument["type"], 0)))
        .collect();
    if operation["op"] == "campaigns.trigger" {
        // A recipient has either a handle or an id, not both.
        needed.insert("recipients".to_owned(), json!([{"id": "7"}]));
    }
    needed.into()
}

/// Returns a value of a type of the catalogue with all its fields. `turn` chooses among values and variants.
fn value(of: &Value, turn: usize) -> Value {
    match of.as_str() {
        Some("string") => json!("text"),
        Some("int" | "sync") => json!(7),
        Some("float") => json!(0.5),
        Some("bool") => json!(true),
        Some("timestamp") => json!("2026-01-02T03:04:05.678Z"),
        Some("json") => json!({"a": [1, null, "x"]}),
        Some(other) => panic!("a type that this does not know: {other}"),
        None if of.get("list").is_some() => json!([value(&of["list"], turn)]),
        None if of.get("map").is_some() => json!({"name": value(&of["map"], turn)}),
        None => named(of["ref"].as_str().unwrap(), turn),
    }
}

fn named(name: &str, turn: usize) -> Value {
    let types = known()["types"].as_array().unwrap();
    let of = types.iter().find(|known| known["name"] == name).unwrap();
    match of["shape"].as_str().unwrap() {
        "enum" => {
            let values = of["values"].as_array().unwrap();
            values[turn % values.len()]["wire"].clone()
        }
        "object" => of["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(|field| (field["wire"].as_str().unwrap().to_owned(), value(&field["type"], turn)))
            .collect::<Map<_, _>>()
            .into(),
        "union" => {
            let variants = of["variants"].as_array().unwrap();
            match variants[turn % variants.len()]["type"].as_str() {
                Some(variant) => named(variant, turn),
                None => json!({"odd": 1}),
            }
        }
        other => panic!("a shape that this does not know: {other}"),
    }
}

impl Samples {
    /// Generates the seeds from the catalogue and the scenarios in `folder`.
    pub fn from(folder: &Path) -> Self {
        let mut samples =
            Self { answers: vec![], errors: vec![], door: vec![], settings: vec!["{}".to_owned()] };
        for operation in known()["operations"].as_array().unwrap() {
            samples.operation(operation);
        }
        let mut settings = Map::new();
        for setting in known()["settings"].as_array().unwrap() {
            settings.insert(setting["wire"].as_str().unwrap().to_owned(), json!("{{key}}"));
            samples.settings.push(json!({setting["wire"].as_str().unwrap(): "{{key}}"}).to_string());
        }
        samples.settings.push(Value::from(settings).to_string());
        let mut files: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "json")) {
            samples.scenario(&serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap());
        }
        samples.tokens();
        for list in [&mut samples.answers, &mut samples.errors, &mut samples.door, &mut samples.settings] {
            // Leaves out long seeds, such as those with hundreds of recipients, because a few recipients suffice.
            list.retain(|text| text.len() <= 4096);
            list.sort();
            list.dedup();
        }
        samples
    }

    fn operation(&mut self, operation: &Value) {
        let op = operation["op"].as_str().unwrap();
        let returns = &operation["returns"];
        for turn in 0..5 {
            let body = match (returns.get("value"), returns.get("page"), returns.get("run")) {
                (Some(of), ..) => named(of.as_str().unwrap(), turn),
                (_, Some(of), _) => json!({"data": [named(of.as_str().unwrap(), turn)], "hasMore": false}),
                (.., Some(_)) => json!({"id": "77"}),
                _ => Value::Null,
            };
            self.answers.push(format!("{op}\n{body}"));
        }
        let all: Map<_, _> = operation["args"]
            .as_array()
            .unwrap()
            .iter()
            .map(|argument| (argument["wire"].as_str().unwrap().to_owned(), value(&argument["type"], 1)))
            .collect();
        self.door.push(format!("{op}\n{{}}\n{}", Value::from(all)));
        self.errors.push(format!(
            "{op} 422\n\n{}",
            json!({"message": "Validation failed", "details": {"{{key}}": ["{{key}}"]}})
        ));
    }

    fn scenario(&mut self, scenario: &Value) {
        if scenario["client"].is_object() {
            self.settings.push(scenario["client"].to_string().replace("{{apiKey}}", "{{key}}"));
        }
        let steps = scenario["steps"].as_array().into_iter().flatten();
        for step in steps
            .flat_map(|step| step["together"].as_array().map_or(std::slice::from_ref(step), Vec::as_slice))
        {
            let opts = if step["opts"].is_null() { json!({}) } else { step["opts"].clone() };
            let args = if step["args"].is_null() { json!({}) } else { step["args"].clone() };
            self.door.push(format!("{}\n{opts}\n{args}", step["call"].as_str().unwrap()));
        }
        for entry in scenario["world"]["script"].as_array().into_iter().flatten() {
            let answer = &entry["answer"];
            let op = known()["operations"]
                .as_array()
                .unwrap()
                .iter()
                .find(|known| known["operationId"] == entry["when"]["operation"]);
            let op = op.map_or("syncs.list", |known| known["op"].as_str().unwrap());
            let body = match (&answer["text"], &answer["body"]) {
                (Value::String(text), _) => text.replace("{{key}}", "{{raw}}"),
                (_, Value::Null) => continue,
                (_, body) => body.to_string(),
            };
            let status = answer["status"].as_u64().unwrap_or(200);
            if status == 200 {
                self.answers.push(format!("{op}\n{body}"));
            }
            let headers: Vec<String> = answer["headers"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, value)| {
                    format!("{name}: {}\n", value.as_str().unwrap_or_default().replace("{{key}}", "{{raw}}"))
                })
                .collect();
            self.errors.push(format!("{op} {status}\n{}\n{body}", headers.concat()));
        }
    }

    /// Adds calls with the tokens that the SDK returns and reads again, a call with every option, and errors that
    /// contain the key.
    fn tokens(&mut self) {
        let token = |kind: &str| {
            let token = json!({"v": 1, "kind": kind, "origin": "{{origin}}", "parent": "5", "run": "77", "since": 1_700_000_000_000_u64});
            format!("b64:{token}")
        };
        for kind in ["sync", "sequence", "identity_graph"] {
            self.door.push(format!("runs.open\n\n{}", json!({"token": token(kind)})));
            let seen =
                format!("b64:{}", json!({"state": "{}", "at": 1_700_000_000_000_u64, "missing": null}));
            let args = json!({"run": token(kind), "seen": seen, "timeoutMs": 100, "expire": true, "onFailure": "return", "onWarning": "raise"});
            self.door.push(format!("run\n\n{args}"));
        }
        let cursor = json!({"offset": 100, "first": 0, "size": 100, "usual": 100, "seen": [["1", "2"]], "step": "onward", "stale": 0});
        let next = json!({"op": "syncs.list", "ids": [], "query": [["orderBy", "id"]], "cursor": cursor});
        self.door.push(format!("syncs.list\n\n{}", json!({"next": format!("b64:{next}")})));
        let options = json!({"timeoutMs": 5, "deadlineMs": 5, "maxRetries": 1, "maxWaitMs": 5, "priority": "bulk", "headers": {"X-A": "{{key}}"}, "raw": true});
        self.door.push(format!("sources.get\n{options}\n{}", json!({"sourceId": 1})));
        for html in [
            "<title>{{raw}}</title>",
            "<title>{{percent}}</title>",
            "<title>{{base64}}</title>",
            "\"{{key}}\"",
        ] {
            self.errors.push(format!(
                "syncs.get 502\nRetry-After: 5\nLocation: https://a.example/?t={{{{percent}}}}\n\n{html}"
            ));
            self.errors
                .push(format!("syncs.get 302\nLocation: https://a.example/?t={{{{percent}}}}\n\n{html}"));
        }
    }
}

/// Returns the words of libFuzzer's dictionary: names of the catalogue and pieces of inputs.
pub fn words() -> BTreeSet<String> {
    fn gather(value: &Value, words: &mut BTreeSet<String>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| gather(item, words)),
            Value::Object(members) => {
                for name in ["wire", "op"] {
                    words.extend(members.get(name).and_then(Value::as_str).map(str::to_owned));
                }
                members.values().for_each(|value| gather(value, words));
            }
            _ => {}
        }
    }
    let mut words: BTreeSet<String> = [
        "null",
        "true",
        "{}",
        "[]",
        "{{key}}",
        "{{raw}}",
        "{{percent}}",
        "{{base64}}",
        "b64:",
        "1e999",
        "-1",
        "9223372036854775808",
        "\\ud800",
        "\"kind\":\"unknown\",\"raw\":",
    ]
    .map(str::to_owned)
    .into();
    gather(known(), &mut words);
    words
}
