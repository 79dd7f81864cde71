//! Answers: the SDK reads every body under status 200, or returns an error. Input: the operation, then the body.

use serde_json::{Value, json};

use super::check::known;
use super::engine::{open, parse};
use super::sample::arguments;
use super::{first_line, text_of};

/// The deepest nesting of opaque JSON, and of what surrounds it.
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
    // The JSON that a server would send: without the tags, which the SDK adds.
    let sent = untagged(value.clone());
    let again = match returns.get("page") {
        Some(_) => json!({"data": sent, "hasMore": false}),
        None => sent.clone(),
    };
    let reread = parse(op, &args, 200, &[], &again.to_string());
    // An object of the user can look like an error that the vendor sends under 200.
    if !reread.ok && reread.head["status"] == 200 {
        return;
    }
    assert!(reread.ok, "what was read cannot be read again: {again}\n{}", reread.head);
    assert_eq!(without_kinds(untagged(reread.value())), without_kinds(sent), "{again}");
    assert_eq!(reread.head["meta"]["mended"], json!([]), "what was mended is whole: {again}");
}

/// Returns the operation with this name, or one that depends on the letters of the name.
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

/// Restores variants that this version does not know to the JSON of the server.
fn untagged(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(untagged).collect(),
        Value::Object(mut members) => {
            if members.len() == 2
                && members.get("kind").is_some_and(|kind| kind == "unknown")
                && let Some(raw) = members.remove("raw")
            {
                return raw;
            }
            if let Some(Value::Object(others)) = members.remove("otherMembers") {
                members.extend(others);
            }
            members
                .into_iter()
                .map(|(name, value)| (name, untagged(value)))
                .collect::<serde_json::Map<_, _>>()
                .into()
        }
        other => other,
    }
}

fn without_kinds(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(without_kinds).collect(),
        Value::Object(members) => members
            .into_iter()
            .filter(|(name, _)| name != "kind")
            .map(|(name, value)| (name, without_kinds(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other,
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
