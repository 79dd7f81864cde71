//! Tests the reports of a batch about its requests, and the report of a step that follows a run. Hosts use these
//! reports to call hooks and to write a log.

use std::collections::BTreeMap;

use hightouch_sdk::wire::{Cancel, Engine};
use serde_json::{Value, json};

use crate::support::sandbox::{World, sandbox};

const MINE: &str = "0123456789abcdef0123456789abcdef";

fn engine(world: &World) -> Engine {
    let settings = json!({
        "apiKey": world.info["apiKey"], "baseUrl": world.info["baseUrl"], "caBundle": world.info["ca"],
        "timeScale": world.info["timeScale"], "language": "node/20",
    });
    Engine::new(&settings.to_string()).unwrap()
}

async fn body(engine: &Engine, op: &str, args: Value, opts: Value) -> Value {
    let out = engine.call(op, &args.to_string(), &opts.to_string(), &Cancel::new()).await;
    assert!(out.ok, "{}", out.head);
    serde_json::from_slice(&out.body).unwrap()
}

/// Starts a batch and follows it to its end. Returns the reports of the batch.
async fn told(engine: &Engine, args: Value, opts: Value) -> Vec<Value> {
    let batch = body(engine, "syncs.run_many", args, opts).await["batch"].clone();
    let mut told = Vec::new();
    loop {
        let news = body(engine, "batch.next", json!({"batch": batch}), json!({})).await;
        told.extend(news["told"].as_array().cloned().unwrap_or_default());
        if news["finished"] == true {
            return told;
        }
    }
}

fn sent(world: &World) -> Vec<Value> {
    world.log()["requests"].as_array().unwrap().clone()
}

/// A host must get a report of every request: the look-up of a slug, a repeated request, a request that reads one run,
/// and a request that lists the syncs to see which runs have changed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_tells_every_request_that_it_sends_with_the_headers_of_its_call() {
    let script = json!([{"when": {"operation": "ListSyncRuns", "nth": 3}, "answer": {"status": 503}}]);
    let world = sandbox().world(&json!({"syncs": 40, "pastRuns": 0, "timeScale": 50.0, "slugs": ["orders"],
        "runs": {"seconds": 200}, "script": script}));
    let engine = engine(&world);
    let mut syncs: Vec<Value> = (2..=40).map(Value::from).collect();
    syncs.push(json!("orders"));
    let told = told(
        &engine,
        json!({"syncs": syncs, "atOnce": 50, "tellCalls": true}),
        json!({"callId": MINE, "headers": {"traceparent": "00-mine"}}),
    )
    .await;
    let sent = sent(&world);
    let mut of_call: BTreeMap<&str, usize> = BTreeMap::new();
    for request in &sent {
        let headers = &request["headers"];
        assert_eq!(headers["traceparent"], "00-mine");
        *of_call.entry(headers["x-request-id"].as_str().unwrap()).or_default() += 1;
    }
    assert_eq!(told.len(), of_call.len(), "each request is told once");
    for report in &told {
        let (call, meta) = (&report["call"], &report["meta"]);
        for name in ["callId", "operation", "operationId", "resource", "sync"] {
            assert_eq!(call[name], meta[name], "{name}");
        }
        let attempts = meta["attempts"].as_array().unwrap();
        assert_eq!(attempts.len(), of_call[meta["requestId"].as_str().unwrap()]);
        assert_eq!(call["batchCallId"], MINE);
        assert_ne!(call["callId"], MINE);
        assert_eq!(call["headers"], json!({"traceparent": "00-mine"}));
        assert_eq!(call["serverAddress"], "127.0.0.1");
        let took = meta["durationMs"].as_u64().unwrap();
        assert!((took..60_000).contains(&report["startedAgoMs"].as_u64().unwrap()), "{report}");
        assert_eq!(report["failure"], Value::Null);
    }
    let of =
        |operation: &str| told.iter().filter(|it| it["call"]["operation"] == operation).collect::<Vec<_>>();
    let triggers = of("syncs.trigger");
    assert_eq!(triggers.len(), 40);
    let look_up = triggers.iter().find(|it| it["call"]["sync"] == "orders").unwrap();
    let shared = told.iter().filter(|it| it["call"]["callId"] == look_up["call"]["callId"]);
    assert_eq!(shared.count(), 2, "the search for the slug has the id of its trigger");
    assert_eq!(triggers[0]["call"]["httpMethod"], "POST");
    assert_eq!(triggers[0]["call"]["urlTemplate"], "/syncs/{syncId}/trigger");
    let looks = of("run");
    assert!(looks.iter().all(|look| look["call"]["resource"].as_str().unwrap().starts_with("run ")));
    assert!(looks.iter().all(|look| look["call"]["operationId"] == "ListSyncRuns"));
    assert!(looks.iter().any(|look| look["meta"]["attempts"].as_array().unwrap().len() == 2), "the retry");
    let lists = sent.iter().filter(|request| request["operation"] == "ListSync").count();
    assert!(lists > 1, "no page was read for all runs");
    world.delete();
}

/// Incident: the runs of a batch ended while a page of the list of syncs was slow. The request for the page was dropped
/// after two seconds, and nobody was told of it.
#[tokio::test]
async fn a_batch_tells_the_request_for_a_page_that_it_no_longer_waits_for() {
    let script = json!([{"when": {"operation": "ListSync"}, "answer": {"hang": true}, "times": 100}]);
    let plan =
        json!({"syncs": 40, "pastRuns": 0, "timeScale": 50.0, "runs": {"seconds": 200}, "script": script});
    let world = sandbox().world(&plan);
    let syncs: Vec<u32> = (1..=40).collect();
    let args = json!({"syncs": syncs, "atOnce": 50, "tellCalls": true});
    let told = told(&engine(&world), args, json!({})).await;
    let sent = sent(&world);
    let list = json!("ListSync");
    let lists =
        |calls: &[Value], name: &str| calls.iter().filter(|call| call.pointer(name) == Some(&list)).count();
    assert!(lists(&sent, "/operation") > 0, "no page was requested");
    assert_eq!(lists(&told, "/call/operationId"), lists(&sent, "/operation"));
    assert_eq!(told.len(), sent.len(), "each request is told once");
    let page = told.iter().find(|report| report["call"]["operationId"] == "ListSync").unwrap();
    assert_eq!(page["failure"]["kind"], "cancelled", "{page}");
    world.delete();
}

#[tokio::test]
async fn a_batch_tells_errors_and_notices_if_it_is_asked_and_else_nothing() {
    let plan =
        json!({"syncs": 3, "pastRuns": 0, "timeScale": 5.0, "slugs": ["orders"], "runs": {"seconds": 1}});
    let world = sandbox().world(&plan);
    let engine = engine(&world);
    let args = json!({"syncs": [2, 999], "tellCalls": true, "tellNotices": true});
    let loud = told(&engine, args, json!({})).await;
    let failures: Vec<&Value> = loud.iter().filter(|it| it["failure"].is_object()).collect();
    assert_eq!(failures.len(), 1);
    assert_eq!(
        (&failures[0]["failure"]["kind"], &failures[0]["call"]["sync"]),
        (&json!("not_found"), &json!("999"))
    );
    let notices: Vec<Value> = loud
        .iter()
        .filter_map(|it| it["notice"].as_str())
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    let [started] = notices.as_slice() else { panic!("{notices:?}") };
    assert_eq!((&started["event"], &started["sync"]), (&json!("started"), &json!("2")));
    let trigger = loud.iter().find(|it| it["call"]["sync"] == "2").unwrap();
    assert_eq!(started["callId"], trigger["call"]["callId"]);
    let quiet = told(&engine, json!({"syncs": [2]}), json!({})).await;
    assert!(quiet.is_empty(), "{quiet:?}");
    world.delete();
}

/// A batch looks up a slug before the request that fails. The report and the message of the failed request must not
/// include the attempts of this look-up.
#[tokio::test]
async fn a_request_that_fails_is_told_without_the_requests_before_it() {
    let script = json!([
        {"when": {"operation": "ListSync", "nth": 1}, "answer": {"status": 503}},
        {"when": {"operation": "TriggerRunCustom"}, "answer": {"status": 403}},
    ]);
    let world = sandbox()
        .world(&json!({"syncs": 1, "pastRuns": 0, "timeScale": 50.0, "slugs": ["orders"], "script": script}));
    let told = told(&engine(&world), json!({"syncs": ["orders"], "tellCalls": true}), json!({})).await;
    let attempts = |operation: &str| {
        let of = told.iter().find(|it| it["call"]["operation"] == operation).unwrap();
        of["meta"]["attempts"].as_array().unwrap().iter().map(|it| it["status"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(attempts("syncs.list"), [503, 200]);
    assert_eq!(attempts("syncs.trigger"), [403]);
    let failure = &told.iter().find(|it| it["call"]["operation"] == "syncs.trigger").unwrap()["failure"];
    assert!(!failure["message"].as_str().unwrap().contains("attempts"), "{failure}");
    world.delete();
}

#[tokio::test]
async fn stopping_a_batch_tells_what_nobody_has_read() {
    let world = sandbox().world(&json!({"syncs": 2, "pastRuns": 0, "runs": {"seconds": 100_000}}));
    let engine = engine(&world);
    let started = body(&engine, "syncs.run_many", json!({"syncs": [1], "tellCalls": true}), json!({})).await;
    while sent(&world).is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let stopped = body(&engine, "batch.stop", json!({"batch": started["batch"]}), json!({})).await;
    assert_eq!(stopped["told"][0]["call"]["operation"], "syncs.trigger", "{stopped}");
    world.delete();
}

/// Incident: when a batch was stopped, it cancelled a request that had already been sent. No hook heard of this
/// request.
#[tokio::test]
async fn a_request_that_the_stop_of_a_batch_cuts_off_is_told_once_as_cancelled() {
    let hang = json!([{"when": {"operation": "ListSyncRuns"}, "answer": {"hang": true}, "times": 10}]);
    let world = sandbox().world(&json!({"syncs": 2, "pastRuns": 0, "timeScale": 20.0, "script": hang,
        "runs": {"seconds": 100_000}}));
    let engine = engine(&world);
    let started = body(&engine, "syncs.run_many", json!({"syncs": [1], "tellCalls": true}), json!({})).await;
    while !sent(&world).iter().any(|request| request["operation"] == "ListSyncRuns") {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let stopped = body(&engine, "batch.stop", json!({"batch": started["batch"]}), json!({})).await;
    let told = stopped["told"].as_array().unwrap();
    let ids: Vec<&Value> = told.iter().map(|it| &it["meta"]["requestId"]).collect();
    let of_sent: Vec<Value> = sent(&world).iter().map(|it| it["headers"]["x-request-id"].clone()).collect();
    assert_eq!(ids, of_sent.iter().collect::<Vec<_>>(), "{stopped}");
    let kinds: Vec<&Value> = told.iter().map(|it| &it["failure"]["kind"]).collect();
    assert_eq!(kinds, [&Value::Null, &json!("cancelled")], "{stopped}");
    assert_eq!(told[1]["call"]["operationId"], "ListSyncRuns");
    let items = stopped["items"].as_array().unwrap();
    assert!(items.iter().all(|item| item["failure"].is_null()), "the run goes on: {stopped}");
    world.delete();
}

/// A step of following a run may send several requests (looks) until the run changes. Incident: the report of a step
/// contained only the last look, so hooks did not hear of the others.
#[tokio::test]
async fn the_report_of_a_step_has_every_look_at_the_run_also_if_the_wait_times_out() {
    let world =
        sandbox().world(&json!({"syncs": 1, "pastRuns": 0, "timeScale": 20.0, "runs": {"seconds": 100_000}}));
    let engine = engine(&world);
    let run = body(&engine, "syncs.trigger", json!({"sync": 1}), json!({})).await;
    let mut args = json!({"run": run["token"]});
    // The first step returns the current state at once. Each later step ends when the state changes or the timeout
    // passes.
    let mut looks = 0;
    let failure = loop {
        let out = engine.call("run", &args.to_string(), r#"{"callId": "mine"}"#, &Cancel::new()).await;
        let head: Value = serde_json::from_str(&out.head).unwrap();
        looks += head["meta"]["attempts"].as_array().unwrap().len();
        if !out.ok {
            break head;
        }
        let step: Value = serde_json::from_slice(&out.body).unwrap();
        args = json!({"run": run["token"], "seen": step["seen"], "timeoutMs": 3000, "expire": true});
    };
    assert_eq!((&failure["kind"], &failure["meta"]["callId"]), (&json!("wait_timeout"), &json!("mine")));
    let attempts = failure["meta"]["attempts"].as_array().unwrap();
    assert!(attempts.len() > 2, "{failure}");
    let starts: Vec<u64> = attempts.iter().map(|attempt| attempt["atMs"].as_u64().unwrap()).collect();
    assert!(starts.is_sorted() && starts.last() > Some(&100), "{starts:?}");
    assert_eq!(looks, sent(&world).iter().filter(|request| request["method"] == "GET").count());
    world.delete();
}
