//! What all kinds of runs have in common: the call that reads a run, and the meaning of its status.

use std::future::Future;

use serde::Serialize;

use super::claims::Of;
use crate::call::{Call, Spent};
use crate::error::Error;
use crate::model::{Readable, Timestamp};
use crate::operation::{OfRun, Page};
use crate::page::Row;
use crate::problem::RunProblem;
use crate::sender::Sender;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// The run succeeded.
    Success,
    /// The run finished with warnings, such as rejected rows.
    Warning,
    /// The run failed, was cancelled or was interrupted.
    Failure,
}

/// The state of a run, for each kind of run that can be followed.
pub(crate) trait RunState: Readable + Serialize + OfRun + Send + Sync + 'static {
    /// Whether the server answers 404 for a run that it does not know (yet). If false, the server answers with a
    /// list that lacks the run.
    const MISSING_IS_404: bool = false;
    /// The type of the server's answer to the call that reads a run.
    type Answer: Readable + Send;

    /// The call that reads one run.
    fn call(parent: &str, run: &str) -> Result<Call, Error>;

    /// The call to list the syncs that ran after the time `after`. The list shows which followed runs may have changed.
    fn syncs_after(after: Option<Timestamp>) -> Result<Call, Error>;

    /// Finds the run in the answer.
    fn pick(answer: Self::Answer, run: &str) -> Option<Self>;

    /// How the run ended; `None` while the run is in progress. An unknown status counts as in progress.
    fn ending(&self) -> Option<Ending>;

    /// The status of the run as the API writes it.
    fn status(&self) -> &str;

    /// The error text of a run that did not succeed.
    fn reason(&self) -> Option<String>;

    /// Why the run did not succeed; `None` if the run succeeded or has not ended.
    fn problem(&self) -> Option<RunProblem>;

    /// Finds the id of the run after its trigger failed. The default returns the error of the trigger, because the API
    /// does not list runs of every kind.
    fn recovered(lost: Lost<'_>) -> impl Future<Output = Result<String, Error>> + Send {
        std::future::ready(Err(lost.error))
    }
}

/// A trigger that failed. The trigger may have started a run all the same.
pub(crate) struct Lost<'a> {
    pub sender: &'a Sender,
    /// The sync, sequence or graph that the trigger was for.
    pub of: &'a Of,
    /// Whether the trigger sets no option. The run of a trigger with an option is not looked for, because a run in the
    /// list could be a scheduled run without that option.
    pub plain: bool,
    pub error: Error,
    pub spent: &'a mut Spent,
}

/// The state of a run, for each kind of run that the API lists.
pub(crate) trait Listed: RunState<Answer = Page<Self>> + Row {
    /// The call that reads a page of the list of runs from `offset` on. The list is ordered by the times of `created`.
    fn newest(parent: &str, offset: u32) -> Result<Call, Error>;

    /// When the run was requested.
    fn created(&self) -> Option<Timestamp>;

    /// Whether the run is certainly in progress, or has an unknown status and no end time.
    fn is_under_way(&self) -> bool;
}
