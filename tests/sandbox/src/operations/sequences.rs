//! Runs of sequences.

use serde_json::json;

use super::Reply;
use crate::seed::Kind;
use crate::sequences::SequenceRun;
use crate::workspace::Workspace;

/// Starts a run if all runs of the sequence have ended. During a run, the first trigger queues one further run, and
/// later triggers return this queued run. If the world has turned queueing off, a trigger returns the current run.
pub(super) fn trigger(workspace: &mut Workspace, id: &str) -> Reply {
    let Some(members) = workspace.sequences.members.get(id).cloned() else {
        return Reply::not_found(&format!("There is no sequence {id}"));
    };
    let now = workspace.clock.now();
    let unfinished: Vec<&SequenceRun> =
        workspace.sequence_runs.iter().filter(|run| run.sequence == id && run.finished > now).collect();
    let shared = match unfinished.as_slice() {
        [running, ..] if !workspace.sequences.queueing => Some(*running),
        [_, waiting, ..] => Some(*waiting),
        _ => None,
    };
    if let Some(run) = shared {
        return Reply::good(json!({"id": run.id}));
    }
    let free = unfinished.iter().map(|run| run.finished).max().unwrap_or(now);
    let run_id = Workspace::name("seq-run", workspace.sequence_runs.len());
    let members: Vec<_> = members.into_iter().filter(|&sync| workspace.has(Kind::Sync, sync)).collect();
    let settings = workspace.sequences.clone();
    let run = SequenceRun::planned(run_id, id, (now, free), &settings, members.into_iter(), |sync, at| {
        workspace.start_run(sync, at)
    });
    let answer = json!({"id": run.id});
    workspace.sequence_runs.push(run);
    Reply::good(answer)
}

pub(super) fn get(workspace: &Workspace, id: &str) -> Reply {
    let now = workspace.clock.now();
    workspace.sequence_runs.iter().find(|run| run.id == id && run.is_listed(now)).map_or_else(
        || Reply::not_found(&format!("There is no run {id} of a sequence")),
        |run| Reply::good(run.show(now, &workspace.clock)),
    )
}
