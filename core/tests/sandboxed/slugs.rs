//! Syncs by slug: the id that was looked up must belong to the workspace to which the request is sent.

use hightouch_sdk::resources::{ListSyncs, SyncCreate, SyncUpdate, TriggerSync};
use hightouch_sdk::{JsonObject, Kind, WaitOptions};
use serde_json::{Value, json};

use crate::support::sandbox::{World, sandbox};

fn operations(world: &World) -> Vec<String> {
    let log = world.log();
    let requests = log["requests"].as_array().unwrap().iter();
    requests.map(|request| request["operation"].as_str().unwrap_or("?").to_owned()).collect()
}

/// The SDK must not change a sync of one workspace by an id that it looked up in another workspace.
#[tokio::test]
async fn if_the_key_changes_while_a_slug_is_looked_up_the_slug_is_looked_up_again() {
    let script = json!([{"when": {"operation": "ListSync", "nth": 1}, "answer": {"until": {"operation": "GetSource"}}}]);
    let world = sandbox().world(&json!({"slugs": ["orders"], "script": script}));
    let client = world.client();
    let change = tokio::spawn({
        let client = client.clone();
        async move {
            client
                .syncs()
                .update("orders", &SyncUpdate { disabled: Some(true), ..SyncUpdate::default() })
                .await
        }
    });
    while operations(&world).is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    client.set_api_key(world.info["keys"]["readOnly"].as_str().unwrap()).unwrap();
    world.client().sources().get(1).await.unwrap();
    let error = change.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), Kind::Permission, "sent with the new key alone: {error}");
    assert_eq!(operations(&world), ["ListSync", "GetSource", "ListSync", "UpdateSync"]);
    assert_eq!(error.meta().unwrap().attempts.len(), 3, "all requests are told of");
}

/// A slug that the client remembers must not lead to a deleted sync.
#[tokio::test]
async fn the_slug_of_a_deleted_sync_leads_to_the_new_sync_that_has_it() {
    let world = sandbox().world(&json!({"slugs": ["orders"], "timeScale": 200}));
    let client = world.client();
    let old = client.syncs().get("orders").await.unwrap();
    client.syncs().delete(old.id).await.unwrap();
    let error = client.syncs().get("orders").await.unwrap_err();
    assert_eq!(error.kind(), Kind::NotFound);
    let made = SyncCreate::new("orders", JsonObject::default(), 1_i64, 1_i64);
    let new = client.syncs().create(&made).await.unwrap();
    assert_eq!(client.syncs().get("orders").await.unwrap().id, new.id);
    let run = client.syncs().trigger("orders", &TriggerSync::default()).await.unwrap();
    assert_eq!(run.parent(), new.id.to_string());
    assert_eq!(run.wait(&WaitOptions::default()).await.unwrap().status.as_str(), "success");
}

/// The server's filter may match more syncs than the sync with this slug, so the wanted sync may be on a later page.
#[tokio::test]
async fn a_slug_is_looked_for_on_every_page() {
    let syncs = 250;
    let world = sandbox().world(&json!({"syncs": syncs}));
    let all = world.client().syncs().list(&ListSyncs::default()).all().await.unwrap();
    let wanted = &all[syncs - 1];
    let rows = |from: usize, to: usize| -> Value { json!(all[from..to]) };
    let answer = |from: usize, to: usize| json!({"body": {"hasMore": true, "data": rows(from, to)}});
    let script = json!([
        {"when": {"operation": "ListSync", "query": {"slug": wanted.slug, "offset": 0}}, "answer": answer(0, 100)},
        {"when": {"operation": "ListSync", "query": {"slug": wanted.slug, "offset": 99}}, "answer": answer(99, 199)},
        {"when": {"operation": "ListSync", "query": {"slug": wanted.slug, "offset": 198}}, "answer": answer(198, 250)},
    ]);
    let world = sandbox().world(&json!({"syncs": syncs, "script": script}));
    assert_eq!(world.client().syncs().get(wanted.slug.as_str()).await.unwrap().id, wanted.id);
}
