//! Tests of sequences, identity graphs and campaigns.

use super::tests::{ask, column, read, workspace};
use super::*;
use crate::log::Body;

fn start(workspace: &mut Workspace, target: &str) -> Value {
    ask(workspace, "POST", target, Body::None).body["id"].clone()
}

#[test]
fn runs_of_a_sequence_never_overlap_and_triggers_share_the_queued_run() {
    let runs: Vec<Value> = (0..3).map(|n| json!(format!("seq-run-{}", 9001 + n))).collect();
    for (queueing, expected) in [(true, [0, 1, 1]), (false, [0, 0, 0])] {
        let mut workspace = workspace(json!({"sequences": {"queueing": queueing}}));
        for index in expected {
            let id = start(&mut workspace, "/sync-sequences/nightly/trigger");
            assert_eq!(id, runs[index], "queueing: {queueing}");
        }
    }
}

#[test]
fn runs_of_members_are_in_the_lists_of_their_syncs() {
    let mut workspace = workspace(json!({"sequences": {"queuedSeconds": 0, "members": {"daily": [2, 3]}}}));
    let id = start(&mut workspace, "/sync-sequences/daily/trigger");
    let state = read(&mut workspace, &format!("/sync-sequences/runs/{}", id.as_str().unwrap())).body;
    assert_eq!((&state["status"], &state["syncRuns"][0]["syncRunId"]), (&json!("running"), &json!(9001)));
    assert_eq!(column(&read(&mut workspace, "/syncs/2/runs?runId=9001"), "id"), [json!(9001)]);
    assert!(
        column(&read(&mut workspace, "/syncs/3/runs?runId=9002"), "id").is_empty(),
        "not before its turn"
    );
}

#[test]
fn a_run_of_a_sequence_or_a_graph_may_be_listed_late() {
    let late = json!({"listedAfterMs": 60_000});
    let mut workspace = workspace(json!({"sequences": late, "graphs": late}));
    start(&mut workspace, "/sync-sequences/nightly/trigger");
    assert_eq!(read(&mut workspace, "/sync-sequences/runs/seq-run-9001").status, 404);
    start(&mut workspace, "/idr/customers/trigger");
    assert!(column(&read(&mut workspace, "/idr/customers/runs?runId=idr-run-9001"), "id").is_empty());
}

#[test]
fn runs_of_a_graph_follow_each_other_and_are_found_by_their_times() {
    let mut workspace = workspace(json!({"graphRuns": 5, "graphs": {"queuedSeconds": 0}}));
    for path in ["/idr/customers/trigger", "/id_graphs/customers/trigger"] {
        start(&mut workspace, path);
    }
    let statuses = column(&read(&mut workspace, "/idr/customers/runs"), "status");
    assert_eq!(statuses.get(4..).unwrap(), ["SUCCESS", "PROCESSING", "QUEUED"]);
    let starts = column(&read(&mut workspace, "/idr/customers/runs"), "startedAt");
    let at = starts[2].as_str().unwrap();
    let found = column(&read(&mut workspace, &format!("/idr/customers/runs?after={at}&before={at}")), "id");
    assert_eq!(found, ["idr-run-3"], "at or after, and at or before");
}

#[test]
fn a_request_to_reprocess_has_all_its_members_from_the_beginning() {
    let mut workspace = workspace(json!({}));
    let body = Body::Json(json!({"identifiers": [{"identifier": "email", "value": "a"}], "block": false}));
    let made = ask(&mut workspace, "POST", "/idr/customers/queue-for-reprocessing", body).body;
    assert_eq!(made, json!({"requestId": "reprocess-9001"}));
    assert_eq!(
        read(&mut workspace, "/idr/customers/reprocess-status/reprocess-9001").body,
        json!({"status": "queueing", "queuedAt": null, "reprocessedAt": null, "reprocessedRunId": null, "error": null})
    );
}

#[test]
fn each_recipient_gets_its_own_result_in_the_order_of_the_request() {
    let mut workspace = workspace(json!({"campaigns": {"welcome": {"variables": ["first", "last"]}}}));
    let recipients = json!([
        {"handle": "a@example.com", "properties": {"first": "A"}},
        {"handle": "nobody"},
        {"handle": "+491701234567"},
        {"id": "7"},
        {"id": " "},
        {"properties": {"first": "A"}},
    ]);
    let body = json!({"recipients": recipients, "properties": {"last": "Z"}, "draft": false});
    let reply = ask(&mut workspace, "POST", "/campaigns/welcome/trigger", Body::Json(body));
    assert_eq!(
        reply.body["results"],
        json!([
            {"handle": "a@example.com", "status": "accepted", "sendId": "send-9001"},
            {"handle": "nobody", "status": "rejected", "reason": "invalid_handle"},
            {"handle": "+491701234567", "status": "rejected", "reason": "missing_variables",
             "missingVariables": ["first"]},
            {"id": "7", "status": "accepted", "sendId": "send-9002"},
            {"id": " ", "status": "rejected", "reason": "invalid_id"},
            {"status": "rejected", "reason": "missing_handle_or_id"},
        ])
    );
}

#[test]
fn a_send_ends_with_the_status_that_its_campaign_plans() {
    let plans = json!({"a": {"seconds": 60}, "b": {"seconds": 0}, "c": {"seconds": 0, "status": "dropped", "reason": "r"}});
    let mut workspace = workspace(json!({ "campaigns": plans }));
    let mut status = |campaign: &str| {
        let body = Body::Json(json!({"recipients": [{"id": "7"}]}));
        let made = ask(&mut workspace, "POST", &format!("/campaigns/{campaign}/trigger"), body).body;
        let id = made["results"][0]["sendId"].as_str().unwrap().to_owned();
        read(&mut workspace, &format!("/campaigns/{campaign}/sends/{id}")).body
    };
    assert_eq!(status("a"), json!({"status": "sent"}));
    assert_eq!(status("b"), json!({"status": "delivered"}));
    assert_eq!(status("c"), json!({"status": "dropped", "reason": "r"}));
}
