//! Fuzzes answers with status 200: the SDK must read the body or return an error. Input: the operation, then the body.

use serde_json::{Map, Value, json};

use super::check::known;
use super::engine::{open, parse};
use super::sample::arguments;
use super::{first_line, text_of};

/// The deepest nesting of a value: 127 levels of opaque JSON (JSON that the API leaves open), within 12 levels of the
/// answer around it.
const DEEPEST: usize = 127 + 12;

pub fn play(input: &[u8]) {
    let text = text_of(input);
    let (op, body) = first_line(&text);
    let operation = operation(op);
    let op = operation["op"].as_str().unwrap();
    let args = arguments(operation);
    let given = parse(op, &args, 200, &[], body);
    if !given.ok {
        return;
    }
    let value = given.value();
    assert!(depth(&value) <= DEEPEST, "it nests {} deep", depth(&value));
    let returns = &operation["returns"];
    if returns.get("run").is_some() {
        return a_run_is_opened_from_its_token(&value);
    }
    let of = match returns.get("page") {
        Some(row) => json!({ "list": { "ref": row } }),
        None => json!({ "ref": returns["value"] }),
    };
    let sent = at_server(&of, value);
    let again = if sent.is_array() { json!({"data": sent, "hasMore": false}) } else { sent.clone() };
    let reread = parse(op, &args, 200, &[], &again.to_string());
    // Opaque JSON, which the API leaves open, can look like an error that Hightouch sends under the status 200. Then
    // the SDK rightly returns an error.
    if !reread.ok && reread.head["status"] == 200 {
        return;
    }
    assert!(reread.ok, "what was read cannot be read again: {again}\n{}", reread.head);
    assert_eq!(at_server(&of, reread.value()), sent, "{again}");
    assert_eq!(reread.head["meta"]["mended"], json!([]), "what was mended is whole: {again}");
}

/// Returns the operation with this name. For an unknown name, its letters choose an operation.
pub fn operation(op: &str) -> &'static Value {
    let operations = known()["operations"].as_array().unwrap();
    let sum: usize = op.bytes().map(usize::from).sum();
    operations.iter().find(|known| known["op"] == op).unwrap_or(&operations[sum % operations.len()])
}

fn a_run_is_opened_from_its_token(run: &Value) {
    let opened = open(&run["token"]);
    assert!(opened.ok, "the token of a run that was started opens it: {run}\n{}", opened.head);
    assert_eq!(&opened.value(), run);
}

/// Converts a value back to the JSON that a server would send for it. The SDK adds tags to unions and moves unknown
/// members into `otherMembers`. This function removes the tags and moves the members back. Opaque JSON stays unchanged,
/// because it may have members with these names.
fn at_server(of: &Value, value: Value) -> Value {
    match (value, of) {
        (Value::Array(items), of) if of.get("list").is_some() => {
            items.into_iter().map(|item| at_server(&of["list"], item)).collect()
        }
        (Value::Object(members), of) if of.get("map").is_some() => members
            .into_iter()
            .map(|(name, value)| (name, at_server(&of["map"], value)))
            .collect::<Map<_, _>>()
            .into(),
        (Value::Object(members), of) if of.get("ref").is_some() => object_at_server(&of["ref"], members),
        (value, _) => value,
    }
}

fn object_at_server(name: &Value, mut members: Map<String, Value>) -> Value {
    let named =
        |name: &Value| known()["types"].as_array().unwrap().iter().find(|of| of["name"] == *name).unwrap();
    let of = named(name);
    if of["shape"] == "union" {
        let kind = members.remove("kind").unwrap();
        let variant =
            of["variants"].as_array().unwrap().iter().find(|variant| variant["tag"] == kind).unwrap();
        return match variant.get("type") {
            Some(name) => object_at_server(name, members),
            None => members.remove("raw").unwrap(),
        };
    }
    let others = members.remove("otherMembers");
    let fields = of["fields"].as_array().unwrap();
    let typed = members.into_iter().map(|(name, value)| {
        let field = fields.iter().find(|field| field["wire"] == name.as_str()).unwrap();
        (name, at_server(&field["type"], value))
    });
    let mut server: Map<_, _> = typed.collect();
    if let Some(Value::Object(others)) = others {
        server.extend(others);
    }
    server.into()
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
