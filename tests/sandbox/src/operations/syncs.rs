//! Syncs and their runs.

use serde_json::{Value, json};

use super::{Reply, page};
use crate::clock::Millis;
use crate::log::{Body, Request};
use crate::runs::Run;
use crate::seed::Sync;
use crate::world::Workspace;

/// `GET /syncs`: `slug` and `modelId` are exact; `after` and `before` are about `lastRunAt`.
pub(super) fn list(workspace: &Workspace, request: &Request) -> Reply {
    let now = workspace.clock.now();
    let (after, before) = (moment(workspace, request, "after"), moment(workspace, request, "before"));
    let mut found: Vec<&Sync> = workspace
        .syncs
        .iter()
        .filter(|sync| request.parameter("slug").is_none_or(|slug| sync.slug == slug))
        .filter(|sync| request.parameter("modelId").is_none_or(|id| number(id) == Some(sync.model_id)))
        .filter(|sync| after.is_none_or(|after| last_run(sync, now).is_some_and(|at| at > after)))
        .filter(|sync| before.is_none_or(|before| last_run(sync, now).is_some_and(|at| at < before)))
        .collect();
    match request.parameter("orderBy") {
        // A sync has no name; the API accepts the word all the same.
        Some("slug" | "name") => found.sort_by(|one, other| one.slug.cmp(&other.slug)),
        Some("createdAt") => found.sort_by_key(|sync| sync.created),
        Some("updatedAt") => found.sort_by_key(|sync| sync.updated),
        _ => found.sort_by_key(|sync| sync.id),
    }
    page(workspace, request, &found, |sync| show(workspace, sync, now))
}

/// `GET /syncs/{syncId}`.
pub(super) fn get(workspace: &Workspace, id: &str) -> Reply {
    workspace
        .sync(id)
        .map_or_else(|| no_such_sync(id), |sync| Reply::good(show(workspace, sync, workspace.clock.now())))
}

/// `GET /syncs/{syncId}/runs`: ascending whatever it is ordered by, since no direction can be asked for.
/// A run that is queued has not started, so a filter on the start leaves it out.
pub(super) fn list_runs(workspace: &Workspace, id: &str, request: &Request) -> Reply {
    let Some(sync) = workspace.sync(id) else { return no_such_sync(id) };
    let now = workspace.clock.now();
    let within = request.parameter("within").and_then(|text| text.parse::<f64>().ok()).map(|minutes| {
        #[expect(clippy::cast_possible_truncation, reason = "minutes of a filter are far below 2^63 ms")]
        let length = (minutes * 60_000.0) as Millis;
        now - length
    });
    let after = moment(workspace, request, "after").max(within);
    let before = moment(workspace, request, "before");
    let mut found: Vec<&Run> = sync
        .runs
        .iter()
        .filter(|run| run.is_listed(now))
        .filter(|run| request.parameter("runId").is_none_or(|id| number(id) == Some(run.id)))
        .filter(|run| after.is_none_or(|after| run.start(now).is_some_and(|at| at > after)))
        .filter(|run| before.is_none_or(|before| run.start(now).is_some_and(|at| at < before)))
        .collect();
    match request.parameter("orderBy") {
        Some("createdAt") => found.sort_by_key(|run| (run.created, run.id)),
        Some("startedAt") => found.sort_by_key(|run| (run.start(now).unwrap_or(Millis::MAX), run.id)),
        Some("finishedAt") => found.sort_by_key(|run| (run.end(now).unwrap_or(Millis::MAX), run.id)),
        _ => found.sort_by_key(|run| run.id),
    }
    page(workspace, request, &found, |run| run.show(now, &workspace.clock))
}

/// `POST /syncs/{syncId}/trigger`.
pub(super) fn trigger(workspace: &mut Workspace, id: &str) -> Reply {
    workspace.start_run(|sync| id == sync.id.to_string()).map_or_else(|| no_such_sync(id), started)
}

/// `POST /syncs/trigger`: the id goes before the slug; with neither it is invalid.
pub(super) fn trigger_by_body(workspace: &mut Workspace, request: &Request) -> Reply {
    let Body::Json(body) = &request.body else { return Reply::invalid([]) };
    let text = |name| body.get(name).and_then(Value::as_str);
    if let Some(id) = text("syncId") {
        return trigger(workspace, id);
    }
    let Some(slug) = text("syncSlug") else {
        return Reply::invalid([("body".to_owned(), "expected syncId or syncSlug".to_owned())]);
    };
    workspace.start_run(|sync| sync.slug == slug).map_or_else(|| no_such_sync(slug), started)
}

fn started(run: u64) -> Reply {
    Reply::good(json!({"id": run.to_string()}))
}

fn no_such_sync(name: &str) -> Reply {
    Reply::not_found(&format!("There is no sync {name}"))
}

fn show(workspace: &Workspace, sync: &Sync, now: Millis) -> Value {
    let clock = &workspace.clock;
    let latest = sync.runs.iter().filter(|run| run.start(now).is_some()).max_by_key(|run| run.started);
    let status = match (sync.disabled, latest) {
        (true, None) => "disabled",
        (false, None) => sync.runs.last().map_or("pending", |run| run.status(now)),
        (_, Some(run)) => run.status(now),
    };
    let mut members = sync.constant.clone();
    members.extend([
        ("createdAt".to_owned(), json!(clock.timestamp(sync.created))),
        ("updatedAt".to_owned(), json!(clock.timestamp(sync.updated))),
        ("status".to_owned(), json!(status)),
        ("disabled".to_owned(), json!(sync.disabled)),
        ("lastRunAt".to_owned(), json!(last_run(sync, now).map(|at| clock.timestamp(at)))),
    ]);
    Value::Object(members)
}

/// When something last happened to a run of this sync: it moves at a start and at an end.
fn last_run(sync: &Sync, now: Millis) -> Option<Millis> {
    sync.runs.iter().filter_map(|run| run.end(now).or(run.start(now))).max()
}

fn moment(workspace: &Workspace, request: &Request, name: &str) -> Option<Millis> {
    workspace.clock.parse(request.parameter(name)?)
}

/// Ids are numbers in the document, so `5.0` is 5.
fn number(text: &str) -> Option<u64> {
    text.strip_suffix(".0").unwrap_or(text).parse().ok()
}
