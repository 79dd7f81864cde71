//! Tests that create, read, list, update and delete resources.

use super::tests::{ask, column, read, workspace};
use super::*;
use crate::log::Body;

fn write(workspace: &mut Workspace, method: &str, target: &str, body: Value) -> Reply {
    ask(workspace, method, target, Body::Json(body))
}

fn ids(reply: &Reply) -> Vec<Value> {
    column(reply, "id")
}

#[test]
fn a_created_row_can_be_read_listed_and_updated() {
    let mut workspace = workspace(json!({"syncs": 3}));
    let row =
        json!({"name": "New", "slug": "new", "type": "postgres", "configuration": {"host": "h", "port": 1}});
    for list in ["/sources", "/destinations"] {
        let made = write(&mut workspace, "POST", list, row.clone());
        let one = format!("{list}/{}", made.body["id"]);
        assert_eq!(read(&mut workspace, &one).body, made.body);
        assert_eq!(ids(&read(&mut workspace, list)).last(), Some(&made.body["id"]));
        assert_eq!(ids(&read(&mut workspace, &format!("{list}?slug=new"))), [made.body["id"].clone()]);
        assert_eq!(ids(&read(&mut workspace, &format!("{list}?name=New"))), [made.body["id"].clone()]);
        let updated = write(&mut workspace, "PATCH", &one, json!({"configuration": {"port": 2}}));
        assert_eq!(updated.body["configuration"], json!({"host": "h", "port": 2}), "merged key by key");
        assert_eq!(updated.body["name"], "New");
        assert_eq!(read(&mut workspace, &one).body, updated.body);
        assert_eq!(write(&mut workspace, "POST", list, row.clone()).status, 409);
    }
}

#[test]
fn an_absent_member_is_kept_and_null_clears_it() {
    let mut workspace = workspace(json!({}));
    let before = read(&mut workspace, "/syncs/1").body;
    let kept = write(&mut workspace, "PATCH", "/syncs/1", json!({"disabled": true})).body;
    assert_eq!((&kept["schedule"], &kept["disabled"]), (&before["schedule"], &json!(true)));
    let cleared = write(&mut workspace, "PATCH", "/syncs/1", json!({"schedule": null})).body;
    assert_eq!((&cleared["schedule"], &cleared["disabled"]), (&Value::Null, &json!(true)));
    assert_eq!(read(&mut workspace, "/models/1").body["primaryKey"], "id");
    let model = write(&mut workspace, "PATCH", "/models/1", json!({"primaryKey": null})).body;
    assert_eq!(model["primaryKey"], Value::Null);
    assert_eq!(write(&mut workspace, "PATCH", "/models/1", json!({"name": null})).status, 422);
}

#[test]
fn a_schedule_of_null_clears_or_keeps_the_old_one_as_the_world_says() {
    for (setting, kept) in [(json!({}), false), (json!({"nullSchedule": "keeps"}), true)] {
        let mut workspace = workspace(setting);
        let before = read(&mut workspace, "/syncs/1").body["schedule"].clone();
        let change = json!({"schedule": null, "disabled": true});
        let answer = write(&mut workspace, "PATCH", "/syncs/1", change).body;
        assert_eq!(answer["schedule"], if kept { before } else { Value::Null });
        assert_eq!(answer["disabled"], true);
        assert_eq!(read(&mut workspace, "/syncs/1").body["schedule"], answer["schedule"]);
    }
}

#[test]
fn a_sync_belongs_to_its_model_and_destination_until_it_is_deleted() {
    let mut workspace = workspace(json!({"syncs": 3}));
    let body = json!({"slug": "new", "configuration": {}, "destinationId": 5, "modelId": 7, "schedule": null,
        "disabled": true});
    let made = write(&mut workspace, "POST", "/syncs", body.clone()).body;
    assert_eq!(
        (&made["id"], &made["status"], &made["primaryKey"]),
        (&json!(4), &json!("disabled"), &json!(""))
    );
    assert_eq!(read(&mut workspace, "/models/7").body["syncs"], json!([4]));
    assert_eq!(read(&mut workspace, "/destinations/5").body["syncs"], json!([4]));
    assert_eq!(ids(&read(&mut workspace, "/syncs?destinationId=5")), [json!(4)]);
    assert_eq!(write(&mut workspace, "POST", "/syncs", body).status, 409);
    assert_eq!(ask(&mut workspace, "DELETE", "/syncs/4", Body::None).status, 204);
    assert_eq!(read(&mut workspace, "/models/7").body["syncs"], json!([]));
    assert_eq!(read(&mut workspace, "/syncs/4").status, 404);
    let nowhere = json!({"slug": "x", "configuration": {}, "destinationId": 5, "modelId": 70, "schedule": null,
        "disabled": false});
    assert_eq!(write(&mut workspace, "POST", "/syncs", nowhere).status, 422);
}

#[test]
fn the_size_of_a_model_is_known_once_a_sync_of_it_has_succeeded() {
    let mut workspace = workspace(json!({"syncs": 0, "timeScale": 1000,
        "runs": {"seconds": 0, "queuedSeconds": 0, "rows": {"planned": {"added": 42}}}}));
    let body = json!({"slug": "new", "configuration": {}, "destinationId": 1, "modelId": 1, "schedule": null,
        "disabled": true});
    write(&mut workspace, "POST", "/syncs", body);
    assert_eq!(read(&mut workspace, "/models/1").body["lastRunSize"], Value::Null);
    let run = ask(&mut workspace, "POST", "/syncs/1/trigger", Body::None);
    assert_eq!(run.status, 200, "a disabled sync runs when it is triggered");
    assert_eq!(read(&mut workspace, "/models/1").body["lastRunSize"], 42.0);
}

#[test]
fn models_are_found_by_all_of_their_tags() {
    let mut workspace = workspace(json!({"models": 9}));
    assert_eq!(ids(&read(&mut workspace, "/models?tags=team:growth")), [3, 6, 9].map(|id| json!(id)));
    assert_eq!(ids(&read(&mut workspace, "/models?tags=team:growth&tags=tier:1")).len(), 3);
    assert_eq!(ids(&read(&mut workspace, "/models?tags=team:growth&tags=tier:2")).len(), 0);
}

#[test]
fn every_list_has_the_length_of_its_world_and_has_more_like_the_documents_examples() {
    let mut workspace = workspace(json!({"sources": 123, "destinations": 124, "models": 125, "syncs": 126,
        "contracts": 127, "domains": 128, "flows": 129, "messages": 130, "graphRuns": 131}));
    let messages = "/decision-engine/flow/00000000-0000-4000-8000-000000000007/messages";
    for (list, count, more) in [
        ("/sources", 123, json!(true)),
        ("/destinations", 124, json!(true)),
        ("/models", 125, json!(true)),
        ("/syncs", 126, json!(true)),
        ("/events/contracts", 127, json!(true)),
        ("/events/domains", 128, Value::Null),
        ("/decision-engine/flows", 129, json!(true)),
        (messages, 130, json!(true)),
        ("/idr/customers/runs", 131, json!(true)),
    ] {
        let first = read(&mut workspace, list);
        let page = if list.starts_with("/idr") { 20 } else { 100 };
        assert_eq!((ids(&first).len(), &first.body["hasMore"]), (page, &more), "{list}");
        assert_eq!(ids(&read(&mut workspace, &format!("{list}?limit=1000"))).len(), count, "{list}");
        assert_eq!(
            ids(&read(&mut workspace, &format!("{list}?offset=120"))).len(),
            (count - 120).min(page),
            "{list}"
        );
    }
}

#[test]
fn of_a_world_of_100_000_syncs_only_the_rows_that_are_shown_are_generated() {
    let made = crate::seed::ROWS_MADE.get();
    let mut workspace = workspace(json!({"syncs": 100_000}));
    assert_eq!(ids(&read(&mut workspace, "/syncs?offset=99950&limit=100")).len(), 50);
    assert_eq!(ids(&read(&mut workspace, "/models?limit=100")).len(), 100);
    assert_eq!(crate::seed::ROWS_MADE.get() - made, 150);
}

#[test]
fn a_world_can_begin_with_deleted_and_inserted_rows() {
    let mut workspace = workspace(json!({"sources": 4, "graphRuns": 3,
        "changes": [{"of": "sources", "delete": [1], "insert": [9]}, {"of": "graphRuns", "delete": [2]}]}));
    assert_eq!(ids(&read(&mut workspace, "/sources")), [2, 3, 4, 9].map(|id| json!(id)));
    assert_eq!(ids(&read(&mut workspace, "/idr/customers/runs")), ["idr-run-1", "idr-run-3"]);
}

#[test]
fn contracts_and_domains_get_the_documented_defaults() {
    let mut workspace = workspace(json!({"contracts": 1}));
    let event = json!({"type": "track", "name": "Order Completed", "schema": {"type": "object"}});
    let made =
        write(&mut workspace, "POST", "/events/contracts", json!({"name": "My Shop", "events": [event]}));
    let event = &made.body["events"][0];
    assert_eq!((&made.body["slug"], &made.body["id"]), (&json!("my-shop"), &json!("contract-000002")));
    assert_eq!(
        (&event["slug"], &event["onUndeclaredFields"]),
        (&json!("order-completed"), &json!("OMIT_FIELDS"))
    );
    let again = write(&mut workspace, "POST", "/events/contracts", json!({"name": "My Shop"}));
    assert_eq!(again.body["id"], "contract-000003", "no conflict is declared here");
    let updated =
        write(&mut workspace, "PATCH", "/events/contracts/contract-000002", json!({"description": "d"}));
    assert_eq!((updated.body.get("id"), &updated.body["description"]), (None, &json!("d")));
}

#[test]
fn events_and_components_of_a_domain_are_replaced_and_keep_their_slugs() {
    let mut workspace = workspace(json!({"domains": 1}));
    let path = "/events/domains/domain-000001";
    let before = read(&mut workspace, path).body;
    let body = json!({"events": [], "components": [{"name": "Address", "schema": {}}, {"name": "A b", "schema": {}}]});
    let after = write(&mut workspace, "PATCH", path, body).body;
    assert_eq!((&after["events"], &after["name"]), (&json!([]), &before["name"]));
    let parts = &after["components"];
    assert_eq!(parts[0]["id"], before["components"][0]["id"]);
    assert_eq!(parts[0]["description"], before["components"][0]["description"]);
    assert_eq!((&parts[1]["slug"], &parts[1]["version"]), (&json!("a-b"), &json!("default")));
    let renamed = json!({"components": [{"name": "Address", "slug": "other", "schema": {}}]});
    assert_eq!(write(&mut workspace, "PATCH", path, renamed).status, 422);
}

#[test]
fn messages_belong_to_their_flow() {
    let mut workspace = workspace(json!({"flows": 2, "messages": 1}));
    let flow = |number: u32| format!("/decision-engine/flow/00000000-0000-4000-8000-00000000000{number}");
    let body = json!({"name": "New", "channelId": "channel-email", "config": {"a": 1}});
    let made = write(&mut workspace, "POST", &format!("{}/messages", flow(1)), body).body;
    assert_eq!(made["id"], "00000001-0000-4000-8000-000000000002");
    let path = |number| format!("{}/messages/{}", flow(number), made["id"].as_str().unwrap());
    assert_eq!(read(&mut workspace, &path(1)).body, made);
    assert_eq!(read(&mut workspace, &path(2)).status, 404);
    let updated = write(&mut workspace, "PATCH", &path(1), json!({"name": "Newer"})).body;
    assert_eq!((&updated["name"], &updated["config"]), (&json!("Newer"), &json!({"a": 1})));
    assert_eq!(ids(&read(&mut workspace, &format!("{}/messages", flow(2)))).len(), 1);
    assert_eq!(
        ask(&mut workspace, "POST", &format!("{}/run", flow(1)), Body::None).body,
        json!({"flowsEnqueued": 1})
    );
}
