//! Fuzzes the door, the JSON interface that the packages of all languages use, with any operation, arguments and
//! options. Input: a line with the operation, a line with the options, and the arguments.
//!
//! `{{origin}}` is replaced with the origin of the server. If a string in the arguments begins with `b64:`, the string
//! is replaced with the base64url form of its rest. Run tokens, page tokens and the member `seen` of a run step are
//! base64url texts.

use serde_json::Value;

use super::check::{Given, base64url};
use super::engine::{call, origin};
use super::{first_line, text_of};

pub fn play(input: &[u8]) {
    let text = text_of(input).replace("{{origin}}", &origin());
    let (op, rest) = first_line(&text);
    let (opts, args) = first_line(rest);
    let args = match serde_json::from_str::<Value>(args) {
        Ok(mut value) => {
            // With a checkpoint, the call would write a file at a path that the fuzzer chose.
            if let (true, Some(members)) = (op.ends_with("_many"), value.as_object_mut()) {
                members.remove("checkpoint");
            }
            encoded(value).to_string()
        }
        Err(_) if op.ends_with("_many") => return,
        Err(_) => args.to_owned(),
    };
    let given = call(op, &args, opts);
    if given.ok {
        nothing_but_what_needs_no_server(op, &given);
    }
}

/// There is no server, so only calls that send nothing can succeed.
fn nothing_but_what_needs_no_server(op: &str, given: &Given) {
    let local = [
        "runs.open",
        "syncs.run_many",
        "syncs.estimate_many",
        "client.stats",
        "client.diagnose",
        "client.setKey",
        "client.close",
    ];
    let stepped = op == "run" && given.value()["changed"] == false;
    assert!(stepped || local.contains(&op) || op.is_empty(), "{op} went well without a server");
    if op == "client.diagnose" {
        super::check::without_the_key(&String::from_utf8_lossy(&given.body));
    }
}

fn encoded(value: Value) -> Value {
    match value {
        Value::String(text) => text.strip_prefix("b64:").map(base64url).unwrap_or(text).into(),
        Value::Array(items) => items.into_iter().map(encoded).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (name, encoded(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other,
    }
}
