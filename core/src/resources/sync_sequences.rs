//! Sync sequences: syncs that run one after the other.

use super::SyncRunStatus;
use crate::call::{Call, Id, call_on};
use crate::error::Error;
use crate::model::Timestamp;
use crate::operation::{NoFields, OfRun, PathId, RunKind, StartedText, text};
use crate::resources::{Pending, syncs_after};
use crate::runs::{Ending, Run, RunState};

open_enum! {
    /// Status of a run of a sequence.
    pub enum SequenceRunStatus {
        /// Has not started.
        Pending = "pending",
        /// The run executes its syncs.
        Running = "running",
        /// Finished. Its members may still have warnings.
        Done = "done",
        /// Failed.
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
        /// State of the run. A run that is `done` counts as finished with warnings if a member did not succeed.
        required status = "status": SequenceRunStatus,
        /// The runs of its syncs that have started.
        defaulted sync_runs = "syncRuns": Vec<SequenceMember>,
    }
}

model! {
    /// The run of one sync in a sequence.
    pub struct SequenceMember {
        /// Id of the sync.
        optional sync_id = "syncId": i64,
        /// Id of the run of the sync, as in `syncs.runs`.
        optional sync_run_id = "syncRunId": i64,
        /// Status of that run.
        optional status = "status": SyncRunStatus,
        /// End time; absent until the run ends.
        optional finished_at = "finishedAt": Timestamp,
    }
}

impl OfRun for SequenceRun {
    const KIND: RunKind = RunKind::Sequence;
    type Started = StartedText;
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

    /// A sequence reports no reason of its own, so the members that did not succeed are named.
    fn reason(&self) -> Option<String> {
        let bad: Vec<String> = self
            .sync_runs
            .iter()
            .filter_map(|member| match &member.status {
                None | Some(SyncRunStatus::Success) => None,
                Some(status) => Some(format!(
                    "run {} of sync {} is {status}",
                    member.sync_run_id.unwrap_or_default(),
                    member.sync_id.unwrap_or_default()
                )),
            })
            .collect();
        (!bad.is_empty()).then(|| bad.join(", "))
    }
}

const SEQUENCE: PathId = text(
    "sequence",
    "sync_sequence_id",
    "syncSequenceId",
    &["The sequence's id; no operation lists sequences, so take it from the web app."],
);
const SEQUENCE_RUN: PathId = text(
    "sequence run",
    "sync_sequence_run_id",
    "syncSequenceRunId",
    &["The run's id, as returned by `trigger`."],
);

operations! {
    /// Starts a run of a sequence and returns a handle that follows it. A sequence never overlaps itself. During a run,
    /// the handle belongs to the one follow-up run that all such triggers share or, in workspaces without queueing, to
    /// the run in progress. The request is repeated only if the first one certainly had no effect.
    TriggerSequenceRunOp = "TriggerSequenceRun", trigger POST "/sync-sequences/{syncSequenceId}/trigger" [SEQUENCE]
    as "sync_sequences.trigger", takes NoFields, gives run SequenceRun;

    /// Reads one run of a sequence, with the status of each member.
    GetSyncSequenceRunOp = "GetSyncSequenceRun", read GET "/sync-sequences/runs/{syncSequenceRunId}" [SEQUENCE_RUN]
    as "sync_sequences.run", takes NoFields, gives value SequenceRun;
}

handle! {
    /// The operations on sync sequences.
    SyncSequences
}

impl SyncSequences {
    /// Starts a run and returns its handle (operation `TriggerSequenceRun`). The request is repeated only if the first
    /// one certainly had no effect.
    pub fn trigger(&self, sequence: impl Into<String>) -> Pending<Run<SequenceRun>> {
        Pending::started::<TriggerSequenceRunOp>(&self.sender, sequence.into(), &NoFields)
    }

    /// Reads one run (operation `GetSyncSequenceRun`).
    pub fn run(&self, run: impl Into<String>) -> Pending<SequenceRun> {
        Pending::new(&self.sender, call_on::<GetSyncSequenceRunOp>(vec![Id::Text(run.into())], &NoFields))
    }
}
