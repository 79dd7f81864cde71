//! Compares the document that the SDK was written from, unchanged and altered, with the catalogue.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected shall fail loudly"
)]

use serde_json::{Value, json};

use super::document::Document;
use super::*;

fn catalogue() -> Value {
    serde_json::from_str(&hightouch_sdk::wire::catalogue()).unwrap()
}

/// Changes Hightouch's document. Returns the lines of the report on it, without the known differences, and the exit
/// status.
fn drift(change: impl FnOnce(&mut Value)) -> (Vec<String>, u8) {
    let mut altered: Value = serde_json::from_str(BASELINE).unwrap();
    change(&mut altered);
    let document = Document::read(&altered.to_string()).unwrap();
    let (text, status) = compared(&document, &catalogue()).unwrap();
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

/// If a known difference no longer exists, its entry in `known.json` is out of date, and the report says so.
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
        (vec!["new *Model body.primaryKey: listed in known.json, but no longer found: the document does not say that it may be null".to_owned()], 1)
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

/// `make` exits with 2 for every failure, so only the last line of the report distinguishes a new difference from a
/// breaking one.
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

/// Checks that a change is reported as breaking, with exactly these lines. Earlier versions of the comparison missed
/// the changes that the callers pass.
fn missed(wanted: &[&str], change: impl FnOnce(&mut Value)) {
    let (lines, status) = drift(change);
    assert_eq!((lines, status), (wanted.iter().map(|&line| line.to_owned()).collect(), 2));
}

fn good<'a>(document: &'a mut Value, path: &str, method: &str) -> &'a mut Value {
    &mut operation(document, path, method)["responses"]["200"]["content"]["application/json"]["schema"]
}

#[test]
fn a_new_member_of_a_union_under_200_was_missed() {
    missed(&["breaking CreateSync answer: may be an object with code, reason now"], |document| {
        let member = json!({"type": "object", "properties": {"code": {"type": "string"}, "reason": {"type": "string"}}});
        good(document, "/syncs", "post")["anyOf"].as_array_mut().unwrap().push(member);
    });
    missed(&["breaking CreateSync answer: may be null now"], |document| {
        good(document, "/syncs", "post")["nullable"] = json!(true);
    });
    missed(&["breaking GetSync answer: may be an object with error now"], |document| {
        let member = good(document, "/syncs/{syncId}", "get").take();
        let error = json!({"$ref": "#/components/schemas/TriggerErrorResponse"});
        *good(document, "/syncs/{syncId}", "get") = json!({"oneOf": [error, member]});
    });
}

#[test]
fn a_required_field_that_becomes_optional_was_missed() {
    missed(&["breaking ListIdrRuns answer.data[].id: may be absent now"], |document| {
        let of = schema(document, "IdrRun")["required"].as_array_mut().unwrap();
        of.retain(|name| name != "id");
    });
}

#[test]
fn a_required_field_that_may_be_null_was_missed() {
    let wanted = ["breaking ListIdrRuns answer.data[].id: may be null now"];
    missed(&wanted, |document| schema(document, "IdrRun")["properties"]["id"]["nullable"] = json!(true));
    missed(&wanted, |document| {
        let id = schema(document, "IdrRun")["properties"]["id"].take();
        schema(document, "IdrRun")["properties"]["id"] = json!({"nullable": true, "allOf": [id]});
    });
    missed(&wanted, |document| {
        let id = schema(document, "IdrRun")["properties"]["id"].take();
        schema(document, "IdrRun")["properties"]["id"] = json!({"anyOf": [id, {"type": "null"}]});
    });
}

#[test]
fn a_new_required_header_was_missed() {
    missed(&["breaking ListSync header.X-Region: a new parameter, which is required"], |document| {
        let header =
            json!({"in": "header", "name": "X-Region", "required": true, "schema": {"type": "string"}});
        operation(document, "/syncs", "get")["parameters"].as_array_mut().unwrap().push(header);
    });
}

#[test]
fn another_security_scheme_was_missed() {
    let key = json!({"type": "apiKey", "in": "header", "name": "X-Key"});
    missed(
        &["breaking security: bearerAuth instead of a bearer token is wanted by every operation"],
        |document| {
            document["components"]["securitySchemes"]["bearerAuth"] = key.clone();
        },
    );
    missed(
        &[
            "breaking security: key instead of a bearer token is wanted by ListSync",
            "new security: a new scheme, key",
        ],
        |document| {
            document["components"]["securitySchemes"]["key"] = key.clone();
            operation(document, "/syncs", "get")["security"] = json!([{"key": []}]);
        },
    );
}

#[test]
fn another_server_was_missed() {
    let gone = "breaking servers: https://api.hightouch.com/api/v1 is gone";
    missed(&[gone, "new servers: a new server, https://api.hightouch.com/api/v2"], |document| {
        document["servers"] = json!([{"url": "https://api.hightouch.com/api/v2"}]);
    });
}

#[test]
fn fewer_items_than_a_request_holds_were_missed() {
    missed(&["breaking TriggerCampaign body.recipients: maxItems is 50 now"], |document| {
        schema(document, "StartCampaignRequest")["properties"]["recipients"]["maxItems"] = json!(50);
    });
    missed(&["breaking UpdateSource body.name: maxLength is 20 now"], |document| {
        schema(document, "SourceUpdate")["properties"]["name"]["maxLength"] = json!(20);
    });
}

#[test]
fn a_smaller_page_was_missed() {
    fn limit(document: &mut Value) -> &mut Value {
        let parameters = operation(document, "/syncs", "get")["parameters"].as_array_mut().unwrap();
        &mut parameters.iter_mut().find(|parameter| parameter["name"] == "limit").unwrap()["schema"]
    }
    missed(&["breaking ListSync query.limit: the default is 50 and not 100"], |document| {
        limit(document)["default"] = json!(50);
    });
    missed(&["breaking ListSync query.limit: at most 50 now, and 100 are asked for"], |document| {
        limit(document)["maximum"] = json!(50);
    });
}

/// Incident: the comparison reported a wrapped reference as breaking. OpenAPI documents before version 3.1 cannot put a
/// description beside a reference, so generators wrap the reference in an `allOf`.
#[test]
fn a_reference_in_a_wrapper_with_a_description_was_called_a_break() {
    let (lines, status) = drift(|document| {
        let wrapped = |name: &str| json!({"description": "d", "allOf": [{"$ref": format!("#/components/schemas/{name}")}]});
        schema(document, "SyncRun")["properties"]["status"] = wrapped("SyncRunStatus");
        good(document, "/sources/{sourceId}", "get").clone_from(&wrapped("Source"));
        schema(document, "IdrRun")["properties"]["stats"] = wrapped("IdrRunStatsByThreshold");
    });
    assert_eq!((lines, status), (Vec::new(), 0));
}
