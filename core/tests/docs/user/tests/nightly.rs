// tests/nightly.rs
mod world;

use std::time::Duration;

use hightouch_sdk::{Client, Kind};
use job::nightly;
use serde_json::json;
use world::World;

#[tokio::test]
async fn a_run_fails() {
    let world = World::new().await;
    world.plan_run(json!({"status": "failed", "error": "relation orders does not exist"})).await;
    let line = nightly(&world.client()).await.unwrap();
    assert!(line.starts_with("failed: "), "{line}");
    assert_eq!(nightly(&world.client()).await.unwrap(), "success: 0 rows rejected"); // only the next run failed
}

#[tokio::test]
async fn the_workspace_stays_busy() {
    let world = World::new().await;
    world.arm("TriggerRunCustom", json!({"status": 429, "headers": {"retry-after": "3600"}})).await;
    let client = Client::new(&world.settings().max_wait(Duration::from_mins(1))).unwrap();
    let error = nightly(&client).await.unwrap_err();
    assert_eq!(error.kind(), Kind::RateLimited);
}

#[tokio::test]
async fn the_answer_is_lost_and_the_run_is_found() {
    let world = World::new().await;
    world.arm("TriggerRunCustom", json!({"reset": "before-headers", "apply": true})).await;
    assert_eq!(nightly(&world.client()).await.unwrap(), "success: 0 rows rejected");
    let triggers = world.requests("TriggerRunCustom").await;
    assert_eq!(triggers.len(), 1);
    assert_eq!(triggers[0]["body"]["fullResync"], false);
}
