//! The request loop: every request to the API is sent here. This module knows no resource of the API.

mod attempts;
mod held;
mod hooks;
mod interrupt;
mod keys;
mod leave;
mod notices;
mod own_clock;
mod read;
mod reports;
mod retry;
mod spans;

pub use hooks::{CallEnd, CallStart};
pub(crate) use interrupt::{signal_of_part, with_signal};
pub(crate) use keys::{Given, KeySource, asking, spawn_alike};
pub(crate) use notices::{Event, Listener, has_listener, is_heard, tell, with_listener};
pub(crate) use read::{AnswerReader, kept};
pub(crate) use reports::{RequestReport, with_reporter};

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::attempt::{Meta, ScopeChanged, Subject};
use crate::call::{Call, Options, Spent};
use crate::config::{CheckedScope, Config, Key};
use crate::error::{Error, Kind};
use crate::limit::{Gate, LimitStats};
use crate::reason::Reason;
use crate::text::brief;
use crate::transport::{Http, Room};
use crate::workspace::{Part, ServerClock, Tenancy, Workspace};

use hooks::Hooks;
use interrupt::cancelled;
use keys::Keys;
use own_clock::OwnClock;
use retry::Budget;

/// Sends requests for one client. Clones share one state.
#[derive(Clone)]
pub(crate) struct Sender(Arc<Shared>);

struct Shared {
    config: Config,
    keys: Keys,
    /// The client's reference to its workspace; set once the client has its first key.
    tenancy: OnceLock<Tenancy>,
    before_the_key: OnceLock<Arc<Workspace>>,
    http: Http,
    own_clock: OwnClock,
    budget: Mutex<Budget>,
    /// Whether the client is closed. This flag exists beside `closed`, because reading `closed` takes a lock.
    is_closed: AtomicBool,
    /// Ends the calls in progress when the client is closed.
    closed: CancellationToken,
    hooks: Hooks,
}

/// A complete, successful answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub body: Bytes,
    pub meta: Meta,
    /// The error in the body of a raw answer, if any. A call that is not raw fails with this error instead.
    pub reported: Option<Error>,
    /// The memory reserved for the body. Other calls may wait for this memory, so release it before you send a request
    /// or return to the caller.
    pub room: Room,
}

/// The most characters that logs and hooks show of the name of a resource.
const LONGEST_NAME: usize = 200;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Sender {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Sender").field("base", &self.0.config.base.as_str()).finish_non_exhaustive()
    }
}

impl Sender {
    pub(crate) fn new(config: Config, source: KeySource) -> Self {
        let sender = Self(Arc::new(Shared {
            keys: Keys::new(config.key.clone(), source),
            tenancy: OnceLock::new(),
            before_the_key: OnceLock::new(),
            http: Http::new(config.clone()),
            own_clock: OwnClock::new(),
            budget: Mutex::new(Budget::new()),
            is_closed: AtomicBool::new(false),
            closed: CancellationToken::new(),
            hooks: Hooks::default(),
            config,
        }));
        if let Some(key) = sender.0.keys.current() {
            sender.enter(&key);
        }
        sender
    }

    /// Creates a sender with the same settings and key, for a forked process. Must not wait for a lock of the old
    /// sender: the thread that held the lock at the fork does not exist in the forked process.
    pub(crate) fn reopened(&self) -> Self {
        let key = self.0.keys.current_in_a_fork().or_else(|| self.0.config.key.clone());
        let config = Config { key, ..self.0.config.clone() };
        let again = Self::new(config, self.0.keys.source_again());
        if self.is_closed() {
            again.close();
        }
        again
    }

    fn enter(&self, key: &Key) -> &Tenancy {
        let config = &self.0.config;
        let is_first = self.0.tenancy.get().is_none();
        let tenancy = self.0.tenancy.get_or_init(|| {
            let (origin, key) = (&config.origin, key.digest());
            let tenancy = Tenancy::of(origin, key, config.quota, config.share, &config.limit_scope);
            if config.key.is_none() {
                tenancy.take_over(self.before_the_key());
            }
            tenancy
        });
        if is_first {
            self.0.hooks.listen(tenancy.workspace().gate());
        }
        tenancy
    }

    /// Calls `hook` when this process stops sharing the limit or shares it again.
    pub(crate) fn on_scope(&self, hook: impl Fn(&ScopeChanged) + Send + Sync + 'static) {
        let workspace = self.0.tenancy.get().map(Tenancy::workspace);
        self.0.hooks.on_scope(workspace.as_ref().map(|workspace| &**workspace.gate()), hook);
    }

    /// Uses another key of the same workspace from the next request on.
    pub(crate) fn use_key(&self, key: Key) {
        let tenancy = self.enter(&key);
        tenancy.alias(key.digest());
        self.0.keys.replace(key);
    }

    /// The key in use; `None` before the first key.
    pub(crate) fn key(&self) -> Option<Key> {
        self.0.keys.current()
    }

    /// What this client shares with other clients of its workspace. Fails while the client has no key.
    pub(crate) fn workspace(&self) -> Result<Arc<Workspace>, Error> {
        self.0.tenancy.get().map(Tenancy::workspace).ok_or_else(no_key)
    }

    /// The data that an upper layer keeps for the workspace. After the workspace was merged into another workspace,
    /// returns the data of the other workspace.
    pub(crate) fn part<P: Part>(&self) -> Arc<P> {
        match self.0.tenancy.get() {
            Some(tenancy) => tenancy.workspace().part(),
            None => self.before_the_key().now().part(),
        }
    }

    /// A temporary workspace of this client alone, for the time before the first API key. The workspace of the key then
    /// takes over the data.
    fn before_the_key(&self) -> &Arc<Workspace> {
        self.0
            .before_the_key
            .get_or_init(|| Workspace::new(Gate::new(self.0.config.quota), CheckedScope::Process))
    }

    /// Returns the state of the limit. A client without a key has an unused limit of its own.
    pub(crate) fn stats(&self) -> LimitStats {
        match self.0.tenancy.get() {
            Some(tenancy) => tenancy.workspace().gate().stats(),
            None => Gate::new(self.0.config.quota).stats(),
        }
    }

    pub(crate) fn close(&self) {
        self.0.is_closed.store(true, Ordering::Release);
        self.0.closed.cancel();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.0.is_closed.load(Ordering::Acquire)
    }

    /// Resolves with an error once the client is closed or the call is cancelled.
    pub(crate) async fn over(&self) -> Error {
        tokio::select! {
            biased;
            () = cancelled() => Error::new(Kind::Cancelled, "the call was cancelled"),
            () = self.0.closed.cancelled() => Error::new(Kind::Closed, "the client is closed"),
        }
    }

    /// Sleeps, unless the client is closed or the call is cancelled meanwhile.
    pub(crate) async fn sleep_until(&self, until: Instant) -> Result<(), Error> {
        tokio::select! {
            biased;
            error = self.over() => Err(error),
            () = crate::timers::sleep_until(until) => Ok(()),
        }
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    pub(crate) fn http(&self) -> &Http {
        &self.0.http
    }

    pub(crate) fn hooks(&self) -> &Hooks {
        &self.0.hooks
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.0.keys
    }

    /// Creates the [`Spent`] of a call with these options; `raw` if the caller wants the answer as the server wrote it.
    pub(crate) fn account(&self, subject: &Subject, options: &Options, raw: bool) -> Spent {
        Spent::new(&self.scrubbed(subject), options.clone(), raw, self.0.config.bounds)
    }

    /// A subject without secrets: a caller may have passed the API key in place of an id or a name.
    pub(crate) fn scrubbed(&self, subject: &Subject) -> Subject {
        subject.clone().map_text(|text| brief(&self.scrub(text), LONGEST_NAME))
    }

    /// The current time for tokens, in milliseconds since 1970.
    pub(crate) fn now_millis(&self) -> i64 {
        self.0.own_clock.now_millis()
    }

    /// The earliest time that the server's clock can have shown at an instant, in milliseconds since 1970. `None`
    /// before the first answer with a date.
    pub(crate) fn server_time(&self, at: Instant) -> Option<i64> {
        self.server_clock().earliest(at, self.0.config.scale)
    }

    /// What is known of the server's clock.
    pub(crate) fn server_clock(&self) -> ServerClock {
        self.0.tenancy.get().map(|tenancy| *tenancy.workspace().clock()).unwrap_or_default()
    }

    /// Divides a wait of the SDK by the setting `timeScale`, with which tests shorten waits.
    pub(crate) fn scaled(&self, wait: Duration) -> Duration {
        wait.div_f64(self.0.config.scale)
    }

    /// Multiplies a span of real milliseconds by the setting `timeScale`, by which [`scaled`](Self::scaled) divides.
    pub(crate) fn unscaled(&self, millis: i64) -> Duration {
        let real = Duration::from_millis(u64::try_from(millis).unwrap_or(0));
        real.min(Duration::from_hours(24 * 365)).mul_f64(self.0.config.scale)
    }

    /// Removes the client's current and earlier keys, and the credentials of a proxy, from a text.
    pub(crate) fn scrub(&self, text: &str) -> String {
        let text = self.0.keys.scrub(text);
        match self.0.config.route.proxy() {
            Some(proxy) => proxy.scrub(&text),
            None => text,
        }
    }

    /// Adds the name of the call to an error, and removes secrets from the error.
    pub(crate) fn error_at(&self, call: &Call, error: Error) -> Error {
        error.at(call.subject()).scrubbed(|text| self.scrub(text))
    }
}

fn no_key() -> Error {
    Error::new(Kind::Authentication, "the client has no key yet. Nothing was sent")
        .with_reason(Reason::NoKey)
        .with_hint("Set the key before the first call.")
}

/// Turns the failure of a write into an error of kind `outcome_unknown`.
fn unknown(error: Error) -> Error {
    let what = message!["the request was sent, but it is unknown whether it took effect: ", error.what()];
    error
        .with_what(what)
        .with_kind(Kind::OutcomeUnknown)
        .with_hint("The request may have taken effect: look at the workspace before you send it again.")
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
