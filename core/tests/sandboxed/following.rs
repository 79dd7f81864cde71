//! Following many runs at once: its cost, and how soon an end is seen.

use std::time::Duration;

use futures_util::future::join_all;
use hightouch_sdk::resources::TriggerSync;
use hightouch_sdk::{OnEnd, Timestamp, WaitOptions};
use serde_json::{Value, json};

use crate::support::sandbox::sandbox;

const RUNS: i64 = 500;
/// How much faster world time passes.
const SCALE: f64 = 10.0;
/// The length of the first run in seconds of world time. All others outlast the test.
const FIRST: f64 = 90.0;
/// Requests that the limit allows per second of world time.
const A_SECOND: f64 = 20.0;
/// The part of the limit that following may use.
const SHARE: f64 = 0.15;
/// Within how many seconds of world time an end must be seen.
const SOON: f64 = 30.0;

/// When a request reached the world, in seconds by the world's clock.
fn at(request: &Value) -> f64 {
    seconds(request["at"].as_str().unwrap().parse().unwrap())
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52 ms")]
fn seconds(at: Timestamp) -> f64 {
    at.as_millis() as f64 / 1000.0
}

/// A client that looked at each run separately would need 500 requests for each round, or see an end minutes late. The
/// server's log is judged, because a slow machine sends fewer requests and never more.
#[expect(clippy::cast_precision_loss, reason = "requests are few")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_runs_take_a_small_part_of_the_limit_and_an_end_among_them_is_seen_soon() {
    let plan = json!({"seconds": 100_000, "queuedSeconds": 0, "bySlug": {"early": {"seconds": FIRST}}});
    // The sync `early` is the last row of the last page.
    let slugs: Vec<String> =
        (1..=RUNS).map(|id| if id == RUNS { "early".into() } else { format!("sync-{id}") }).collect();
    // One page fails and one is not JSON. Reading the list continues.
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
    // The end comes from the server, because a busy server may start the run long after the trigger arrives.
    let end = seconds(ended.finished_at.unwrap());

    let requests = log["requests"].as_array().unwrap();
    let followed = &requests[begun..];
    let (from, to) = (at(&followed[0]), at(followed.last().unwrap()));
    // One more window, since the first one may be full.
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

/// A key that may start runs but not list syncs: the refused list is not requested again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_may_not_list_syncs_is_not_tried_again_and_its_runs_are_followed_all_the_same() {
    let refused = json!([{"when": {"operation": "ListSync"}, "answer": {"status": 403}, "times": 1000}]);
    let world = sandbox()
        .world(&json!({"syncs": 40, "pastRuns": 0, "timeScale": 50.0, "runs": {"seconds": 60},
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
