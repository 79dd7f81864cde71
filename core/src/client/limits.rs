//! What bounds a call in time.

use std::time::Duration;

use tokio::time::Instant;

use super::{Meta, Options};
use crate::config::Config;
use crate::error::{Error, Kind};
use crate::reason::Reason;

/// The bounds of one call.
pub(super) struct Limits {
    started: Instant,
    timeout: Duration,
    deadline: Option<Duration>,
    max_wait: Option<Duration>,
}

impl Limits {
    pub(super) fn new(config: &Config, options: &Options, started: Instant) -> Self {
        let given = |ms: Option<u64>| ms.map(Duration::from_millis);
        Self {
            started,
            timeout: given(options.timeout_ms).unwrap_or(config.timeout),
            deadline: options.deadline(config),
            max_wait: given(options.max_wait_ms).or(config.max_wait),
        }
    }

    pub(super) fn left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_sub(self.started.elapsed()))
    }

    /// The error of a call that ran out of time.
    pub(super) fn expired(&self) -> Error {
        Error::new(Kind::Timeout, format!("the deadline of {:?} passed", self.deadline.unwrap_or_default()))
    }

    /// The error of a call that the limit would have kept waiting for too long.
    pub(super) fn refusal(&self, waited: Duration, at_least: Duration, meta: &Meta) -> Error {
        let most = self.max_wait.map(|most| most.saturating_sub(waited));
        let sent = if meta.attempts.is_empty() { "; nothing was sent" } else { "" };
        if self.left().is_some_and(|left| most.is_none_or(|most| left < most)) {
            return self
                .expired()
                .with_hint(format!("The limit would have kept it waiting past its deadline{sent}."));
        }
        let why = format!("the limit would have made the call wait {:.1} s or more", at_least.as_secs_f64());
        Error::new(Kind::RateLimited, why)
            .with_reason(Reason::QuotaExhausted)
            .with_retry_after(Some(at_least))
            .with_hint(format!("Allow a longer max_wait, or send less{sent}."))
    }

    /// How long the call may still wait for the limit.
    pub(super) fn wait(&self, waited: Duration) -> Option<Duration> {
        let wait = self.max_wait.map(|most| most.saturating_sub(waited));
        wait.into_iter().chain(self.left()).min()
    }

    /// How long the next attempt may take; `None` where there is no time for one.
    pub(super) fn attempt(&self) -> Option<Duration> {
        match self.left() {
            None => Some(self.timeout),
            Some(Duration::ZERO) => None,
            Some(left) => Some(left.min(self.timeout)),
        }
    }

    pub(super) fn has_time_for(&self, pause: Duration) -> bool {
        self.left().is_none_or(|left| pause < left)
    }
}
