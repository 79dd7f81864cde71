//! The limit over real sockets: no counter of the server refuses a request, and most of the quota is used.

use std::time::{Duration, Instant};

use crate::support::sandbox::sandbox;
use hightouch_sdk::resources::ListSyncs;
use hightouch_sdk::{Options, Priority};
use serde_json::json;

const TASKS: usize = 64;
/// The length of the load in windows of world time.
const WINDOWS: u32 = 8;
const SCALE: f64 = 5.0;

async fn load(counter: &str, phase: f64) {
    let limit = json!({"requests": 200, "seconds": 10, "counter": counter, "phase": phase});
    let world = sandbox().world(&json!({"syncs": 1, "timeScale": SCALE, "limit": limit}));
    let client = world.client();
    let window = Duration::from_secs_f64(10.0 / SCALE);
    let end = Instant::now() + window * WINDOWS;
    let started = Instant::now();
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                let mut done = 0_u32;
                while Instant::now() < end {
                    // Requests of the class `read`: `bulk` would leave a tenth free, which is not measured here.
                    let options = Options::new().priority(Priority::Read);
                    let mut page = client
                        .syncs()
                        .list(&ListSyncs { limit: Some(1), ..ListSyncs::default() })
                        .with(options);
                    page.next_page().await.unwrap();
                    done += 1;
                }
                done
            })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        done += task.await.unwrap();
    }
    let windows = started.elapsed().as_secs_f64() / window.as_secs_f64();
    let log = world.log();
    assert_eq!(log["refused"], 0, "{counter} at phase {phase}: the server refused");
    assert_eq!(client.stats().refused, 0);
    assert!(log["peak"].as_u64().unwrap() <= 200, "{counter}: {} in one window", log["peak"]);
    let used = f64::from(done) / (200.0 * windows);
    assert!(used >= 0.8, "{counter} at phase {phase}: only {:.0} % of the quota was used", used * 100.0);
    world.delete();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_tasks_meet_no_refusal_by_an_exact_counter() {
    load("exact", 0.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_tasks_meet_no_refusal_by_fixed_windows() {
    load("fixed", 0.37).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_tasks_meet_no_refusal_by_a_two_bucket_estimate() {
    load("two-bucket", 0.71).await;
}
