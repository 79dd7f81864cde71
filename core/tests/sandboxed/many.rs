//! Runs two hundred syncs at once: how many requests the batch sends, and how soon it sees the end of each run.

use hightouch_sdk::{RunMany, Timestamp, WaitMany};
use serde_json::{Value, json};

use crate::support::sandbox::sandbox;

const SYNCS: i64 = 200;
/// How many times faster than real time the time of the world passes.
const SCALE: f64 = 10.0;
/// The batch must see the end of each run within this time, in seconds of world time. On a machine that is not busy,
/// the batch sees each end within 20 s.
const SOON: f64 = 120.0;
/// The most requests that the batch may send, as a multiple of the fewest that are possible. The fewest are two for
/// each run: one that triggers it, and one that reads its end.
const MOST: f64 = 3.0;

#[expect(clippy::cast_precision_loss, reason = "far below 2^52 ms")]
fn seconds(at: Timestamp) -> f64 {
    at.as_millis() as f64 / 1000.0
}

/// The test takes the number and the times of requests from the server's log, so a slow machine does not distort the
/// figures. `cargo test -p hightouch-sdk --test sandboxed -- --nocapture two_hundred` prints the figures.
#[expect(clippy::cast_precision_loss, reason = "requests are few")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_syncs_at_once_take_few_requests_and_each_end_is_seen_soon() {
    let slugs: Vec<String> = (1..=SYNCS).map(|id| format!("sync-{id}")).collect();
    // Runs take from half a minute to almost four minutes.
    let plans: serde_json::Map<String, Value> =
        (1..=SYNCS).map(|id| (format!("sync-{id}"), json!({"seconds": 30 + id * 37 % SYNCS}))).collect();
    let world = sandbox().world(&json!({"syncs": SYNCS, "pastRuns": 0, "slugs": slugs, "timeScale": SCALE,
        "runs": {"queuedSeconds": 0, "bySlug": plans}}));
    let client = world.client();
    let how = RunMany::new().at_once(200);
    let least = client.syncs().estimate_many(1..=SYNCS, &how, std::time::Duration::ZERO).unwrap().requests;
    let batch = client.syncs().run_many(1..=SYNCS, &how).await.unwrap();
    let items = batch.wait(&WaitMany::new()).await.unwrap();
    let log = world.log();
    let requests = log["requests"].as_array().unwrap();
    let seen = |id: &str| {
        let mut looks = requests.iter().filter(|request| {
            request["operation"] == "ListSyncRuns"
                && request["path"].as_str().unwrap().contains(&format!("/syncs/{id}/runs"))
        });
        seconds(looks.next_back().unwrap()["at"].as_str().unwrap().parse().unwrap())
    };
    let mut delays: Vec<f64> = items
        .iter()
        .map(|item| {
            let finished = item.state.as_ref().unwrap().finished_at.unwrap();
            seen(item.sync_id.as_ref().unwrap()) - seconds(finished)
        })
        .collect();
    delays.sort_by(f64::total_cmp);
    let (median, latest) = (delays[delays.len() / 2], delays[delays.len() - 1]);
    let part = requests.len() as f64 / least as f64;
    eprintln!(
        "{} requests, {part:.2} times the least ({least}); ends seen after {median:.1} s (median), {latest:.1} s (latest)",
        requests.len()
    );
    assert!(part <= MOST, "{} requests are {part} times the least", requests.len());
    assert!(latest <= SOON, "the end of a run was seen after {latest} s");
    world.delete();
}
