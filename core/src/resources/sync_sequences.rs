//! Sync sequences: syncs that run one after the other.

use super::SyncRunStatus;
use crate::call::{Call, Id, call_on};
use crate::error::Error;
use crate::model::Timestamp;
use crate::operation::{NoFields, OfRun, PathId, RunKind, StartedText, text};
use crate::problem::{BadEnd, RunProblem};
use crate::resources::{Pending, syncs_after};
use crate::runs::{Ending, Run, RunState};

open_enum! {
    /// Status of a run of a sequence.
    pub enum SequenceRunStatus {
        /// The run has not started.
        Pending = "pending",
        /// The run executes its syncs.
        Running = "running",
        /// The run finished. Runs of its syncs may have ended with warnings.
        Done = "done",
        /// The run failed.
        Failed = "failed",
        /// The run was cancelled.
        Cancelled = "cancelled",
    }
}

model! {
    /// One run of a sequence.
    pub struct SequenceRun {
        /// The run's id.
        required id = "id": String,
        /// Status of the run. A run that is `done` counts as finished with warnings if the run of one of its syncs did
        /// not succeed.
        required status = "status": SequenceRunStatus,
        /// Runs of the sequence's syncs. Only runs that have started are listed.
        defaulted sync_runs = "syncRuns": Vec<SequenceMember>,
    }
}

model! {
    /// The run of one sync in a sequence.
    pub struct SequenceMember {
        /// Id of the sync.
        optional sync_id = "syncId": i64,
        /// Id of the sync's run. `syncs.runs` lists the run under this id.
        optional sync_run_id = "syncRunId": i64,
        /// Status of the sync's run.
        optional status = "status": SyncRunStatus,
        /// End time of the sync's run. Absent until the run ends.
        optional finished_at = "finishedAt": Timestamp,
    }
}

impl OfRun for SequenceRun {
    const KIND: RunKind = RunKind::Sequence;
    type Started = StartedText;
}

/// Names the run of a sync for a message, such as `run 12 of sync 7`. The answer may lack either id.
fn named(member: &SequenceMember) -> String {
    let sync = member.sync_id.map_or_else(|| "a sync".to_owned(), |sync| format!("sync {sync}"));
    match member.sync_run_id {
        Some(run) => format!("run {run} of {sync}"),
        None => format!("the run of {sync}"),
    }
}

impl SequenceRun {
    /// Why the run did not succeed: the sync runs that did not succeed, and what to do. `None` if the run succeeded or
    /// has not ended.
    #[must_use]
    pub fn problem(&self) -> Option<RunProblem> {
        let end = match (&self.status, self.ending()?) {
            (_, Ending::Success) => return None,
            (_, Ending::Warning) => BadEnd::Warned,
            (SequenceRunStatus::Cancelled, _) => BadEnd::Cancelled,
            (_, Ending::Failure) => BadEnd::Failed,
        };
        Some(RunProblem::of_sequence(end, self.reason()))
    }
}

impl RunState for SequenceRun {
    type Answer = SequenceRun;
    const MISSING_IS_404: bool = true;

    fn call(_: &str, run: &str) -> Result<Call, Error> {
        call_on::<GetSyncSequenceRunOp>(vec![Id::Text(run.to_owned())], &NoFields)
    }

    fn syncs_after(after: Option<Timestamp>) -> Result<Call, Error> {
        syncs_after(after)
    }

    fn pick(answer: SequenceRun, run: &str) -> Option<Self> {
        (answer.id == run).then_some(answer)
    }

    fn ending(&self) -> Option<Ending> {
        let well = |member: &SequenceMember| matches!(member.status, None | Some(SyncRunStatus::Success));
        match self.status {
            SequenceRunStatus::Done if self.sync_runs.iter().all(well) => Some(Ending::Success),
            SequenceRunStatus::Done => Some(Ending::Warning),
            SequenceRunStatus::Failed | SequenceRunStatus::Cancelled => Some(Ending::Failure),
            _ => None,
        }
    }

    fn status(&self) -> &str {
        self.status.as_str()
    }

    /// Names the sync runs that did not succeed. The API itself gives no reason for the failure of a sequence.
    fn reason(&self) -> Option<String> {
        let bad: Vec<String> = self
            .sync_runs
            .iter()
            .filter_map(|member| match &member.status {
                None | Some(SyncRunStatus::Success) => None,
                Some(status) => Some(format!("{} is {status}", named(member))),
            })
            .collect();
        (!bad.is_empty()).then(|| bad.join(", "))
    }

    fn problem(&self) -> Option<RunProblem> {
        Self::problem(self)
    }
}

const SEQUENCE: PathId = text(
    "sequence",
    "sync_sequence_id",
    "syncSequenceId",
    &["The sequence's id. No operation lists sequences: take the id from Hightouch's web app."],
);
const SEQUENCE_RUN: PathId = text(
    "sequence run",
    "sync_sequence_run_id",
    "syncSequenceRunId",
    &["The run's id, from the handle that `trigger` returns."],
);

operations! {
    /// Starts a run of a sequence and returns a handle that follows the run. A sequence has at most one run in
    /// progress. If a run is in progress, the call queues the next run and returns a handle of the queued run. Until
    /// the queued run starts, further calls return handles of the queued run too. In a workspace without queueing of
    /// runs, the call returns a handle of the run in progress. A request that failed is sent again only if it certainly
    /// had no effect.
    TriggerSequenceRunOp = "TriggerSequenceRun", trigger POST "/sync-sequences/{syncSequenceId}/trigger" [SEQUENCE]
    as "sync_sequences.trigger", takes NoFields, gives run SequenceRun;

    /// Reads one run of a sequence, with the status of the run of each sync.
    GetSyncSequenceRunOp = "GetSyncSequenceRun", read GET "/sync-sequences/runs/{syncSequenceRunId}" [SEQUENCE_RUN]
    as "sync_sequences.run", takes NoFields, gives value SequenceRun;
}

handle! {
    /// The operations on sync sequences.
    SyncSequences
}

impl SyncSequences {
    /// Starts a run and returns its handle (operation `TriggerSequenceRun`). If a run is in progress, the handle may
    /// follow a run that another trigger started. A request that failed is sent again only if it certainly had no
    /// effect.
    pub fn trigger(&self, sequence: impl Into<String>) -> Pending<Run<SequenceRun>> {
        Pending::started::<TriggerSequenceRunOp>(&self.sender, sequence.into(), &NoFields)
    }

    /// Reads one run (operation `GetSyncSequenceRun`).
    pub fn run(&self, run: impl Into<String>) -> Pending<SequenceRun> {
        Pending::new(&self.sender, call_on::<GetSyncSequenceRunOp>(vec![Id::Text(run.into())], &NoFields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_names_runs_and_syncs_by_the_ids_that_the_answer_has() {
        let member = |sync_run_id, sync_id| SequenceMember {
            sync_id,
            sync_run_id,
            status: Some(SyncRunStatus::Failed),
            finished_at: None,
        };
        let run = SequenceRun {
            id: "1".to_owned(),
            status: SequenceRunStatus::Failed,
            sync_runs: vec![
                member(Some(5), Some(7)),
                member(Some(5), None),
                member(None, Some(7)),
                member(None, None),
            ],
        };
        assert_eq!(
            run.reason().as_deref(),
            Some(
                "run 5 of sync 7 is failed, run 5 of a sync is failed, the run of sync 7 is failed, the run of a sync is \
                 failed"
            )
        );
    }
}
