//! Following a run to its end; resumable.

mod adopt;
mod begin;
mod board;
mod claims;
mod follow;
mod handle;
mod line;
mod newest;
mod pace;
mod state;
mod sweep;
mod token;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) use adopt::adopt;
pub(crate) use begin::{begin, started, under_way};
pub(crate) use board::Board;
pub(crate) use claims::Claims;
pub(crate) use follow::{Seen, Step, next};
pub use handle::{AnyRun, Run};
pub use state::Ending;
pub(crate) use state::{Listed, Lost, Started, StartedNumber, StartedText, State};
pub(crate) use token::{RunToken, Source};

use crate::client::{Client, Options};
use crate::error::{Error, Kind};
use crate::model::Json;

/// What waiting does with an end that is no plain success.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnEnd {
    /// An error of kind `run_failed`, which carries the run.
    #[default]
    Raise,
    /// The run as it ended.
    Return,
}

/// How to wait for a run.
#[derive(Clone, Debug, PartialEq)]
pub struct WaitOptions {
    /// How long; without end when `None`.
    pub timeout: Option<Duration>,
    /// What to do when it failed, was cancelled or interrupted.
    pub on_failure: OnEnd,
    /// What to do when it ended with warnings.
    pub on_warning: OnEnd,
    /// Options of each request that looks at the run.
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

impl<S: State> Step<S> {
    /// Raises what the caller wants raised.
    pub(crate) fn check(
        &self,
        client: &Client,
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
        let why = state
            .reason()
            .map_or_else(String::new, |reason| format!(": {}", first_line(&client.scrub(&reason))));
        Err(Error::new(Kind::RunFailed, format!("{} ended as {}{why}", token.name(), state.status()))
            .with_details(Some(Json::of(state)))
            .scrubbed(|text| client.scrub(text))
            .with_run(token.encode()))
    }
}

/// The error of a wait that ran out of time.
pub(crate) fn expired(client: &Client, token: &RunToken) -> Error {
    let age =
        Duration::from_millis(u64::try_from(client.now_millis().saturating_sub(token.since)).unwrap_or(0));
    let what = format!("{} had not ended {:.1} s after it was started", token.name(), age.as_secs_f64());
    Error::new(Kind::WaitTimeout, what)
        .with_run(token.encode())
        .with_hint("The run goes on; resume waiting with its token.")
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(300).collect()
}
