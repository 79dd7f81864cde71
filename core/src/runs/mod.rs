//! Following a run to its end; resumable.

mod follow;
mod pace;
mod token;

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use futures_util::stream::{self, Stream};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

pub(crate) use follow::{Ending, Seen, Step, next};
pub(crate) use token::RunToken;

use crate::client::{Client, Options};
use crate::error::{Error, Kind};
use crate::model::Json;
use crate::resources::SyncRun;

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitOptions {
    /// How long; without end when `None`.
    pub timeout: Option<Duration>,
    /// What to do when it failed, was cancelled or interrupted.
    pub on_failure: OnEnd,
    /// What to do when it ended with warnings.
    pub on_warning: OnEnd,
}

impl Default for WaitOptions {
    fn default() -> Self {
        Self { timeout: None, on_failure: OnEnd::Raise, on_warning: OnEnd::Return }
    }
}

/// A run, and the way to follow it: that run, never another of the same sync.
#[derive(Clone)]
pub struct Run {
    client: Client,
    token: RunToken,
}

impl Client {
    /// A run from its token, which may come from another process or language.
    ///
    /// # Errors
    /// Kind `invalid_request` where it is no token of this server's.
    pub fn run(&self, token: &str) -> Result<Run, Error> {
        Ok(Run { client: self.clone(), token: RunToken::decode(token, self.origin())? })
    }
}

impl Run {
    pub(crate) fn new(client: Client, token: RunToken) -> Self {
        Self { client, token }
    }

    /// The run's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.token.run
    }

    /// The id of the sync that it is a run of.
    #[must_use]
    pub fn sync_id(&self) -> &str {
        &self.token.parent
    }

    /// Whether the run was found after its trigger's answer was lost, and not given by that answer.
    #[must_use]
    pub fn adopted(&self) -> bool {
        false
    }

    /// A text that [`Client::run`] resumes the run from, here or elsewhere. It holds no key.
    #[must_use]
    pub fn token(&self) -> String {
        self.token.encode()
    }

    /// The states of the run as they change, to the last one (operation `ListSyncRuns`).
    #[must_use]
    pub fn states(&self) -> Pin<Box<dyn Stream<Item = Result<SyncRun, Error>> + Send>> {
        let start = Some((self.clone(), Seen::default()));
        Box::pin(stream::unfold(start, |state| async move {
            let (run, mut seen) = state?;
            loop {
                match next(&run.client, &run.token, seen, None, &Options::default()).await {
                    Ok(step) => {
                        let ended = step.ending().is_some();
                        seen = step.seen;
                        if let (Some(state), true) = (step.state, step.changed) {
                            return Some((Ok(state), (!ended).then_some((run, seen))));
                        }
                        if ended {
                            return None;
                        }
                    }
                    Err(error) => return Some((Err(error), None)),
                }
            }
        }))
    }

    /// Waits for the run's end. An outage does not end the wait.
    ///
    /// # Errors
    /// Kind `run_failed` with the run in [`Error::details`], or `wait_timeout`; both with the token in [`Error::run`].
    pub async fn wait(&self, options: &WaitOptions) -> Result<SyncRun, Error> {
        let until = options.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut seen = Seen::default();
        loop {
            let step = next(&self.client, &self.token, seen, until, &Options::default()).await?;
            step.check(&self.client, &self.token, options.on_failure, options.on_warning)?;
            match (step.ending(), step.changed) {
                (Some(_), _) => {
                    if let Some(state) = step.state {
                        return Ok(state);
                    }
                }
                (None, false) => return Err(expired(&self.client, &self.token)),
                (None, true) => {}
            }
            seen = step.seen;
        }
    }
}

impl Step {
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
            .error
            .as_deref()
            .map_or_else(String::new, |error| format!(": {}", first_line(&client.scrub(error))));
        let run = serde_json::to_value(state).unwrap_or_default();
        Err(Error::new(Kind::RunFailed, format!("{} ended as {}{why}", token.name(), state.status))
            .with_details(Some(Json::from(&run)))
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

impl fmt::Debug for Run {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Run")
            .field("id", &self.token.run)
            .field("sync", &self.token.parent)
            .finish_non_exhaustive()
    }
}
