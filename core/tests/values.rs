//! Reads unusual values, such as 1e400, in every place of an answer where they may occur. `values.json` lists the
//! values, and how the SDK must read each value. `core/neighbour` runs these tests too, in a build with every feature
//! of `serde_json`.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected shall fail loudly"
)]

mod answering;

use std::io::{Read as _, Write as _};
use std::mem::ManuallyDrop;
use std::net::TcpListener;

use hightouch_sdk::wire::{CallOutput, Cancel, Engine};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::runtime::{Builder, Runtime};

use answering::Answering;

/// A value in an answer, and how the SDK reads it as an integer, as a float and as a text; `None` if the SDK cannot
/// read it as that type.
#[derive(Deserialize)]
struct Case {
    json: String,
    int: Option<String>,
    float: Option<String>,
    text: Option<String>,
}

impl Case {
    fn all() -> Vec<Self> {
        serde_json::from_str(include_str!("values.json")).unwrap()
    }

    fn is_null(&self) -> bool {
        self.json == "null"
    }

    fn quoted(&self) -> Option<String> {
        self.text.as_ref().map(|text| serde_json::to_string(text).unwrap())
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn engine(base: &str) -> Engine {
    Engine::new(&format!(r#"{{"apiKey":"a-key","baseUrl":"{base}","environment":{{}},"limit":[1000000,1]}}"#))
        .unwrap()
}

fn call(base: &str, op: &str, args: &str) -> CallOutput {
    runtime().block_on(engine(base).call(op, args, "", &Cancel::new()))
}

/// A client and its server, which sends the answer that the test sets.
struct Answered {
    runtime: Runtime,
    server: Answering,
    engine: Engine,
}

thread_local! {
    /// The runtime is not dropped when the thread ends, because tokio's thread-local data may be gone by then.
    static ANSWERED: ManuallyDrop<Answered> = {
        let runtime = runtime();
        let server = Answering::new(&runtime);
        let engine = engine(&server.origin());
        ManuallyDrop::new(Answered { runtime, server, engine })
    };
}

/// Returns the value that an operation reads from this answer, and the paths of the values that the SDK replaced with a
/// default ("mended"). Returns `None` if the SDK refuses the answer.
fn parse(op: &str, args: &str, answer: &str) -> Option<(String, Vec<String>)> {
    #[derive(Deserialize)]
    struct Head {
        meta: Meta,
        answer: Answer,
    }
    #[derive(Deserialize)]
    struct Answer {
        value: Option<Box<RawValue>>,
    }
    #[derive(Deserialize)]
    struct Meta {
        mended: Vec<String>,
    }
    let outcome = ANSWERED.with(|answered| {
        answered.server.set(200, &[], answer);
        // The call is raw, because an ordinary trigger looks for its run after an answer that it cannot read.
        answered.runtime.block_on(answered.engine.call(op, args, r#"{"raw":true}"#, &Cancel::new()))
    });
    assert!(outcome.ok, "{}", outcome.head);
    let Head { meta, answer } = serde_json::from_str(&outcome.head).unwrap();
    answer.value.map(|value| (value.get().to_owned(), meta.mended))
}

/// Returns a run as JSON in which `replaced` replaces members. A member with an empty text is left out.
fn run(replaced: &[(&str, &str)]) -> String {
    let rows = r#"{"addedCount":3,"changedCount":2,"removedCount":1}"#;
    let members = [
        ("id", "7"),
        ("status", "\"success\""),
        ("querySize", "6"),
        ("completionRatio", "0.5"),
        ("plannedRows", rows),
        ("successfulRows", rows),
        ("failedRows", rows),
        ("error", ""),
    ];
    let with = |(name, json): (&str, &str)| {
        let json = replaced
            .iter()
            .find(|(replaced, _)| *replaced == name)
            .map_or(json.to_owned(), |(_, json)| (*json).to_owned());
        (!json.is_empty()).then(|| format!("\"{name}\":{json}"))
    };
    format!("{{{}}}", members.into_iter().filter_map(with).collect::<Vec<_>>().join(","))
}

/// Returns the paths that the SDK must report as mended (replaced with a default): `path`, or none if the SDK could
/// read the value.
fn mended(read: Option<&String>, path: &str) -> Vec<String> {
    if read.is_some() { Vec::new() } else { vec![path.to_owned()] }
}

/// Reads a page with one run, in which one member is replaced.
fn read_run(member: &str, json: &str) -> Option<(String, Vec<String>)> {
    parse("syncs.runs", r#"{"sync":1}"#, &format!("{{\"data\":[{}]}}", run(&[(member, json)])))
}

fn assert_run(member: &str, json: &str, expected: &str, mended: Vec<String>) {
    let expected = format!("[{}]", run(&[(member, expected)]));
    assert_eq!(read_run(member, json), Some((expected, mended)), "{member}: {json}");
}

#[test]
fn ids_are_read_as_values_json_says_and_a_run_without_an_id_is_left_out() {
    for Case { json, int, .. } in Case::all() {
        match int {
            Some(id) => assert_run("id", &json, &id, Vec::new()),
            None => assert_eq!(read_run("id", &json).map(|(rows, _)| rows), Some("[]".to_owned()), "{json}"),
        }
    }
}

#[test]
fn counts_and_ratios_are_read_as_values_json_says_or_mended() {
    let rows = |json: &str| format!(r#"{{"addedCount":{json},"changedCount":2,"removedCount":1}}"#);
    for Case { json, int, float, .. } in Case::all() {
        let (count, ratio) = (int.as_deref().unwrap_or("0"), float.as_deref().unwrap_or("0.0"));
        assert_run("querySize", &json, count, mended(int.as_ref(), "0.querySize"));
        let path = "0.failedRows.addedCount";
        assert_run("failedRows", &rows(&json), &rows(count), mended(int.as_ref(), path));
        assert_run("completionRatio", &json, ratio, mended(float.as_ref(), "0.completionRatio"));
    }
}

#[test]
fn texts_are_read_as_values_json_says_or_absent() {
    for case in Case::all() {
        let mended = if case.is_null() { Vec::new() } else { mended(case.text.as_ref(), "0.error") };
        assert_run("error", &case.json, &case.quoted().unwrap_or_default(), mended);
    }
}

/// With the feature `arbitrary_precision`, `serde_json` presents a number as an object. The SDK must not read that
/// number as an object.
#[test]
fn a_scalar_in_the_place_of_an_object_or_a_list_is_mended() {
    let zeros = r#"{"addedCount":0,"changedCount":0,"removedCount":0}"#;
    for case in Case::all().iter().filter(|case| !case.json.starts_with('{')) {
        assert_run("plannedRows", &case.json, zeros, vec!["0.plannedRows".to_owned()]);
    }
    for case in Case::all().iter().filter(|case| !case.json.starts_with('[')) {
        let answer = format!(r#"{{"id":7,"slug":"s","referencedColumns":{}}}"#, case.json);
        let expected = r#"{"id":7,"slug":"s","referencedColumns":[]}"#.to_owned();
        let mended = vec!["referencedColumns".to_owned()];
        assert_eq!(parse("syncs.get", r#"{"sync":7}"#, &answer), Some((expected, mended)), "{}", case.json);
    }
}

#[test]
fn values_in_lists_maps_unions_and_opaque_json_are_read_as_values_json_says() {
    for case in Case::all() {
        let json = &case.json;
        let answer = format!(
            "{{\"id\":7,\"slug\":\"s\",\"configuration\":[{json}],\"schedule\":{{\"type\":\"interval\",\"schedule\":\
             {{\"interval\":{{\"unit\":\"hour\",\"quantity\":{json}}}}}}},\"referencedColumns\":[{json}],\
             \"tags\":{{\"a\":{json}}}}}"
        );
        let text = case.quoted().unwrap_or_default();
        let quantity = case.int.as_ref().map(|int| format!(",\"quantity\":{int}")).unwrap_or_default();
        let tag = case.quoted().map(|text| format!("\"a\":{text}")).unwrap_or_default();
        let expected = format!(
            "{{\"id\":7,\"slug\":\"s\",\"configuration\":[{json}],\"schedule\":{{\"type\":\"interval\",\"schedule\":\
             {{\"kind\":\"interval\",\"interval\":{{\"unit\":\"hour\"{quantity}}}}}}},\"referencedColumns\":[{text}],\
             \"tags\":{{{tag}}}}}"
        );
        let mut mended = Vec::new();
        if case.int.is_none() && !case.is_null() {
            mended.push("schedule.schedule.interval.quantity".to_owned());
        }
        if case.text.is_none() {
            mended.extend(["referencedColumns.0".to_owned(), "tags.a".to_owned()]);
        }
        assert_eq!(parse("syncs.get", r#"{"sync":7}"#, &answer), Some((expected, mended)), "{json}");
    }
}

/// Incident: the client lost the run of a trigger, because the answer contained the run's id as a number. The API's
/// document says that the id is text.
#[test]
fn the_id_in_the_answer_to_a_trigger_is_read_as_values_json_says() {
    for case in Case::all() {
        let read = parse("syncs.trigger", r#"{"sync":1}"#, &format!("{{\"id\":{}}}", case.json));
        let expected = case.int.as_ref().map(|id| format!("\"id\":\"{id}\""));
        match (read, expected) {
            (Some((run, _)), Some(id)) => assert!(run.contains(&id), "{}: {run}", case.json),
            (read, expected) => assert_eq!((read, expected), (None, None), "{}", case.json),
        }
    }
}

#[test]
fn a_wrong_argument_is_described_in_the_same_words_in_every_build() {
    let wrong = |op: &str, args: &str| {
        #[derive(Deserialize)]
        struct Failure {
            message: String,
        }
        let outcome = call("http://127.0.0.1:9", op, args);
        assert!(!outcome.ok, "{args}");
        serde_json::from_str::<Failure>(&outcome.head).unwrap().message
    };
    for number in ["5.0", "1e3", "12345678901234567890123"] {
        assert_eq!(
            wrong("sources.get", &format!(r#"{{"sourceId":{number}}}"#)),
            "sources.get: the argument `source_id` must be a whole number. Nothing was sent."
        );
        assert_eq!(
            wrong("runs.open", &format!(r#"{{"token":{number}}}"#)),
            "The argument `token` must be a string, not a number. Nothing was sent."
        );
        let message = wrong("syncs.get", &format!(r#"{{"sync":{number}}}"#));
        assert!(message.contains("must be a sync's id (a whole number) or its slug (a string)"), "{message}");
    }
}

/// The arguments and the answer of `request` have no type, so the SDK must not change their text.
#[test]
fn the_query_the_body_and_the_answer_of_request_keep_their_text() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let body = r#"{"z":1e400,"a":5.0,"m":123456789012345678901234567890}"#;
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = Vec::new();
        let mut chunk = [0; 4096];
        while !asked.ends_with(b"}") {
            let read = stream.read(&mut chunk).unwrap();
            assert!(read > 0, "the request ended early");
            asked.extend_from_slice(&chunk[..read]);
        }
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        String::from_utf8(asked).unwrap()
    });
    let args = format!(
        r#"{{"method":"POST","path":"/x","query":{{"b":1e3,"a":[5.0,12345678901234567890123,"t",true]}},"body":{body}}}"#
    );
    let outcome = call(&format!("http://127.0.0.1:{port}"), "request", &args);
    assert_eq!(
        (outcome.ok, String::from_utf8(outcome.body).unwrap()),
        (true, body.to_owned()),
        "{}",
        outcome.head
    );
    let asked = server.join().unwrap();
    assert!(
        asked.starts_with("POST /x?a=5.0&a=12345678901234567890123&a=t&a=true&b=1e3 HTTP/1.1\r\n"),
        "{asked}"
    );
    assert!(asked.ends_with(body), "{asked}");
}
