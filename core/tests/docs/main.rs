//! Tests of the documentation: the README's example in Rust runs, and the tables in `docs` are complete.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test that meets the unexpected shall fail loudly"
)]

use std::path::Path;
use std::process::Command;

use hightouch_sandbox::{Options, Sandbox};
use serde_json::{Value, json};

mod first_call {
    #![allow(clippy::print_stdout, reason = "the example of the README prints what it did")]

    include!("first_call.rs");

    pub(super) fn run() {
        main().unwrap();
    }
}

/// This variable is set in the child process that runs the example. The example has a process of its own, because the
/// example reads its settings from the environment of its process.
const INSIDE: &str = "HIGHTOUCH_README_EXAMPLE";

fn text(file: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    std::fs::read_to_string(root.join(file)).unwrap()
}

#[test]
fn the_readme_shows_the_example_that_is_run() {
    let readme = text("README.md");
    let blocks: Vec<&str> =
        readme.split("```rust\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(blocks, [include_str!("first_call.rs")]);
}

#[test]
fn the_example_of_the_readme_runs_as_it_stands() {
    if std::env::var_os(INSIDE).is_some() {
        return first_call::run();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let sandbox = runtime.block_on(Sandbox::start(Options::default())).unwrap();
    let world = {
        let _inside = runtime.enter();
        let asked = json!({"slugs": ["orders-to-salesforce"], "runs": {"seconds": 1}});
        serde_json::to_value(sandbox.create_world(asked).unwrap()).unwrap()
    };
    let ran = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_example_of_the_readme_runs_as_it_stands", "--nocapture"])
        .env(INSIDE, "1")
        .env("HIGHTOUCH_API_KEY", world["apiKey"].as_str().unwrap())
        .env("HIGHTOUCH_BASE_URL", world["httpBaseUrl"].as_str().unwrap())
        .output()
        .unwrap();
    let (shown, complained) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{shown}{complained}");
    assert!(shown.contains("success"), "{shown}");
}

#[test]
fn every_operation_error_kind_and_finding_code_is_in_the_docs() {
    let catalogue: Value = serde_json::from_str(&hightouch_sdk::wire::catalogue()).unwrap();
    for (list, member, page) in [
        ("operations", "op", "docs/operations.md"),
        ("operations", "operationId", "docs/operations.md"),
        ("lookups", "op", "docs/operations.md"),
        ("kinds", "name", "docs/errors.md"),
        ("findings", "code", "docs/diagnosis.md"),
    ] {
        let text = text(page);
        for entry in catalogue[list].as_array().unwrap() {
            let name = entry[member].as_str().unwrap();
            assert!(text.contains(&format!("`{name}`")), "{name} is not in {page}");
        }
    }
}

#[test]
fn every_setting_and_option_is_documented_by_its_name_in_python_and_node() {
    let catalogue: Value = serde_json::from_str(&hightouch_sdk::wire::catalogue()).unwrap();
    let text = text("docs/settings.md");
    let shown = |entry: &&Value| entry["internal"] != true && entry["name"] != "raw";
    for list in ["settings", "options"] {
        for entry in catalogue[list].as_array().unwrap().iter().filter(shown) {
            let (name, wire) = (entry["name"].as_str().unwrap(), entry["wire"].as_str().unwrap());
            // In Python, durations are in seconds, and their names have no unit.
            let python = name.strip_suffix("_ms").unwrap_or(name);
            assert!(
                text.contains(&format!("| `{python}` | `{wire}` |")),
                "{name} is not in docs/settings.md"
            );
        }
    }
}
