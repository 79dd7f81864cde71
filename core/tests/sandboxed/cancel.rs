//! Cancelling ends a call in each phase, long before the server answers, and the server sees the client disconnect.

use std::time::{Duration, Instant};

use crate::support::sandbox::{World, sandbox};
use hightouch_sdk::resources::{ListSyncs, TriggerSync};
use hightouch_sdk::wire::{Cancel, Engine};
use hightouch_sdk::{Client, Settings, WaitOptions};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

/// The longest time that cancelling may take: much longer than cancelling needs, and much shorter than the server's
/// answer takes.
const SOON: Duration = Duration::from_secs(20);

async fn one_page(client: Client) {
    let _ = client.syncs().list(&ListSyncs { limit: Some(1), ..ListSyncs::default() }).next_page().await;
}

/// Waits until the world's log satisfies `is`. Panics after [`SOON`].
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
async fn while_waiting_for_the_limit_a_cancelled_call_sends_nothing_and_leaves_the_line() {
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
async fn while_awaiting_its_answer_a_cancelled_call_disconnects_from_the_server() {
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
async fn between_looks_a_cancelled_wait_sends_no_further_requests() {
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

/// A request has at most 100 recipients, so a campaign may need several requests. If the first request is cancelled,
/// the error must say for each recipient whether the outcome is unknown or nothing was sent.
#[tokio::test]
async fn a_campaign_that_is_cancelled_during_its_first_request_says_whom_it_may_have_reached() {
    let script = json!([{"when": {"operation": "TriggerCampaign"}, "answer": {"hang": true}, "times": 9}]);
    let world = sandbox().world(&json!({"script": script}));
    let settings = json!({
        "apiKey": world.info["apiKey"], "baseUrl": world.info["baseUrl"], "caBundle": world.info["ca"],
    });
    let engine = std::sync::Arc::new(Engine::new(&settings.to_string()).unwrap());
    for (recipients, results) in [(50, [50, 0]), (150, [100, 50])] {
        let recipients: Vec<_> = (0..recipients).map(|nth| json!({"id": format!("user-{nth}")})).collect();
        let args = json!({"campaignId": "welcome", "recipients": recipients}).to_string();
        let cancel = Cancel::new();
        let sent = world.log()["requests"].as_array().unwrap().len();
        let call = tokio::spawn({
            let (engine, cancel) = (engine.clone(), cancel.clone());
            async move { engine.call("campaigns.trigger", &args, "", &cancel).await }
        });
        until(&world, "the request", |log| log["requests"].as_array().unwrap().len() > sent).await;
        cancel.cancel();
        let outcome = timeout(SOON, call).await.expect("it ends").unwrap();
        let failure: serde_json::Value = serde_json::from_str(&outcome.head).unwrap();
        assert_eq!((outcome.ok, &failure["kind"]), (false, &json!("cancelled")));
        let count = |status: &str| {
            let known = failure["details"]["results"].as_array().unwrap().iter();
            known.filter(|result| result["status"] == status).count()
        };
        assert_eq!([count("unknown"), count("not_sent")], results, "{failure}");
    }
    world.delete();
}

#[tokio::test]
async fn at_the_door_a_cancelled_call_fails_and_disconnects_from_the_server() {
    let script = json!([{"when": {"operation": "ListSync"}, "answer": {"hang": true}, "times": 9}]);
    let world = sandbox().world(&json!({"script": script}));
    let settings = json!({
        "apiKey": world.info["apiKey"], "baseUrl": world.info["baseUrl"], "caBundle": world.info["ca"],
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
