//! Follows many runs at once: how many requests the client sends, and how soon it sees the end of a run.

use std::time::Duration;

use futures_util::future::join_all;
use hightouch_sdk::resources::TriggerSync;
use hightouch_sdk::{OnEnd, Timestamp, WaitOptions};
use serde_json::{Value, json};

use crate::support::sandbox::sandbox;

const RUNS: i64 = 500;
/// How many times faster than real time the time of the world passes.
const SCALE: f64 = 10.0;
/// How long the run of the sync `early` takes, in seconds of world time. All other runs outlast the test.
const FIRST: f64 = 90.0;
/// How many requests the limit allows per second of world time.
const A_SECOND: f64 = 20.0;
/// The part of the limit that the client may use to follow the runs.
const SHARE: f64 = 0.15;
/// The client must see the end of the run within this time, in seconds of world time.
const SOON: f64 = 30.0;

/// When a request reached the world, in seconds by the world's clock.
fn at(request: &Value) -> f64 {
    seconds(request["at"].as_str().unwrap().parse().unwrap())
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52 ms")]
fn seconds(at: Timestamp) -> f64 {
    at.as_millis() as f64 / 1000.0
}

/// A client that looked at each run separately would send 500 requests in each round, or see the ends of runs minutes
/// late. The test counts requests in the server's log instead of measuring time, because a slow machine sends fewer
/// requests, never more.
#[expect(clippy::cast_precision_loss, reason = "requests are few")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn following_five_hundred_runs_takes_a_small_part_of_the_limit_and_an_end_is_seen_soon() {
    let plan = json!({"seconds": 100_000, "queuedSeconds": 0, "bySlug": {"early": {"seconds": FIRST}}});
    // The sync `early` is the last row of the last page.
    let slugs: Vec<String> =
        (1..=RUNS).map(|id| if id == RUNS { "early".into() } else { format!("sync-{id}") }).collect();
    // One page of the list of syncs fails, and another is not JSON. The client must go on reading the list.
    let failing = json!([
        {"when": {"operation": "ListSync", "nth": 3}, "answer": {"status": 500}},
        {"when": {"operation": "ListSync", "nth": 5}, "answer": {"text": "<html></html>"}},
    ]);
    let world = sandbox().world(&json!({"syncs": RUNS, "pastRuns": 0, "slugs": slugs, "timeScale": SCALE,
        "runs": plan, "script": failing}));
    let client = world.client();
    let how = TriggerSync::default();
    let runs = join_all((1..=RUNS).map(|id| client.syncs().trigger(id, &how).into_future())).await;
    let runs: Vec<_> = runs.into_iter().collect::<Result<_, _>>().unwrap();
    let begun = world.log()["requests"].as_array().unwrap().len();
    let mut waits: Vec<_> = runs
        .into_iter()
        .map(|run| {
            tokio::spawn(async move {
                let options = WaitOptions::new().on_failure(OnEnd::Return);
                (run.parent().to_owned(), run.wait(&options).await)
            })
        })
        .collect();
    let first = waits.pop().unwrap();
    let (parent, ended) = tokio::time::timeout(Duration::from_mins(1), first).await.unwrap().unwrap();
    let log = world.log();
    for other in &waits {
        other.abort();
    }
    let ended = ended.unwrap();
    assert_eq!((parent, ended.status.as_str()), (RUNS.to_string(), "success"));
    // Takes the end from the run itself, because a busy server may start the run long after the trigger.
    let end = seconds(ended.finished_at.unwrap());

    let requests = log["requests"].as_array().unwrap();
    let followed = &requests[begun..];
    let (from, to) = (at(&followed[0]), at(followed.last().unwrap()));
    // Adds a window of 10 s, because the client may use up a whole window's share at the very beginning.
    let allowed = (to - from + 10.0) * A_SECOND * SHARE;
    let taken = followed.len();
    let late = followed.iter().filter(|request| at(request) > end).count();
    let lists = followed.iter().filter(|request| request["operation"] == "ListSync").count();
    eprintln!(
        "{RUNS} runs: {taken} requests in {:.0} s, {lists} of them lists: {:.1} % of the limit; the end was seen {:.1} s \
         and {late} requests later",
        to - from,
        taken as f64 / ((to - from) * A_SECOND) * 100.0,
        to - end,
    );
    assert!(
        taken as f64 <= allowed,
        "{taken} requests in {:.0} s, where {allowed:.0} are allowed",
        to - from
    );
    assert!(late as f64 <= SOON * A_SECOND * SHARE, "{late} requests between the end and its report");
    assert!(lists > 0, "no list of syncs was read");
    world.delete();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_key_that_may_not_list_syncs_the_list_is_requested_only_once_and_runs_are_still_followed() {
    let refused = json!([{"when": {"operation": "ListSync"}, "answer": {"status": 403}, "times": 1000}]);
    let world = sandbox()
        .world(&json!({"syncs": 40, "pastRuns": 0, "timeScale": 50.0, "runs": {"seconds": 200},
        "script": refused}));
    let client = world.client();
    let how = TriggerSync::default();
    let waits = (1..=40).map(|id| {
        let client = client.clone();
        let started = client.syncs().trigger(id, &how);
        async move { started.await?.wait(&WaitOptions::default()).await }
    });
    let ended = tokio::time::timeout(Duration::from_mins(1), join_all(waits)).await.unwrap();
    assert!(ended.iter().all(Result::is_ok), "{ended:?}");
    let log = world.log();
    let requests = log["requests"].as_array().unwrap();
    let lists = requests.iter().filter(|request| request["operation"] == "ListSync").count();
    assert_eq!(lists, 1);
    world.delete();
}
