//! Keys from a function, and hooks around calls.

use std::future::IntoFuture;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use hightouch_sdk::resources::{ListSources, TriggerIdentityGraph, TriggerSync};
use hightouch_sdk::{Client, Kind, Options, Settings};
use serde_json::json;

use crate::support::sandbox::{World, sandbox};

fn settings(world: &World) -> Settings {
    let mut settings = world.settings();
    settings.api_key = None;
    settings
}

/// Creates a client with a key function that returns these keys one after another, and then the last key again. Also
/// returns how many times the function was called.
fn client(world: &World, keys: &[&str]) -> (Client, Arc<AtomicUsize>) {
    let keys: Vec<String> =
        keys.iter().map(|name| world.info["keys"][name].as_str().unwrap().to_owned()).collect();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let client = Client::with_credentials(&settings(world), move || {
        let nth = count.fetch_add(1, Ordering::SeqCst);
        let key = keys[nth.min(keys.len() - 1)].clone();
        async move {
            tokio::task::yield_now().await;
            Ok(key)
        }
    });
    (client.unwrap(), asked)
}

fn requests(world: &World) -> usize {
    world.log()["requests"].as_array().unwrap().len()
}

#[tokio::test]
async fn the_key_function_is_called_once_and_only_at_the_first_call() {
    let world = sandbox().world(&json!({}));
    let (client, asked) = client(&world, &["valid"]);
    assert_eq!((asked.load(Ordering::SeqCst), client.stats().granted), (0, 0));
    for source in [1, 2] {
        client.sources().get(source).await.unwrap();
    }
    assert_eq!((asked.load(Ordering::SeqCst), requests(&world)), (1, 2));
}

#[tokio::test]
async fn calls_whose_key_was_refused_ask_for_one_new_key_together_and_are_sent_once_more() {
    let world = sandbox().world(&json!({}));
    let (client, asked) = client(&world, &["invalid", "valid"]);
    let calls = (0..20).map(|_| client.sources().list(&ListSources::default()).all());
    for rows in join_all(calls).await {
        assert!(!rows.unwrap().is_empty());
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2, "the first key, and the one in its place");
    assert!(requests(&world) <= 40, "each call is sent twice at most");
}

#[tokio::test]
async fn if_the_key_function_returns_the_refused_key_again_the_call_fails_with_the_refusal() {
    let world = sandbox().world(&json!({}));
    let (client, asked) = client(&world, &["orphaned"]);
    let error = client.syncs().trigger(1, &TriggerSync::default()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.status(), asked.load(Ordering::SeqCst)),
        (Kind::Authentication, Some(401), 2)
    );
    assert_eq!(requests(&world), 1, "a refused key is not sent again");
}

#[tokio::test]
async fn calls_that_were_refused_together_share_the_answer_of_the_key_function_even_if_the_key_is_the_same() {
    let world = sandbox().world(&json!({}));
    let (client, asked) = client(&world, &["orphaned"]);
    let calls = (0..10).map(|source| client.sources().get(source).into_future());
    for answer in join_all(calls).await {
        assert_eq!(answer.unwrap_err().kind(), Kind::Authentication);
    }
    assert!(asked.load(Ordering::SeqCst) <= 3, "{asked:?} times for ten callers");
}

#[tokio::test]
async fn a_key_function_that_never_returns_holds_no_call_past_its_deadline_or_the_closing_of_the_client() {
    let world = sandbox().world(&json!({}));
    let client = Client::with_credentials(&settings(&world), std::future::pending).unwrap();
    let bounded = Options::new().deadline(Duration::from_millis(50));
    let error = client.sources().get(1).with(bounded).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (Kind::Timeout, Some("sources.get")));
    let waiting = tokio::spawn(client.sources().get(1).into_future());
    tokio::task::yield_now().await;
    client.close();
    assert_eq!(waiting.await.unwrap().unwrap_err().kind(), Kind::Closed);
}

/// The call first looks up the slug. During this look-up, the client gets a key from the key function: the first key,
/// or a new key after a refusal. The trigger that follows must use this key.
#[tokio::test]
async fn a_trigger_by_slug_works_as_the_first_call_and_after_its_key_was_refused() {
    let world = sandbox().world(&json!({"slugs": ["orders"]}));
    let (first, asked) = client(&world, &["valid"]);
    let run = first.syncs().trigger("orders", &TriggerSync::default()).await.unwrap();
    assert_eq!((run.parent(), asked.load(Ordering::SeqCst)), ("1", 1));
    let raw = first.syncs().trigger("orders", &TriggerSync::default()).raw().await.unwrap();
    assert_eq!((raw.status, raw.parsed.unwrap().parent()), (200, "1"));

    let (second, asked) = client(&world, &["invalid", "valid"]);
    let run = second.syncs().trigger("orders", &TriggerSync::default()).raw().await.unwrap();
    assert_eq!((run.status, asked.load(Ordering::SeqCst)), (200, 2));
    first.close();
    second.close();
    assert_eq!(
        world.judge("rust", "a-trigger-by-slug-with-a-key-from-a-function", &json!({})).await,
        [""; 0]
    );
}

#[tokio::test]
async fn a_key_function_that_fails_gives_an_authentication_error_with_its_cause() {
    let world = sandbox().world(&json!({}));
    let client =
        Client::with_credentials(&settings(&world), || async { Err("the vault is sealed".into()) }).unwrap();
    let error = client.sources().get(1).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (Kind::Authentication, Some("sources.get")));
    assert_eq!((error.causes(), requests(&world)), (vec!["the vault is sealed".to_owned()], 0));
}

/// The key functions of two clients could wait for each other. So a client with a key function refuses calls from
/// inside any key function.
#[tokio::test]
async fn a_key_function_may_use_only_a_client_that_was_created_with_a_key() {
    let world = sandbox().world(&json!({}));
    let (with_function, _) = client(&world, &["valid"]);
    let with_key = world.client();
    let key = world.info["apiKey"].as_str().unwrap().to_owned();
    let allowed = Client::with_credentials(&settings(&world), move || {
        let (call, key) = (with_key.sources().get(1), key.clone());
        async move { call.await.map(|_| key).map_err(Into::into) }
    });
    allowed.unwrap().sources().get(1).await.unwrap();
    let refused = Client::with_credentials(&settings(&world), move || {
        let call = with_function.sources().get(1);
        async move { call.await.map(|_| String::new()).map_err(Into::into) }
    });
    let error = refused.unwrap().sources().get(1).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Authentication, Some("key_function")));
    assert!(error.to_string().contains("inside a function that returns a key"), "{error}");
}

#[tokio::test]
async fn hooks_are_told_of_every_call_with_its_attempts_and_its_error() {
    let script = json!([
        {"when": {"operation": "GetSource", "nth": 1}, "answer": {"status": 503}},
        {"when": {"operation": "TriggerIdrRun"}, "answer": {"body": {}}},
    ]);
    let world = sandbox().world(&json!({"script": script}));
    let client = world.client();
    let told = Arc::new(Mutex::new(Vec::new()));
    let (starts, ends) = (Arc::clone(&told), Arc::clone(&told));
    client.on_start(move |call| {
        starts.lock().unwrap().push(format!("{} of {}", call.operation, call.resource.unwrap_or("nothing")));
    });
    client.on_end(move |call| {
        let error = call.error.map_or("well", |error| error.kind().as_str());
        ends.lock().unwrap().push(format!(
            "{} {error} after {}",
            call.meta.operation,
            call.meta.attempts.len()
        ));
    });
    client.sources().get(1).await.unwrap();
    client.clone().sources().get(999).await.unwrap_err();
    // The answer to this trigger has no id. Because of `full_rerun`, the SDK does not look for the run, so there is
    // only one attempt.
    let full = TriggerIdentityGraph { full_rerun: Some(true) };
    client.identity_graphs().trigger("customers", &full).await.unwrap_err();
    let wanted = [
        "sources.get of source 1",
        "sources.get well after 2",
        "sources.get of source 999",
        "sources.get not_found after 1",
        "identity_graphs.trigger of identity graph customers",
        "identity_graphs.trigger outcome_unknown after 1",
    ];
    assert_eq!(*told.lock().unwrap(), wanted);
}
