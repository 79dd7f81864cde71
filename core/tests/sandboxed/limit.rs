//! The limit over real sockets: however the server counts requests, it must refuse no request. The tests do not measure
//! how much of the limit the client uses, because the speed of the machine would change the result. The simulation in
//! `core/limit-proofs` measures this use.

use std::time::{Duration, Instant};

use crate::support::sandbox::sandbox;
use hightouch_sdk::resources::ListSyncs;
use hightouch_sdk::{Options, Priority};
use serde_json::json;

const TASKS: usize = 64;
/// How long the load lasts, in windows of the limit.
const WINDOWS: u32 = 8;
const SCALE: f64 = 5.0;

async fn load(counter: &str, phase: f64) {
    let limit = json!({"requests": 200, "seconds": 10, "counter": counter, "phase": phase});
    let world = sandbox().world(&json!({"syncs": 1, "timeScale": SCALE, "limit": limit}));
    let client = world.client();
    let window = Duration::from_secs_f64(10.0 / SCALE);
    let end = Instant::now() + window * WINDOWS;
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                while Instant::now() < end {
                    // The test must be able to use the whole limit. Requests with the priority `bulk` would leave a
                    // tenth of it free.
                    let options = Options::new().priority(Priority::Read);
                    let mut page = client
                        .syncs()
                        .list(&ListSyncs { limit: Some(1), ..ListSyncs::default() })
                        .with(options);
                    page.next_page().await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let log = world.log();
    assert_eq!(log["refused"], 0, "{counter} at phase {phase}: the server refused");
    assert_eq!(client.stats().refused, 0);
    assert!(log["peak"].as_u64().unwrap() <= 200, "{counter}: {} in one window", log["peak"]);
    world.delete();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exact_counter_refuses_no_request_of_sixty_four_tasks() {
    load("exact", 0.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_counter_with_fixed_windows_refuses_no_request_of_sixty_four_tasks() {
    load("fixed", 0.37).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_counter_with_two_buckets_refuses_no_request_of_sixty_four_tasks() {
    load("two-bucket", 0.71).await;
}
