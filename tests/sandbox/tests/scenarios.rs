//! Checks that scenarios have only members that players and the sandbox know. A player would ignore a misspelt member,
//! and the scenario would not check what its author meant.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use common::catalogue::{KINDS, LISTS, OPERATIONS, OPTIONS};

const MEMBERS: [&str; 9] =
    ["name", "guards", "world", "client", "clients", "construct", "steps", "asked", "wire"];
const STEP: [&str; 12] = [
    "call",
    "client",
    "args",
    "opts",
    "on",
    "take",
    "atOnce",
    "cancelAfterMs",
    "cancelOn",
    "blockMs",
    "save",
    "expect",
];
/// Calls that are no operations of the API, each with its arguments.
const OTHER_CALLS: [(&str, &[&str]); 11] = [
    ("client.run", &["token"]),
    (
        "syncs.run_many",
        &[
            "syncs",
            "atOnce",
            "checkpoint",
            "retryFailed",
            "retryUnknown",
            "stopAfter",
            "onFailure",
            "onWarning",
            "fullResync",
            "ifRunning",
        ],
    ),
    ("run.wait", &["timeoutMs", "onFailure", "onWarning"]),
    ("run.states", &[]),
    ("run.state", &[]),
    ("run.problem", &[]),
    ("request", &["method", "path", "query", "body"]),
    ("client.stats", &[]),
    ("client.diagnose", &[]),
    ("client.setKey", &["apiKey"]),
    ("client.close", &[]),
];
/// The members that an object in the client setting `keys` may have. This setting lists what the key function does.
const KEY: [&str; 4] = ["fails", "usesClient", "delayMs", "key"];
const EXPECT: [&str; 3] = ["value", "count", "error"];
const ERROR: [&str; 12] = [
    "kind",
    "code",
    "status",
    "operation",
    "resource",
    "retryAfterMs",
    "details",
    "hint",
    "run",
    "problem",
    "contains",
    "notContaining",
];
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

/// Returns all scenarios: the files, the expanded entries of the table, and one scenario for each recorded answer.
fn scenarios() -> BTreeMap<String, Value> {
    let found = hightouch_sandbox::scenarios(&folder()).unwrap();
    assert!(found.len() > 150, "only {} scenarios", found.len());
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
        let clients = [&scenario["client"]].into_iter().chain(members(&scenario["clients"]));
        let with_keys = clients.filter(|settings| check_keys(&id, settings)).count();
        assert!(scenario["asked"].is_null() || with_keys > 0, "{id}: no function is asked for a key");
        for step in scenario["steps"].as_array().into_iter().flatten() {
            let Some(together) = step["together"].as_array() else {
                check_step(&id, &scenario, step);
                continue;
            };
            known(&id, step, &["together"]);
            assert!(together.len() > 1, "{id}: together with nothing");
            for one in together {
                check_step(&id, &scenario, one);
            }
            let cancelled = together.iter().filter(|one| is_cancelled(one)).count();
            assert!(cancelled <= 1, "{id}: a process has one Ctrl-C");
        }
    }
}

fn members(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_object().into_iter().flat_map(|members| members.values())
}

/// Checks the `keys` in the settings of a client. Returns whether the client has a key function.
fn check_keys(id: &str, settings: &Value) -> bool {
    let Some(keys) = settings.get("keys") else { return false };
    let keys = keys.as_array().unwrap_or_else(|| panic!("{id}: keys are a list"));
    assert!(!keys.is_empty() && settings.get("apiKey").is_none(), "{id}: keys");
    for key in keys.iter().filter(|key| !key.is_string()) {
        known(id, key, &KEY);
        let ends = ["fails", "usesClient", "key"].iter().filter(|name| key.get(name).is_some()).count();
        assert_eq!(ends, 1, "{id}: {key} is no key");
    }
    true
}

fn is_cancelled(step: &Value) -> bool {
    step.get("cancelAfterMs").or(step.get("cancelOn")).is_some()
}

fn check_step(id: &str, scenario: &Value, step: &Value) {
    known(id, step, &STEP);
    known(id, &step["opts"], OPTIONS);
    known(id, &step["expect"], &EXPECT);
    let call = step["call"].as_str().unwrap_or_default();
    let known_call = OPERATIONS.iter().chain(&OTHER_CALLS).find(|(name, _)| *name == call);
    let (_, args) = known_call.unwrap_or_else(|| panic!("{id}: {call:?} is no call"));
    known(id, &step["args"], args);
    let list = LISTS.contains(&call);
    assert!(step["take"].is_null() || (list && step["take"] == "firstPage"), "{id}: take");
    assert_eq!(call.starts_with("run."), step["on"].is_string(), "{id}: {call} and on");
    let client = step["client"].as_str();
    assert!(client.is_none_or(|name| scenario["clients"].get(name).is_some()), "{id}: {client:?}");
    assert!(step["atOnce"].is_null() || !is_cancelled(step), "{id}: cancel one call");
    assert!(step["cancelAfterMs"].is_null() || step["cancelOn"].is_null(), "{id}: cancel once");
    if let Some(error) = step.pointer("/expect/error") {
        check_error(id, error);
    }
}

#[test]
fn every_scenario_is_filed_under_its_name() {
    for (id, scenario) in scenarios() {
        if !folder().join(format!("{id}.json")).exists() {
            continue;
        }
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
