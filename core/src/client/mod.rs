//! The client, and the one request loop: grant, attempt, classify, repeat or return.

mod call;
mod clock;
mod credentials;
mod deliver;
mod diagnose;
mod hooks;
mod interrupt;
mod limits;
mod meta;
mod options;
mod own_clock;
mod pending;
mod request;
mod send;
mod slugs;

pub(crate) use call::{Call, Id};
use clock::ServerClock;
use credentials::Credentials;
pub use diagnose::{Diagnosis, Finding};
use hooks::Hooks;
pub use hooks::{CallEnd, CallStart};
use interrupt::cancelled;
pub(crate) use interrupt::with_signal;
pub use meta::{Attempt, Meta};
pub use options::Options;
use own_clock::OwnClock;
pub(crate) use pending::raw;
pub use pending::{Pending, RawAnswer};
pub(crate) use send::key_changed;
use slugs::Slugs;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde_json::value::RawValue;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::auth::Key;
use crate::config::{Config, Settings};
use crate::error::{Error, Kind};
use crate::limit::{Gate, LimitStats};
use crate::model::{self, Mended, Model};
use crate::operation::Returns;
use crate::reason::Reason;
use crate::retry::Budget;
use crate::runs::{Board, Claims};
use crate::text::brief;
use crate::transport::{self, Http};

/// Keys that are still taken out of texts.
const KEYS_KEPT: usize = 8;
/// What is shown of the path of a value that was mended.
const PATH_SHOWN: usize = 200;

/// A client of one workspace. Cloning is cheap, and clones are one client.
#[derive(Clone)]
pub struct Client(Arc<Shared>);

struct Shared {
    config: Config,
    /// The key in use last; the others are kept for taking them out of texts that come late.
    keys: Mutex<Vec<Key>>,
    /// One per origin and key; made with the first key and kept for later ones, since the limit is the workspace's.
    gate: OnceLock<Arc<Gate>>,
    http: Http,
    own_clock: OwnClock,
    budget: Mutex<Budget>,
    slugs: Mutex<Slugs>,
    clock: Mutex<ServerClock>,
    board: Board,
    claims: Mutex<Claims>,
    closed: CancellationToken,
    hooks: Hooks,
    credentials: Option<Credentials>,
}

/// A whole, successful answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub body: Bytes,
    pub meta: Meta,
}

fn open_gate(config: &Config, key: &Key) -> Arc<Gate> {
    let gate = Gate::shared(&config.origin, key.digest(), config.quota);
    if let Some(share) = config.share {
        gate.set_share(share);
    }
    gate
}

fn open_board(config: &Config) -> Board {
    let quota = config.quota.shared(config.share.unwrap_or(1.0));
    Board::new(quota.requests(), Duration::from_nanos(quota.span()))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Client {
    /// A client made from settings; does no I/O but reading the key's file, where one is named.
    ///
    /// # Errors
    /// Kind `config`, naming the setting.
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        Self::build(settings, None)
    }

    fn build(settings: &Settings, credentials: Option<Credentials>) -> Result<Self, Error> {
        let config = settings.check()?;
        let gate = OnceLock::new();
        if let Some(key) = &config.key {
            let _ = gate.set(open_gate(&config, key));
        }
        Ok(Self(Arc::new(Shared {
            gate,
            keys: Mutex::new(config.key.iter().cloned().collect()),
            http: Http::new(config.clone()),
            own_clock: OwnClock::new(),
            budget: Mutex::new(Budget::new()),
            slugs: Mutex::default(),
            clock: Mutex::default(),
            board: open_board(&config),
            claims: Mutex::default(),
            closed: CancellationToken::new(),
            hooks: Hooks::default(),
            credentials,
            config,
        })))
    }

    /// Uses another key from the next request on. The limit is the workspace's and stays as it is.
    ///
    /// # Errors
    /// Kind `config` where it is no key.
    pub fn set_api_key(&self, key: &str) -> Result<(), Error> {
        self.use_key(Key::new(key)?);
        Ok(())
    }

    fn use_key(&self, key: Key) {
        self.0.gate.get_or_init(|| open_gate(&self.0.config, &key));
        let mut keys = lock(&self.0.keys);
        // The same key again is no change.
        if keys.last().is_some_and(|known| known.digest() == key.digest()) {
            return;
        }
        keys.retain(|known| known.digest() != key.digest());
        keys.push(key);
        // Texts that come late come within minutes; each key that is kept makes every text dearer.
        let old = keys.len().saturating_sub(KEYS_KEPT);
        keys.drain(..old);
        // Another key may be another workspace's, where a slug names another sync. Under the lock of the keys, so that no
        // request leaves with the new key and an id from before it.
        self.slugs().forget_all();
    }

    /// How the limit stands; a client without a key yet has one of its own that nothing was sent through.
    #[must_use]
    pub fn stats(&self) -> LimitStats {
        match self.0.gate.get() {
            Some(gate) => gate.stats(),
            None => Gate::new(self.0.config.quota).stats(),
        }
    }

    /// Ends every call under way and refuses further ones with kind `closed`. Runs go on at the server.
    pub fn close(&self) {
        self.0.closed.cancel();
    }

    /// The key in use, and the gate for what is sent with it.
    pub(crate) fn key(&self) -> Result<(Key, &Arc<Gate>), Error> {
        let key = lock(&self.0.keys).last().cloned();
        key.zip(self.0.gate.get()).ok_or_else(|| {
            Error::new(Kind::Authentication, "the client has no key yet; nothing was sent")
                .with_reason(Reason::NoKey)
                .with_hint("The key is to be set before the first call.")
        })
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.0.closed.is_cancelled()
    }

    /// Comes when the client is closed or the call is cancelled.
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
            () = tokio::time::sleep_until(until) => Ok(()),
        }
    }

    /// Whose runs are whose.
    pub(crate) fn claims(&self) -> MutexGuard<'_, Claims> {
        lock(&self.0.claims)
    }

    /// The runs that are followed.
    pub(crate) fn board(&self) -> &Board {
        &self.0.board
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    pub(crate) fn origin(&self) -> &str {
        &self.0.config.origin
    }

    pub(crate) fn http(&self) -> &Http {
        &self.0.http
    }

    /// Now, in milliseconds since 1970: for tokens, which outlive the process.
    pub(crate) fn now_millis(&self) -> i64 {
        self.0.own_clock.now_millis()
    }

    /// The earliest that the server's clock can have shown at a moment of ours, in milliseconds since 1970; nothing
    /// before an answer with a date.
    pub(crate) fn server_time(&self, at: Instant) -> Option<i64> {
        self.server_clock().earliest(at, self.0.config.scale)
    }

    /// What is known of the server's clock.
    pub(crate) fn server_clock(&self) -> ServerClock {
        *lock(&self.0.clock)
    }

    /// A wait of ours as long as it is here.
    pub(crate) fn scaled(&self, wait: Duration) -> Duration {
        wait.div_f64(self.0.config.scale)
    }

    /// Milliseconds of ours as long as they would be where waits are not divided.
    pub(crate) fn unscaled(&self, millis: i64) -> Duration {
        let real = Duration::from_millis(u64::try_from(millis).unwrap_or(0));
        real.min(Duration::from_hours(24 * 365)).mul_f64(self.0.config.scale)
    }

    /// The options for the second request of a call, with the time that the first one left.
    pub(crate) fn rest_of(&self, options: &Options, first: &Meta) -> Result<Options, Error> {
        let mut rest = options.clone();
        let given =
            |wait: Option<Duration>| wait.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        let deadline = given(options.deadline(&self.0.config));
        rest.deadline_ms = deadline.map(|most| most.saturating_sub(first.duration_ms));
        let max_wait = options.max_wait_ms.or(given(self.0.config.max_wait));
        rest.max_wait_ms = max_wait.map(|most| most.saturating_sub(first.waited_ms));
        if rest.deadline_ms == Some(0) {
            let what = "the deadline passed before the request that changes something was sent";
            return Err(Error::new(Kind::Timeout, what));
        }
        Ok(rest)
    }

    pub(crate) fn slugs(&self) -> MutexGuard<'_, Slugs> {
        lock(&self.0.slugs)
    }

    /// Takes the key, and a proxy's credentials, out of a text.
    pub(crate) fn scrub(&self, text: &str) -> String {
        let text = lock(&self.0.keys).iter().fold(text.to_owned(), |text, key| key.scrub(&text));
        match self.0.config.route.proxy() {
            Some(proxy) => proxy.scrub(&text),
            None => text,
        }
    }

    /// Makes a call and reads its answer as a `T`.
    pub(crate) async fn value<T: Model>(&self, call: &Call, options: &Options) -> Result<(T, Meta), Error> {
        let made = async {
            let Answer { body, meta } = self.send(call, options).await?;
            self.read(call, &body, meta)
        };
        self.told(call, made, |(_, meta)| meta).await
    }

    /// Reads the body of an answer as a `T`; after a write an unreadable answer leaves the outcome unknown.
    pub(crate) fn read<T: Model>(
        &self,
        call: &Call,
        body: &[u8],
        mut meta: Meta,
    ) -> Result<(T, Meta), Error> {
        let mut mended = Mended::default();
        match model::read(&whole(call, body), &mut mended) {
            Ok(value) => {
                // Names of members are the server's, and so are their names in paths.
                let shown = |path: &String| brief(&self.scrub(path), PATH_SHOWN);
                meta.mended = mended.into_paths().iter().map(shown).collect();
                Ok((value, meta))
            }
            Err(why) => {
                let why = transport::no_json(body, &|text| self.scrub(text)).unwrap_or(why);
                let error = Error::new(Kind::Protocol, format!("the answer cannot be read: {why}"));
                let error = if call.is_write() { unknown(error) } else { error };
                Err(error.at(call).with_meta(meta).scrubbed(|text| self.scrub(text)))
            }
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Client").field("base", &self.0.config.base.as_str()).finish_non_exhaustive()
    }
}

/// The body with what the operation is known to leave out: nothing at all where there is nothing to say, or a member
/// that the path names.
fn whole<'a>(call: &Call, body: &'a [u8]) -> Cow<'a, [u8]> {
    let Some(operation) = call.operation() else { return Cow::Borrowed(body) };
    if matches!(operation.returns, Returns::Nothing) && body.is_empty() {
        return Cow::Borrowed(b"null");
    }
    let Some((member, parameter)) = operation.traits.fill else { return Cow::Borrowed(body) };
    let id = operation.ids.iter().zip(call.ids()).find(|(known, _)| known.argument.wire == parameter);
    let members = serde_json::from_slice::<BTreeMap<String, Box<RawValue>>>(body);
    match (id, members) {
        (Some((_, Id::Text(id))), Ok(mut members))
            if members.get(member).is_none_or(|value| value.get() == "null") =>
        {
            if let Ok(id) = serde_json::value::to_raw_value(id) {
                members.insert(member.to_owned(), id);
            }
            serde_json::to_vec(&members).map_or(Cow::Borrowed(body), Cow::Owned)
        }
        _ => Cow::Borrowed(body),
    }
}

/// A failure after which a write may or may not have happened.
fn unknown(error: Error) -> Error {
    let what = format!("it was sent, and whether it happened cannot be known: {}", error.what());
    error
        .with_what(what)
        .with_kind(Kind::OutcomeUnknown)
        .with_hint("Look at what the workspace shows before you send it again; it may have happened.")
}

impl Call {
    /// The error of an answer as the call has it: after a write, a server that failed leaves its outcome unknown.
    pub(crate) fn judged(&self, error: Error) -> Error {
        if self.is_write() && error.kind() == Kind::Server { unknown(error) } else { error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A trigger by slug is two requests and one call: with a deadline each it could take twice as long.
    #[test]
    fn the_second_request_of_a_call_gets_what_time_the_first_one_left() {
        let settings = Settings {
            api_key: Some("key".into()),
            max_wait_ms: Some(100),
            environment: Some(std::collections::BTreeMap::new()),
            ..Settings::default()
        };
        let client = Client::new(&settings).unwrap();
        let mut first = Meta::named("ListSync");
        (first.duration_ms, first.waited_ms) = (200, 30);
        let options = Options { deadline_ms: Some(500), ..Options::default() };
        let rest = client.rest_of(&options, &first).unwrap();
        assert_eq!((rest.deadline_ms, rest.max_wait_ms), (Some(300), Some(70)));
        first.duration_ms = 500;
        assert_eq!(client.rest_of(&options, &first).unwrap_err().kind(), Kind::Timeout);
    }
}
