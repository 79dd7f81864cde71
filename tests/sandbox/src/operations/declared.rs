//! Compares answers of the sandbox with the vendor's OpenAPI document. `scenario_table` makes this comparison for each
//! operation.

use super::tests::{ask, read, workspace};
use super::*;
use crate::document::DOCUMENT;
use crate::log::Body;

/// Members that may be null although the document forbids null, because the real API has returned null for them.
const KNOWN_NULLS: [&str; 3] = ["/startedAt", "/finishedAt", "/error"];

#[test]
fn the_answers_about_failed_runs_match_the_document() {
    let mut workspace = workspace(json!({"syncs": 60, "runs": {"error": "text", "status": "failed"}}));
    for target in ["/sync-sequences/nightly/trigger", "/idr/customers/trigger"] {
        assert_eq!(ask(&mut workspace, "POST", target, Body::None).status, 200, "{target}");
    }
    for target in
        ["/syncs/3/runs", "/syncs/7/runs", "/idr/customers/runs", "/sync-sequences/runs/seq-run-9001"]
    {
        let reply = read(&mut workspace, target);
        let faults = undeclared(DOCUMENT.find("GET", target).unwrap(), &reply);
        assert_eq!((reply.status, faults), (200, vec![]), "{target}: {}", reply.body);
    }
}

/// Returns what the document does not allow in an answer, as pairs of place and reason. Leaves out [`KNOWN_NULLS`].
pub(super) fn undeclared(operation: &Operation, reply: &Reply) -> Vec<(String, String)> {
    let faults = operation.faults_of_answer(&reply.body);
    faults.into_iter().filter(|(at, _)| !KNOWN_NULLS.iter().any(|known| at.ends_with(known))).collect()
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
