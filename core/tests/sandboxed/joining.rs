//! Joining: a trigger returns a run that is already in progress, and starts no other run.

use std::time::Duration;

use hightouch_sdk::resources::{IfRunning, TriggerSync};
use hightouch_sdk::{Kind, WaitOptions};
use serde_json::json;

use crate::support::sandbox::sandbox;

fn join() -> TriggerSync {
    TriggerSync { if_running: Some(IfRunning::Join), ..TriggerSync::default() }
}

/// Incident: the trigger read an eleventh page of runs and did not use it.
#[tokio::test]
async fn a_trigger_that_joins_reads_at_most_ten_pages_of_runs() {
    let world = sandbox().world(&json!({"runs": {"seconds": 600}, "newestFirst": true, "pageCap": 2}));
    let client = world.client();
    for _ in 0..22 {
        client.syncs().trigger(1, &TriggerSync::default()).await.unwrap();
    }
    let run = client.syncs().trigger(1, &join()).await.unwrap();
    assert_eq!((run.id(), run.joined()), ("9022", true));
    let log = world.log();
    let lists =
        log["requests"].as_array().unwrap().iter().filter(|request| request["operation"] == "ListSyncRuns");
    assert_eq!(lists.count(), 10);
    world.delete();
}

/// Incident: the timeout error of a wait said how long ago the run was started, although another trigger had started
/// it. For such a run, the error must say how long ago the client found it.
#[tokio::test]
async fn a_wait_for_a_run_that_was_joined_does_not_say_when_the_run_was_started() {
    let world = sandbox().world(&json!({"runs": {"seconds": 600}}));
    let client = world.client();
    let soon = WaitOptions::new().timeout(Duration::from_millis(10));
    let started = client.syncs().trigger(1, &TriggerSync::default()).await.unwrap();
    let joined = client.syncs().trigger(1, &join()).await.unwrap();
    let resumed = client.run(&joined.token()).unwrap().into_sync().unwrap();
    for (run, origin) in [(started, "started"), (joined, "found"), (resumed, "found")] {
        let error = run.wait(&soon).await.unwrap_err();
        assert_eq!(error.kind(), Kind::WaitTimeout);
        let message = error.to_string();
        assert!(message.ends_with(&format!(" after it was {origin}.")), "{message}");
    }
    world.delete();
}
