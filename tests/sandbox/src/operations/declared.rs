//! Compares the answers of the sandbox with the document, at least one of each operation.

use super::tests::{ask, workspace};
use super::*;
use crate::document::DOCUMENT;
use crate::log::Body;

/// Members that the document requires and the API has left null. `tests/scenarios` plays both.
const KNOWN_NULLS: [&str; 3] = ["/startedAt", "/finishedAt", "/error"];

const FLOW: &str = "00000000-0000-4000-8000-000000000001";
const MESSAGE: &str = "00000001-0000-4000-8000-000000000001";

/// Calls with their bodies.
fn calls() -> Vec<(&'static str, String, Option<Value>)> {
    let configuration = json!({"port": 5433});
    let row = json!({"name": "New", "slug": "new", "type": "postgres", "configuration": {"host": "h"}});
    let event = json!({"type": "track", "name": "Order Completed", "schema": {"type": "object"}});
    let message = json!({"name": "New", "channelId": "channel-email", "config": {}});
    let model = json!({"name": "New", "slug": "new", "queryType": "raw_sql", "sourceId": 1, "isSchema": false,
        "primaryKey": null, "raw": {"sql": "select 1"}});
    let sync = json!({"slug": "new", "configuration": {}, "destinationId": 1, "modelId": 1, "schedule": null,
        "disabled": false});
    let recipients = json!({"recipients": [{"handle": "a@example.com"}, {"handle": "nobody"}, {"id": "7"}]});
    let identifiers =
        json!({"identifiers": [{"identifier": "email", "value": "a@example.com"}], "block": false});
    [
        ("GET", "/sources", None),
        ("GET", "/sources/1", None),
        ("POST", "/sources", Some(row.clone())),
        ("PATCH", "/sources/1", Some(json!({"configuration": configuration}))),
        ("GET", "/destinations", None),
        ("GET", "/destinations/1", None),
        ("POST", "/destinations", Some(row)),
        ("PATCH", "/destinations/1", Some(json!({"name": "Other"}))),
        ("GET", "/models", None),
        ("GET", "/models/7", None),
        ("POST", "/models?skipColumnQuery=true", Some(model)),
        ("PATCH", "/models/3", Some(json!({"primaryKey": null, "dbt": {"modelId": 5}}))),
        ("DELETE", "/models/2", None),
        ("GET", "/syncs", None),
        ("GET", "/syncs/3", None),
        ("POST", "/syncs", Some(sync)),
        ("PATCH", "/syncs/3", Some(json!({"schedule": {"type": "match_booster"}}))),
        ("DELETE", "/syncs/2", None),
        ("POST", "/syncs/3/trigger", None),
        ("POST", "/syncs/trigger", Some(json!({"syncId": "5"}))),
        ("GET", "/syncs/3/runs", None),
        ("GET", "/syncs/7/runs", None),
        ("POST", "/sync-sequences/nightly/trigger", None),
        ("GET", "/sync-sequences/runs/seq-run-9001", None),
        ("POST", "/idr/customers/trigger", Some(json!({"fullRerun": false}))),
        ("POST", "/id_graphs/customers/trigger", None),
        ("GET", "/idr/customers/runs", None),
        ("POST", "/idr/customers/queue-for-reprocessing", Some(identifiers)),
        ("GET", "/idr/customers/reprocess-status/reprocess-9001", None),
        ("POST", "/campaigns/welcome/trigger", Some(recipients)),
        ("GET", "/campaigns/welcome/sends/send-9001", None),
        ("GET", "/decision-engine/flows", None),
        ("GET", "/decision-engine/flow/FLOW", None),
        ("POST", "/decision-engine/flow/FLOW/run", None),
        ("GET", "/decision-engine/flow/FLOW/messages", None),
        ("GET", "/decision-engine/flow/FLOW/messages/MESSAGE", None),
        ("POST", "/decision-engine/flow/FLOW/messages", Some(message)),
        ("PATCH", "/decision-engine/flow/FLOW/messages/MESSAGE", Some(json!({"tags": {"tone": "cool"}}))),
        ("GET", "/events/contracts", None),
        ("GET", "/events/contracts/contract-000001", None),
        ("POST", "/events/contracts", Some(json!({"name": "New", "events": [event]}))),
        ("PATCH", "/events/contracts/contract-000001", Some(json!({"description": "d"}))),
        ("GET", "/events/domains", None),
        ("GET", "/events/domains/domain-000001", None),
        (
            "POST",
            "/events/domains",
            Some(json!({"name": "New", "components": [{"name": "A b", "schema": {}}]})),
        ),
        (
            "PATCH",
            "/events/domains/domain-000001",
            Some(json!({"components": [{"name": "Address", "schema": {}}]})),
        ),
    ]
    .into_iter()
    .map(|(method, target, body)| (method, target.replace("FLOW", FLOW).replace("MESSAGE", MESSAGE), body))
    .collect()
}

#[test]
fn the_answers_of_the_sandbox_match_the_document() {
    let settings = json!({"syncs": 60, "runs": {"error": "text", "status": "failed"}});
    let mut workspace = workspace(settings);
    let mut called: Vec<&str> = Vec::new();
    for (method, target, body) in calls() {
        let body = body.map_or(Body::None, Body::Json);
        let reply = ask(&mut workspace, method, &target, body);
        let operation = DOCUMENT.find(method, target.split('?').next().unwrap()).unwrap();
        called.push(&operation.id);
        if reply.status == 204 {
            continue;
        }
        let faults: Vec<_> = operation
            .faults_of_answer(&reply.body)
            .into_iter()
            .filter(|(at, _)| !KNOWN_NULLS.iter().any(|known| at.ends_with(known)))
            .collect();
        assert_eq!((reply.status, faults), (200, vec![]), "{method} {target}: {}", reply.body);
    }
    for operation in DOCUMENT.operations() {
        assert!(called.contains(&operation.id.as_str()), "{} was not called", operation.id);
    }
}

#[test]
fn an_answer_that_the_document_forbids_would_be_noticed() {
    let operation = DOCUMENT.find("GET", "/syncs/3").unwrap();
    assert!(!operation.faults_of_answer(&json!({"id": "3"})).is_empty());
}

#[test]
fn what_the_sandbox_refuses_is_refused_in_the_declared_shape() {
    let mut workspace = workspace(json!({}));
    let taken = json!({"name": "a", "slug": "snowflake-1", "type": "t", "configuration": {}});
    let many = json!({"recipients": vec![json!({"id": "7"}); 101]});
    for (method, target, body, status) in [
        ("POST", "/sources", Some(taken), 409),
        ("PATCH", "/sources/1", Some(json!({"name": null})), 422),
        ("PATCH", "/sources/1", Some(json!({"nickname": "a"})), 422),
        ("POST", "/campaigns/welcome/trigger", Some(many), 400),
        ("POST", "/campaigns/welcome/trigger", Some(json!({"recipients": []})), 422),
        ("POST", "/campaigns/none/trigger", Some(json!({"recipients": [{"id": "7"}]})), 404),
        ("GET", "/campaigns/welcome/sends/none", None, 404),
        ("GET", "/sources/77", None, 404),
        ("GET", "/sources/one", None, 422),
        ("DELETE", "/models/77", None, 404),
        ("GET", "/idr/none/runs", None, 404),
        ("POST", "/idr/customers/queue-for-reprocessing", None, 422),
        ("GET", "/decision-engine/flow/none", None, 404),
        ("GET", "/events/contracts/none", None, 404),
        ("POST", "/sync-sequences/none/trigger", None, 404),
    ] {
        let reply = ask(&mut workspace, method, target, body.map_or(Body::None, Body::Json));
        assert_eq!(reply.status, status, "{method} {target}: {}", reply.body);
        let declared = DOCUMENT.find(method, target).unwrap().responses().errors.get(&status).copied();
        let bodied = declared.filter(|shape| *shape != crate::document::Shape::Empty);
        if let Some(shape) = bodied {
            assert_eq!(
                crate::document::Shape::of(reply.body.to_string().as_bytes()),
                Some(shape),
                "{target}"
            );
        }
    }
}
