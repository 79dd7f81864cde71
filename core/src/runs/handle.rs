//! The handle of a run.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;

use futures_util::stream::{self, Stream};
use tokio::time::Instant;

use super::{RunOrigin, RunState, RunToken, Seen, WaitOptions, expired, look, next};
use crate::call::Options;
use crate::error::Error;
use crate::operation::RunKind;
use crate::sender::Sender;

/// A handle of a run. The handle follows this run and never another run of the same sync, sequence or graph.
pub struct Run<S> {
    sender: Sender,
    token: RunToken,
    state: PhantomData<fn() -> S>,
}

impl<S> Clone for Run<S> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone(), token: self.token.clone(), state: PhantomData }
    }
}

impl<S> Run<S> {
    pub(crate) fn new(sender: &Sender, token: RunToken) -> Self {
        Self { sender: sender.clone(), token, state: PhantomData }
    }

    /// The run's id. The id of a sync's run consists of digits.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.token.run
    }

    /// The id of the sync, sequence or identity graph that the run belongs to.
    #[must_use]
    pub fn parent(&self) -> &str {
        &self.token.parent
    }

    /// The kind of run.
    #[must_use]
    pub fn kind(&self) -> RunKind {
        self.token.kind
    }

    /// Whether the answer to the trigger was lost and the run was found in the list of runs.
    #[must_use]
    pub fn adopted(&self) -> bool {
        self.token.source == RunOrigin::Adopted
    }

    /// Whether the run was already in progress, and the trigger joined it instead of starting a run.
    #[must_use]
    pub fn joined(&self) -> bool {
        self.token.source == RunOrigin::Joined
    }

    /// A text from which [`Client::run`](crate::Client::run) creates a handle of this run in any process. The text
    /// contains no API key.
    #[must_use]
    pub fn token(&self) -> String {
        self.token.encode()
    }
}

#[expect(private_bounds, reason = "states are this crate's own types")]
impl<S: RunState> Run<S> {
    /// Yields the state of the run each time the state changes. The stream ends after the last state, or after an
    /// error.
    #[must_use]
    pub fn states(&self) -> Pin<Box<dyn Stream<Item = Result<S, Error>> + Send>> {
        let start = Some((self.clone(), Seen::default()));
        Box::pin(stream::unfold(start, |state| async move {
            let (run, mut seen) = state?;
            loop {
                match next::<S>(&run.sender, &run.token, seen, None, &Options::default()).await {
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

    /// Reads the run once and returns its state. Unlike [`wait`](Self::wait), this method fails during an outage, and
    /// does not fail if the run has failed. Costs one request.
    ///
    /// # Errors
    /// Kind `not_found` if the server does not list the run (yet). Any other kind says why the run could not be read.
    pub async fn state(&self) -> Result<S, Error> {
        look(&self.sender, &self.token, &Options::default()).await.map(|(state, _)| state)
    }

    /// Waits until the run ends. An outage does not end the wait.
    ///
    /// # Errors
    /// * Kind `run_failed` if the run ended in a way for which `options` asks for an error. [`Error::details`] holds
    ///   the last state, and [`Error::problem`] says why.
    /// * Kind `wait_timeout` if the run did not end within the timeout in `options`.
    /// * Kind `not_found` if the server has not listed the run for ten minutes.
    /// * Kind `closed` if the client is closed.
    /// * Another kind, such as `authentication`, if reading the run fails for a reason that is not an outage.
    ///
    /// Each of these errors holds the token in [`Error::run`].
    pub async fn wait(&self, options: &WaitOptions) -> Result<S, Error> {
        let until = options.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut seen = Seen::default();
        loop {
            let step = next::<S>(&self.sender, &self.token, seen, until, &options.options).await?;
            step.check(&self.sender, &self.token, options.on_failure, options.on_warning)?;
            match (step.ending(), step.changed) {
                (Some(_), _) => {
                    if let Some(state) = step.state {
                        return Ok(state);
                    }
                }
                (None, false) => return Err(expired(&self.sender, &self.token, &step)),
                (None, true) => {}
            }
            seen = step.seen;
        }
    }
}

impl<S> fmt::Debug for Run<S> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Run")
            .field("kind", &self.token.kind)
            .field("id", &self.token.run)
            .field("parent", &self.token.parent)
            .finish_non_exhaustive()
    }
}
