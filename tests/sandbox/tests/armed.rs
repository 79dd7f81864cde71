//! Worlds that are changed while they are used.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod common;

use common::{client, judged, request, world};
use hightouch_sandbox::{Sandbox, WorldInfo};
use serde_json::{Value, json};

struct Armed {
    sandbox: Sandbox,
    world: WorldInfo,
    client: reqwest::Client,
}

impl Armed {
    async fn new(settings: Value) -> Self {
        let (sandbox, world) = world(settings).await;
        let client = client(&sandbox.ca_pem, &[]);
        Self { sandbox, world, client }
    }

    async fn arm(&self, what: &str, body: Value) -> (u16, Value) {
        let url = format!("{}/_worlds/{}/arm/{what}", self.sandbox.http_url, self.world.id);
        let answer = self.client.post(url).json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn call(&self, method: &str, path: &str, id: &str) -> (u16, Value) {
        let url = format!("{}{path}", self.world.http_base_url);
        let answer = request(&self.client, method, url, &self.world.api_key, id).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

#[tokio::test]
async fn an_answer_that_is_armed_is_given_to_the_next_request_of_any_named_operation() {
    let armed = Armed::new(json!({})).await;
    assert_eq!(armed.call("GET", "/syncs", "a").await.0, 200);
    let entry = json!([{"when": {"operation": ["GetSync", "ListSync"]}, "answer": {"status": 502}}]);
    assert_eq!(armed.arm("script", entry).await, (200, json!({"entries": [0]})));
    assert_eq!(armed.sandbox.log(&armed.world.id).unwrap()["left"]["script"], json!([1]));
    assert_eq!(armed.call("GET", "/models", "b").await.0, 200);
    assert_eq!(
        armed.client.get(format!("{}/syncs", armed.world.http_base_url)).send().await.unwrap().status(),
        502
    );
    assert_eq!(armed.call("GET", "/syncs", "c").await.0, 200);
    assert_eq!(armed.sandbox.log(&armed.world.id).unwrap()["left"]["script"], json!([0]));
}

#[tokio::test]
async fn the_next_run_of_a_sync_ends_as_it_is_armed_and_the_one_after_it_as_usual() {
    let armed = Armed::new(json!({"slugs": ["orders"], "timeScale": 1000, "runs": {"seconds": 1}})).await;
    let plan = json!({"sync": "orders", "times": 1, "plan": {"status": "failed", "error": "no such table"}});
    assert_eq!(armed.arm("runs", plan).await.0, 200);
    for (id, status) in [("a", "failed"), ("b", "success")] {
        let run = armed.call("POST", "/syncs/1/trigger", id).await.1["id"].clone();
        let path = format!("/syncs/1/runs?runId={}", run.as_str().map_or(run.to_string(), str::to_owned));
        let mut looks = 0;
        let last = loop {
            looks += 1;
            let seen = armed.call("GET", &path, &format!("{id}{looks}")).await.1["data"][0].clone();
            if !seen["finishedAt"].is_null() {
                break seen;
            }
        };
        assert_eq!(last["status"], status);
    }
}

#[tokio::test]
async fn a_limit_that_is_armed_counts_from_then_on() {
    let armed = Armed::new(json!({})).await;
    assert_eq!(armed.call("GET", "/syncs", "a").await.0, 200);
    assert_eq!(armed.arm("limit", json!({"requests": 1, "seconds": 1000})).await.0, 200);
    assert_eq!(armed.call("GET", "/syncs", "b").await.0, 200);
    let refused = armed.client.get(format!("{}/syncs", armed.world.http_base_url)).send().await.unwrap();
    assert_eq!(refused.status(), 429);
    assert!(!judged(&armed.sandbox, &armed.world, json!({})).await.is_empty());
}

#[tokio::test]
async fn what_cannot_be_armed_is_refused() {
    let armed = Armed::new(json!({})).await;
    for (what, wrong, status) in [
        ("script", json!([{"when": {"operation": "ListSyncs"}, "answer": {"status": 500}}]), 422),
        ("script", json!([{"answer": {"status": 99}}]), 422),
        ("runs", json!({"sync": "no-such-sync", "plan": {}}), 422),
        ("runs", json!({"sync": 4, "plan": {}}), 422),
        ("runs", json!({"plan": {"staus": "failed"}}), 422),
        ("limit", json!({"seconds": -1}), 422),
        ("weather", json!({}), 404),
    ] {
        assert_eq!(armed.arm(what, wrong.clone()).await.0, status, "{what} {wrong}");
    }
}
