//! What the kinds of runs have in common: a call that reads one, and what its status means.

use std::future::Future;

use serde::Serialize;

use super::claims::Of;
use crate::call::{Call, Spent};
use crate::error::Error;
use crate::model::{Model, Timestamp};
use crate::operation::{OfRun, Page};
use crate::page::Row;
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

/// A state of a run that can be followed.
pub(crate) trait RunState: Model + OfRun + Send + Sync + 'static {
    /// Whether the server answers 404 for a run that it does not know (yet), where others give an empty list.
    const MISSING_IS_404: bool = false;
    /// What reading a run gives.
    type Answer: Model + Send;

    /// The call that reads one run.
    fn call(parent: &str, run: &str) -> Result<Call, Error>;

    /// The list of syncs that ran after a time: it shows where looking is worth it, whatever kind of run is followed.
    fn syncs_after(after: Option<Timestamp>) -> Result<Call, Error>;

    /// That run and no other.
    fn pick(answer: Self::Answer, run: &str) -> Option<Self>;

    /// How it ended; unknown statuses count as under way.
    fn ending(&self) -> Option<Ending>;

    /// Its status as the API writes it.
    fn status(&self) -> &str;

    /// What it says of an end that is no success.
    fn reason(&self) -> Option<String>;

    /// The run's id after a trigger of which only that it was sent is known; the trigger's error if no list of runs could
    /// tell.
    fn recovered(lost: Lost<'_>) -> impl Future<Output = Result<String, Error>> + Send {
        std::future::ready(Err(lost.error))
    }
}

/// A trigger whose answer was lost.
pub(crate) struct Lost<'a> {
    pub sender: &'a Sender,
    /// What it would have started a run of.
    pub of: &'a Of,
    /// Whether no option was set: a run with one must not be mistaken for a scheduled one.
    pub plain: bool,
    pub error: Error,
    pub spent: &'a mut Spent,
}

/// A state of a run that stands in a list of such.
pub(crate) trait Listed: RunState<Answer = Page<Self>> + Row {
    /// A page of the list, from `offset` on, in the order in which runs were asked for.
    fn newest(parent: &str, offset: u32) -> Result<Call, Error>;

    /// When it was asked for.
    fn created(&self) -> Option<Timestamp>;

    /// Whether it is under way beyond doubt, or, where its status is unknown, has no time of its end.
    fn is_under_way(&self) -> bool;
}
