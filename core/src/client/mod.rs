//! The client, and the one request loop: grant, attempt, classify, repeat or return.

mod call;
mod diagnose;
mod meta;
mod options;
mod request;

pub(crate) use call::Call;
pub use diagnose::{Diagnosis, Finding};
pub use meta::{Attempt, Meta};
pub use options::Options;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::auth::Key;
use crate::config::{Config, Settings};
use crate::error::{Error, Kind};
use crate::limit::{Gate, GateHandle, LimitStats, Permit, RefusedBy429};
use crate::model::{self, Mended, Model};
use crate::retry::{self, Budget, Outcome, Verdict};
use crate::transport::{self, Exchange, Failed, Http, Request, Stage};

/// How many slugs a client remembers the ids of; past it the memory starts anew.
const SLUGS_KEPT: usize = 10_000;

/// A client of one workspace. Cloning is cheap, and clones are one client.
#[derive(Clone)]
pub struct Client(Arc<Shared>);

struct Shared {
    config: Config,
    key: Mutex<Key>,
    gate: GateHandle,
    http: Http,
    budget: Mutex<Budget>,
    slugs: Mutex<HashMap<String, i64>>,
    closed: CancellationToken,
}

/// A whole, successful answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub body: Bytes,
    pub meta: Meta,
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
        let config = settings.check()?;
        let gate = Gate::shared(&config.origin, config.key.digest(), config.quota);
        Ok(Self(Arc::new(Shared {
            gate: gate.with_share(config.share.unwrap_or(1.0)),
            key: Mutex::new(config.key.clone()),
            http: Http::new(config.clone()),
            budget: Mutex::new(Budget::new()),
            slugs: Mutex::new(HashMap::new()),
            closed: CancellationToken::new(),
            config,
        })))
    }

    /// Uses another key from the next request on. The limit is the workspace's and stays as it is.
    ///
    /// # Errors
    /// Kind `config` where it is no key.
    pub fn set_api_key(&self, key: &str) -> Result<(), Error> {
        *lock(&self.0.key) = Key::new(key)?;
        Ok(())
    }

    /// How the limit stands.
    #[must_use]
    pub fn stats(&self) -> LimitStats {
        self.0.gate.gate().stats()
    }

    /// Ends every call under way and refuses further ones with kind `closed`. Runs go on at the server.
    pub fn close(&self) {
        self.0.closed.cancel();
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

    /// Now, in milliseconds since 1970: for tokens, which outlive the process; never for measuring.
    #[expect(clippy::unused_self, reason = "the clock is the client's to give")]
    pub(crate) fn now_millis(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    /// A wait of ours as long as it is here.
    pub(crate) fn scaled(&self, wait: Duration) -> Duration {
        wait.div_f64(self.0.config.scale)
    }

    pub(crate) fn known_slug(&self, slug: &str) -> Option<i64> {
        lock(&self.0.slugs).get(slug).copied()
    }

    pub(crate) fn learn_slug(&self, slug: &str, id: i64) {
        let mut slugs = lock(&self.0.slugs);
        if slugs.len() >= SLUGS_KEPT {
            slugs.clear();
        }
        slugs.insert(slug.to_owned(), id);
    }

    /// Takes the key, and a proxy's password, out of a text.
    pub(crate) fn scrub(&self, text: &str) -> String {
        let text = lock(&self.0.key).scrub(text);
        match self.0.config.proxy.as_ref().and_then(|proxy| proxy.password.as_ref()) {
            Some(password) if !password.expose().is_empty() => text.replace(password.expose(), "[password]"),
            _ => text,
        }
    }

    /// Makes a call and reads its answer as a `T`.
    pub(crate) async fn value<T: Model>(&self, call: &Call, options: &Options) -> Result<(T, Meta), Error> {
        let Answer { body, meta } = self.send(call, options).await?;
        self.read(call, &body, meta)
    }

    /// Reads the body of an answer as a `T`; after a write an unreadable answer leaves the outcome unknown.
    pub(crate) fn read<T: Model>(
        &self,
        call: &Call,
        body: &[u8],
        mut meta: Meta,
    ) -> Result<(T, Meta), Error> {
        let mut mended = Mended::default();
        match model::read(body, &mut mended) {
            Ok(value) => {
                meta.mended = mended.into_paths();
                Ok((value, meta))
            }
            Err(why) => {
                let error = Error::new(Kind::Protocol, format!("the answer cannot be read: {why}"));
                let error = if call.is_write() { unknown(error) } else { error };
                Err(error.at(call).with_meta(meta).scrubbed(|text| self.scrub(text)))
            }
        }
    }

    /// Makes a call: the one way in which requests leave this crate.
    pub(crate) async fn send(&self, call: &Call, options: &Options) -> Result<Answer, Error> {
        let mut meta = Meta::new(call);
        let started = Instant::now();
        let sent = tokio::select! {
            biased;
            () = self.0.closed.cancelled() => Err(Error::new(Kind::Closed, "the client is closed")),
            sent = self.attempts(call, options, &mut meta) => sent,
        };
        meta.duration_ms = millis(started.elapsed());
        match sent {
            Ok(exchange) => {
                lock(&self.0.budget).earn();
                if options.raw == Some(true) {
                    meta.status = Some(exchange.status);
                    meta.headers = Some(meta::headers(&exchange.headers, |text| self.scrub(text)));
                }
                Ok(Answer { body: exchange.body, meta })
            }
            Err(error) => Err(error.at(call).with_meta(meta).scrubbed(|text| self.scrub(text))),
        }
    }

    async fn attempts(&self, call: &Call, options: &Options, meta: &mut Meta) -> Result<Exchange, Error> {
        let started = Instant::now();
        let limits = Limits::new(self.config(), options, started);
        let class = call.class(options)?;
        let allowed = options.max_retries.unwrap_or(self.config().max_retries);
        let headers = options.header_map()?;
        let (mut retries, mut waited, mut rejoin) = (0, Duration::ZERO, false);
        loop {
            let permit =
                self.0.gate.acquire(class, limits.wait(waited), rejoin).await.map_err(|refused| {
                    let why = format!(
                        "the limit would have made the call wait {:.1} s or more",
                        refused.at_least.as_secs_f64()
                    );
                    Error::new(Kind::RateLimited, why)
                        .with_retry_after(Some(refused.at_least))
                        .hint("Allow a longer max_wait or deadline, or send less; nothing was sent.")
                })?;
            waited += permit.waited();
            meta.waited_ms = millis(waited);
            let within = limits.attempt().ok_or_else(|| {
                Error::new(Kind::Timeout, format!("the deadline of {:?} passed", limits.deadline_given()))
            });
            let within = match within {
                Ok(within) => within,
                Err(error) => {
                    permit.never_sent();
                    return Err(error);
                }
            };
            let begun = Instant::now();
            let ended = self.attempt(call, &headers, meta, permit, within).await;
            let took = millis(begun.elapsed());
            let (outcome, error) = match ended {
                Ended::Answered(exchange) => {
                    meta.attempts.push(Attempt::answered(exchange.status, took));
                    match judge(options, exchange) {
                        Ok(exchange) => return Ok(exchange),
                        Err(judged) => judged,
                    }
                }
                Ended::Refused(closed, error) => {
                    meta.attempts.push(Attempt::answered(429, took));
                    match closed {
                        // The gate is closed for a while; waiting there spends no retry.
                        RefusedBy429::Closed(_) => {
                            rejoin = true;
                            continue;
                        }
                        RefusedBy429::TooLong(_) => return Err(error),
                    }
                }
                Ended::Failed(failed) => {
                    meta.attempts.push(Attempt::failed(failed.kind, took));
                    let outcome = match failed.stage {
                        Stage::Connecting => Outcome::NeverSent,
                        Stage::Sent | Stage::Answering => Outcome::Lost,
                    };
                    // A policy that fails once fails always: a certificate does not become trusted by asking again.
                    let outcome = match failed.kind {
                        Kind::Tls | Kind::Config => Outcome::Final,
                        _ => outcome,
                    };
                    (outcome, Error::new(failed.kind, failed.what).with_causes(failed.causes))
                }
            };
            match retry::decide(retries, allowed, call.safety(), outcome, fastrand::f64()) {
                Verdict::GiveUp => return Err(error),
                Verdict::Unknown => return Err(unknown(error)),
                Verdict::Again(pause) => {
                    let pause = self.scaled(pause);
                    if !limits.has_time_for(pause) || !lock(&self.0.budget).spend() {
                        return Err(error);
                    }
                    tokio::time::sleep(pause).await;
                    retries += 1;
                    rejoin = false;
                }
            }
        }
    }

    /// One attempt, from the grant to the end of the answer.
    async fn attempt(
        &self,
        call: &Call,
        headers: &HeaderMap,
        meta: &Meta,
        permit: Permit,
        within: Duration,
    ) -> Ended {
        let request = match self.outgoing(call, headers, meta) {
            Ok(request) => request,
            Err(error) => {
                permit.never_sent();
                return Ended::Failed(Failed::before(&error));
            }
        };
        let incoming = match self.0.http.send(request, within).await {
            Ok(incoming) => incoming,
            Err(failed) => {
                match failed.stage {
                    Stage::Connecting => permit.never_sent(),
                    Stage::Sent | Stage::Answering => permit.abandoned(),
                }
                return Ended::Failed(failed);
            }
        };
        // The server has counted what it answers: the headers are as good an end as the body's last byte.
        let refused = if incoming.status() == 429 {
            Some(permit.refused(transport::retry_after(incoming.headers())))
        } else {
            permit.seen();
            None
        };
        let whole = incoming.whole().await;
        match (refused, whole) {
            (Some(closed), Ok(exchange)) => {
                let error = transport::check(&exchange).err();
                Ended::Refused(
                    closed,
                    error.unwrap_or_else(|| Error::new(Kind::RateLimited, "the limit refused it")),
                )
            }
            (Some(closed), Err(_)) => {
                Ended::Refused(closed, Error::new(Kind::RateLimited, "the limit refused it").with_status(429))
            }
            (None, Ok(exchange)) => Ended::Answered(exchange),
            (None, Err(failed)) => Ended::Failed(failed),
        }
    }

    fn outgoing(&self, call: &Call, extra: &HeaderMap, meta: &Meta) -> Result<Request, Error> {
        let mut headers = extra.clone();
        headers.insert(AUTHORIZATION, lock(&self.0.key).header()?);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let text = |value: &str| {
            HeaderValue::try_from(value)
                .map_err(|_| Error::new(Kind::Internal, "a header of ours cannot be sent"))
        };
        headers.insert(USER_AGENT, text(&self.0.config.user_agent)?);
        headers.insert(HeaderName::from_static("x-request-id"), text(&meta.request_id)?);
        let body = call.body().map(|body| Bytes::from(body.to_string()));
        if body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Ok(Request { method: call.method(), url: call.url(&self.0.config.base), headers, body })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Client").field("base", &self.0.config.base.as_str()).finish_non_exhaustive()
    }
}

/// How an attempt ended.
enum Ended {
    Answered(Exchange),
    Refused(RefusedBy429, Error),
    Failed(Failed),
}

/// Tells a value from an error; the latter with what it means for repeating the request.
fn judge(options: &Options, exchange: Exchange) -> Result<Exchange, (Outcome, Error)> {
    if let Err(error) = transport::check(&exchange) {
        let outcome = if exchange.status >= 500 { Outcome::ServerFailed } else { Outcome::Final };
        return Err((outcome, error));
    }
    if options.raw == Some(true) {
        return Ok(exchange);
    }
    match transport::error_under_200(&exchange.body) {
        None => Ok(exchange),
        Some(error) if error.kind() == Kind::Server => Err((Outcome::ServerFailed, error)),
        Some(error) => Err((Outcome::Final, error)),
    }
}

/// A failure after which a write may or may not have happened.
fn unknown(error: Error) -> Error {
    let what = format!("it was sent, and whether it happened cannot be known: {}", error.what());
    error
        .with_what(what)
        .with_kind(Kind::OutcomeUnknown)
        .hint("Look at what the workspace shows before you send it again; it may have happened.")
}

/// What bounds a call in time.
struct Limits {
    started: Instant,
    timeout: Duration,
    deadline: Option<Duration>,
    max_wait: Option<Duration>,
}

impl Limits {
    fn new(config: &Config, options: &Options, started: Instant) -> Self {
        let given = |ms: Option<u64>| ms.map(Duration::from_millis);
        Self {
            started,
            timeout: given(options.timeout_ms).unwrap_or(config.timeout),
            deadline: given(options.deadline_ms).or(config.deadline),
            max_wait: given(options.max_wait_ms).or(config.max_wait),
        }
    }

    fn left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_sub(self.started.elapsed()))
    }

    fn deadline_given(&self) -> Duration {
        self.deadline.unwrap_or_default()
    }

    /// How long the call may still wait for the limit.
    fn wait(&self, waited: Duration) -> Option<Duration> {
        let wait = self.max_wait.map(|most| most.saturating_sub(waited));
        wait.into_iter().chain(self.left()).min()
    }

    /// How long the next attempt may take; `None` where there is no time for one.
    fn attempt(&self) -> Option<Duration> {
        match self.left() {
            None => Some(self.timeout),
            Some(Duration::ZERO) => None,
            Some(left) => Some(left.min(self.timeout)),
        }
    }

    fn has_time_for(&self, pause: Duration) -> bool {
        self.left().is_none_or(|left| pause < left)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
