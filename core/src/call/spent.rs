//! The time and the attempts that the requests of a call may use, and what they have used so far. One deadline covers
//! all requests of a call.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::Options;
use crate::attempt::{Attempt, Meta, Received, Subject, random_id};
use crate::error::{Error, Kind};
use crate::message::Name;
use crate::reason::Reason;
use crate::text::span;

/// An action that runs directly before each attempt of a write. For example, it records that the write may take effect.
/// The action gets the id of the sync that the write is about, and the time limit of the attempt. If the action fails,
/// the attempt is not sent.
#[derive(Clone)]
pub(crate) struct BeforeSend(Arc<Act>);

type Act = dyn Fn(i64, Duration) -> BoxFuture<'static, Result<(), Error>> + Send + Sync;

impl BeforeSend {
    pub(crate) fn new(
        act: impl Fn(i64, Duration) -> BoxFuture<'static, Result<(), Error>> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(act))
    }
}

impl fmt::Debug for BeforeSend {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("BeforeSend")
    }
}

/// The time limits and the number of retries of a call. They come from the settings of the client, unless the options
/// of the call replace them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Defaults {
    pub timeout: Duration,
    pub deadline: Option<Duration>,
    pub max_wait: Option<Duration>,
    pub max_retries: u32,
}

/// The account of a call: its options, its time limits, and what its requests have used so far.
#[derive(Clone, Debug)]
pub(crate) struct Spent {
    pub options: Options,
    /// Whether the caller wants the raw answer.
    pub raw: bool,
    /// The raw answer, once it has come.
    pub received: Option<Received>,
    /// The action that must happen before a write is sent, if there is one.
    pub before_send: Option<BeforeSend>,
    /// If the call starts a run of a sync: the id of the sync, once this id is known.
    pub sync: Option<i64>,
    began: Instant,
    bounds: Defaults,
    /// When the requests must end at the latest.
    until: Option<Instant>,
    waited: Duration,
    /// The digest of the API key that the last request was sent with.
    key: Option<[u8; 32]>,
    /// When the first byte of the last attempt was sent.
    sent: Option<Instant>,
    /// How many requests the call had already sent when `beside` created this account. Another account reports them.
    elsewhere: usize,
    /// The report of the call. It has the name of the call, even if it covers requests that prepare or follow the call.
    meta: Meta,
}

impl Spent {
    pub(crate) fn new(subject: &Subject, options: Options, raw: bool, bounds: Defaults) -> Self {
        let began = Instant::now();
        let bounds = Defaults {
            timeout: options.timeout.unwrap_or(bounds.timeout),
            deadline: options.deadline.or(bounds.deadline),
            max_wait: options.max_wait.or(bounds.max_wait),
            max_retries: options.max_retries.unwrap_or(bounds.max_retries),
        };
        let until = bounds.deadline.and_then(|deadline| began.checked_add(deadline));
        let call_id = options.call_id.clone().unwrap_or_else(random_id);
        Self {
            options,
            raw,
            received: None,
            before_send: None,
            sync: None,
            began,
            bounds,
            until,
            waited: Duration::ZERO,
            key: None,
            sent: None,
            elsewhere: 0,
            meta: Meta::of_call(subject, call_id),
        }
    }

    /// Opens a second account, for additional requests of the call, such as the search for a lost run. These requests
    /// end by the deadline of the call, and by `until` if it is given. Afterwards, [`add`](Self::add) adds the waits
    /// and attempts of the second account to the first.
    pub(crate) fn beside(&self, until: Option<Instant>) -> Self {
        let until = self.until.into_iter().chain(until).min();
        let meta = Meta {
            waited_ms: 0,
            attempts: Vec::new(),
            cuts: Vec::new(),
            scope_changes: Vec::new(),
            ..self.meta.clone()
        };
        Self { raw: false, until, meta, elsewhere: self.sent_so_far(), ..self.clone() }
    }

    /// Adds what an account from [`beside`](Self::beside) has used.
    pub(crate) fn add(&mut self, other: Self) {
        self.waited = other.waited;
        self.key = other.key;
        let own = (!self.meta.attempts.is_empty())
            .then(|| (self.meta.request_id.clone(), self.meta.mended.clone()));
        self.merge(other.meta);
        // A report that already has attempts keeps its own request id and its own list of mended values.
        if let Some(own) = own {
            (self.meta.request_id, self.meta.mended) = own;
        }
    }

    /// Checks that the time limits in the options are above zero.
    pub(crate) fn check(&self) -> Result<(), Error> {
        for (name, given) in [("timeoutMs", self.options.timeout), ("deadlineMs", self.options.deadline)] {
            if given == Some(Duration::ZERO) {
                let what = message!["the option ", Name(name), " must be above 0. Nothing was sent"];
                return Err(Error::new(Kind::InvalidRequest, what));
            }
        }
        Ok(())
    }

    /// When the requests must end at the latest.
    pub(crate) fn until(&self) -> Option<Instant> {
        self.until
    }

    pub(crate) fn left(&self) -> Option<Duration> {
        self.until.map(|until| until.saturating_duration_since(Instant::now()))
    }

    pub(crate) fn max_retries(&self) -> u32 {
        self.bounds.max_retries
    }

    /// Notes the digest of the API key that a request is sent with.
    pub(crate) fn sent_with(&mut self, key: [u8; 32]) {
        self.key = Some(key);
    }

    /// The digest of the API key that the last request was sent with.
    pub(crate) fn key(&self) -> Option<[u8; 32]> {
        self.key
    }

    /// Notes when the first byte of the last attempt was sent.
    pub(crate) fn left_at(&mut self, sent: Option<Instant>) {
        self.sent = sent;
    }

    /// When the first byte of the last attempt was sent.
    pub(crate) fn sent(&self) -> Option<Instant> {
        self.sent
    }

    /// Notes how long a request waited for the limit.
    pub(crate) fn waited(&mut self, waited: Duration) {
        self.waited += waited;
    }

    /// The error of a call that ran out of time.
    pub(crate) fn expired(&self) -> Error {
        let what = match self.bounds.deadline {
            Some(deadline) => format!("the deadline of {} passed", span(deadline)),
            None => "the call ran out of time".to_owned(),
        };
        Error::new(Kind::Timeout, what)
    }

    /// The error of a call that would have had to wait too long for the limit. `at_least` is the shortest wait that the
    /// limit allows; `sent` says whether the call has made an attempt.
    pub(crate) fn refusal(&self, at_least: Duration, sent: bool) -> Error {
        let most = self.bounds.max_wait.map(|most| most.saturating_sub(self.waited));
        let sent = if sent { "" } else { " Nothing was sent." };
        if self.left().is_some_and(|left| most.is_none_or(|most| left < most)) {
            return self
                .expired()
                .with_hint(format!("The limit would have made the call wait past its deadline.{sent}"));
        }
        let why = format!("the limit would have made the call wait {} or more", span(at_least));
        Error::new(Kind::RateLimited, why)
            .with_reason(Reason::QuotaExhausted)
            .with_retry_after(Some(at_least))
            .with_hint(message!["Allow a longer ", Name("maxWaitMs"), ", or send fewer requests.", sent])
    }

    /// How long the call may still wait for the limit; `None` if there is no bound.
    pub(crate) fn wait(&self) -> Option<Duration> {
        let wait = self.bounds.max_wait.map(|most| most.saturating_sub(self.waited));
        wait.into_iter().chain(self.left()).min()
    }

    /// How long the next attempt may take; `None` if no time is left for an attempt.
    pub(crate) fn attempt(&self) -> Option<Duration> {
        match self.left() {
            None => Some(self.bounds.timeout),
            Some(Duration::ZERO) => None,
            Some(left) => Some(left.min(self.bounds.timeout)),
        }
    }

    /// Runs the action that must happen before a write is sent, if there is one.
    pub(crate) async fn prepare(&self) -> Result<(), Error> {
        match (&self.before_send, self.sync, self.attempt()) {
            (Some(BeforeSend(act)), Some(sync), Some(within)) => act(sync, within).await,
            _ => Ok(()),
        }
    }

    pub(crate) fn has_time_for(&self, pause: Duration) -> bool {
        self.left().is_none_or(|left| pause < left)
    }

    pub(crate) fn call_id(&self) -> &str {
        &self.meta.call_id
    }

    pub(crate) fn sent_so_far(&self) -> usize {
        self.elsewhere + self.meta.attempts.len()
    }

    /// How long the call has waited for the limit.
    pub(crate) fn waited_so_far(&self) -> Duration {
        self.waited
    }

    /// Adds the report of one request, which began at `started`.
    pub(crate) fn take(&mut self, mut meta: Meta, started: Instant) {
        let offset = millis(started.saturating_duration_since(self.began));
        for Attempt { at_ms, .. } in &mut meta.attempts {
            *at_ms = at_ms.saturating_add(offset);
        }
        self.merge(meta);
    }

    fn merge(&mut self, meta: Meta) {
        let Meta { request_id, waited_ms, mended, attempts, cuts, scope_changes, .. } = meta;
        let own = &mut self.meta;
        own.request_id = request_id;
        own.waited_ms = own.waited_ms.saturating_add(waited_ms);
        own.attempts.extend(attempts);
        own.cuts.extend(cuts);
        own.scope_changes.extend(scope_changes);
        own.mended = mended;
    }

    /// Forgets the oldest attempts, so that `kept` remain at most.
    pub(crate) fn forget_attempts(&mut self, kept: usize) {
        let attempts = &mut self.meta.attempts;
        attempts.drain(..attempts.len().saturating_sub(kept));
    }

    /// Stores the paths of the values that were replaced by defaults in the answer that the call returns.
    pub(crate) fn mended(&mut self, paths: Vec<String>) {
        self.meta.mended = paths;
    }

    /// The report of the call so far.
    pub(crate) fn meta(&self) -> Meta {
        let mut meta = self.meta.clone();
        meta.duration_ms = millis(self.began.elapsed());
        meta
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
