//! Batches: runs of many syncs at once.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hightouch_sdk::resources::{IfRunning, TriggerSync};
use hightouch_sdk::wire::{Cancel, Engine};
use hightouch_sdk::{BatchItem, Client, ItemOutcome, Kind, OnEnd, RunMany, WaitMany};
use serde_json::{Value, json};

use crate::support::sandbox::{World, sandbox};

/// Creates a world with seven syncs. The runs of two syncs fail, and the run of a third ends with a warning. World time
/// passes ten times as fast as real time.
fn world() -> World {
    let slugs: Vec<String> = (1..=7).map(|id| format!("sync-{id}")).collect();
    let runs = json!({"seconds": 20, "queuedSeconds": 0, "bySlug": {
        "sync-2": {"status": "failed", "error": "the destination refused the key"},
        "sync-4": {"status": "failed"},
        "sync-5": {"status": "warning"},
    }});
    sandbox().world(&json!({"syncs": 7, "pastRuns": 0, "slugs": slugs, "timeScale": 10.0, "runs": runs}))
}

/// Creates a world in which the states of runs cannot be read before the source 1 was read.
fn held() -> World {
    let held = json!({"when": {"operation": "ListSyncRuns"}, "answer": {"until": {"operation": "GetSource"}}, "times": 99});
    sandbox().world(&json!({"syncs": 7, "pastRuns": 0, "script": [held]}))
}

/// Returns the requests with this method that the world has received, each as its method and path.
fn requests(world: &World, method: &str) -> Vec<String> {
    let log = world.log();
    let requests = log["requests"].as_array().unwrap().iter();
    requests
        .filter(|request| request["method"] == method)
        .map(|request| request["path"].to_string())
        .collect()
}

fn outcomes(items: &[BatchItem]) -> Vec<Option<ItemOutcome>> {
    items.iter().map(|item| item.outcome).collect()
}

#[tokio::test]
async fn a_batch_ends_with_one_error_that_names_every_failed_sync() {
    let world = world();
    let client = world.client();
    let batch = client
        .syncs()
        .run_many(["sync-1", "sync-2", "3", "sync-4", "no-such-sync"], &RunMany::new())
        .await
        .unwrap();
    let error = batch.wait(&WaitMany::new()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::RunFailed);
    let text = error.to_string();
    assert!(text.starts_with("syncs.run_many: 3 of 5 syncs did not succeed: "), "{text}");
    for part in [
        "sync \"sync-2\" (run 900",
        "failed: the destination refused the key",
        "sync \"sync-4\" (run 900",
        "sync \"no-such-sync\": no sync has this slug",
    ] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
    let details: Value = error.details().unwrap().value();
    assert_eq!(details.as_array().unwrap().len(), 3);
    assert_eq!(details[0]["sync"], "sync-2");
    assert_eq!(details[0]["state"]["status"], "failed");
    assert_eq!(details[2]["outcome"], "not_started");
    let [ok, failed, none] = [ItemOutcome::Success, ItemOutcome::Failure, ItemOutcome::NotStarted].map(Some);
    let expected = [ok, failed, ok, failed, none];
    assert_eq!(outcomes(&batch.items()), expected);
    assert_eq!(requests(&world, "POST").len(), 4);
}

#[tokio::test]
async fn failures_and_warnings_are_returned_or_raised_as_the_caller_wants() {
    let world = world();
    let client = world.client();
    let batch = client.syncs().run_many([4, 5], &RunMany::new()).await.unwrap();
    let quiet = WaitMany::new().on_failure(OnEnd::Return);
    let items = batch.wait(&quiet).await.unwrap();
    assert_eq!(outcomes(&items), [Some(ItemOutcome::Failure), Some(ItemOutcome::Warning)]);
    // A second wait does not start the runs again. The second wait can raise an error, although the first wait was told
    // to raise no error.
    let error = batch.wait(&quiet.on_warning(OnEnd::Raise)).await.unwrap_err();
    assert!(error.to_string().contains("1 of 2 syncs did not succeed: sync 5 (run "), "{error}");
    assert_eq!(requests(&world, "POST").len(), 2);
}

#[tokio::test]
async fn at_most_so_many_syncs_are_in_progress_at_once() {
    let world = world();
    let client = world.client();
    let batch = client.syncs().run_many(1..=7, &RunMany::new().at_once(2)).await.unwrap();
    let (mut running, mut most, mut ended) = (std::collections::BTreeSet::new(), 0, 0);
    while let Some(item) = batch.changed().await {
        if item.outcome.is_some() {
            running.remove(&item.index);
            ended += 1;
        } else {
            running.insert(item.index);
        }
        most = most.max(running.len());
    }
    assert_eq!((most, ended), (2, 7));
}

/// Incident: a checkpoint was resumed with the key of another workspace, and the error said that the runs go on.
#[tokio::test]
async fn a_wait_for_resumed_runs_that_no_answer_has_shown_says_so() {
    let settings = json!({"pastRuns": 0, "runs": {"listedAfterMs": 100_000_000}});
    let (world, path) = sandbox().world(&settings).with_file("unlisted");
    let how = RunMany::new().checkpoint(&path);
    let batch = world.client().syncs().run_many([1, 2], &how).await.unwrap();
    while batch.items().iter().any(|item| item.run.is_none()) {
        batch.changed().await.unwrap();
    }
    batch.stop().await;
    let batch = world.client().syncs().run_many([1, 2], &how).await.unwrap();
    batch.changed().await.unwrap();
    batch.changed().await.unwrap();
    let error = batch.wait(&WaitMany::new().timeout(Duration::from_millis(1))).await.unwrap_err();
    let hint = error.hint().unwrap();
    assert_eq!(error.kind(), Kind::WaitTimeout);
    assert!(
        hint.starts_with("No answer has shown 2 of the runs yet.") && hint.contains("workspace"),
        "{hint}"
    );
    assert!(!hint.contains("The runs go on"), "{hint}");
    world.delete();
}

#[tokio::test]
async fn a_wait_that_times_out_says_what_is_in_progress_and_can_be_repeated() {
    let world = held();
    let client = world.client();
    let batch = client.syncs().run_many([1, 3, 6], &RunMany::new().at_once(2)).await.unwrap();
    batch.changed().await.unwrap();
    batch.changed().await.unwrap();
    let error = batch.wait(&WaitMany::new().timeout(Duration::from_millis(1))).await.unwrap_err();
    assert_eq!(error.kind(), Kind::WaitTimeout);
    assert!(
        error.to_string().contains("3 of 3 syncs had not ended: 2 in progress, 1 not started"),
        "{error}"
    );
    let details: Value = error.details().unwrap().value();
    let token = details[0]["run"].as_str().unwrap();
    assert!(client.run(token).is_ok());
    client.sources().get(1).await.unwrap();
    let items = batch.wait(&WaitMany::new()).await.unwrap();
    assert_eq!(outcomes(&items), [Some(ItemOutcome::Success); 3]);
}

#[tokio::test]
async fn a_batch_that_is_stopped_starts_nothing_more_and_still_reports_what_was_started() {
    let world = held();
    let client = world.client();
    let batch = client.syncs().run_many(1..=7, &RunMany::new().at_once(2)).await.unwrap();
    batch.changed().await.unwrap();
    let items = batch.stop().await;
    let started = items.iter().filter(|item| item.run.is_some()).count();
    assert_eq!(requests(&world, "POST").len(), started);
    assert!(started <= 2, "{started}");
    assert!(items.iter().all(|item| item.outcome.is_none()));
    let error = batch.wait(&WaitMany::new()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Closed);
    let said = format!("the batch was stopped, and 7 of 7 syncs had not ended: {started} in progress, ");
    assert!(error.to_string().contains(&said), "{error}");
}

/// The message must use the names of the host's language, and give only advice that applies.
#[tokio::test]
async fn the_error_of_a_batch_with_unknown_items_says_what_to_do_in_the_language_of_the_host() {
    let lost =
        json!({"when": {"operation": "TriggerRun"}, "answer": {"reset": "before-headers"}, "times": 9});
    let world = sandbox().world(&json!({"syncs": 2, "pastRuns": 0, "script": [lost]}));
    for (language, name) in [("python/3.11", "`retry_unknown`"), ("node/20", "`retryUnknown`")] {
        for path in [None, Some(world.file(&format!("hint-{}", language.len())))] {
            let settings = json!({
                "apiKey": world.info["apiKey"], "baseUrl": world.info["baseUrl"], "caBundle": world.info["ca"],
                "timeScale": world.info["timeScale"], "language": language,
            });
            let engine = Engine::new(&settings.to_string()).unwrap();
            let mut args = json!({"syncs": [1]});
            if let Some(path) = &path {
                args["checkpoint"] = json!(path);
            }
            let started = engine.call("syncs.run_many", &args.to_string(), "", &Cancel::new()).await;
            let opened: Value = serde_json::from_slice(&started.body).unwrap();
            let next = json!({"batch": opened["batch"], "onFailure": "raise"}).to_string();
            let failure = loop {
                let step = engine.call("batch.next", &next, "", &Cancel::new()).await;
                if !step.ok {
                    break serde_json::from_str::<Value>(&step.head).unwrap();
                }
            };
            let hint = failure["hint"].as_str().unwrap();
            assert!(
                hint.starts_with("For some of the syncs, it is unknown whether a run was started."),
                "{hint}"
            );
            assert_eq!(hint.contains(name), path.is_some(), "{hint}");
        }
    }
    world.delete();
}

/// A caller may pass the API key in place of a slug by mistake.
#[tokio::test]
async fn the_key_is_in_no_error_of_a_batch() {
    let world = world();
    let key = "wrong-key-0123456789abcdef0123456789ab";
    let client = Client::new(&world.settings().api_key(key)).unwrap();
    let batch = client.syncs().run_many(["sync-1", key], &RunMany::new().at_once(1)).await.unwrap();
    let error = batch.wait(&WaitMany::new()).await.unwrap_err();
    let own = batch.items().remove(1).error.unwrap();
    assert_eq!(own.resource(), Some("sync \"[key]\""));
    for text in [error.to_string(), own.to_string(), own.resource().unwrap_or_default().to_owned()] {
        assert!(!text.contains(key), "{text}");
    }
    assert!(!error.details().unwrap().value().to_string().contains(key));
}

/// If the server refuses the key, every further sync would fail too. So the batch starts no more syncs.
#[tokio::test]
async fn a_refused_key_ends_a_batch_after_the_syncs_that_were_in_progress() {
    let world = world();
    let client =
        hightouch_sdk::Client::new(&world.settings().api_key("wrong-key-0123456789abcdef0123456789ab"))
            .unwrap();
    let batch = client.syncs().run_many(1..=7, &RunMany::new().at_once(2)).await.unwrap();
    let error = batch.wait(&WaitMany::new()).await.unwrap_err();
    assert!(error.to_string().contains("7 of 7 syncs did not succeed"), "{error}");
    assert!(
        batch
            .items()
            .iter()
            .all(|item| item.error.as_ref().is_some_and(|error| error.kind() == Kind::Authentication))
    );
    assert_eq!(requests(&world, "POST").len(), 2);
    // The first two items report their requests. Nothing was sent for the other items, so they report no request.
    let items = batch.items();
    let error = |item: usize| items[item].error.as_ref().unwrap();
    assert!(error(0).meta().is_some() && error(0).hint().is_some());
    for other in 2..7 {
        let (first, other) = (error(0), error(other));
        assert_eq!(
            (other.status(), other.code(), other.hint()),
            (first.status(), first.code(), first.hint())
        );
        assert!(other.meta().is_none() && other.run().is_none(), "{:?}", other.meta());
    }
}

#[tokio::test]
async fn a_batch_with_a_wrong_argument_is_refused_before_anything_is_sent() {
    let world = world();
    let client = world.client();
    let error = client.syncs().run_many(["sync-1", "no slug"], &RunMany::new()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidRequest);
    assert!(error.to_string().starts_with("syncs.run_many: sync \"no slug\": "), "{error}");
    let both =
        TriggerSync { full_resync: Some(true), if_running: Some(IfRunning::Join), ..TriggerSync::default() };
    let error = client.syncs().run_many(["sync-1"], &RunMany::new().trigger(both)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidRequest);
    assert!(requests(&world, "POST").is_empty());
}

/// Incident: when the client was closed, syncs that were never started got the error and the token of another sync's
/// run.
#[tokio::test]
async fn a_client_that_is_closed_leaves_the_other_syncs_of_a_batch_not_started() {
    let world = held();
    let client = world.client();
    let batch = client.syncs().run_many(1..=7, &RunMany::new().at_once(1)).await.unwrap();
    batch.changed().await.unwrap();
    client.close();
    let error = batch.wait(&WaitMany::new()).await.unwrap_err();
    assert!(error.to_string().contains("7 of 7 syncs did not succeed"), "{error}");
    let items = batch.items();
    let [first, others @ ..] = items.as_slice() else { panic!("seven items") };
    assert_eq!(first.outcome, Some(ItemOutcome::Unknown));
    assert_eq!(first.error.as_ref().unwrap().run(), first.run.as_deref());
    for item in others {
        let error = item.error.as_ref().unwrap();
        assert_eq!(
            (item.outcome, error.kind(), error.run(), error.hint()),
            (Some(ItemOutcome::NotStarted), Kind::Closed, None, None)
        );
        assert!(error.resource().unwrap().contains(&item.sync.to_string()), "{error}");
    }
}

/// Incident: a batch inside the key function of its own client waited for the key, and the key function waited for the
/// batch.
#[tokio::test]
async fn a_batch_inside_the_key_function_of_its_client_is_refused_and_does_not_hang() {
    let world = world();
    let own: Arc<OnceLock<Client>> = Arc::default();
    let (inside, key) = (Arc::clone(&own), world.info["apiKey"].as_str().unwrap().to_owned());
    let credentials = move || {
        let (client, key) = (inside.get().unwrap().clone(), key.clone());
        async move {
            let batch = client.syncs().run_many([1], &RunMany::new()).await.unwrap();
            let error = batch.wait(&WaitMany::new()).await.unwrap_err();
            assert!(error.to_string().contains("1 of 1 syncs did not succeed"), "{error}");
            Ok(key)
        }
    };
    let mut settings = world.settings();
    settings.api_key = None;
    let client = Client::with_credentials(&settings, credentials).unwrap();
    own.set(client.clone()).unwrap();
    client.syncs().get(1).await.unwrap();
    assert!(requests(&world, "POST").is_empty());
}

#[tokio::test]
async fn each_item_is_returned_once_when_it_ends() {
    let world = world();
    let client = world.client();
    let batch = client.syncs().run_many([1, 2, 5], &RunMany::new()).await.unwrap();
    let mut ended = Vec::new();
    while let Some(item) = batch.ended().await {
        ended.push((item.index, item.outcome));
    }
    ended.sort_unstable_by_key(|(index, _)| *index);
    let [ok, failed, warned] = [ItemOutcome::Success, ItemOutcome::Failure, ItemOutcome::Warning].map(Some);
    assert_eq!(ended, [(0, ok), (1, failed), (2, warned)]);
}

/// Hazard: the message of a batch shortens the error of each sync. The SDK removes API keys from messages, but it would
/// not recognise a key that was cut in half.
#[tokio::test]
async fn a_key_at_the_place_where_a_reason_is_cut_off_is_in_no_error_of_a_batch() {
    let error = format!("{} {{{{key}}}}", "x".repeat(100));
    let world = sandbox().world(&json!({"runs": {"seconds": 1, "status": "failed", "error": error}}));
    let key = world.info["apiKey"].as_str().unwrap().to_owned();
    let batch = world.client().syncs().run_many([1], &RunMany::new()).await.unwrap();
    let error = batch.wait(&WaitMany::new()).await.unwrap_err();
    let (text, start) = (error.to_string(), &key[..8]);
    assert!(text.contains("xxx ") && !text.contains(start), "{text}");
}

/// Compares the estimate with the requests that the sandbox counts. Five requests fit into a window of the limit.
#[tokio::test]
async fn an_estimate_is_the_least_that_a_batch_needs() {
    let world = world();
    let mut settings = world.settings();
    settings.limit = Some(hightouch_sdk::RateLimit { requests: 5, window: Duration::from_secs(10) });
    let client = Client::new(&settings).unwrap();
    let syncs = ["sync-1", "sync-3", "6", "sync-7"];
    let how = RunMany::new();
    let told = client.syncs().estimate_many(syncs, &how, Duration::ZERO).unwrap();
    assert_eq!((told.lookups, told.triggers, told.looks, told.requests), (3, 4, 4, 11));
    // Requests that read the state of a run (looks) get a tenth of the limit, but at least one look per window. So the
    // last of four looks begins after three windows.
    assert_eq!(told.duration, Duration::from_millis(3 * 1005));
    assert!(requests(&world, "GET").is_empty());
    let began = std::time::Instant::now();
    client.syncs().run_many(syncs, &how).await.unwrap().wait(&WaitMany::new()).await.unwrap();
    assert!(began.elapsed() >= told.duration);
    let reads = requests(&world, "GET");
    let looks = reads.iter().filter(|path| path.contains("/runs")).count() as u64;
    assert_eq!(requests(&world, "POST").len() as u64, told.triggers);
    assert!(looks >= told.looks && reads.len() as u64 - looks >= told.lookups, "{reads:?}");
    // The slugs are known now. The estimated time is the time of the runs: two rounds of a minute, divided by the scale
    // of 10.
    let told = client.syncs().estimate_many(syncs, &how.at_once(2), Duration::from_mins(1)).unwrap();
    assert_eq!((told.lookups, told.duration), (0, Duration::from_secs(12)));
}
