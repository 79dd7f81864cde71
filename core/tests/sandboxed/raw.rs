//! Raw answers (status, headers and undecoded body), as users of the crate get them.

use std::sync::{Arc, Mutex};

use hightouch_sdk::Kind;
use hightouch_sdk::resources::{ListSyncs, SourceUpdate};
use serde_json::{Value, json};

use crate::support::sandbox::sandbox;

#[tokio::test]
async fn a_raw_answer_has_the_bytes_of_the_body_and_the_value_of_the_call() {
    let world = sandbox().world(&json!({"syncs": 3}));
    let client = world.client();
    let which = ListSyncs { limit: Some(2), ..ListSyncs::default() };
    let (one, page) =
        (client.syncs().get(2).raw().await.unwrap(), client.syncs().list(&which).raw().await.unwrap());
    assert_eq!(one.status, 200);
    assert!(one.headers["content-type"].starts_with("application/json"));
    assert_eq!(serde_json::from_slice::<Value>(&one.body).unwrap()["id"], 2);
    assert_eq!(one.parsed.unwrap(), client.syncs().get(2).await.unwrap());
    let ids: Vec<i64> = page.parsed.unwrap().iter().map(|sync| sync.id).collect();
    assert_eq!(ids, [1, 2]);
    assert_eq!(serde_json::from_slice::<Value>(&page.body).unwrap()["data"][1]["id"], 2);
    world.delete();
}

#[tokio::test]
async fn an_error_under_status_200_is_returned_raw_and_hooks_are_told_of_one_successful_call() {
    let body = json!({"message": "Validation failed", "details": {"name": "odd"}});
    let world = sandbox().world(&json!({"script": [{"when": {}, "answer": {"status": 200, "body": body}}]}));
    let client = world.client();
    let told = Arc::new(Mutex::new(Vec::new()));
    let ends = Arc::clone(&told);
    client.on_end(move |call| {
        ends.lock().unwrap().push((call.meta.attempts.len(), call.error.map(hightouch_sdk::Error::kind)));
    });
    let changes = SourceUpdate { name: Some("x".to_owned()), ..SourceUpdate::default() };
    let raw = client.sources().update(1, &changes).raw().await.unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&raw.body).unwrap(), body);
    assert_eq!(raw.parsed.unwrap_err().kind(), Kind::Validation);
    assert_eq!(*told.lock().unwrap(), [(1, None)]);
    world.delete();
}
