//! One attempt at a request: handed over, answered or not, and what is known when it is not.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::proxy::Way;
use super::refusal::{self, chain, find};
use super::tls;
use super::warmup::Warmup;
use super::watched::{Departure, Watched};
use crate::config::Config;
use crate::error::{Error, Kind};
use crate::reason::Reason;

/// What an unpacked answer may measure; the largest page known is a hundredth of it.
const LARGEST_BODY: usize = 64 << 20;
/// Over HTTP/1.1 each request under way holds a connection of its own.
const HTTP1_CONNECTIONS: usize = 32;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const IDLE_POOL: Duration = Duration::from_secs(20);

/// What is to be sent.
pub(crate) struct Request {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Option<Bytes>,
}

/// How far an attempt got before it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// No connection: nothing was sent.
    Connecting,
    /// It was, or may have been, sent.
    Sent,
    /// The answer had begun.
    Answering,
}

/// Why an attempt brought no answer.
#[derive(Debug)]
pub(crate) struct Failed {
    pub stage: Stage,
    pub kind: Kind,
    pub what: String,
    pub causes: Vec<String>,
    pub reason: Option<Reason>,
    pub hint: Option<String>,
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
        let late = |stage| Failed::new(stage, Kind::Timeout, format!("no answer in {within:?}"));
        let (generation, client) = self.client().await?;
        let warming = timeout_at(until, self.warmup.enter()).await.map_err(|_| late(Stage::Connecting))?;
        // Unless it is known that one connection carries them all, each request may open one.
        let connection = if self.warmup.multiplexes() {
            None
        } else {
            let permit =
                timeout_at(until, self.http1.acquire()).await.map_err(|_| late(Stage::Connecting))?;
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
                Ok(Incoming { response, until, http: self, generation, _connection: connection })
            }
            Ok(Err(error)) => Err(self.failed(&error)),
            Err(_) if !departure.happened() => Err(late(Stage::Connecting)),
            Err(_) => {
                // A connection that was never there cannot be dead.
                if warming.was_warm() {
                    self.renew(generation);
                }
                Err(late(Stage::Sent))
            }
        }
    }

    async fn client(&self) -> Result<(u64, reqwest::Client), Failed> {
        let tls = self.tls().await.map_err(|error| Failed::before(&error))?;
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((generation, client)) = &*pool {
            return Ok((*generation, client.clone()));
        }
        let client = self
            .build(tls)
            .map_err(|error| Failed::new(Stage::Connecting, Kind::Config, text_of(&error)).because(&error))?;
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
        if self.config.base.scheme() == "http" {
            // http is for loopback addresses: through a proxy the key would leave the machine in the clear.
            builder = builder.no_proxy();
        } else if let Some(proxy) = &self.config.proxy {
            builder = builder.proxy(reqwest::Proxy::all(proxy.url.expose())?);
        }
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

    fn failed(&self, error: &reqwest::Error) -> Failed {
        let causes = chain(error);
        if error.is_connect() {
            return Failed::before(&refusal::of(error, causes, &Way::of(&self.config)));
        }
        let (kind, what) = if error.is_timeout() {
            (Kind::Timeout, "no answer in time")
        } else {
            (Kind::Connect, "the connection broke before the answer")
        };
        let innermost = causes.last().map_or_else(String::new, |cause| format!(": {cause}"));
        Failed { causes, ..Failed::new(Stage::Sent, kind, format!("{what}{innermost}")) }
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
                    return Err(Failed::new(Stage::Answering, Kind::Protocol, what));
                }
                Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk),
                Ok(Ok(None)) => return Ok(Exchange { status, headers, body: body.into() }),
                Ok(Err(error)) => {
                    // reqwest calls every error of a body one of decoding; only those beneath which there is no
                    // connection's are.
                    let kind =
                        if find::<hyper::Error>(&error).is_some() { Kind::Connect } else { Kind::Protocol };
                    let what = format!("the answer broke off: {}", text_of(&error));
                    return Err(Failed::new(Stage::Answering, kind, what).because(&error));
                }
                Err(_) => {
                    self.http.renew(self.generation);
                    let what = "the answer began and did not end in time";
                    return Err(Failed::new(Stage::Answering, Kind::Timeout, what));
                }
            }
        }
    }
}

impl Failed {
    /// A request that could not be made.
    pub(crate) fn before(error: &Error) -> Self {
        Self {
            causes: error.causes().to_vec(),
            reason: error.reason(),
            hint: error.hint().map(ToOwned::to_owned),
            ..Self::new(Stage::Connecting, error.kind(), error.what())
        }
    }

    fn new(stage: Stage, kind: Kind, what: impl Into<String>) -> Self {
        Self { stage, kind, what: what.into(), causes: Vec::new(), reason: None, hint: None }
    }

    /// The error that it is unless the attempt is repeated.
    pub(crate) fn into_error(self) -> Error {
        let error = Error::new(self.kind, self.what).with_causes(self.causes).with_reason(self.reason);
        match self.hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }

    fn because(mut self, error: &reqwest::Error) -> Self {
        self.causes = chain(error);
        self
    }
}

fn text_of(error: &reqwest::Error) -> String {
    chain(error).pop().unwrap_or_else(|| "no cause was given".to_owned())
}
