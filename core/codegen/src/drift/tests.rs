//! The document that the SDK was made from, as it is and altered by hand.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected shall fail loudly"
)]

use serde_json::{Value, json};

use super::document::Document;
use super::*;

const VENDOR: &str = include_str!("../../../../tests/sandbox/openapi.json");

fn catalogue() -> Value {
    serde_json::from_str(&hightouch_sdk::wire::catalogue()).unwrap()
}

/// The report on the vendor's document after a change, without what is known.
fn drift(change: impl FnOnce(&mut Value)) -> (Vec<String>, u8) {
    let mut altered: Value = serde_json::from_str(VENDOR).unwrap();
    change(&mut altered);
    let document = Document::read(&altered.to_string()).unwrap();
    let known: Vec<Known> = serde_json::from_str(KNOWN).unwrap();
    let (text, status) = report(&settled(&compare::differences(&document, &catalogue()), &known));
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    (lines.filter(|line| line.starts_with("new ") || line.starts_with("breaking ")).collect(), status)
}

fn operation<'a>(document: &'a mut Value, path: &str, method: &str) -> &'a mut Value {
    &mut document["paths"][path][method]
}

fn schema<'a>(document: &'a mut Value, name: &str) -> &'a mut Value {
    &mut document["components"]["schemas"][name]
}

#[test]
fn the_document_that_the_sdk_was_made_from_differs_only_in_what_is_known() {
    assert_eq!(drift(|_| ()), (Vec::new(), 0));
}

#[test]
fn what_is_new_is_told_and_does_no_harm() {
    let (lines, status) = drift(|document| {
        let pause = json!({"operationId": "PauseSync", "responses": {"200": {}}});
        document["paths"]["/syncs/{syncId}/pause"] = json!({"post": pause});
        schema(document, "Sync")["properties"]["owner"] = json!({"type": "string"});
        schema(document, "SyncRunStatus")["enum"].as_array_mut().unwrap().push(json!("paused"));
        schema(document, "SyncUpdate")["properties"]["priority"] = json!({"type": "number"});
        let filter = json!({"in": "query", "name": "destinationId", "schema": {"type": "number"}});
        operation(document, "/syncs", "get")["parameters"].as_array_mut().unwrap().push(filter);
        operation(document, "/models", "get")["deprecated"] = json!(true);
    });
    assert_eq!(status, 1, "{lines:?}");
    for wanted in [
        "new PauseSync: a new operation, POST /syncs/{syncId}/pause",
        "new GetSync answer.owner: a new member",
        "new ListSync answer.data[].owner: a new member",
        "new ListSyncRuns answer.data[].status: a new value, `paused`",
        "new UpdateSync body.priority: a new member",
        "new ListSync query.destinationId: a new parameter",
        "new ListModel: is deprecated now",
    ] {
        assert!(lines.iter().any(|line| line == wanted), "{wanted} is not in {lines:#?}");
    }
}

#[test]
fn what_calls_and_answers_count_on_is_breaking_when_it_goes_or_changes() {
    let (lines, status) = drift(|document| {
        document["paths"].as_object_mut().unwrap().remove("/sources/{sourceId}");
        let moved = document["paths"].as_object_mut().unwrap().remove("/idr/{graphId}/runs").unwrap();
        document["paths"]["/identity/{graphId}/runs"] = moved;
        schema(document, "Sync")["properties"]["id"] = json!({"type": "boolean"});
        schema(document, "Model")["properties"].as_object_mut().unwrap().remove("slug");
        schema(document, "SyncCreate")["properties"]["owner"] = json!({"type": "string"});
        schema(document, "SyncCreate")["required"].as_array_mut().unwrap().push(json!("owner"));
        schema(document, "DestinationUpdate")["properties"].as_object_mut().unwrap().remove("name");
        schema(document, "IntervalSchedule")["properties"] = json!({"every": {"type": "string"}});
        schema(document, "TriggerSequenceRunOutput")["properties"] = json!({"runId": {"type": "string"}});
        for parameter in operation(document, "/models", "get")["parameters"].as_array_mut().unwrap() {
            if parameter["name"] == "name" {
                parameter["required"] = json!(true);
            }
        }
        operation(document, "/syncs/{syncId}/runs", "get")["parameters"]
            .as_array_mut()
            .unwrap()
            .retain(|parameter| parameter["name"] != "runId");
    });
    assert_eq!(status, 2, "{lines:?}");
    for wanted in [
        "breaking GetSource: gone: GET /sources/{sourceId}",
        "breaking ListIdrRuns: moved from GET /idr/{graphId}/runs to GET /identity/{graphId}/runs",
        "breaking GetSync answer.id: was int and is boolean now",
        "breaking GetModel answer.slug: gone",
        "breaking CreateSync body.owner: a new member, which is required",
        "breaking UpdateDestination body.name: gone",
        "breaking UpdateSync body.schedule.schedule<interval>: gone",
        "breaking ListSyncRuns query.runId: gone",
        "breaking TriggerSequenceRun answer.id: gone",
        "breaking ListModel query.name: is required now",
    ] {
        assert!(lines.iter().any(|line| line == wanted), "{wanted} is not in {lines:#?}");
    }
}

/// What is known is known for a reason; when the reason goes, somebody should hear of it.
#[test]
fn a_known_difference_that_is_no_more_is_told() {
    let (lines, status) = drift(|document| {
        schema(document, "ModelUpdate")["properties"]["primaryKey"]["nullable"] = json!(true);
    });
    assert_eq!(status, 0, "CreateModel still has it: {lines:?}");
    let (lines, status) = drift(|document| {
        for name in ["ModelUpdate", "ModelCreate"] {
            schema(document, name)["properties"]["primaryKey"]["nullable"] = json!(true);
        }
    });
    assert_eq!(
        (lines, status),
        (vec!["new *Model body.primaryKey: no longer so: is not said to be null".to_owned()], 1)
    );
}

#[test]
fn the_newer_style_of_documents_is_read_too() {
    let (lines, status) = drift(|document| {
        document["openapi"] = json!("3.1.0");
        schema(document, "Sync")["properties"]["lastRunAt"] =
            json!({"type": ["string", "null"], "format": "date-time"});
        let source = schema(document, "Source").take();
        *schema(document, "Source") = json!({"allOf": [source]});
    });
    assert_eq!((lines, status), (Vec::new(), 0));
}

#[test]
fn a_file_that_is_no_document_is_said_to_be_none() {
    for (text, why) in [
        ("openapi: 3.0.0", "YAML"),
        ("{}", "no OpenAPI"),
        (r#"{"swagger": "2.0", "paths": {}}"#, "no OpenAPI"),
    ] {
        assert!(Document::read(text).err().unwrap().contains(why), "{text}");
    }
}

/// Under make every status is 2: only the last line then tells what is new from what broke.
#[test]
fn the_last_line_says_the_severity_and_the_status() {
    let finding = |severity| Finding { severity, at: "GetSync".to_owned(), what: "gone".to_owned() };
    for (severities, wanted) in [
        (vec![], "known, exit status 0: 0 breaking, 0 new, 0 known"),
        (vec![Severity::Known, Severity::New], "new, exit status 1: 0 breaking, 1 new, 1 known"),
        (vec![Severity::New, Severity::Breaking], "breaking, exit status 2: 1 breaking, 1 new, 0 known"),
    ] {
        let (text, status) = report(&severities.into_iter().map(finding).collect::<Vec<_>>());
        assert_eq!(text.lines().last(), Some(wanted));
        assert!(wanted.contains(&format!("status {status}")));
    }
}
