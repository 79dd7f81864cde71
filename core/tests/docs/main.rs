//! Tests of the documentation: the examples in Rust of two READMEs and of `docs/testing.md` run, a line of a manifest
//! names features that exist, and the tables in `docs` are complete.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "a test that meets the unexpected shall fail loudly"
)]

use std::path::Path;
use std::process::Command;

use hightouch_sandbox::{Options, Sandbox};
use serde_json::{Value, json};

use crate::temporary::Folder;

#[path = "../temporary/mod.rs"]
mod temporary;

mod first_call {
    #![allow(clippy::print_stdout, reason = "the example of the README prints what it did")]

    include!("first_call.rs");

    pub(super) fn run() {
        main().unwrap();
    }
}

mod crate_call {
    #![allow(clippy::print_stdout, reason = "the example of the crate's README prints what it did")]

    include!("crate_call.rs");

    pub(super) fn run() {
        main().unwrap();
    }
}

// The crate of a user, whose tests are below. They import the function `nightly` from the crate `job`.
extern crate self as job;
pub use user::nightly;
#[path = "user/src/lib.rs"]
mod user;
#[path = "user/tests/nightly.rs"]
mod user_tests;

/// This variable is set in the child process that runs an example. Each example has a process of its own, because the
/// example reads its settings from the environment of its process.
const INSIDE: &str = "HIGHTOUCH_README_EXAMPLE";

fn text(file: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    std::fs::read_to_string(root.join(file)).unwrap()
}

/// Returns the blocks of a page that have this tag.
fn blocks(page: &str, tag: &str) -> Vec<String> {
    let opening = format!("\n```{tag}\n");
    text(page).split(&opening).skip(1).map(|rest| rest.split_once("```").unwrap().0.to_owned()).collect()
}

#[test]
fn the_readmes_show_the_examples_that_are_run() {
    assert_eq!(blocks("README.md", "rust"), [include_str!("first_call.rs")]);
    assert_eq!(blocks("core/README.md", "rust,no_run"), [include_str!("crate_call.rs")]);
}

#[test]
fn the_page_about_testing_shows_the_files_that_are_run() {
    let run = [
        include_str!("user/src/lib.rs"),
        include_str!("user/tests/world/mod.rs"),
        include_str!("user/tests/nightly.rs"),
    ];
    assert_eq!(blocks("docs/testing.md", "rust"), run);
}

#[test]
fn the_example_of_the_readme_runs_as_it_stands() {
    if std::env::var_os(INSIDE).is_some() {
        return first_call::run();
    }
    assert!(runs("the_example_of_the_readme_runs_as_it_stands").contains("success"));
}

#[test]
fn the_example_of_the_readme_of_the_crate_runs_as_it_stands() {
    if std::env::var_os(INSIDE).is_some() {
        return crate_call::run();
    }
    let shown = runs("the_example_of_the_readme_of_the_crate_runs_as_it_stands");
    assert!(shown.contains("success: "), "{shown}");
}

/// Runs a test of this file in a process of its own, with a world of three syncs, and returns what the test printed.
fn runs(test: &str) -> String {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let sandbox = runtime.block_on(Sandbox::start(Options::default())).unwrap();
    let world = {
        let _inside = runtime.enter();
        let asked = json!({"slugs": ["orders-to-salesforce"], "runs": {"seconds": 1}});
        serde_json::to_value(sandbox.create_world(asked).unwrap()).unwrap()
    };
    let ran = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .env("HIGHTOUCH_API_KEY", world["apiKey"].as_str().unwrap())
        .env("HIGHTOUCH_BASE_URL", world["httpBaseUrl"].as_str().unwrap())
        .output()
        .unwrap();
    let (shown, complained) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{shown}{complained}");
    shown.into_owned()
}

/// Lets Cargo resolve a package that depends on the crate as the page says. Cargo refuses a feature that does not exist
/// and a version that this repository does not have.
#[test]
fn the_dependency_that_the_page_on_hooks_shows_can_be_resolved() {
    let folder = Folder::new("docs");
    let core = Path::new(env!("CARGO_MANIFEST_DIR"));
    let [dependency]: [String; 1] = blocks("docs/hooks.md", "toml").try_into().unwrap();
    let package = "[package]\nname = \"outside\"\nedition = \"2024\"\n\n[dependencies]\n";
    let patch = format!("[patch.crates-io]\nhightouch-sdk = {{ path = {core:?} }}\n");
    std::fs::write(folder.0.join("Cargo.toml"), format!("{package}{dependency}\n{patch}")).unwrap();
    std::fs::create_dir(folder.0.join("src")).unwrap();
    std::fs::write(folder.0.join("src/lib.rs"), "").unwrap();
    // With the versions of this repository, Cargo needs no network.
    std::fs::copy(core.parent().unwrap().join("Cargo.lock"), folder.0.join("Cargo.lock")).unwrap();
    let ran = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "-q", "-e", "features", "--depth", "1"])
        .current_dir(&folder.0)
        .output()
        .unwrap();
    let (shown, complained) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{complained}");
    assert!(shown.contains("hightouch-sdk feature \"tracing\""), "{shown}");
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
