//! Adoption: a trigger whose answer was lost must not adopt the run of another trigger.

use hightouch_sdk::Kind;
use hightouch_sdk::resources::TriggerSync;
use serde_json::json;

use crate::support::sandbox::sandbox;

/// Two triggers of one client: the first never happened, the second did. Two handles of one run would report a run that
/// was never started.
#[tokio::test]
async fn a_run_that_another_trigger_of_the_client_started_is_not_adopted() {
    let lost = json!({"when": {"operation": "TriggerRun", "nth": 1}, "answer": {"reset": "before-headers"}});
    let world = sandbox().world(&json!({"script": [lost]}));
    let client = world.client();
    let how = TriggerSync::default();
    let first = tokio::spawn(client.syncs().trigger(1, &how).into_future());
    while world.log()["requests"].as_array().unwrap().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let second = client.syncs().trigger(1, &how).await.unwrap();
    assert_eq!((second.id(), second.adopted()), ("9001", false));
    let error = first.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), Kind::OutcomeUnknown);
    world.delete();
}

/// Incident: only the raw answer of the second trigger said which run it had started, and the first trigger adopted it.
#[tokio::test]
async fn a_run_that_a_raw_trigger_started_is_not_adopted() {
    let lost = json!({"when": {"operation": "TriggerRun", "nth": 1}, "answer": {"reset": "before-headers"}});
    let world = sandbox().world(&json!({"script": [lost]}));
    let client = world.client();
    let how = TriggerSync::default();
    let first = tokio::spawn(client.syncs().trigger(1, &how).into_future());
    while world.log()["requests"].as_array().unwrap().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let second = client.syncs().trigger(1, &how).raw().await.unwrap().parsed.unwrap();
    assert_eq!((second.id(), second.adopted()), ("9001", false));
    assert_eq!(first.await.unwrap().unwrap_err().kind(), Kind::OutcomeUnknown);
    world.delete();
}

/// No run is looked for after a raw trigger: an adopted run would have no answer.
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

/// Of two lost triggers, one may have happened; which one cannot be known.
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
