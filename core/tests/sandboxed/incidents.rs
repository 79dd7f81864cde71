//! Regression tests: each guards against an incident of the past.

use std::time::Duration;

use hightouch_sdk::resources::{ListSyncs, TriggerSync};
use hightouch_sdk::{Client, Json, Kind, Options, Settings, WaitOptions};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use crate::support::sandbox::{World, sandbox};

/// A wait that takes longer than this counts as hung and fails the test.
const SOON: Duration = Duration::from_secs(30);

/// Waits until at least this many requests of the operation have reached the world.
async fn requests(world: &World, operation: &str, at_least: usize) {
    let count = || {
        let log = world.log();
        log["requests"].as_array().unwrap().iter().filter(|request| request["operation"] == operation).count()
    };
    timeout(SOON, async {
        while count() < at_least {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("the request comes");
}

/// The client gets a new key while a request with the first key is under way. The late answer repeats the first key.
#[tokio::test]
async fn a_key_that_was_replaced_is_still_removed_from_late_answers() {
    let script =
        json!([{"when": {}, "answer": {"status": 401, "delayMs": 300, "body": {"message": "bad {{key}}"}}}]);
    let world = sandbox().world(&json!({"script": script}));
    let client = world.client();
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.syncs().list(&ListSyncs::default()).all().await }
    });
    requests(&world, "ListSync", 1).await;
    client.set_api_key("another-key").unwrap();
    let error = call.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), Kind::Authentication);
    assert!(!format!("{error} {error:?}").contains(world.info["apiKey"].as_str().unwrap()), "{error}");
}

/// If a message were shortened before the API key is removed from the message, a part of the key could stay.
#[tokio::test]
async fn the_key_is_removed_from_a_message_before_the_message_is_shortened() {
    for padding in 370..400 {
        let message = format!("{}{{{{key}}}}", "x".repeat(padding));
        let script = json!([{"when": {}, "answer": {"status": 400, "body": {"message": message}}}]);
        let world = sandbox().world(&json!({"script": script}));
        let error = world.client().syncs().list(&ListSyncs::default()).all().await.unwrap_err().to_string();
        let key = world.info["apiKey"].as_str().unwrap();
        assert!(!error.contains(&key[..8]), "{padding}: {error}");
        world.delete();
    }
}

#[tokio::test]
async fn closing_the_client_leaves_the_outcome_of_a_trigger_in_progress_unknown() {
    let script = json!([{"when": {"operation": "TriggerRun"}, "answer": {"hang": true, "apply": true}}]);
    let world = sandbox().world(&json!({"script": script}));
    let client = world.client();
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.syncs().trigger(1, &TriggerSync::default()).await }
    });
    requests(&world, "TriggerRun", 1).await;
    client.close();
    let error = timeout(SOON, call).await.expect("it ends").unwrap().unwrap_err();
    assert_eq!(error.kind(), Kind::OutcomeUnknown);
    let error = client.syncs().trigger(1, &TriggerSync::default()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Closed, "after that nothing is sent");
}

#[tokio::test]
async fn closing_the_client_ends_a_wait_between_two_looks() {
    let world = sandbox().world(&json!({"timeScale": 0.2, "runs": {"seconds": 100_000}}));
    let client = world.client();
    let run = client.syncs().trigger(1, &TriggerSync::default()).await.unwrap();
    let wait = tokio::spawn(async move { run.wait(&WaitOptions::default()).await });
    requests(&world, "ListSyncRuns", 1).await;
    client.close();
    let error = timeout(SOON, wait).await.expect("it ends").unwrap().unwrap_err();
    assert_eq!(error.kind(), Kind::Closed);
}

async fn posted(answer: Value) -> Result<Json, hightouch_sdk::Error> {
    let script = json!([{"when": {"operation": "TriggerRun"}, "answer": answer}]);
    let world = sandbox().world(&json!({"script": script}));
    let client = world.client();
    let given =
        client.request("POST", "/syncs/1/trigger", &Map::new(), Some(json!({})), &Options::default()).await;
    world.delete();
    given
}

#[tokio::test]
async fn an_unreadable_answer_to_a_request_that_writes_leaves_its_outcome_unknown() {
    let error = posted(json!({"status": 200, "text": "<html>"})).await.unwrap_err();
    assert_eq!((error.kind(), error.resource()), (Kind::OutcomeUnknown, Some("POST /syncs/1/trigger")));
}

#[tokio::test]
async fn request_returns_a_value_that_only_resembles_an_error() {
    for body in [
        json!({"error": null}),
        json!({"error": "none"}),
        json!({"message": "accepted", "details": {"jobs": 1}}),
    ] {
        assert_eq!(posted(json!({"status": 200, "body": body})).await.unwrap().value(), body);
    }
    let error = posted(json!({"body": {"message": "Validation failed", "details": {}}})).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Validation);
}

#[tokio::test]
async fn a_trigger_whose_handshake_hangs_was_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("https://{}/api/v1", listener.local_addr().unwrap());
    let client = Client::new(
        &Settings::new().base_url(base).api_key("key").timeout(Duration::from_millis(300)).max_retries(0_u32),
    )
    .unwrap();
    let error = client.syncs().trigger(1, &TriggerSync::default()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Timeout, "{error}");
    assert_eq!(client.stats().in_flight, 0, "what was never sent does not count");
}

#[tokio::test]
async fn waiting_ends_with_not_found_when_a_run_disappears() {
    let script = json!([
        {"when": {"operation": "ListSyncRuns", "nth": 1}, "answer": {}},
        {"when": {"operation": "ListSyncRuns"}, "answer": {"body": {"hasMore": false, "data": []}}, "times": 100_000},
    ]);
    let world = sandbox().world(&json!({"timeScale": 2000, "script": script, "runs": {"seconds": 100_000}}));
    let run = world.client().syncs().trigger(1, &TriggerSync::default()).await.unwrap();
    let error = timeout(SOON, run.wait(&WaitOptions::default())).await.expect("it ends").unwrap_err();
    assert_eq!((error.kind(), error.run()), (Kind::NotFound, Some(run.token().as_str())));
}

#[tokio::test]
async fn a_wait_accepts_the_longest_duration_as_its_timeout() {
    let world = sandbox().world(&json!({"timeScale": 100}));
    let run = world.client().syncs().trigger(1, &TriggerSync::default()).await.unwrap();
    let options = WaitOptions::new().timeout(Duration::MAX);
    assert_eq!(timeout(SOON, run.wait(&options)).await.expect("it ends").unwrap().status.as_str(), "success");
}

#[tokio::test]
async fn repeated_waits_that_are_shorter_than_an_answer_still_see_the_run_end() {
    let slow = json!([{"when": {"operation": "ListSyncRuns"}, "answer": {"delayMs": 150}, "times": 1000}]);
    let world = sandbox().world(&json!({"timeScale": 100, "script": slow, "runs": {"seconds": 10}}));
    let run = world.client().syncs().trigger(1, &TriggerSync::default()).await.unwrap();
    let options = WaitOptions::new().timeout(Duration::from_millis(20));
    let ended = timeout(SOON, async { while run.wait(&options).await.is_err() {} }).await;
    assert!(ended.is_ok(), "it never saw the end");
}

/// With http and a proxy, the API key would leave the machine unencrypted.
#[tokio::test]
async fn a_proxy_for_a_base_url_with_http_is_refused() {
    let settings =
        Settings::new().base_url("http://127.0.0.1:1/api/v1").api_key("key").proxy("http://127.0.0.1:2");
    assert_eq!(Client::new(&settings).unwrap_err().kind(), Kind::Config);
}
