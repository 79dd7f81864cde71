//! If the answer to a trigger was lost, the SDK may adopt a run from the list of runs: it takes this run as the run
//! that the trigger started. A trigger must not adopt the run of another trigger.

use std::time::Duration;

use hightouch_sdk::resources::TriggerSync;
use hightouch_sdk::{Client, Kind};
use serde_json::json;

use crate::support::sandbox::{World, sandbox};

/// The server performs only the second of two triggers. If the first trigger adopted the run of the second trigger, the
/// first trigger would report a run that it never started.
#[tokio::test]
async fn a_run_that_another_trigger_of_the_client_started_is_not_adopted() {
    let lost = json!({"when": {"operation": "TriggerRun", "nth": 1}, "answer": {"reset": "before-headers"}});
    let world = sandbox().world(&json!({"script": [lost]}));
    let client = world.client();
    let how = TriggerSync::default();
    let first = tokio::spawn(client.syncs().trigger(1, &how).into_future());
    while world.log()["requests"].as_array().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let second = client.syncs().trigger(1, &how).await.unwrap();
    assert_eq!((second.id(), second.adopted()), ("9001", false));
    let error = first.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), Kind::OutcomeUnknown);
    world.delete();
}

/// Incident: the client did not record the run of a trigger with `raw()`, which returns the server's answer as it is.
/// Another trigger, which had started no run, adopted this run as its own.
#[tokio::test]
async fn a_run_that_a_raw_trigger_started_is_not_adopted() {
    let lost = json!({"when": {"operation": "TriggerRun", "nth": 1}, "answer": {"reset": "before-headers"}});
    let world = sandbox().world(&json!({"script": [lost]}));
    let client = world.client();
    let how = TriggerSync::default();
    let first = tokio::spawn(client.syncs().trigger(1, &how).into_future());
    while world.log()["requests"].as_array().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let second = client.syncs().trigger(1, &how).raw().await.unwrap().parsed.unwrap();
    assert_eq!((second.id(), second.adopted()), ("9001", false));
    assert_eq!(first.await.unwrap().unwrap_err().kind(), Kind::OutcomeUnknown);
    world.delete();
}

/// A raw call returns the answer to its own request. So if the answer to a raw trigger is lost, the SDK does not search
/// for the run.
#[tokio::test]
async fn a_raw_trigger_whose_answer_was_lost_adopts_nothing() {
    let lost =
        json!({"when": {"operation": "TriggerRun"}, "answer": {"reset": "before-headers", "apply": true}});
    let world = sandbox().world(&json!({"script": [lost]}));
    let error = world.client().syncs().trigger(1, &TriggerSync::default()).raw().await.unwrap_err();
    assert_eq!(error.kind(), Kind::OutcomeUnknown);
    assert_eq!(world.log()["requests"].as_array().unwrap().len(), 1);
    world.delete();
}

/// The answer to the first trigger is lost, and the list of runs shows two new runs. The first trigger must not give
/// up at once: the answer to the second trigger names one of the two runs, so the other run belongs to the first
/// trigger.
#[tokio::test]
async fn if_another_trigger_claims_one_of_two_candidates_the_trigger_adopts_the_other() {
    let lost = json!({"when": {"operation": "TriggerRun", "nth": 1}, "answer": {"reset": "before-headers", "apply": true}});
    // The answer to the first trigger is lost, so the SDK lists the runs five times: first after 125 ms, and last
    // after 3750 ms. The answer to the second trigger comes after 500 ms.
    let late = json!({"when": {"operation": "TriggerRun", "nth": 2}, "answer": {"delayMs": 500}});
    let world = sandbox().world(&json!({"timeScale": 4, "script": [lost, late], "runs": {"seconds": 600}}));
    let client = world.client();
    let how = TriggerSync::default();
    let first = tokio::spawn(client.syncs().trigger(1, &how).into_future());
    while world.log()["requests"].as_array().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let second = client.syncs().trigger(1, &how).await.unwrap();
    let first = first.await.unwrap().unwrap();
    assert_eq!((first.id(), first.adopted()), ("9001", true));
    assert_eq!((second.id(), second.adopted()), ("9002", false));
    world.delete();
}

/// Incident: two triggers began before the key function had returned the first key. Neither trigger knew of the other,
/// and one of them adopted the run of the other.
#[tokio::test]
async fn two_triggers_that_waited_for_the_first_key_and_were_lost_adopt_nothing() {
    let lost = json!({"when": {"operation": "TriggerRun", "nth": 1}, "answer": {"reset": "before-headers", "apply": true}});
    let never = json!({"when": {"operation": "TriggerRun", "nth": 2}, "answer": {"reset": "before-headers"}});
    let world = sandbox().world(&json!({"script": [lost, never]}));
    let client = client_with_a_slow_key(&world);
    let how = TriggerSync::default();
    let (one, other) = futures_util::future::join(
        client.syncs().trigger(1, &how).into_future(),
        client.syncs().trigger(1, &how).into_future(),
    )
    .await;
    assert_eq!(one.unwrap_err().kind(), Kind::OutcomeUnknown);
    assert_eq!(other.unwrap_err().kind(), Kind::OutcomeUnknown);
    world.delete();
}

/// The first trigger begins before the key function has returned a key, so the client records the trigger in a
/// temporary workspace. The end of this trigger must be recorded in the workspace of the key. Otherwise the first
/// trigger would seem to be still in progress. The second trigger, which loses its answer, could then not know that
/// the new run is its own.
#[tokio::test]
async fn a_trigger_that_waited_for_the_first_key_is_no_rival_of_later_ones() {
    let lost = json!({"when": {"operation": "TriggerRun", "nth": 2}, "answer": {"reset": "before-headers", "apply": true}});
    let world = sandbox().world(&json!({"script": [lost], "runs": {"seconds": 1}}));
    let client = client_with_a_slow_key(&world);
    let how = TriggerSync::default();
    client.syncs().trigger(1, &how).await.unwrap();
    assert!(client.syncs().trigger(1, &how).await.unwrap().adopted());
    world.delete();
}

fn client_with_a_slow_key(world: &World) -> Client {
    let key = world.info["apiKey"].as_str().unwrap().to_owned();
    let mut settings = world.settings();
    settings.api_key = None;
    Client::with_credentials(&settings, move || {
        let key = key.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok(key)
        }
    })
    .unwrap()
}

/// The answers to both triggers are lost. Only one of the triggers starts a run, and the client cannot know which. So
/// neither may adopt the run.
#[tokio::test]
async fn two_triggers_that_were_lost_at_once_adopt_nothing() {
    let lost = json!({"when": {"operation": "TriggerRun", "nth": 1}, "answer": {"reset": "before-headers", "apply": true}});
    let never = json!({"when": {"operation": "TriggerRun", "nth": 2}, "answer": {"reset": "before-headers"}});
    let world = sandbox().world(&json!({"script": [lost, never]}));
    let client = world.client();
    let how = TriggerSync::default();
    let both = futures_util::future::join(
        client.syncs().trigger(1, &how).into_future(),
        client.syncs().trigger(1, &how).into_future(),
    );
    let (one, other) = both.await;
    assert_eq!(one.unwrap_err().kind(), Kind::OutcomeUnknown);
    assert_eq!(other.unwrap_err().kind(), Kind::OutcomeUnknown);
    world.delete();
}
