//! Tests edits and diffs of JSON with the cases in `tests/json`, which the tests of all languages read.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected shall fail loudly"
)]

use hightouch_sdk::wire::local;
use hightouch_sdk::{Json, JsonChange, JsonDiff, JsonPath, JsonStep};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Cases<'a> {
    #[serde(borrow)]
    edits: Vec<EditCase<'a>>,
    diffs: Vec<DiffCase>,
}

#[derive(Deserialize)]
struct EditCase<'a> {
    name: String,
    json: String,
    #[serde(borrow)]
    edits: &'a RawValue,
    gives: Option<String>,
}

#[derive(Deserialize)]
struct DiffCase {
    name: String,
    old: String,
    new: String,
    changes: Vec<Value>,
    lines: Vec<String>,
}

fn cases() -> Cases<'static> {
    serde_json::from_str(include_str!("../../tests/json/cases.json")).unwrap()
}

fn path(of: &Value) -> JsonPath {
    let step = |step: &Value| match step {
        Value::String(name) => JsonStep::Name(name.clone()),
        place => JsonStep::Index(place.as_u64().unwrap().try_into().unwrap()),
    };
    of.as_array().unwrap().iter().map(step).collect::<Vec<_>>().into()
}

fn parsed(text: &Value) -> Json {
    text.as_str().unwrap().parse().unwrap()
}

#[test]
fn edits_at_the_door_give_what_the_cases_say() {
    let cases = cases();
    assert!(cases.edits.len() > 20);
    for EditCase { name, json, edits, gives } in cases.edits {
        let args = format!(r#"{{"json":{},"edits":{}}}"#, json!(json), edits.get());
        let made = local("json.edit", &args);
        let text = made.as_deref().map(|made| serde_json::from_str::<Value>(made).unwrap());
        assert_eq!(
            text.ok().and_then(|made| made["json"].as_str().map(str::to_owned)),
            gives,
            "{name}: {made:?}"
        );
    }
}

#[test]
fn edits_in_rust_give_what_the_cases_say() {
    for EditCase { name, json, edits, gives } in cases().edits {
        // Skips cases that name a member by half of a surrogate pair, because a `String` cannot hold it.
        let Ok(edits) = serde_json::from_str::<Vec<Value>>(edits.get()) else { continue };
        let mut edit = json.parse::<Json>().unwrap().edit();
        let all_made = edits.iter().all(|step| {
            let (path, value) = (path(&step["path"]), || parsed(&step["value"]));
            match step["do"].as_str().unwrap() {
                "set" => edit.set(path, value()).is_ok(),
                "insert" => edit.insert(path, value()).is_ok(),
                "append" => edit.append(path, value()).is_ok(),
                "remove" => edit.remove(path).is_ok(),
                "rename" => edit.rename(path, step["name"].as_str().unwrap()).is_ok(),
                other => panic!("{other}"),
            }
        });
        assert_eq!(all_made.then(|| edit.json().unwrap().get().to_owned()), gives, "{name}");
    }
}

#[test]
fn differences_are_what_the_cases_say() {
    let cases = cases();
    assert!(cases.diffs.len() > 10);
    for DiffCase { name, old, new, changes, lines } in cases.diffs {
        let diffed = local("json.diff", &json!({ "old": old, "new": new }).to_string()).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&diffed).unwrap(), json!({ "changes": changes }), "{name}");
        let described: Value = serde_json::from_str(&local("json.describe", &diffed).unwrap()).unwrap();
        assert_eq!(described, json!({ "lines": lines }), "{name}");
        let applied = local("json.apply", &json!({ "json": old, "changes": changes }).to_string()).unwrap();
        let applied: Value = serde_json::from_str(&applied).unwrap();
        let (old, new): (Json, Json) = (old.parse().unwrap(), new.parse().unwrap());
        assert!(parsed(&applied["json"]).diff(&new).is_empty(), "{name}");

        let own = old.diff(&new);
        let change = |change: &Value| JsonChange {
            path: path(&change["path"]),
            old: change.get("old").map(parsed),
            new: change.get("new").map(parsed),
        };
        assert_eq!(own, JsonDiff::from(changes.iter().map(change).collect::<Vec<_>>()), "{name}");
        assert_eq!(own.to_string(), lines.join("\n"), "{name}");
        assert_eq!(own.is_empty(), lines.is_empty(), "{name}");
        assert!(own.reversed().apply(&new).unwrap().diff(&old).is_empty(), "{name}");
    }
}

#[test]
fn a_path_is_a_name_an_index_a_tuple_or_a_list_of_steps() {
    let json: Json = r#"{"mappings":[{"to":"A"}]}"#.parse().unwrap();
    let steps = vec![JsonStep::from("mappings"), JsonStep::from(0)];
    for path in [JsonPath::from(("mappings", 0)), steps.clone().into(), JsonPath::from("mappings").join(0)] {
        assert_eq!(path.to_string(), "mappings[0]");
        assert_eq!(path.steps(), steps);
        assert_eq!(json.at(path).unwrap().get(), r#"{"to":"A"}"#);
    }
    assert!(json.at(("mappings", 0, "from")).is_none());
}

/// The packages for Python, Node.js and Swift pass the arguments of their users to the core unchecked. The core must
/// return an error that says what is wrong. It must not panic.
#[test]
fn arguments_that_do_not_fit_are_refused() {
    let change = |change: Value| json!({ "json": "{}", "changes": [change] });
    let edit = |edit: Value| json!({ "json": "[]", "edits": [edit] });
    for (op, args, expected) in [
        ("json.nothing", json!({}), "There is no function json.nothing."),
        ("json.diff", json!({ "old": "{" , "new": "1" }), "The text is not valid JSON"),
        ("json.diff", json!({ "old": "1 2" , "new": "1" }), "The text is not valid JSON"),
        ("json.diff", json!({ "old": "[".repeat(100_000), "new": "1" }), "The text is not valid JSON"),
        ("json.diff", json!({ "old": "1" }), "The arguments do not fit"),
        ("json.edit", edit(json!({ "do": "set", "path": [-1], "value": "1" })), "a step of a path must be"),
        ("json.edit", edit(json!({ "do": "set", "path": [0.5], "value": "1" })), "a step of a path must be"),
        ("json.edit", edit(json!({ "do": "set", "path": [0] })), "The value is missing."),
        (
            "json.edit",
            edit(json!({ "do": "set", "path": [0], "value": "1,2" })),
            "The text is not valid JSON",
        ),
        ("json.edit", edit(json!({ "do": "rename", "path": ["a"] })), "The name is missing."),
        ("json.edit", edit(json!({ "do": "rename", "path": ["a"], "name": 1 })), "a name must be a string"),
        (
            "json.apply",
            change(json!({ "path": [], "kind": "added" })),
            "The values of a change do not fit its kind.",
        ),
        (
            "json.apply",
            change(json!({ "path": [], "kind": "removed", "new": "1" })),
            "The values of a change do not fit its kind.",
        ),
    ] {
        let error = local(op, &args.to_string()).unwrap_err();
        assert!(error.contains(expected), "{op} {args}: {error}");
    }
}
