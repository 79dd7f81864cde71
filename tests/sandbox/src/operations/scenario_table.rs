//! Plays each success of the table of operations without an SDK. The sandbox must answer as the table expects and as
//! the document declares.

use std::path::Path;

use super::declared::undeclared;
use super::tests::{ask, workspace};
use super::*;
use crate::document::DOCUMENT;
use crate::log::Body;
use crate::scenarios::{Entry, table_entries};

fn entries() -> Vec<Entry> {
    table_entries(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")).unwrap()
}

/// Sends a call as an SDK does: the document says where each argument goes.
fn call(workspace: &mut Workspace, operation: &Operation, args: &Value) -> Reply {
    let mut args = args.as_object().cloned().unwrap_or_default();
    if let Some(sync) = args.remove("sync") {
        let name = if operation.id == "TriggerRunCustom" { "syncSlug" } else { "syncId" };
        args.insert(name.to_owned(), sync);
    }
    if operation.id == "QueueForReprocessing" {
        args.insert("block".to_owned(), json!(false));
    }
    let (target, body) = operation.request_with(args);
    let body = if body.is_empty() { Body::None } else { Body::Json(untagged(Value::Object(body))) };
    ask(workspace, operation.verb(), &target, body)
}

/// Removes the tag `kind` from the rule of a schedule, because the SDK adds the tag to answers and never sends it.
fn untagged(mut value: Value) -> Value {
    if let Some(rule) = value.pointer_mut("/schedule/schedule").and_then(Value::as_object_mut) {
        rule.remove("kind");
    }
    value
}

/// Whether a value matches an `expect` of the table.
fn holds(wanted: &Value, seen: &Value) -> bool {
    match (wanted, seen) {
        (Value::Object(wanted), Value::Object(seen)) => {
            wanted.iter().all(|(name, wanted)| holds(wanted, seen.get(name).unwrap_or(&Value::Null)))
        }
        (Value::Array(wanted), Value::Array(seen)) => {
            let open = wanted.last() == Some(&json!("..."));
            let count = wanted.len() - usize::from(open);
            (open || seen.len() == count)
                && wanted.iter().take(count).zip(seen).all(|(one, other)| holds(one, other))
        }
        (Value::Number(wanted), Value::Number(seen)) => wanted.as_f64() == seen.as_f64(),
        _ => wanted == seen,
    }
}

/// Returns the expected value without the members that the SDK adds to an answer.
fn as_sent(entry: &Entry) -> Value {
    let mut wanted = untagged(entry.expect["value"].clone());
    if let Some(members) = wanted.as_object_mut() {
        if members.contains_key("adopted") {
            members.retain(|name, _| name == "id");
        }
        if entry.operation == "UpdateContract" {
            members.remove("id");
        }
    }
    wanted
}

#[test]
fn the_sandbox_answers_as_the_table_expects() {
    let entries = entries();
    let operation = |call: &Value| {
        let found = entries.iter().find(|entry| call["call"] == json!(entry.call)).unwrap();
        DOCUMENT.operation(&found.operation).unwrap()
    };
    for entry in &entries {
        let mut workspace = workspace(Value::Object(entry.world.clone()));
        for step in &entry.before {
            assert_eq!(
                call(&mut workspace, operation(step), &step["args"]).status,
                200,
                "{}",
                entry.operation
            );
        }
        let reply = call(&mut workspace, DOCUMENT.operation(&entry.operation).unwrap(), &entry.args);
        assert!([200, 204].contains(&reply.status), "{}: {}", entry.operation, reply.body);
        if reply.status == 200 {
            let operation = DOCUMENT.operation(&entry.operation).unwrap();
            assert_eq!(undeclared(operation, &reply), vec![], "{}: {}", entry.operation, reply.body);
        }
        let wanted = as_sent(entry);
        let seen = if wanted.is_array() { &reply.body["data"] } else { &reply.body };
        assert!(holds(&wanted, seen), "{}: expected {wanted}, and got {seen}", entry.operation);
    }
}
