//! Syncs and their runs.

use serde_json::{Value, json};

use super::Reply;
use super::list::{LIMIT, moment, page};
use super::rows::{self, find, list_of, missing};
use crate::clock::Millis;
use crate::log::Request;
use crate::row_store::{Key, Row};
use crate::runs::{Run, in_millis};
use crate::seed::Kind;
use crate::settings::NullSchedule;
use crate::workspace::{Workspace, number};

/// Lists syncs. `slug`, `modelId` and `destinationId` select syncs with exactly this value; `after` and `before` filter
/// by `lastRunAt`.
pub(super) fn list(workspace: &Workspace, request: &Request) -> Reply {
    let now = workspace.clock.now();
    let (after, before) = (moment(workspace, request, "after"), moment(workspace, request, "before"));
    let wanted = |name| request.parameter(name).map(|id| Kind::Sync.key(id).unwrap_or_default());
    let (model, destination) = (wanted("modelId"), wanted("destinationId"));
    list_of(workspace, request, Kind::Sync, |key| {
        model.is_none_or(|model| workspace.owner(key, Kind::Model) == Some(model))
            && destination.is_none_or(|one| workspace.owner(key, Kind::Destination) == Some(one))
            && after.is_none_or(|after| workspace.last_activity(key, now).is_some_and(|at| at > after))
            && before.is_none_or(|before| workspace.last_activity(key, now).is_some_and(|at| at < before))
    })
}

pub(super) fn create(workspace: &mut Workspace, mut row: Row) -> Reply {
    for (name, kind) in [("modelId", Kind::Model), ("destinationId", Kind::Destination)] {
        if !row.get(name).and_then(number).is_some_and(|key| workspace.has(kind, key)) {
            return Reply::invalid_member(name, "There is none with this id");
        }
    }
    let model = row.get("modelId").and_then(number).unwrap_or_default();
    let primary_key = workspace.row(Kind::Model, 0, model).remove("primaryKey");
    row.extend([
        ("primaryKey".to_owned(), primary_key.filter(Value::is_string).unwrap_or_else(|| json!(""))),
        ("referencedColumns".to_owned(), json!([])),
        ("externalSegment".to_owned(), json!({})),
        ("tags".to_owned(), json!({})),
    ]);
    rows::create(workspace, Kind::Sync, row)
}

pub(super) fn update(workspace: &mut Workspace, id: &str, mut changes: Row) -> Reply {
    if workspace.null_schedule == NullSchedule::Keeps && changes.get("schedule") == Some(&Value::Null) {
        changes.remove("schedule");
    }
    rows::update(workspace, Kind::Sync, id, changes)
}

/// Lists runs. The world sets the direction (`newestFirst`), because a request cannot choose a direction. `after`,
/// `before` and `within` filter by the start, so they leave out queued runs.
pub(super) fn list_runs(workspace: &mut Workspace, id: &str, request: &Request) -> Reply {
    let Some(sync) = find(workspace, Kind::Sync, id) else { return missing(Kind::Sync, id) };
    let now = workspace.clock.now();
    let minutes = request.parameter("within").and_then(|text| text.parse::<f64>().ok());
    let within = minutes.map(|minutes| now - in_millis(minutes * 60.0));
    let after = moment(workspace, request, "after").max(within);
    let before = moment(workspace, request, "before");
    let wanted = request.parameter("runId").map(|id| Kind::Sync.key(id));
    // Generates the history once and not for each page, because a long history has many pages.
    workspace.keep_runs(sync);
    let runs = workspace.runs(sync);
    let mut found: Vec<&Run> = runs
        .iter()
        .filter(|run| run.is_listed(now))
        .filter(|run| wanted.is_none_or(|id| id == Some(run.id)))
        .filter(|run| after.is_none_or(|after| run.start(now).is_some_and(|at| at > after)))
        .filter(|run| before.is_none_or(|before| run.start(now).is_some_and(|at| at < before)))
        .collect();
    match request.parameter("orderBy") {
        Some("createdAt") => found.sort_by_key(|run| (run.created, run.id)),
        Some("startedAt") => found.sort_by_key(|run| (run.start(now).unwrap_or(Millis::MAX), run.id)),
        Some("finishedAt") => found.sort_by_key(|run| (run.end(now).unwrap_or(Millis::MAX), run.id)),
        _ => found.sort_by_key(|run| run.id),
    }
    if workspace.newest_first {
        found.reverse();
    }
    page(workspace, request, (LIMIT, true), &found, |runs| {
        runs.iter().map(|run| run.show(now, &workspace.clock)).collect()
    })
}

/// Starts a run, even of a disabled sync, because disabling stops only scheduled runs.
pub(super) fn trigger(workspace: &mut Workspace, id: &str) -> Reply {
    match find(workspace, Kind::Sync, id) {
        Some(sync) => start(workspace, sync),
        None => missing(Kind::Sync, id),
    }
}

/// Starts a run of the sync that the body names by its id or slug.
pub(super) fn trigger_by_body(workspace: &mut Workspace, body: &Row) -> Reply {
    let text = |name| body.get(name).and_then(Value::as_str);
    if let Some(id) = text("syncId") {
        return trigger(workspace, id);
    }
    let slug = text("syncSlug").unwrap_or_default();
    match workspace.by_slug(Kind::Sync, slug) {
        Some(sync) => start(workspace, sync),
        None => missing(Kind::Sync, slug),
    }
}

fn start(workspace: &mut Workspace, sync: Key) -> Reply {
    let now = workspace.clock.now();
    Reply::good(json!({"id": workspace.start_run(sync, now).id.to_string()}))
}

/// Returns the members of a sync that depend on its runs.
pub(super) fn state(workspace: &Workspace, sync: Key, disabled: bool, now: Millis) -> Row {
    let runs = workspace.runs(sync);
    let begun = || runs.iter().filter(|run| run.start(now).is_some());
    let status = match (disabled, begun().max_by_key(|run| run.started)) {
        (true, None) => "disabled",
        (false, None) => runs.iter().rfind(|run| run.created <= now).map_or("pending", |run| run.status(now)),
        (_, Some(run)) => run.status(now),
    };
    let last = begun().filter_map(|run| run.end(now).or(run.start(now))).max();
    Row::from_iter([
        ("status".to_owned(), json!(status)),
        ("lastRunAt".to_owned(), json!(last.map(|at| workspace.clock.timestamp(at)))),
    ])
}
