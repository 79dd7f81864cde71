//! Plays every scenario through the public API.

use std::path::Path;

use serde_json::Value;

use crate::support::play::play;
use crate::support::sandbox::sandbox;

/// How many scenarios play at once; each has a world of its own.
const AT_ONCE: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_scenario_meets_its_expectations() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/scenarios");
    let only = std::env::var("HIGHTOUCH_SCENARIO").ok();
    let scenarios: Vec<(String, Value)> = hightouch_sandbox::scenarios(&folder)
        .unwrap()
        .into_iter()
        .filter(|(id, _)| only.as_ref().is_none_or(|only| id.contains(only)))
        .collect();
    assert!(!scenarios.is_empty(), "there are no scenarios");
    let sandbox = sandbox();
    let count = scenarios.len();
    let failures: Vec<String> =
        futures_util::StreamExt::collect::<Vec<_>>(futures_util::StreamExt::buffer_unordered(
            futures_util::stream::iter(scenarios.into_iter().map(|(id, scenario)| async move {
                play(sandbox, &id, &scenario).await.err().map(|why| format!("{id}: {why}"))
            })),
            AT_ONCE,
        ))
        .await
        .into_iter()
        .flatten()
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {count} scenarios failed:\n{}",
        failures.len(),
        failures.join("\n\n")
    );
    eprintln!("{count} scenarios played");
}
