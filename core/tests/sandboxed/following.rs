//! Many runs at once: what following them costs, and how soon an end is seen.

use std::time::Duration;

use futures_util::future::join_all;
use hightouch_sdk::resources::TriggerSync;
use hightouch_sdk::{OnEnd, WaitOptions};
use serde_json::{Value, json};

use crate::support::sandbox::sandbox;

const RUNS: i64 = 500;
/// How much faster the world's time passes.
const SCALE: f64 = 10.0;
/// The world's seconds that the first run takes; all others outlast the test.
const FIRST: f64 = 90.0;
/// Requests that the limit allows in one of the world's seconds.
const A_SECOND: f64 = 20.0;
/// What following may take of them.
const SHARE: f64 = 0.15;
/// Within how many of the world's seconds an end is to be seen.
const SOON: f64 = 30.0;

fn at(request: &Value) -> f64 {
    request["at_ms"].as_f64().unwrap() / 1000.0 * SCALE
}

/// A client that asked for each run by itself would need 500 requests for every look, or see an end minutes late.
/// Judged by what the server saw: a machine that is slow sends less, and never more.
#[expect(clippy::cast_precision_loss, reason = "requests are few")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_runs_take_a_small_part_of_the_limit_and_an_end_among_them_is_seen_soon() {
    let plan = json!({"seconds": 100_000, "queuedSeconds": 0, "bySlug": {"early": {"seconds": FIRST}}});
    // The last one, so that it stands on the last page and in the last place.
    let slugs: Vec<String> =
        (1..=RUNS).map(|id| if id == RUNS { "early".into() } else { format!("sync-{id}") }).collect();
    // One page fails and one is no JSON: the list is read on all the same.
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
    assert_eq!((parent, ended.unwrap().status.as_str()), (RUNS.to_string(), "success"));
    for other in &waits {
        other.abort();
    }

    let log = world.log();
    let requests = log["requests"].as_array().unwrap();
    let started =
        requests.iter().find(|request| request["path"] == format!("/syncs/{RUNS}/trigger")).unwrap();
    let end = at(started) + FIRST;
    let followed = &requests[begun..];
    let (from, to) = (at(&followed[0]), at(followed.last().unwrap()));
    // A window more: it may begin with a full one.
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

/// A key that may start runs and not list syncs: what it was refused is not asked for over and over.
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
