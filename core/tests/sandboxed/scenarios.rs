//! Every scenario, played through the public API.

use std::path::Path;

use crate::support::play::play;
use crate::support::sandbox::sandbox;

/// How many scenarios play at once; each has a world of its own.
const AT_ONCE: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_scenario_goes_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/scenarios");
    let only = std::env::var("HIGHTOUCH_SCENARIO").ok();
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .filter(|path| only.as_ref().is_none_or(|only| path.to_string_lossy().contains(only)))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "there are no scenarios");
    let sandbox = sandbox();
    let count = files.len();
    let failures: Vec<String> =
        futures_util::StreamExt::collect::<Vec<_>>(futures_util::StreamExt::buffer_unordered(
            futures_util::stream::iter(files.into_iter().map(|file| async move {
                let id = file.file_stem().unwrap().to_string_lossy().into_owned();
                let scenario = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
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
