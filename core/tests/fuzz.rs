//! Runs the fuzz targets on stable Rust: with their seeds, past findings, and randomly changed seeds.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected shall fail loudly"
)]

#[path = "../fuzz/targets/mod.rs"]
mod targets;

use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value;
use targets::{ALL, Samples, Target};

fn folder(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn seeds(target: Target) -> Vec<String> {
    let samples = Samples::from(&folder("../tests/scenarios"));
    let seeds = match target.0 {
        "answers" => samples.answers,
        "errors" => samples.errors,
        "door" => samples.door,
        "settings" => samples.settings,
        "limits" => targets::limits(),
        other => panic!("{other} has no seeds"),
    };
    assert!(seeds.len() > 10, "{} has {} seeds", target.0, seeds.len());
    seeds
}

#[test]
fn every_seed_passes_the_checks() {
    for target in ALL {
        for seed in seeds(target) {
            (target.1)(seed.as_bytes());
        }
    }
}

/// Each file in `core/fuzz/findings` is an input that once failed.
#[test]
fn inputs_that_once_failed_pass_the_checks() {
    let mut replayed = 0;
    for (name, play) in ALL {
        for entry in std::fs::read_dir(folder("fuzz/findings").join(name)).into_iter().flatten() {
            play(&std::fs::read(entry.unwrap().path()).unwrap());
            replayed += 1;
        }
    }
    assert!(replayed > 0, "there are no findings to replay");
}

/// Writes the seeds and the dictionary for `make fuzz`, which names the folder in `HIGHTOUCH_FUZZ_SEEDS`.
#[test]
#[ignore = "not a test: `make fuzz` runs it to write the seeds to a folder"]
fn seeds_and_words_are_written() {
    let to = std::env::var_os("HIGHTOUCH_FUZZ_SEEDS").expect("HIGHTOUCH_FUZZ_SEEDS names a folder");
    for target in ALL {
        let to = Path::new(&to).join(target.0);
        std::fs::create_dir_all(&to).unwrap();
        for (index, seed) in seeds(target).iter().enumerate() {
            std::fs::write(to.join(format!("seed-{index:03}")), seed).unwrap();
        }
    }
    let words: Vec<String> = targets::words()
        .iter()
        .map(|word| format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\"")))
        .collect();
    std::fs::write(Path::new(&to).join("words"), words.join("\n")).unwrap();
}

/// A change in one place of an input.
#[derive(Clone, Debug)]
enum Change {
    /// Replaces a value of the JSON in the input.
    Value(Index, Value),
    /// Replaces bytes of the input.
    Bytes(Index, usize, Vec<u8>),
}

fn odd() -> impl Strategy<Value = Value> {
    let nested = |depth: usize| serde_json::from_str(&("[".repeat(depth) + &"]".repeat(depth))).unwrap();
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        select(vec!["{{key}}", "{{raw}}", "\u{2028}\n\r\0", "9007199254740993", "1e999", "", "b64:{}"])
            .prop_map(Value::from),
        (1_usize..2000).prop_map(|length| "x\n".repeat(length).into()),
        (1_usize..120).prop_map(nested),
        Just(serde_json::json!({"kind": "unknown", "raw": {"expression": "* * * * *"}})),
        Just(serde_json::json!({"{{key}}": {"\n": []}})),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => (any::<Index>(), odd()).prop_map(|(at, value)| Change::Value(at, value)),
        1 => (any::<Index>(), 0_usize..8, vec(any::<u8>(), 0..8))
            .prop_map(|(at, cut, put)| Change::Bytes(at, cut, put)),
    ]
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    }
}

/// Replaces the value at position `left` with `new`. The root has position 0, and each value comes before the values in
/// it.
fn replace(value: &mut Value, left: &mut usize, new: &Value) {
    if *left == 0 {
        *value = new.clone();
    }
    *left = left.wrapping_sub(1);
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, left, new)),
        Value::Object(members) => members.values_mut().for_each(|value| replace(value, left, new)),
        _ => {}
    }
}

fn changed(seed: &str, changes: &[Change]) -> Vec<u8> {
    let mut input = seed.to_owned();
    for change in changes {
        match change {
            Change::Value(at, new) => {
                let (before, json) = input.rsplit_once('\n').unwrap_or(("", &input));
                if let Ok(mut value) = serde_json::from_str::<Value>(json) {
                    let mut left = at.index(count(&value));
                    replace(&mut value, &mut left, new);
                    input = if before.is_empty() { value.to_string() } else { format!("{before}\n{value}") };
                }
            }
            Change::Bytes(at, cut, put) => {
                let mut bytes = input.into_bytes();
                let at = at.index(bytes.len() + 1);
                let end = (at + cut).min(bytes.len());
                bytes.splice(at..end, put.iter().copied());
                input = String::from_utf8_lossy(&bytes).into_owned();
            }
        }
    }
    input.into_bytes()
}

fn hold_under_change(name: &str) {
    let target = *ALL.iter().find(|(known, _)| *known == name).unwrap();
    let seeds = seeds(target);
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1024) };
    if let Some(cases) = std::env::var("HIGHTOUCH_FUZZ_CASES").ok().and_then(|cases| cases.parse().ok()) {
        config.cases = cases;
    }
    proptest!(config, |(seed in select(seeds), changes in vec(change(), 1..4))| {
        (target.1)(&changed(&seed, &changes));
    });
}

#[test]
fn changed_answers_pass_the_checks() {
    hold_under_change("answers");
}

#[test]
fn changed_errors_pass_the_checks() {
    hold_under_change("errors");
}

#[test]
fn changed_calls_pass_the_checks() {
    hold_under_change("door");
}

#[test]
fn changed_settings_pass_the_checks() {
    hold_under_change("settings");
}

#[test]
fn changed_limits_pass_the_checks() {
    hold_under_change("limits");
}
