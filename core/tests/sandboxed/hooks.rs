//! Tests the id of a call, the headers that hooks add to requests, and the notices that the core sends during a call.

use std::sync::{Arc, Mutex};

use hightouch_sdk::resources::TriggerSync;
use hightouch_sdk::wire::{Cancel, Engine};
use hightouch_sdk::{Kind, Options};
use serde_json::{Value, json};

use crate::support::sandbox::{World, sandbox};

fn engine(world: &World) -> Engine {
    let settings = json!({
        "apiKey": world.info["apiKey"], "baseUrl": world.info["baseUrl"], "caBundle": world.info["ca"],
        "timeScale": world.info["timeScale"], "language": "node/20",
    });
    Engine::new(&settings.to_string()).unwrap()
}

/// Makes a call. Returns its head (the report or the failure, as JSON) and its notices.
async fn told(engine: &Engine, op: &str, args: &Value, opts: &Value) -> (Value, Vec<Value>) {
    let notices = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&notices);
    let tell = move |notice: String| listener.lock().unwrap().push(notice);
    let output = engine.call_telling(op, &args.to_string(), &opts.to_string(), &Cancel::new(), tell).await;
    let notices =
        notices.lock().unwrap().iter().map(|notice| serde_json::from_str(notice).unwrap()).collect();
    (serde_json::from_str(&output.head).unwrap(), notices)
}

fn events(notices: &[Value]) -> Vec<&str> {
    notices.iter().map(|notice| notice["event"].as_str().unwrap()).collect()
}

fn announced(engine: &Engine, op: &str, args: &Value) -> Value {
    serde_json::from_str(&engine.announce(op, &args.to_string())).unwrap()
}

#[tokio::test]
async fn all_requests_of_a_call_share_its_id_and_each_has_its_own_request_id() {
    let world = sandbox().world(&json!({"slugs": ["orders"]}));
    let client = world.client();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (starts, ends) = (Arc::clone(&seen), Arc::clone(&seen));
    client.on_start(move |start| {
        assert_eq!(start.sync, Some("orders"));
        starts.lock().unwrap().push((start.call_id.to_owned(), start.request_id.to_owned()));
    });
    client.on_end(move |end| {
        ends.lock().unwrap().push((end.meta.call_id.clone(), end.meta.request_id.clone()));
    });
    let (_, meta) = client.syncs().trigger("orders", &TriggerSync::default()).with_meta().await.unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 4, "the slug is looked up first");
    assert!(seen.iter().all(|(call, _)| *call == meta.call_id), "{seen:?}");
    assert_eq!((&seen[0], &seen[2]), (&seen[1], &seen[3]));
    assert_ne!(seen[0].1, seen[2].1);
    let sent: Vec<Value> = world.log()["requests"].as_array().unwrap().clone();
    let ids: Vec<&str> =
        sent.iter().map(|request| request["headers"]["x-request-id"].as_str().unwrap()).collect();
    assert_eq!(ids, [seen[0].1.as_str(), seen[2].1.as_str()]);
    let starts: Vec<u64> = meta.attempts.iter().map(|attempt| attempt.at_ms).collect();
    assert!(starts.is_sorted() && meta.attempts[1].at_ms >= meta.attempts[0].ms, "{:?}", meta.attempts);
    world.delete();
}

#[tokio::test]
async fn a_hook_adds_replaces_and_removes_headers_of_each_request() {
    let world = sandbox().world(&json!({"slugs": ["orders"]}));
    let client = world.client();
    client.on_start(|start| {
        start.headers.insert("traceparent".to_owned(), format!("00-{}-00f067aa0ba902b7-01", start.call_id));
        assert_eq!(start.headers.remove("x-taken-away").as_deref(), Some("yes"));
    });
    let options = Options::new().header("x-kept", "yes").header("x-taken-away", "yes");
    let (_, meta) =
        client.syncs().trigger("orders", &TriggerSync::default()).with(options).with_meta().await.unwrap();
    let log = world.log();
    let sent = log["requests"].as_array().unwrap();
    assert_eq!(sent.len(), 2);
    for request in sent {
        let headers = &request["headers"];
        assert_eq!(headers["traceparent"], format!("00-{}-00f067aa0ba902b7-01", meta.call_id));
        assert_eq!((&headers["x-kept"], &headers["x-taken-away"]), (&json!("yes"), &Value::Null));
    }
    world.delete();
}

#[tokio::test]
async fn a_header_that_an_option_may_not_set_is_refused_from_a_hook_too() {
    let world = sandbox().world(&json!({}));
    for (name, why) in [
        ("Authorization", "is set by the SDK"),
        ("X-Request-Id", "is set by the SDK"),
        ("a b", "no valid name"),
    ] {
        let client = world.client();
        client.on_start(move |start| {
            start.headers.insert(name.to_owned(), "x".to_owned());
        });
        let error = client.syncs().get(1).await.unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidRequest);
        assert!(error.to_string().contains(why), "{error}");
    }
    assert_eq!(world.log()["requests"], json!([]));
    world.delete();
}

#[tokio::test]
async fn a_call_is_announced_under_the_names_that_its_answer_has() {
    let world = sandbox().world(&json!({"syncs": 2, "slugs": ["orders"], "runs": {"seconds": 1}}));
    let engine = engine(&world);
    let body = |op: &'static str, args: Value| {
        let engine = &engine;
        async move {
            let out = engine.call(op, &args.to_string(), "", &Cancel::new()).await;
            (
                serde_json::from_str::<Value>(&out.head).unwrap(),
                serde_json::from_slice::<Value>(&out.body).unwrap(),
            )
        }
    };
    let run = body("syncs.trigger", json!({"sync": 2})).await.1;
    let next = body("syncs.list", json!({"limit": 1})).await.0["next"].clone();
    for (op, args, method, path) in [
        ("syncs.get", json!({"sync": 1}), Some("GET"), Some("/syncs/{syncId}")),
        ("syncs.trigger", json!({"sync": 1}), Some("POST"), Some("/syncs/{syncId}/trigger")),
        ("syncs.trigger", json!({"sync": "orders"}), Some("POST"), Some("/syncs/trigger")),
        ("syncs.list", json!({"limit": 1}), Some("GET"), Some("/syncs")),
        ("syncs.list", json!({"next": next}), Some("GET"), Some("/syncs")),
        ("syncs.runs", json!({"sync": "orders"}), Some("GET"), Some("/syncs/{syncId}/runs")),
        (
            "sync_sequences.trigger",
            json!({"syncSequenceId": "nightly"}),
            Some("POST"),
            Some("/sync-sequences/{syncSequenceId}/trigger"),
        ),
        ("request", json!({"method": "GET", "path": "/syncs"}), Some("GET"), None),
        ("run", json!({"run": run["token"]}), Some("GET"), None),
        ("run.state", json!({"run": run["token"]}), Some("GET"), None),
        ("client.diagnose", json!({}), None, None),
    ] {
        let start = announced(&engine, op, &args);
        let opts = json!({"callId": start["callId"]});
        let out = engine.call(op, &args.to_string(), &opts.to_string(), &Cancel::new()).await;
        let meta = &serde_json::from_str::<Value>(&out.head).unwrap()["meta"];
        for name in ["callId", "operation", "resource", "sync"] {
            assert_eq!(start[name], meta[name], "{name} of {op} {args}");
        }
        if !op.starts_with("run") {
            assert_eq!(start["operationId"], meta["operationId"], "{op} {args}");
        }
        assert_eq!(
            (start["httpMethod"].as_str(), start["urlTemplate"].as_str()),
            (method, path),
            "{op} {args}"
        );
        assert_eq!(start["serverAddress"], "127.0.0.1");
        assert_eq!(
            start["serverPort"],
            json!(url::Url::parse(world.info["baseUrl"].as_str().unwrap()).unwrap().port())
        );
    }
    world.delete();
}

/// Incident: for a call that reads the state of a run, the hook at the start of the call got the operation `request`.
#[tokio::test]
async fn every_operation_is_announced_by_the_name_that_its_report_has() {
    let world = sandbox().world(&json!({}));
    let engine = engine(&world);
    let catalogue: Value = serde_json::from_str(&hightouch_sdk::wire::catalogue()).unwrap();
    let listed = |member: &str| {
        let entries = catalogue[member].as_array().unwrap().iter();
        entries.map(|entry| entry["op"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let own = ["run", "run.state", "request", "client.diagnose"].map(str::to_owned);
    for op in [listed("operations"), listed("lookups"), own.to_vec()].concat() {
        // The engine refuses most of these calls, because they lack an argument. Even then, the notice at the start of
        // the call and the report at its end must have the same name of the operation.
        let start = announced(&engine, &op, &json!({}));
        let out = engine.call(&op, "{}", "", &Cancel::new()).await;
        let head: Value = serde_json::from_str(&out.head).unwrap();
        let reported = if out.ok { &head["meta"]["operation"] } else { &head["operation"] };
        if out.ok || !reported.is_null() {
            assert_eq!(&start["operation"], reported, "{op}");
        } else {
            assert!(op.starts_with("run"), "{op} is refused without its name");
            assert_eq!(start["operation"], op);
        }
    }
    world.delete();
}

#[tokio::test]
async fn the_records_of_a_call_count_the_requests_of_the_whole_call() {
    // Time passes slowly, because a long wait for the limit would have a notice of its own.
    let world = sandbox().world(&json!({
        "timeScale": 2, "slugs": ["orders"],
        "script": [{"when": {"operation": "TriggerRunCustom", "nth": 1}, "answer": {"status": 429, "headers": {"Retry-After": "1"}}}],
    }));
    let (head, notices) =
        told(&engine(&world), "syncs.trigger", &json!({"sync": "orders"}), &json!({})).await;
    assert_eq!(events(&notices), ["cut", "started"], "{notices:?}");
    let counts: Vec<_> = notices.iter().map(|notice| notice["attempt"].as_u64().unwrap()).collect();
    assert_eq!(counts, [2, 3], "the look-up of the slug counts too");
    assert_eq!(head["meta"]["attempts"].as_array().unwrap().len(), 3);
    world.delete();
}

#[test]
fn a_call_that_will_be_refused_is_announced_by_its_name_alone_and_without_the_key() {
    let world = sandbox().world(&json!({}));
    let engine = engine(&world);
    let start = announced(&engine, "sync_sequences.trigger", &json!({"syncSequenceId": ".."}));
    assert_eq!(
        (&start["operation"], &start["operationId"]),
        (&json!("syncSequences.trigger"), &json!("TriggerSequenceRun"))
    );
    assert_eq!(start["resource"], Value::Null);
    assert_eq!(start["callId"].as_str().unwrap().len(), 32);
    let key = world.info["apiKey"].as_str().unwrap();
    let start = engine.announce("syncs.get", &json!({"sync": key}).to_string());
    assert!(start.contains("syncs.get") && !start.contains(key), "{start}");
    assert_ne!(
        announced(&engine, "syncs.list", &json!({}))["callId"],
        announced(&engine, "syncs.list", &json!({}))["callId"]
    );
    world.delete();
}

#[tokio::test]
async fn a_call_tells_its_retries_its_cuts_and_its_long_waits() {
    let script = json!([
        {"when": {"nth": 1}, "answer": {"status": 503}},
        {"when": {"nth": 2}, "answer": {"status": 429, "headers": {"Retry-After": "20"}}},
    ]);
    let world = sandbox().world(&json!({"timeScale": 5, "script": script}));
    let (head, notices) =
        told(&engine(&world), "syncs.get", &json!({"sync": 1}), &json!({"callId": "mine"})).await;
    assert_eq!(events(&notices), ["retry", "cut", "waiting", "waited"]);
    for notice in &notices {
        assert_eq!((&notice["callId"], &notice["sync"]), (&json!("mine"), &json!("1")));
        assert_eq!((&notice["operation"], &notice["operationId"]), (&json!("syncs.get"), &json!("GetSync")));
    }
    assert_eq!(
        notices.iter().map(|notice| notice["attempt"].as_u64().unwrap()).collect::<Vec<_>>(),
        [1, 2, 2, 2]
    );
    assert_eq!(head["meta"]["callId"], "mine");
    let text = |at: usize| notices[at]["text"].as_str().unwrap();
    assert!(text(0).starts_with("syncs.get (sync 1) failed (server) and is sent again in "), "{}", text(0));
    assert_eq!(text(2), "syncs.get (sync 1) has waited for the rate limit for 5.0 s, and goes on waiting.");
    let waited = notices[3]["waitedMs"].as_u64().unwrap();
    assert!(head["meta"]["waitedMs"].as_u64().unwrap().abs_diff(waited) <= 1 && waited > 0);
    world.delete();
}

#[tokio::test]
async fn a_trigger_tells_the_run_that_it_started_joined_or_found() {
    let lost = json!({"when": {"operation": "TriggerRun", "nth": 1}, "answer": {"reset": "before-headers", "apply": true}});
    let world = sandbox()
        .world(&json!({"timeScale": 5, "slugs": ["orders"], "runs": {"seconds": 100_000}, "script": [lost]}));
    let engine = engine(&world);
    let trigger = |args: Value| {
        let engine = &engine;
        async move { told(engine, "syncs.trigger", &args, &json!({})).await.1 }
    };
    let found = trigger(json!({"sync": 2})).await;
    assert_eq!(events(&found), ["searching", "adopted"]);
    assert_eq!(found[1]["text"], "syncs.trigger (sync 2) has found its run: 9001.");
    let started = trigger(json!({"sync": "orders"})).await;
    assert_eq!(events(&started), ["started"]);
    assert_eq!(started[0]["text"], "syncs.trigger (sync \"orders\") has started run 9002.");
    assert_eq!(started[0]["sync"], "orders");
    let joined = trigger(json!({"sync": "orders", "ifRunning": "join"})).await;
    assert_eq!(events(&joined), ["joined"]);
    let (_, sent) = told(
        &engine,
        "campaigns.trigger",
        &json!({"campaignId": "welcome", "recipients": [{"id": "7"}]}),
        &json!({}),
    )
    .await;
    assert_eq!(events(&sent), ["started"]);
    let (_, read) = told(&engine, "syncs.get", &json!({"sync": 1}), &json!({})).await;
    assert!(read.is_empty(), "{read:?}");
    world.delete();
}

#[tokio::test]
async fn following_a_run_tells_an_outage_once_and_its_end_once() {
    let out = json!({"when": {"operation": "ListSyncRuns"}, "answer": {"status": 503}, "times": 3});
    let world = sandbox().world(&json!({"timeScale": 100, "runs": {"seconds": 100_000}, "script": [out]}));
    let engine = engine(&world);
    let run = engine.call("syncs.trigger", r#"{"sync": 1}"#, "", &Cancel::new()).await;
    let run: Value = serde_json::from_slice(&run.body).unwrap();
    let (head, notices) =
        told(&engine, "run", &json!({"run": run["token"]}), &json!({"maxRetries": 0, "callId": "mine"}))
            .await;
    assert_eq!(head["meta"]["callId"], "mine");
    assert_eq!(events(&notices), ["unreachable", "reachable"]);
    assert_eq!(
        notices[0]["text"],
        "run 9001 of sync 1 cannot be read at present, and is tried again: server."
    );
    assert_eq!(notices[1]["text"], "run 9001 of sync 1 can be read again.");
    world.delete();
}
