//! Every scenario is one that the sandbox and the players understand: a misspelt member would silently expect nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod common;

use std::path::Path;

use serde_json::{Value, json};

const MEMBERS: [&str; 7] = ["name", "guards", "world", "client", "construct", "steps", "wire"];
const STEP: [&str; 9] = ["call", "args", "opts", "on", "take", "atOnce", "cancelAfterMs", "save", "expect"];
const CALLS: [&str; 10] = [
    "syncs.list",
    "syncs.trigger",
    "client.run",
    "run.wait",
    "run.states",
    "request",
    "client.stats",
    "client.diagnose",
    "client.setKey",
    "client.close",
];
const OPTIONS: [&str; 6] = ["timeoutMs", "deadlineMs", "maxRetries", "maxWaitMs", "priority", "headers"];
const EXPECT: [&str; 3] = ["value", "count", "error"];
const ERROR: [&str; 10] = [
    "kind",
    "status",
    "operation",
    "resource",
    "retryAfterMs",
    "details",
    "hint",
    "run",
    "contains",
    "notContaining",
];
const KINDS: [&str; 20] = [
    "config",
    "invalid_request",
    "authentication",
    "permission",
    "not_found",
    "conflict",
    "validation",
    "rate_limited",
    "server",
    "connect",
    "tls",
    "proxy",
    "timeout",
    "cancelled",
    "protocol",
    "outcome_unknown",
    "run_failed",
    "wait_timeout",
    "closed",
    "internal",
];

fn scenarios() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let text = std::fs::read_to_string(&path).unwrap();
            let id = path.file_stem().unwrap().to_string_lossy().into_owned();
            found.push((id, serde_json::from_str(&text).unwrap()));
        }
    }
    assert!(found.len() > 100, "only {} scenarios", found.len());
    found
}

fn known(id: &str, value: &Value, names: &[&str]) {
    for name in value.as_object().into_iter().flat_map(|members| members.keys()) {
        assert!(names.contains(&name.as_str()), "{id}: {name} is no member here");
    }
}

fn check_error(id: &str, error: &Value) {
    known(id, error, &ERROR);
    let kind = error["kind"].as_str().unwrap_or_default();
    assert!(KINDS.contains(&kind), "{id}: {kind:?} is no kind");
}

#[test]
fn every_member_of_every_scenario_is_known() {
    for (id, scenario) in scenarios() {
        known(&id, &scenario, &MEMBERS);
        known(&id, &scenario["construct"], &["error"]);
        match (scenario.get("construct"), scenario["steps"].as_array()) {
            (Some(construct), None) => check_error(&id, &construct["error"]),
            (None, Some(steps)) => assert!(!steps.is_empty(), "{id}: nothing is played"),
            _ => panic!("{id}: a scenario has either construct or steps"),
        }
        for step in scenario["steps"].as_array().into_iter().flatten() {
            known(&id, step, &STEP);
            known(&id, &step["opts"], &OPTIONS);
            known(&id, &step["expect"], &EXPECT);
            let call = step["call"].as_str().unwrap_or_default();
            assert!(CALLS.contains(&call), "{id}: {call:?} is no call");
            assert_eq!(call.starts_with("run."), step["on"].is_string(), "{id}: {call} and on");
            if let Some(error) = step.pointer("/expect/error") {
                check_error(&id, error);
            }
        }
    }
}

#[test]
fn every_scenario_is_filed_under_its_name() {
    for (id, scenario) in scenarios() {
        let name = scenario["name"].as_str().unwrap_or_default().to_lowercase();
        let words = name.split(|char: char| !char.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        assert_eq!(id, words.collect::<Vec<_>>().join("-"));
    }
}

#[tokio::test]
async fn the_sandbox_understands_every_world_and_every_wire() {
    let sandbox = common::sandbox().await;
    for (id, scenario) in scenarios() {
        let settings = scenario.get("world").cloned().unwrap_or_else(|| json!({}));
        let world = sandbox.create_world(settings).unwrap_or_else(|error| panic!("{id}: world: {error}"));
        let case = json!({"player": "none", "scenario": id, "wire": scenario["wire"]});
        sandbox.judge(&world.id, case).await.unwrap_or_else(|error| panic!("{id}: wire: {error}"));
        sandbox.remove_world(&world.id).unwrap();
    }
}
