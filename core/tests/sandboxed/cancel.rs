//! Cancelling ends a call in each phase, long before the server answers, and the server sees the client disconnect.

use std::time::{Duration, Instant};

use crate::support::sandbox::{World, sandbox};
use hightouch_sdk::resources::{ListSyncs, TriggerSync};
use hightouch_sdk::wire::{Cancel, Engine};
use hightouch_sdk::{Client, Settings, WaitOptions};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

/// Far longer than cancelling takes, and far shorter than the server would take.
const SOON: Duration = Duration::from_secs(20);

async fn one_page(client: Client) {
    let _ = client.syncs().list(&ListSyncs { limit: Some(1), ..ListSyncs::default() }).next_page().await;
}

/// Waits until the log satisfies `is`, or fails.
async fn until(world: &World, what: &str, is: impl Fn(&serde_json::Value) -> bool) {
    let end = Instant::now() + SOON;
    while !is(&world.log()) {
        assert!(Instant::now() < end, "{what} did not happen; the log: {}", world.log());
        sleep(Duration::from_millis(10)).await;
    }
}

fn gone(log: &serde_json::Value) -> usize {
    log["requests"].as_array().unwrap().iter().filter(|request| !request["gone_ms"].is_null()).count()
}

#[tokio::test]
async fn while_waiting_for_the_limit_a_cancelled_call_sends_nothing_and_gives_its_place_back() {
    let limit = json!({"requests": 2, "seconds": 3600});
    let world = sandbox().world(&json!({"timeScale": 1, "limit": limit}));
    let client = Client::new(&world.settings().limit(2, Duration::from_hours(1))).unwrap();
    one_page(client.clone()).await;
    one_page(client.clone()).await;
    let waiting = tokio::spawn(one_page(client.clone()));
    while client.stats().waiting.read == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    waiting.abort();
    timeout(SOON, waiting).await.expect("it ends").expect_err("it was cancelled");
    assert_eq!(client.stats().waiting.read, 0);
    assert_eq!(world.log()["requests"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn while_connecting_a_cancelled_call_closes_the_socket() {
    // This listener accepts connections and never answers the handshake.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("https://{}/api/v1", listener.local_addr().unwrap());
    let settings = Settings::new().base_url(base).api_key("key");
    let call = tokio::spawn(one_page(Client::new(&settings).unwrap()));
    let (mut socket, _) = timeout(SOON, listener.accept()).await.expect("it connects").unwrap();
    call.abort();
    let mut bytes = Vec::new();
    let _ = timeout(SOON, tokio::io::AsyncReadExt::read_to_end(&mut socket, &mut bytes))
        .await
        .expect("it hangs up");
}

#[tokio::test]
async fn while_reading_a_cancelled_call_is_seen_to_go_by_the_server() {
    for base in ["baseUrl", "httpBaseUrl"] {
        let script = json!([{"when": {"operation": "ListSync"}, "answer": {"hang": true}, "times": 9}]);
        let world = sandbox().world(&json!({"script": script}));
        let settings = world.settings().base_url(world.info[base].as_str().unwrap());
        let call = tokio::spawn(one_page(Client::new(&settings).unwrap()));
        until(&world, "the request", |log| log["requests"].as_array().unwrap().len() == 1).await;
        call.abort();
        until(&world, "the going", |log| gone(log) == 1).await;
    }
}

#[tokio::test]
async fn between_polls_a_cancelled_wait_asks_no_more() {
    let world = sandbox().world(&json!({"timeScale": 20, "runs": {"seconds": 100_000}}));
    let run = world.client().syncs().trigger(1, &TriggerSync::default()).await.unwrap();
    let waiting = tokio::spawn(async move { run.wait(&WaitOptions::default()).await });
    let polls = |log: &serde_json::Value| {
        log["requests"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|request| request["operation"] == "ListSyncRuns")
            .count()
    };
    until(&world, "two polls", |log| polls(log) >= 2).await;
    waiting.abort();
    timeout(SOON, waiting).await.expect("it ends").expect_err("it was cancelled");
    let seen = polls(&world.log());
    sleep(Duration::from_millis(1500)).await;
    assert!(polls(&world.log()) <= seen + 1, "it went on asking");
}

#[tokio::test]
async fn at_the_door_the_signal_does_what_dropping_does() {
    let script = json!([{"when": {"operation": "ListSync"}, "answer": {"hang": true}, "times": 9}]);
    let world = sandbox().world(&json!({"script": script}));
    let settings = json!({
        "apiKey": world.info["apiKey"], "baseUrl": world.info["baseUrl"], "caBundle": sandbox().line["ca"],
    });
    let engine = std::sync::Arc::new(Engine::new(&settings.to_string()).unwrap());
    let cancel = Cancel::new();
    let call = tokio::spawn({
        let (engine, cancel) = (engine.clone(), cancel.clone());
        async move { engine.call("syncs.list", "{}", "", &cancel).await }
    });
    until(&world, "the request", |log| log["requests"].as_array().unwrap().len() == 1).await;
    cancel.cancel();
    let outcome = timeout(SOON, call).await.expect("it ends").unwrap();
    let failure: serde_json::Value = serde_json::from_str(&outcome.head).unwrap();
    assert_eq!((outcome.ok, &failure["kind"]), (false, &json!("cancelled")));
    until(&world, "the going", |log| gone(log) == 1).await;
}
