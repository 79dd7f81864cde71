//! A batch with a checkpoint, in a process that the test kills again and again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use hightouch_sdk::wire::with_time_scale;
use hightouch_sdk::{Client, ItemOutcome, Kind, RunMany, Settings};
use serde_json::{Value, json};

use crate::checkpoint::{all, outcomes, triggered};
use crate::support::sandbox::sandbox;

/// The environment variable with the settings of the process that is killed, as JSON.
const WORKER: &str = "HIGHTOUCH_CHECKPOINT_WORKER";
const SYNCS: i64 = 150;

fn killed_batch(path: &Path) -> RunMany {
    RunMany::new().at_once(3).checkpoint(path)
}

fn lines_of(path: &Path) -> usize {
    std::fs::read(path).map_or(0, |text| text.split(|byte| *byte == b'\n').count())
}

/// Runs in the process that the next test starts and kills.
#[tokio::test]
#[ignore = "another test starts it as a process of its own"]
async fn worker() {
    let told: Value = serde_json::from_str(&std::env::var(WORKER).unwrap()).unwrap();
    let text = |name: &str| told[name].as_str().unwrap().to_owned();
    let settings = Settings::new()
        .api_key(text("apiKey"))
        .base_url(text("baseUrl"))
        .ca_bundle(text("ca"))
        .environment(BTreeMap::new());
    let client = Client::new(&with_time_scale(settings, told["timeScale"].as_f64().unwrap())).unwrap();
    let syncs: Vec<i64> = (1..=SYNCS).collect();
    all(&client, &syncs, &killed_batch(Path::new(&text("path")))).await.unwrap();
}

/// At whatever moment the process is killed, the resumed batch triggers no sync twice and forgets none. If the batch
/// cannot know whether it started a run, the outcome of the item says so.
#[tokio::test]
async fn a_batch_that_is_killed_again_and_again_triggers_each_sync_once() {
    let slow = json!({"when": {"operation": "TriggerRun"}, "answer": {"delayMs": 40}, "times": 999});
    let settings =
        json!({"syncs": SYNCS, "pastRuns": 0, "script": [slow], "runs": {"seconds": 8, "queuedSeconds": 0}});
    let (world, path) = sandbox().world(&settings).with_file("killed");
    let told = json!({
        "apiKey": world.info["apiKey"], "baseUrl": world.info["baseUrl"], "timeScale": world.info["timeScale"],
        "ca": world.info["ca"], "path": path.to_str(),
    });
    let mut random = fastrand::Rng::with_seed(33);
    let mut killed = 0;
    for _ in 0..30 {
        let mut worker = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::worker", "--ignored"])
            .env(WORKER, told.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Waits for new lines in the file and not for a fixed time, so that even a slow process makes progress before
        // the kill.
        let lines = lines_of(&path) + random.usize(0..6);
        while lines_of(&path) < lines && worker.try_wait().unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_millis(random.u64(0..45))).await;
        // On Unix, `kill` sends SIGKILL, and a killed process has no exit code.
        worker.kill().unwrap();
        killed += u32::from(worker.wait().unwrap().code().is_none());
    }
    assert!(killed >= 10, "only {killed} processes were killed before they had ended");
    let syncs: Vec<i64> = (1..=SYNCS).collect();
    let how = killed_batch(&path).at_once(20);
    let items = all(&world.client(), &syncs, &how).await.unwrap();
    let sent = triggered(&world);
    let once: BTreeSet<_> = sent.iter().collect();
    assert_eq!(once.len(), sent.len(), "a sync was triggered twice: {sent:?}");
    for item in &items {
        let id = i64::try_from(item.index).unwrap() + 1;
        match item.outcome.unwrap() {
            ItemOutcome::Success => assert!(once.contains(&id), "{item:?}"),
            ItemOutcome::Unknown => {
                assert_eq!(item.error.as_ref().unwrap().kind(), Kind::OutcomeUnknown, "{item:?}");
            }
            _ => panic!("{item:?}"),
        }
    }
    let found = items.iter().filter(|item| item.adopted || item.outcome == Some(ItemOutcome::Unknown));
    assert!(found.count() > 0, "no process was killed while it sent a trigger");
    // No two items have the same run.
    let runs: BTreeSet<_> = items.iter().filter_map(|item| item.run_id.as_ref()).collect();
    assert_eq!(runs.len(), items.iter().filter(|item| item.run_id.is_some()).count());
    let items = all(&world.client(), &syncs, &how.retry_unknown(true)).await.unwrap();
    assert_eq!(outcomes(&items), vec![ItemOutcome::Success; syncs.len()]);
    world.delete();
}
