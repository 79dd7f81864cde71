//! Identity graphs: their runs, and requests to reprocess.

use serde_json::{Value, json};

use super::Reply;
use super::list::{moment, page};
use crate::clock::Millis;
use crate::graphs::{GraphRun, Reprocessing};
use crate::log::Request;
use crate::row_store::Row;
use crate::runs::in_millis;
use crate::workspace::Workspace;

/// The documented default of `limit` for this list. For all other lists, the default is 100.
const LIMIT: usize = 20;

fn unknown(workspace: &Workspace, graph: &str) -> Option<Reply> {
    let known = workspace.graphs.ids.iter().any(|id| id == graph);
    (!known).then(|| Reply::not_found(&format!("There is no identity graph {graph}")))
}

/// Queues a run behind the last run of the graph.
pub(super) fn trigger(workspace: &mut Workspace, graph: &str, body: &Row) -> Reply {
    if let Some(reply) = unknown(workspace, graph) {
        return reply;
    }
    let now = workspace.clock.now();
    let free = workspace.graph_runs.iter().filter(|run| run.graph == graph).map(|run| run.finished).max();
    let id = workspace.next_graph_run();
    let full = body.get("fullRerun") == Some(&Value::Bool(true));
    let name = (format!("idr-run-{id}"), id);
    let run = GraphRun::planned(name, graph, (now, free.unwrap_or(now)), full, &workspace.graphs);
    let answer = json!({"id": run.id});
    workspace.graph_runs.push(run);
    Reply::good(answer)
}

/// Lists runs. If runs are ordered by their start or their end, runs that lack this time come last. `newestFirst`
/// reverses every order.
pub(super) fn list_runs(workspace: &Workspace, graph: &str, request: &Request) -> Reply {
    if let Some(reply) = unknown(workspace, graph) {
        return reply;
    }
    let now = workspace.clock.now();
    let (after, before) = (moment(workspace, request, "after"), moment(workspace, request, "before"));
    let mut found: Vec<&GraphRun> = workspace
        .graph_runs
        .iter()
        .filter(|run| run.graph == graph && run.is_listed(now))
        .filter(|run| request.parameter("runId").is_none_or(|id| run.id == id))
        .filter(|run| after.is_none_or(|after| run.start(now).is_some_and(|at| at >= after)))
        .filter(|run| before.is_none_or(|before| run.start(now).is_some_and(|at| at <= before)))
        .collect();
    match request.parameter("orderBy") {
        Some("started_at") => found.sort_by_key(|run| (run.start(now).unwrap_or(Millis::MAX), run.created)),
        Some("finished_at") => found.sort_by_key(|run| (run.end(now).unwrap_or(Millis::MAX), run.created)),
        _ => found.sort_by_key(|run| run.created),
    }
    if workspace.newest_first {
        found.reverse();
    }
    page(workspace, request, (LIMIT, true), &found, |runs| {
        runs.iter().map(|run| run.show(now, &workspace.clock)).collect()
    })
}

pub(super) fn reprocess(workspace: &mut Workspace, graph: &str) -> Reply {
    if let Some(reply) = unknown(workspace, graph) {
        return reply;
    }
    let id = Workspace::name("reprocess", workspace.reprocessings.len());
    let plan = &workspace.graphs.reprocessing;
    let request = Reprocessing {
        graph: graph.to_owned(),
        queued: workspace.clock.now() + in_millis(plan.seconds),
        status: plan.status.clone(),
        error: plan.error.clone(),
    };
    workspace.reprocessings.push(request);
    Reply::good(json!({"requestId": id}))
}

pub(super) fn reprocess_status(workspace: &Workspace, graph: &str, id: &str) -> Reply {
    if let Some(reply) = unknown(workspace, graph) {
        return reply;
    }
    let found = workspace
        .reprocessings
        .iter()
        .enumerate()
        .find(|(index, request)| Workspace::name("reprocess", *index) == id && request.graph == graph);
    found.map_or_else(
        || Reply::not_found(&format!("There is no request {id}")),
        |(_, request)| {
            Reply::good(request.show(workspace.graph_runs.iter(), workspace.clock.now(), &workspace.clock))
        },
    )
}
