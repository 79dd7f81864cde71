use super::*;
use crate::document::DOCUMENT;
use crate::log::Body;
use crate::world::{Keys, World, WorldInfo};

pub(super) fn workspace(settings: Value) -> Workspace {
    let info = WorldInfo {
        id: "w".to_owned(),
        base_url: String::new(),
        authority: String::new(),
        http_base_url: String::new(),
        api_key: String::new(),
        keys: Keys::of("w"),
        time_scale: 1.0,
        workspace_id: 7,
    };
    World::new(info, serde_json::from_value(settings).unwrap()).into_workspace()
}

pub(super) fn ask(workspace: &mut Workspace, method: &str, target: &str, body: Body) -> Reply {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        body,
        ..Request::default()
    };
    perform(workspace, DOCUMENT.find(method, path).unwrap(), &request)
}

pub(super) fn read(workspace: &mut Workspace, target: &str) -> Reply {
    ask(workspace, "GET", target, Body::None)
}

pub(super) fn column(reply: &Reply, name: &str) -> Vec<Value> {
    reply.body["data"].as_array().unwrap().iter().map(|row| row[name].clone()).collect()
}

#[test]
fn pages_follow_each_other_to_the_end_and_the_cap_is_kept() {
    let mut workspace = workspace(json!({"syncs": 120, "pageCap": 50}));
    let mut ids = Vec::new();
    for (offset, more) in [(0, true), (50, true), (100, false), (150, false)] {
        let page = read(&mut workspace, &format!("/syncs?limit=100&offset={offset}"));
        assert_eq!(page.body["hasMore"], more, "offset {offset}");
        ids.extend(column(&page, "id"));
    }
    assert_eq!(ids, (1..=120).map(|id| json!(id)).collect::<Vec<_>>());
}

#[test]
fn has_more_follows_the_setting_of_the_world() {
    for (setting, expected) in [("omit", Value::Null), ("always", json!(true)), ("never", json!(false))] {
        let mut workspace = workspace(json!({"syncs": 3, "hasMore": setting}));
        assert_eq!(read(&mut workspace, "/syncs?limit=1").body["hasMore"], expected);
        assert_eq!(read(&mut workspace, "/syncs?limit=5").body["hasMore"], expected);
    }
}

#[test]
fn syncs_are_filtered_and_ordered() {
    let mut workspace = workspace(json!({"syncs": 30, "slugs": ["orders", "orders-eu"]}));
    assert_eq!(
        column(&read(&mut workspace, "/syncs?slug=orders"), "id"),
        [json!(1)],
        "not its longer namesake"
    );
    let models = column(&read(&mut workspace, "/syncs?modelId=3"), "modelId");
    assert!(models.len() > 2 && models.iter().all(|id| *id == 3));
    for (order, name) in [("slug", "slug"), ("createdAt", "createdAt"), ("updatedAt", "updatedAt")] {
        let column = column(&read(&mut workspace, &format!("/syncs?orderBy={order}")), name);
        assert!(column.is_sorted_by_key(|value| value.as_str().unwrap().to_owned()), "{order}");
    }
    let now = workspace.clock.timestamp(workspace.clock.now());
    assert!(column(&read(&mut workspace, &format!("/syncs?after={now}")), "id").is_empty());
    let before = column(&read(&mut workspace, &format!("/syncs?before={now}")), "lastRunAt");
    assert!(before.len() > 10 && before.iter().all(Value::is_string));
}

#[test]
fn syncs_have_every_kind_of_schedule() {
    let mut workspace = workspace(json!({"syncs": 10}));
    let kinds = column(&read(&mut workspace, "/syncs"), "schedule");
    for kind in ["interval", "cron", "visual", "dbt_cloud"] {
        assert!(kinds.iter().any(|schedule| schedule["type"] == kind), "{kind}");
    }
    assert!(kinds.iter().any(Value::is_null));
}

#[test]
fn a_trigger_returns_its_id_as_text_and_queues_behind_the_current_run() {
    let mut workspace = workspace(json!({"runs": {"seconds": 1000, "queuedSeconds": 0}}));
    for id in ["9001", "9002"] {
        assert_eq!(ask(&mut workspace, "POST", "/syncs/2/trigger", Body::None).body, json!({"id": id}));
    }
    let runs = read(&mut workspace, "/syncs/2/runs?orderBy=createdAt");
    let statuses = column(&runs, "status");
    assert_eq!(statuses.iter().rev().take(2).collect::<Vec<_>>(), ["queued", "querying"]);
    assert_eq!(
        column(&runs, "id").last(),
        Some(&json!(9002)),
        "the direction is ascending, and ids are numbers"
    );
    assert_eq!(column(&read(&mut workspace, "/syncs/2/runs?runId=9002"), "id"), [json!(9002)]);
    assert_eq!(
        column(&read(&mut workspace, "/syncs/2/runs?within=5"), "id"),
        [json!(9001)],
        "queued has not started"
    );
}

#[test]
fn a_rival_starts_another_run_just_after_the_triggered_one() {
    let mut workspace = workspace(json!({"runs": {"rival": {"status": "failed"}}}));
    let ours = ask(&mut workspace, "POST", "/syncs/1/trigger", Body::None);
    assert_eq!(ours.body["id"], "9001");
    assert_eq!(column(&read(&mut workspace, "/syncs/1/runs?runId=9002"), "id"), [json!(9002)]);
}

#[test]
fn the_custom_trigger_takes_an_id_or_a_slug_and_refuses_both_and_neither() {
    let mut workspace = workspace(json!({"slugs": ["orders"]}));
    let mut ask = |body: Value| ask(&mut workspace, "POST", "/syncs/trigger", Body::Json(body));
    assert_eq!(ask(json!({"syncSlug": "orders"})).body, json!({"id": "9001"}));
    assert_eq!(ask(json!({"syncId": "2", "fullResync": true})).body, json!({"id": "9002"}));
    assert_eq!(ask(json!({})).status, 422);
    assert_eq!(ask(json!({"syncId": "2", "syncSlug": "orders"})).status, 422);
    assert_eq!(ask(json!({"syncId": 2})).status, 422);
    assert_eq!(ask(json!({"syncSlug": "nothing"})).status, 404);
}

#[test]
fn unknown_ids_are_not_found() {
    let mut workspace = workspace(json!({}));
    assert_eq!(read(&mut workspace, "/syncs/77").status, 404);
    assert_eq!(read(&mut workspace, "/syncs/77/runs").status, 404);
    assert_eq!(ask(&mut workspace, "POST", "/syncs/77/trigger", Body::None).status, 404);
}
