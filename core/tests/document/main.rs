//! Checks that the SDK reads every answer that conforms to Hightouch's OpenAPI document. The tests generate answers
//! from the schemas of the document, and a local server sends these answers to a client. The tests call the client as
//! a package does, with JSON.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test that meets the unexpected shall fail loudly"
)]

#[path = "../answering/mod.rs"]
mod answering;
mod schema;

use hightouch_sdk::wire::{Cancel, Engine, catalogue};
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use answering::Answering;
use schema::{Document, answer};

/// The number of generated answers per operation.
const CASES: u32 = 48;

struct Client {
    server: Answering,
    engine: Engine,
    runtime: Runtime,
}

impl Client {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let server = Answering::new(&runtime);
        let settings =
            json!({"apiKey": "key", "environment": {}, "baseUrl": server.origin(), "limit": [1_000_000, 1]});
        let engine = Engine::new(&settings.to_string()).unwrap();
        Self { server, engine, runtime }
    }

    /// Calls an operation. The server answers with `body`. Returns the value or the failure. The call is raw, so that
    /// the client does not retry after an error under status 200.
    fn read(&self, op: &str, args: &Value, body: &Value) -> Result<Value, Value> {
        self.server.set(200, &[], &body.to_string());
        let (args, cancel) = (args.to_string(), Cancel::new());
        let outcome = self.runtime.block_on(self.engine.call(op, &args, r#"{"raw": true}"#, &cancel));
        assert!(outcome.ok, "{}", outcome.head);
        let mut head: Value = serde_json::from_str(&outcome.head).unwrap();
        match head["answer"]["failure"].take() {
            Value::Null => Ok(head["answer"]["value"].take()),
            failure => Err(failure),
        }
    }
}

/// Returns the arguments of a call that sends a request: all required arguments and, for an update, one change. The SDK
/// refuses an update that changes nothing.
fn arguments(operation: &Value) -> Value {
    let arguments = operation["args"].as_array().unwrap();
    let is_update = operation["http"].as_str().unwrap().starts_with("PATCH");
    let change = arguments.iter().find(|argument| is_update && argument["required"] != true);
    let needed = arguments.iter().filter(|argument| argument["required"] == true).chain(change);
    needed
        .map(|argument| {
            let value = match (&argument["type"], argument["wire"].as_str().unwrap()) {
                (_, "configuration" | "config") => json!({}),
                (Value::String(of), _) if of == "int" || of == "sync" => json!(7),
                (Value::String(of), _) if of == "bool" => json!(false),
                (Value::Object(of), _) if of.contains_key("list") => json!([]),
                _ => json!("some-id"),
            };
            (argument["wire"].as_str().unwrap().to_owned(), value)
        })
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Gives the trigger of a campaign as many recipients as the answer has results, because any other number of results is
/// an error.
fn with_recipients(op: &str, args: &Value, body: &Value) -> Value {
    let mut args = args.clone();
    if op == "campaigns.trigger" {
        args["recipients"] = body["results"].as_array().unwrap().iter().map(|_| json!({"id": "7"})).collect();
    }
    args
}

#[test]
fn any_answer_that_fits_the_document_is_read() {
    let catalogue: Value = serde_json::from_str(&catalogue()).unwrap();
    let (document, client) = (Document::read(), Client::new());
    for operation in catalogue["operations"].as_array().unwrap() {
        let Some(schema) = document.answer(operation["operationId"].as_str().unwrap()) else {
            assert_eq!(operation["newer"], true, "{} is not in the document", operation["op"]);
            continue;
        };
        let (op, args) = (operation["op"].as_str().unwrap(), arguments(operation));
        let mut runner =
            TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
        let outcome = runner.run(&answer(&document, &schema, op), |body| {
            let read = client.read(op, &with_recipients(op, &args, &body), &body);
            assert!(read.is_ok(), "{op} could not read {body}: {}", read.unwrap_err());
            Ok(())
        });
        assert!(outcome.is_ok(), "{op}: {}", outcome.unwrap_err());
    }
}

#[test]
fn every_operation_of_the_document_is_declared() {
    let catalogue: Value = serde_json::from_str(&catalogue()).unwrap();
    let declared = catalogue["operationIds"].as_array().unwrap();
    for id in Document::read().operations() {
        assert!(declared.contains(&id), "{id} is not declared in core/src/resources");
    }
}

#[test]
fn every_error_shape_under_status_200_is_an_error_for_every_operation_that_declares_it() {
    let catalogue: Value = serde_json::from_str(&catalogue()).unwrap();
    let (document, client) = (Document::read(), Client::new());
    let mut declared = 0;
    for operation in catalogue["operations"].as_array().unwrap() {
        let op = operation["op"].as_str().unwrap();
        for (shape, body) in [
            (
                "ValidateErrorJSON",
                json!({"message": "Validation failed", "details": {"name": {"message": "taken"}}}),
            ),
            ("TriggerErrorResponse", json!({"error": "campaign is archived"})),
            ("InternalServerError", json!("Internal Server Error")),
        ] {
            if !document.declares(operation["operationId"].as_str().unwrap(), shape) {
                continue;
            }
            declared += 1;
            let failure = client.read(op, &arguments(operation), &body).expect_err(op);
            let kind = match shape {
                "ValidateErrorJSON" => "validation",
                "TriggerErrorResponse" => "invalid_request",
                _ if operation["http"].as_str().unwrap().starts_with("GET") => "server",
                _ => "outcome_unknown",
            };
            assert_eq!(failure["kind"], kind, "{op} {shape}");
        }
    }
    assert!(declared > 0, "the document declares such shapes");
}
