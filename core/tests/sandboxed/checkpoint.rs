//! The checkpoints of batches: which syncs a later batch starts, and which runs it follows or searches for.

use std::path::Path;
use std::time::Duration;

use hightouch_sdk::resources::{IfRunning, TriggerSync};
use hightouch_sdk::{BatchItem, Client, Error, ItemOutcome, Kind, OnEnd, RateLimit, RunMany, WaitMany};
use serde_json::{Value, json};

use crate::support::sandbox::{World, sandbox};

/// Creates a world with runs that take 20 s of world time (one second of real time). `more` adds or replaces settings.
fn world(more: &Value) -> World {
    let mut settings = json!({"syncs": 7, "pastRuns": 0, "runs": {"seconds": 20, "queuedSeconds": 0}});
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    sandbox().world(&settings)
}

/// Returns the ids of the syncs for which triggers were sent, in the order of the triggers.
pub fn triggered(world: &World) -> Vec<i64> {
    let log = world.log();
    let requests = log["requests"].as_array().unwrap().iter();
    let triggers = requests.filter(|request| request["method"] == "POST");
    let id = |path: &str| path.split('/').rev().nth(1).unwrap().parse().unwrap();
    triggers.map(|request| id(request["path"].as_str().unwrap())).collect()
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Returns the events in the file, each as the number of the item and the name of the event.
fn events(path: &Path) -> Vec<(u64, String)> {
    let events = lines(path).into_iter().skip(1);
    events.map(|line| (line["item"].as_u64().unwrap(), line["event"].as_str().unwrap().to_owned())).collect()
}

/// Removes the lines that `wanted` rejects, as if the process had ended before it wrote these lines.
fn keep(path: &Path, wanted: impl Fn(&Value) -> bool) {
    let text = std::fs::read_to_string(path).unwrap();
    let kept = text.split_inclusive('\n').filter(|line| wanted(&serde_json::from_str(line).unwrap()));
    std::fs::write(path, kept.collect::<String>()).unwrap();
}

/// Creates a client with another API key. Like a client in another process, this client does not know the runs of other
/// clients until an answer shows that both keys belong to one workspace.
fn elsewhere(world: &World) -> Client {
    Client::new(&world.settings().api_key(world.info["keys"]["second"].as_str().unwrap())).unwrap()
}

/// Starts a run of sync 1 that belongs to no trigger of the SDK, as if a schedule had started it.
async fn somebody_triggers(world: &World) {
    let (query, options) = (serde_json::Map::new(), hightouch_sdk::Options::default());
    world.client().request("POST", "/syncs/1/trigger", &query, Some(json!({})), &options).await.unwrap();
}

pub async fn all(client: &Client, syncs: &[i64], how: &RunMany) -> Result<Vec<BatchItem>, Error> {
    let batch = client.syncs().run_many(syncs.iter().copied(), how).await?;
    batch.wait(&WaitMany::new().on_failure(OnEnd::Return)).await
}

pub fn outcomes(items: &[BatchItem]) -> Vec<ItemOutcome> {
    items.iter().map(|item| item.outcome.unwrap()).collect()
}

#[tokio::test]
async fn a_resumed_batch_starts_only_what_was_not_started_and_follows_the_rest() {
    let (world, path) = world(&json!({})).with_file("resumed");
    let (how, syncs) = (RunMany::new().at_once(2).checkpoint(&path), [1, 2, 3, 4, 5]);
    let batch = world.client().syncs().run_many(syncs, &how).await.unwrap();
    batch.ended().await.unwrap();
    let stopped = batch.stop().await;
    let before = triggered(&world);
    assert!(before.len() < 5, "{before:?}");
    // Another client plays a later process, which knows only the file of the earlier process.
    let client = world.client();
    let batch = client.syncs().run_many(syncs, &how).await.unwrap();
    let at_once = batch.changed().await.unwrap();
    let known = &stopped[at_once.index];
    assert!(known.outcome.is_some());
    assert_eq!((&at_once.run, at_once.outcome, &at_once.state), (&known.run, known.outcome, &known.state));
    let items = batch.wait(&WaitMany::new()).await.unwrap();
    assert_eq!(outcomes(&items), [ItemOutcome::Success; 5]);
    for (before, after) in stopped.iter().zip(&items) {
        assert!(before.run_id.is_none() || before.run_id == after.run_id, "{before:?} {after:?}");
    }
    let mut sent = triggered(&world);
    assert_eq!(sent.get(..before.len()), Some(before.as_slice()));
    sent.sort_unstable();
    assert_eq!(sent, syncs);
    // All runs have ended, so another batch with this file must send nothing.
    let requests = world.log()["requests"].as_array().unwrap().len();
    assert_eq!(all(&client, &syncs, &how).await.unwrap().len(), 5);
    assert_eq!(world.log()["requests"].as_array().unwrap().len(), requests);
    world.delete();
}

/// Before a batch sends a trigger, it writes an intent to the checkpoint. A later process takes a run that was created
/// soon after the intent as its own. So the batch must write the intent after the wait for the limit.
#[tokio::test]
async fn an_intent_is_on_the_disk_directly_before_its_request_is_sent() {
    let hangs = json!({"when": {"operation": "TriggerRun"}, "answer": {"hang": true}, "times": 9});
    let (world, path) = world(&json!({"script": [hangs]})).with_file("intent");
    let mut settings = world.settings();
    settings.limit = Some(RateLimit { requests: 2, window: Duration::from_mins(10) });
    let client = Client::new(&settings).unwrap();
    let how = RunMany::new().checkpoint(&path);
    let batch = client.syncs().run_many([1, 2, 3], &how).await.unwrap();
    while triggered(&world).is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // The limit allows two requests: a read of the server's time, and one trigger. So the other triggers wait.
    let own = u64::try_from(triggered(&world)[0] - 1).unwrap();
    assert_eq!(events(&path), [(own, "sending".to_owned())]);
    assert_eq!(lines(&path)[1]["sync"], triggered(&world)[0]);
    client.close();
    let items = batch.stop().await;
    assert_eq!(items[usize::try_from(own).unwrap()].outcome, Some(ItemOutcome::Unknown));
    world.delete();
}

/// If the server refused an attempt, a run that was created before the next attempt is not the batch's own.
#[tokio::test]
async fn a_trigger_that_was_refused_and_sent_again_is_recorded_with_the_time_of_its_last_attempt() {
    let refused = json!({"when": {"operation": "TriggerRun"}, "answer": {"status": 429, "headers": {"Retry-After": "2"}}});
    let (world, path) = world(&json!({"script": [refused]})).with_file("refused");
    let items = all(&world.client(), &[1], &RunMany::new().checkpoint(&path)).await.unwrap();
    assert_eq!(outcomes(&items), [ItemOutcome::Success]);
    let written = lines(&path);
    assert_eq!(
        events(&path).iter().map(|(_, event)| event.as_str()).collect::<Vec<_>>(),
        ["sending", "sending", "started", "ended"]
    );
    let since = |line: &Value| line["since"].as_i64().unwrap();
    assert!(since(&written[2]) - since(&written[1]) >= 1500, "{written:?}");
    world.delete();
}

#[tokio::test]
async fn the_run_of_an_intent_without_an_answer_is_found_by_the_time_of_the_intent() {
    let (world, path) = world(&json!({"runs": {"seconds": 60, "queuedSeconds": 0}})).with_file("found");
    let how = RunMany::new().checkpoint(&path);
    let batch = world.client().syncs().run_many([1, 2], &how).await.unwrap();
    while batch.items().iter().any(|item| item.run.is_none()) {
        batch.changed().await.unwrap();
    }
    let started = batch.stop().await;
    keep(&path, |line| line["event"] != "started");
    let items = all(&elsewhere(&world), &[1, 2], &how).await.unwrap();
    for (before, after) in started.iter().zip(&items) {
        assert_eq!((&after.run_id, after.adopted), (&before.run_id, true));
        assert_eq!(after.outcome, Some(ItemOutcome::Success));
    }
    assert_eq!(triggered(&world).len(), 2);
    // The file also records a run that the batch found. So a third client can follow the run.
    let items = all(&world.client(), &[1, 2], &how).await.unwrap();
    assert!(items.iter().all(|item| item.adopted && item.outcome == Some(ItemOutcome::Success)));
    world.delete();
}

/// Creates a world in which the first request that starts a run gets no answer and has no effect.
fn losing(more: &Value) -> World {
    let lost = json!({"when": {"operation": "TriggerRun", "nth": 1}, "answer": {"reset": "before-headers"}});
    let mut settings = json!({"script": [lost]});
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    world(&settings)
}

#[tokio::test]
async fn a_sync_whose_run_may_have_been_started_is_started_again_only_if_asked() {
    let (world, path) = losing(&json!({})).with_file("unknown");
    let how = RunMany::new().checkpoint(&path);
    for _ in 0..2 {
        let items = all(&world.client(), &[1], &how).await.unwrap();
        assert_eq!(outcomes(&items), [ItemOutcome::Unknown]);
        assert_eq!(items[0].error.as_ref().unwrap().kind(), Kind::OutcomeUnknown);
        assert_eq!(triggered(&world), [1]);
    }
    let items = all(&world.client(), &[1], &how.clone().retry_unknown(true)).await.unwrap();
    assert_eq!((outcomes(&items), triggered(&world)), (vec![ItemOutcome::Success], vec![1, 1]));
    let items = all(&world.client(), &[1], &how).await.unwrap();
    assert_eq!((outcomes(&items), triggered(&world)), (vec![ItemOutcome::Success], vec![1, 1]));
    world.delete();
}

/// A trigger has an unknown outcome. If the server refuses a second trigger, the sync's outcome must stay unknown.
#[tokio::test]
async fn a_sync_that_could_not_be_started_again_stays_unknown() {
    let refused = json!({"when": {"operation": "TriggerRun", "nth": 2}, "answer": {"status": 403}});
    let lost = json!({"when": {"operation": "TriggerRun", "nth": 1}, "answer": {"reset": "before-headers"}});
    let (world, path) = world(&json!({"script": [lost, refused]})).with_file("refused-again");
    let how = RunMany::new().checkpoint(&path);
    all(&world.client(), &[1], &how).await.unwrap();
    let intent = lines(&path)[1].clone();
    let items = all(&world.client(), &[1], &how.clone().retry_unknown(true)).await.unwrap();
    assert_eq!((outcomes(&items), triggered(&world)), (vec![ItemOutcome::Unknown], vec![1, 1]));
    let error = items[0].error.as_ref().unwrap();
    assert_eq!(error.kind(), Kind::OutcomeUnknown);
    assert!(error.to_string().contains("; it could not be started again: "), "{error}");
    assert!(error.causes()[0].contains("syncs.trigger"), "{:?}", error.causes());
    assert_eq!(lines(&path).last(), Some(&intent), "the times of the request that may have started a run");
    let items = all(&world.client(), &[1], &how).await.unwrap();
    assert_eq!((outcomes(&items), triggered(&world)), (vec![ItemOutcome::Unknown], vec![1, 1]));
    world.delete();
}

/// Writes the file that a batch leaves if its process ends right after the trigger of sync 1. Returns the run's id.
async fn left_behind(world: &World, path: &Path) -> String {
    let batch = world.client().syncs().run_many([1], &RunMany::new().checkpoint(path)).await.unwrap();
    while batch.items()[0].run.is_none() {
        batch.changed().await.unwrap();
    }
    let run = batch.stop().await[0].run_id.clone().unwrap();
    keep(path, |line| line["event"] != "started" && line["event"] != "ended");
    run
}

/// During an outage, the client cannot know whether its trigger started a run, so it must not send another trigger.
#[tokio::test]
async fn a_sync_is_not_started_again_if_its_runs_cannot_be_read() {
    let out = json!({"when": {"operation": "ListSyncRuns"}, "answer": {"status": 503}, "times": 9999});
    let (world, path) = world(&json!({"script": [out]})).with_file("outage");
    left_behind(&world, &path).await;
    let how = RunMany::new().checkpoint(&path).retry_unknown(true);
    let items = all(&elsewhere(&world), &[1], &how).await.unwrap();
    assert_eq!((outcomes(&items), triggered(&world)), (vec![ItemOutcome::Unknown], vec![1]));
    let error = items[0].error.as_ref().unwrap();
    assert!(error.to_string().contains("; the list of runs could not be read"), "{error}");
    world.delete();
}

/// The search for a run must go on to the next page, even if all runs on the first page are newer than the trigger.
#[tokio::test]
async fn the_run_of_an_intent_is_found_behind_pages_of_newer_runs() {
    let (world, path) = world(&json!({"runs": {"seconds": 1, "queuedSeconds": 0}})).with_file("behind");
    let run = left_behind(&world, &path).await;
    let text = std::fs::read_to_string(&path).unwrap();
    let (header, _) = text.split_once('\n').unwrap();
    let mut intent = lines(&path)[1].clone();
    // The intent covers runs created within 50 s of world time. Runs after the sleep (60 s of world time) are too late.
    intent["until"] = json!(intent["since"].as_i64().unwrap() + 50_000);
    std::fs::write(&path, format!("{header}\n{intent}\n")).unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    for _ in 0..110 {
        somebody_triggers(&world).await;
    }
    let items = all(&elsewhere(&world), &[1], &RunMany::new().checkpoint(&path)).await.unwrap();
    assert_eq!((items[0].run_id.as_ref(), items[0].adopted), (Some(&run), true), "{items:?}");
    world.delete();
}

/// A schedule starts the sync after the process has ended. The batch must not take the scheduled run as its own.
#[tokio::test]
async fn a_run_that_was_created_long_after_the_intent_is_not_adopted() {
    let (world, path) = losing(&json!({})).with_file("later");
    let how = RunMany::new().checkpoint(&path);
    all(&world.client(), &[1], &how).await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let (header, _) = text.split_once('\n').unwrap();
    let mut intent = lines(&path)[1].clone();
    for member in ["since", "until"] {
        intent[member] = json!(intent[member].as_i64().unwrap() - 600_000);
    }
    std::fs::write(&path, format!("{header}\n{intent}\n")).unwrap();
    somebody_triggers(&world).await;
    let items = all(&elsewhere(&world), &[1], &how).await.unwrap();
    assert_eq!(outcomes(&items), [ItemOutcome::Unknown]);
    let details = items[0].error.as_ref().unwrap().details().unwrap().value();
    assert_eq!(details["candidates"], json!([]));
    world.delete();
}

/// The answer to one of two triggers of a sync was lost. The batch must not adopt the ended run of the other trigger.
#[tokio::test]
async fn a_run_of_another_item_is_not_adopted() {
    let (world, path) = losing(&json!({"runs": {"seconds": 1, "queuedSeconds": 0}})).with_file("other");
    let how = RunMany::new().checkpoint(&path);
    let first = all(&world.client(), &[1, 1], &how).await.unwrap();
    let again = all(&elsewhere(&world), &[1, 1], &how).await.unwrap();
    for items in [first, again] {
        let mut outcomes = outcomes(&items);
        outcomes.sort_by_key(|outcome| *outcome == ItemOutcome::Unknown);
        assert_eq!(outcomes, [ItemOutcome::Success, ItemOutcome::Unknown], "{items:?}");
    }
    world.delete();
}

/// Two items of a batch triggered one sync. Only one new run exists, and the batch cannot know which item started it.
#[tokio::test]
async fn two_intents_for_one_sync_adopt_nothing() {
    let (world, path) = losing(&json!({})).with_file("twice");
    let how = RunMany::new().checkpoint(&path);
    all(&world.client(), &[1, 1], &how).await.unwrap();
    keep(&path, |line| line["event"] != "started" && line["event"] != "ended");
    let items = all(&elsewhere(&world), &[1, 1], &how).await.unwrap();
    assert_eq!(outcomes(&items), [ItemOutcome::Unknown; 2]);
    assert_eq!(triggered(&world).len(), 2);
    world.delete();
}

/// The trigger had options. The new run may be a scheduled run without these options, so the batch does not adopt it.
#[tokio::test]
async fn the_run_of_an_intent_with_options_is_not_adopted() {
    let (world, path) = world(&json!({})).with_file("options");
    let trigger = TriggerSync { full_resync: Some(true), ..TriggerSync::default() };
    let how = RunMany::new().checkpoint(&path).trigger(trigger);
    all(&world.client(), &[1], &how).await.unwrap();
    keep(&path, |line| line["event"] != "started" && line["event"] != "ended");
    let items = all(&elsewhere(&world), &[1], &how).await.unwrap();
    assert_eq!((outcomes(&items), triggered(&world)), (vec![ItemOutcome::Unknown], vec![1]));
    world.delete();
}

#[tokio::test]
async fn failed_runs_are_run_again_only_if_asked_and_syncs_that_were_not_started_always() {
    let plans = json!({"runs": {"seconds": 1, "status": "failed"}});
    let (world, path) = world(&plans).with_file("failed");
    let how = RunMany::new().checkpoint(&path);
    let expected = [ItemOutcome::Failure, ItemOutcome::NotStarted];
    assert_eq!(outcomes(&all(&world.client(), &[1, 999], &how).await.unwrap()), expected);
    assert_eq!(triggered(&world).len(), 2);
    let again = all(&world.client(), &[1, 999], &how).await.unwrap();
    assert_eq!(
        (outcomes(&again), again[0].state.clone().unwrap().status.as_str()),
        (expected.to_vec(), "failed")
    );
    assert_eq!(&triggered(&world)[2..], [999]);
    assert_eq!(outcomes(&all(&world.client(), &[1, 999], &how.retry_failed(true)).await.unwrap()), expected);
    let mut last = triggered(&world)[3..].to_vec();
    last.sort_unstable();
    assert_eq!(last, [1, 999]);
    world.delete();
}

#[tokio::test]
async fn a_joined_run_is_recorded_as_joined() {
    let runs = json!({"when": {"operation": "ListSyncRuns", "nth": 1}, "answer": {"edit": [
        {"at": "/data/0/status", "set": "querying"}, {"at": "/data/0/finishedAt", "set": null},
    ]}});
    let (world, path) = world(&json!({"script": [runs]})).with_file("joined");
    let client = world.client();
    client.syncs().trigger(1, &TriggerSync::default()).await.unwrap();
    let trigger = TriggerSync { if_running: Some(IfRunning::Join), ..TriggerSync::default() };
    let how = RunMany::new().checkpoint(&path).trigger(trigger);
    for _ in 0..2 {
        let items = all(&client, &[1], &how).await.unwrap();
        assert!(items[0].joined && !items[0].adopted);
    }
    let events: Vec<_> = events(&path).into_iter().map(|(_, event)| event).collect();
    assert_eq!((events, triggered(&world)), (vec!["started".to_owned(), "ended".to_owned()], vec![1]));
    world.delete();
}

#[tokio::test]
async fn a_checkpoint_that_cannot_be_used_is_refused_before_anything_is_sent() {
    let (world, path) = world(&json!({})).with_file("refusals");
    let client = world.client();
    let how = RunMany::new().checkpoint(&path);
    all(&client, &[1, 2], &how).await.unwrap();
    let sent = world.log()["requests"].as_array().unwrap().len();
    let good = std::fs::read_to_string(&path).unwrap();
    let refused = async |syncs: &[i64], how: &RunMany, why: &str| {
        let error = all(&client, syncs, how).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (Kind::InvalidRequest, Some("checkpoint")), "{error}");
        let text = error.to_string();
        assert!(text.starts_with("syncs.run_many: the checkpoint ") && text.contains(why), "{text}");
        assert!(text.ends_with(". Nothing was sent."), "{text}");
    };
    refused(&[2, 1], &how, " records other syncs").await;
    let full = TriggerSync { full_resync: Some(true), ..TriggerSync::default() };
    refused(&[1, 2], &how.clone().trigger(full), " records triggers with other options").await;
    std::fs::write(&path, good.replace("\"started\"", "\"stared\"")).unwrap();
    refused(&[1, 2], &how, " is damaged in line ").await;
    std::fs::write(&path, good.replacen("\"format\":1", "\"format\":2", 1)).unwrap();
    refused(&[1, 2], &how, " was written by a newer version of the SDK").await;
    std::fs::write(&path, &good).unwrap();
    let folder = RunMany::new().checkpoint(path.parent().unwrap());
    refused(&[1, 2], &folder, " is a directory, and must be a file").await;
    let nowhere = RunMany::new().checkpoint(path.join("x"));
    refused(&[1, 2], &nowhere, " cannot be opened: ").await;
    let open = std::fs::File::open(&path).unwrap();
    open.lock().unwrap();
    refused(&[1, 2], &how, " is in use by another batch, perhaps in another process").await;
    open.unlock().unwrap();
    all(&client, &[1, 2], &how).await.unwrap();
    let error = all(&client, &[1], &RunMany::new().retry_failed(true)).await.unwrap_err();
    assert!(error.to_string().contains("`retry_unknown` and `retry_failed` need a `checkpoint`"), "{error}");
    assert_eq!(world.log()["requests"].as_array().unwrap().len(), sent);
    world.delete();
}

#[tokio::test]
async fn the_key_is_never_written() {
    let echo = json!({"when": {"operation": "ListSyncRuns"}, "times": 99, "answer": {"edit": [
        {"at": "/data/*/error", "set": "the key {{key}} was refused"},
    ]}});
    let (world, path) =
        world(&json!({"script": [echo], "runs": {"seconds": 1, "status": "failed"}})).with_file("key");
    let key = world.info["apiKey"].as_str().unwrap().to_owned();
    let client = world.client();
    let how = RunMany::new().checkpoint(&path);
    all(&client, &[1], &how).await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("was refused") && !text.contains(&key), "{text}");
    assert_eq!(outcomes(&all(&client, &[1], &how).await.unwrap()), [ItemOutcome::Failure]);
    let slug = "a-key-that-could-be-a-slug-0123456789";
    let client = Client::new(&world.settings().api_key(slug)).unwrap();
    let error =
        client.syncs().run_many([slug], &RunMany::new().checkpoint(world.file("slug"))).await.unwrap_err();
    assert!(
        error.to_string().contains("contains the API key") && !error.to_string().contains(slug),
        "{error}"
    );
    world.delete();
}
