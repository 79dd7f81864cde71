//! One attempt at a request: handed over, answered or not, and what is known when it is not.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::failed::Failed;
use super::proxy::Way;
use super::tls;
use super::warmup::Warmup;
use super::watched::{Departure, Watched};
use crate::attempt::Outcome;
use crate::config::{Config, Route};
use crate::error::{Error, Kind};

/// What an unpacked answer may measure; the largest page known is a hundredth of it.
const LARGEST_BODY: usize = 64 << 20;
/// Over HTTP/1.1 each request under way holds a connection of its own.
const HTTP1_CONNECTIONS: usize = 32;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const IDLE_POOL: Duration = Duration::from_secs(20);

/// What is to be sent.
#[derive(Clone)]
pub(crate) struct Request {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Option<Bytes>,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// An answer of which the headers are here.
pub(crate) struct Incoming<'a> {
    response: reqwest::Response,
    until: Instant,
    since: Instant,
    http: &'a Http,
    generation: u64,
    _connection: Option<SemaphorePermit<'a>>,
}

/// The pool of connections to one server.
#[derive(Debug)]
pub(crate) struct Http {
    config: Config,
    /// Made at the first call: reading certificate stores has no place in a constructor.
    tls: OnceCell<rustls::ClientConfig>,
    pool: Mutex<Option<(u64, reqwest::Client)>>,
    warmup: Warmup,
    http1: Semaphore,
}

impl Http {
    pub(crate) fn new(config: Config) -> Self {
        let warmup = Warmup::new(IDLE_POOL);
        Self {
            config,
            tls: OnceCell::new(),
            pool: Mutex::new(None),
            warmup,
            http1: Semaphore::new(HTTP1_CONNECTIONS),
        }
    }

    /// The TLS configuration of every connection.
    pub(crate) async fn tls(&self) -> Result<rustls::ClientConfig, Error> {
        let config =
            self.tls.get_or_try_init(|| async { tls::config(self.config.ca_bundle.as_deref()) }).await?;
        Ok(config.clone())
    }

    /// Hands a request over and waits for the headers of its answer; `departure` tells whether it may have left.
    pub(crate) async fn send(
        &self,
        request: Request,
        within: Duration,
        departure: &Departure,
    ) -> Result<Incoming<'_>, Failed> {
        let until = Instant::now() + within;
        let late = |outcome| Failed::new(outcome, Kind::Timeout, format!("no answer in {within:?}"));
        let (generation, client) = self.client().await?;
        let warming = timeout_at(until, self.warmup.enter()).await.map_err(|_| late(Outcome::NeverLeft))?;
        // Unless it is known that one connection carries them all, each request may open one.
        let connection = if self.warmup.multiplexes() {
            None
        } else {
            let permit =
                timeout_at(until, self.http1.acquire()).await.map_err(|_| late(Outcome::NeverLeft))?;
            permit.ok()
        };
        let mut outgoing = client.request(request.method, request.url).headers(request.headers);
        match request.body {
            Some(body) => {
                let body = Watched { bytes: Some(body), departure: departure.clone() };
                outgoing = outgoing.body(reqwest::Body::wrap(body));
            }
            // Without a body there is no sign of its leaving.
            None => departure.happens(),
        }
        match timeout_at(until, outgoing.send()).await {
            Ok(Ok(response)) => {
                warming.answered(response.version());
                let since = departure.since().unwrap_or_else(Instant::now);
                Ok(Incoming { response, until, since, http: self, generation, _connection: connection })
            }
            Ok(Err(error)) => Err(Failed::unanswered(&error, &Way::of(&self.config), departure)),
            Err(_) => match departure.since() {
                None => Err(late(Outcome::NeverLeft)),
                Some(since) => {
                    // A connection that was never there cannot be dead.
                    if warming.was_warm() {
                        self.renew(generation);
                    }
                    Err(late(Outcome::Lost { since, silent: true }))
                }
            },
        }
    }

    async fn client(&self) -> Result<(u64, reqwest::Client), Failed> {
        let tls = self.tls().await.map_err(|error| Failed::before(&error))?;
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((generation, client)) = &*pool {
            return Ok((*generation, client.clone()));
        }
        let client = self.build(tls).map_err(|error| Failed::unbuilt(&error))?;
        *pool = Some((0, client.clone()));
        Ok((0, client))
    }

    fn build(&self, tls: rustls::ClientConfig) -> Result<reqwest::Client, reqwest::Error> {
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            // Its own rule repeats some HTTP/2 failures unseen; retries are decided in one place, counted by the limit.
            .retry(reqwest::retry::never())
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_POOL)
            .http2_keep_alive_interval(Duration::from_secs(15))
            .http2_keep_alive_timeout(Duration::from_secs(10))
            .http2_keep_alive_while_idle(true)
            .gzip(true);
        builder = match &self.config.route {
            Route::Through(proxy) => builder.proxy(reqwest::Proxy::all(proxy.url())?),
            Route::Direct => builder.no_proxy(),
            Route::AsTheSystemSays => builder,
        };
        builder.build()
    }

    /// Replaces the pool after an answer that never came: its connection may be dead without a sign of it.
    fn renew(&self, generation: u64) {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some((now, _)), Some(tls)) = (&*pool, self.tls.get())
            && *now == generation
            && let Ok(client) = self.build(tls.clone())
        {
            *pool = Some((generation + 1, client));
            self.warmup.cool();
        }
    }
}

impl Incoming<'_> {
    pub(crate) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// Reads the answer to its end.
    pub(crate) async fn whole(mut self) -> Result<Exchange, Failed> {
        let status = self.status();
        let headers = std::mem::take(self.response.headers_mut());
        let mut body = Vec::new();
        loop {
            match timeout_at(self.until, self.response.chunk()).await {
                Ok(Ok(Some(chunk))) if body.len() + chunk.len() > LARGEST_BODY => {
                    let what = format!("the answer is larger than {} MB unpacked", LARGEST_BODY >> 20);
                    return Err(Failed::new(Outcome::Unusable { since: self.since }, Kind::Protocol, what));
                }
                Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk),
                Ok(Ok(None)) => return Ok(Exchange { status, headers, body: body.into() }),
                Ok(Err(error)) => return Err(Failed::broken_off(&error, self.since)),
                Err(_) => {
                    self.http.renew(self.generation);
                    let what = "the answer began and did not end in time";
                    let outcome = Outcome::Lost { since: self.since, silent: true };
                    return Err(Failed::new(outcome, Kind::Timeout, what));
                }
            }
        }
    }
}
