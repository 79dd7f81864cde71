//! One sync of a batch.

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use crate::call::SyncReference;
use crate::error::{Error, Kind};
use crate::message::Style;
use crate::resources::SyncRun;
use crate::runs::{Ending, RunOrigin, RunState as _, RunToken, ended_as};
use crate::text::brief;

/// How one sync of a batch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemOutcome {
    /// The run succeeded.
    Success,
    /// The run finished with warnings, such as rejected rows.
    Warning,
    /// The run failed, was cancelled or was interrupted.
    Failure,
    /// No run was started.
    NotStarted,
    /// It is unknown whether a run was started, or how the run ended.
    Unknown,
}

/// One sync of a batch, and what is known of its run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BatchItem {
    /// The position of the sync in the batch, from 0.
    pub index: usize,
    /// The sync, as the caller named it.
    pub sync: SyncReference,
    /// The token of the run, once it was started.
    pub run: Option<String>,
    /// The id of the sync, once its run was started.
    pub sync_id: Option<String>,
    /// The id of the run, once it was started.
    pub run_id: Option<String>,
    /// Whether the answer to the trigger was lost and the run was found in the list of runs.
    pub adopted: bool,
    /// Whether the trigger joined a run that was already in progress.
    pub joined: bool,
    /// The latest known state of the run.
    pub state: Option<SyncRun>,
    /// How the item ended; `None` while it waits or is in progress.
    pub outcome: Option<ItemOutcome>,
    /// Why no run was started, or why the end of the run is not known.
    pub error: Option<Error>,
}

impl BatchItem {
    pub(super) fn new(index: usize, sync: SyncReference) -> Self {
        Self {
            index,
            sync,
            run: None,
            sync_id: None,
            run_id: None,
            adopted: false,
            joined: false,
            state: None,
            outcome: None,
            error: None,
        }
    }

    pub(super) fn started(&mut self, token: &RunToken) {
        self.run = Some(token.encode());
        self.sync_id = Some(token.parent.clone());
        self.run_id = Some(token.run.clone());
        self.adopted = token.source == RunOrigin::Adopted;
        self.joined = token.source == RunOrigin::Joined;
    }

    /// Notes a new state of the run. Returns whether the run has ended.
    pub(super) fn seen(&mut self, state: SyncRun) -> bool {
        self.outcome = state.ending().map(|ending| match ending {
            Ending::Success => ItemOutcome::Success,
            Ending::Warning => ItemOutcome::Warning,
            Ending::Failure => ItemOutcome::Failure,
        });
        self.state = Some(state);
        self.outcome.is_some()
    }

    /// Records that the run was not started, or cannot be followed any longer.
    pub(super) fn failed(&mut self, error: Error) {
        let outcome = if self.may_run(&error) { ItemOutcome::Unknown } else { ItemOutcome::NotStarted };
        self.outcome = Some(outcome);
        self.error = Some(error);
    }

    /// Whether a run may have been started, although the work on the item ended with `error`.
    pub(super) fn may_run(&self, error: &Error) -> bool {
        self.run.is_some() || error.run().is_some() || error.kind() == Kind::OutcomeUnknown
    }

    /// Why the item did not succeed, in at most `most` characters after its name. `scrub` removes secrets from the
    /// texts before they are shortened, because half a secret would not be found.
    pub(super) fn reason(&self, most: usize, style: Style, scrub: impl Fn(&str) -> String) -> String {
        let name = self
            .run_id
            .as_ref()
            .map_or_else(|| self.sync.to_string(), |run| format!("{} (run {run})", self.sync));
        let state = self.state.as_ref().map(|state| ended_as(state, &scrub));
        let why = self.error.as_ref().map(|error| scrub(&error.what().in_style(style))).or(state);
        format!("{name}: {}", brief(why.unwrap_or_default().trim_end_matches('.'), most))
    }
}

impl Serialize for BatchItem {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut item = to.serialize_struct("BatchItem", 9)?;
        item.serialize_field("index", &self.index)?;
        item.serialize_field("sync", &self.sync)?;
        item.serialize_field("run", &self.run)?;
        item.serialize_field("syncId", &self.sync_id)?;
        item.serialize_field("runId", &self.run_id)?;
        item.serialize_field("adopted", &self.adopted)?;
        item.serialize_field("joined", &self.joined)?;
        item.serialize_field("state", &self.state)?;
        item.serialize_field("outcome", &self.outcome)?;
        item.end()
    }
}
