//! Runs: starts them, finds the run of a trigger after its answer was lost, and follows runs.

mod adopt;
mod begin;
mod claims;
mod expired;
mod follow;
mod followed;
mod handle;
mod lookup;
mod newest;
mod pace;
mod state;
mod step_report;
mod sweep;
mod token;

use std::time::Duration;

pub(crate) use adopt::{StartWindow, Unanswered, adopt};
pub(crate) use begin::{begin, claim, started, under_way};
pub(crate) use claims::Of;
pub(crate) use expired::expired;
pub(crate) use follow::{FollowStep, Seen, look, next};
pub use handle::Run;
pub(crate) use lookup::{latest, lookup};
pub use state::Ending;
pub(crate) use state::{Listed, Lost, RunState};
pub(crate) use token::{RunOrigin, RunToken};

use crate::call::Options;
use crate::error::{Error, Kind};
use crate::json::Json;
use crate::sender::Sender;

/// How a wait treats a run that did not succeed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnEnd {
    /// The wait fails with an error of kind `run_failed`. The error holds the last state and the token of the run.
    #[default]
    Raise,
    /// The wait returns the run in its last state.
    Return,
}

/// How to wait for a run.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WaitOptions {
    /// How long to wait; `None` waits without a time limit.
    pub timeout: Option<Duration>,
    /// What to do if the run failed, was cancelled or was interrupted.
    pub on_failure: OnEnd,
    /// What to do if the run finished with warnings.
    pub on_warning: OnEnd,
    /// Options of each request that reads the run.
    pub options: Options,
}

impl Default for WaitOptions {
    fn default() -> Self {
        Self {
            timeout: None,
            on_failure: OnEnd::Raise,
            on_warning: OnEnd::Return,
            options: Options::default(),
        }
    }
}

impl WaitOptions {
    /// Creates the default options: no timeout, an error if the run failed, was cancelled or was interrupted, and no
    /// error if the run finished with warnings.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how long to wait.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Sets what to do if the run failed, was cancelled or was interrupted.
    #[must_use]
    pub fn on_failure(self, on_failure: OnEnd) -> Self {
        Self { on_failure, ..self }
    }

    /// Sets what to do if the run finished with warnings.
    #[must_use]
    pub fn on_warning(self, on_warning: OnEnd) -> Self {
        Self { on_warning, ..self }
    }

    /// Sets the options of each request that reads the run.
    #[must_use]
    pub fn options(self, options: Options) -> Self {
        Self { options, ..self }
    }
}

impl<S: RunState> FollowStep<S> {
    /// Fails if the run has ended in a way for which the caller wants an error.
    pub(crate) fn check(
        &self,
        sender: &Sender,
        token: &RunToken,
        on_failure: OnEnd,
        on_warning: OnEnd,
    ) -> Result<(), Error> {
        let raised = match self.ending() {
            Some(Ending::Failure) => on_failure == OnEnd::Raise,
            Some(Ending::Warning) => on_warning == OnEnd::Raise,
            Some(Ending::Success) | None => false,
        };
        let Some(state) = self.state.as_ref().filter(|_| raised) else { return Ok(()) };
        let what = format!("it ended as {}", ended_as(state, |text| sender.scrub(text)));
        Err(Error::new(Kind::RunFailed, what)
            .with_problem(state.problem())
            .at(&token.subject())
            .with_details(Some(Json::of(state)))
            .scrubbed(|text| sender.scrub(text))
            .with_run(token.encode()))
    }
}

/// How a run ended, for a message: its status, how many rows were rejected, and the first line of its error text.
/// `scrub` removes secrets from the error text.
pub(crate) fn ended_as<S: RunState>(state: &S, scrub: impl Fn(&str) -> String) -> String {
    let rows = match state.problem().and_then(|problem| problem.rejected_rows) {
        None | Some(..=0) => String::new(),
        Some(1) => " with 1 rejected row".to_owned(),
        Some(rows) => format!(" with {rows} rejected rows"),
    };
    let why = state.reason().map_or_else(String::new, |reason| format!(": {}", first_line(&scrub(&reason))));
    format!("{}{rows}{why}", state.status())
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(300).collect()
}
