//! One attempt: sends a request, and returns its answer or says why no answer came.

use std::error::Error as StdError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH};
use http::{HeaderMap, Method, Response, Uri, Version};
use hyper::body::Incoming as Arriving;
use hyper_util::client::legacy;
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::addresses::{self, Addresses, Resolver};
use super::body::{self, Body, Unread};
use super::coding;
use super::connect::Connector;
use super::failed::{Failed, ended_all};
use super::proxy::Way;
use super::response::Scrub;
use super::room::{Room, Rooms};
use super::runtime::{Tasks, Timers};
use super::tls;
use super::warmup::Warmup;
use super::watched::{Departure, Watched};
use crate::attempt::Outcome;
use crate::config::Config;
use crate::error::{Error, Kind};
use crate::text::span;
use crate::timers::timeout_at;

/// The maximum number of HTTP/1.1 connections. Each connection carries one request at a time.
const HTTP1_CONNECTIONS: u16 = 32;
/// The maximum number of concurrent requests on an HTTP/2 connection: as many as the default limit allows in one
/// window. Further requests wait in [`Http::send`]: if they waited within the HTTP client, the time limit of the
/// attempt would run meanwhile.
const HTTP2_STREAMS: u16 = 200;
/// How many bytes of an answer may arrive over HTTP/2 before the SDK reads them. Unpacked, these bytes are about 1 MB
/// of JSON.
const STREAM_WINDOW: u32 = 256 << 10;
const IDLE_POOL: Duration = Duration::from_secs(20);

/// A request, ready to be sent.
pub(crate) struct Request {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Option<Bytes>,
}

type Client = legacy::Client<Connector, Watched>;

/// A complete answer.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The memory reserved for the body.
    pub room: Room,
}

/// An answer after its headers have arrived. Its body may still be on the way.
pub(crate) struct Incoming<'a> {
    response: Response<Arriving>,
    until: Instant,
    deadline: Option<Instant>,
    since: Instant,
    http: &'a Http,
    begun: Begun,
    _place: Option<SemaphorePermit<'a>>,
}

/// The state of the connections when a request began.
#[derive(Clone, Copy, Debug)]
struct Begun {
    /// The number of the connection pool that the request uses.
    generation: u64,
    /// How many connections had been lost when the request began.
    losses: u64,
    /// How many times addresses had failed when the request began.
    failures: u64,
    multiplexes: bool,
}

/// The pool of connections to one server.
#[derive(Debug)]
pub(crate) struct Http {
    config: Config,
    /// Created on the first call, because a constructor should not read certificate stores.
    tls: OnceCell<rustls::ClientConfig>,
    pool: Mutex<Option<(u64, Client)>>,
    warmup: Warmup,
    connections: Semaphore,
    streams: Semaphore,
    rooms: Rooms,
    /// The addresses of the server, or of its proxy.
    addresses: Arc<Addresses>,
    /// How many connections were lost. The HTTP client opens only one HTTP/2 connection at a time, so requests that
    /// began at the same count shared a connection. Its loss is counted only once.
    losses: AtomicU64,
}

impl Http {
    pub(crate) fn new(config: Config) -> Self {
        Self::with_addresses(config, Addresses::new(addresses::lookup))
    }

    fn with_addresses(config: Config, addresses: Addresses) -> Self {
        let warmup = Warmup::new(IDLE_POOL);
        Self {
            config,
            tls: OnceCell::new(),
            pool: Mutex::new(None),
            warmup,
            connections: Semaphore::new(HTTP1_CONNECTIONS.into()),
            streams: Semaphore::new(HTTP2_STREAMS.into()),
            rooms: Rooms::new(),
            addresses: Arc::new(addresses),
            losses: AtomicU64::new(0),
        }
    }

    /// The TLS configuration of every connection.
    pub(crate) async fn tls(&self) -> Result<rustls::ClientConfig, Error> {
        let config = self.tls.get_or_try_init(|| async { tls::config(&self.config.ca_bundle) }).await?;
        Ok(config.clone())
    }

    /// Sends a request and waits for the headers of its answer. `within` is the time limit of the attempt. The attempt
    /// begins once a connection is free for the request. `deadline` also bounds the wait for the connection.
    /// `departure` notes when the request may have left.
    pub(crate) async fn send(
        &self,
        mut request: Request,
        within: Duration,
        deadline: Option<Instant>,
        departure: &Departure,
    ) -> Result<Incoming<'_>, Failed> {
        let warming = waiting(deadline, self.warmup.enter()).await?;
        let multiplexes = self.warmup.multiplexes();
        // If one connection carries all requests (HTTP/2), the number of streams is limited. Otherwise the number of
        // connections is limited, because each request may open a connection.
        let places = if multiplexes { &self.streams } else { &self.connections };
        let place = waiting(deadline, places.acquire()).await?.ok();
        // The connection pool is read after the wait, because another request may have replaced the pool meanwhile.
        let (generation, client) = self.client().await?;
        let start = Instant::now();
        let until = deadline.into_iter().chain(start.checked_add(within)).min().unwrap_or(start);
        let late = |outcome| {
            Failed::new(
                outcome,
                Kind::Timeout,
                format!("no answer in {}", span(until.saturating_duration_since(start))),
            )
        };
        let begun = Begun {
            generation,
            multiplexes,
            losses: self.losses.load(Ordering::Relaxed),
            failures: self.addresses.failures(),
        };
        if request.body.is_none() {
            // The HTTP client does not show when it sends a request without a body, so the request counts as sent now.
            departure.happens();
        }
        request.headers.insert(ACCEPT_ENCODING, coding::ACCEPTED);
        let mut outgoing = http::Request::new(Watched { bytes: request.body, departure: departure.clone() });
        *outgoing.method_mut() = request.method;
        *outgoing.uri_mut() = request.uri;
        *outgoing.headers_mut() = request.headers;
        match timeout_at(until, client.request(outgoing)).await {
            Ok(Ok(response)) => {
                let begun = Begun { multiplexes: response.version() > Version::HTTP_11, ..begun };
                warming.answered(response.version());
                let since = departure.since().unwrap_or_else(Instant::now);
                Ok(Incoming { response, until, deadline, since, http: self, begun, _place: place })
            }
            Ok(Err(error)) => {
                let failed = Failed::unanswered(&error, &Way::of(&self.config), departure);
                if failed.outcome == Outcome::NeverLeft {
                    self.addresses.failed(begun.failures);
                }
                Err(Failed { connection: self.lost(&error, begun), ..failed })
            }
            Err(_) => {
                self.renew(begun);
                let lost = |since| Outcome::Lost { since, silent: true };
                Err(late(departure.since().map_or(Outcome::NeverLeft, lost)))
            }
        }
    }

    /// If `error` is the loss of a connection that could carry several requests, counts the loss and returns its
    /// number. Otherwise returns `None`.
    fn lost(&self, error: &(dyn StdError + 'static), begun: Begun) -> Option<u64> {
        if !ended_all(error, begun.multiplexes) {
            return None;
        }
        let Begun { losses, .. } = begun;
        // Only the first request that notices the loss counts it. When another request notices the loss, a new
        // connection may exist already, and `cool` would forget the new connection.
        if self.losses.compare_exchange(losses, losses + 1, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.warmup.cool();
        }
        Some(losses)
    }

    async fn client(&self) -> Result<(u64, Client), Failed> {
        let pool = || self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &*pool() {
            return Ok(known.clone());
        }
        let tls = self.tls().await.map_err(|error| Failed::before(&error))?;
        let mut pool = pool();
        if let Some(known) = &*pool {
            return Ok(known.clone());
        }
        let client = self.build(tls);
        *pool = Some((0, client.clone()));
        Ok((0, client))
    }

    fn build(&self, tls: rustls::ClientConfig) -> Client {
        let resolver = Resolver(Arc::clone(&self.addresses));
        // The flow-control window of a connection is as large as the windows of all its streams together. Answers that
        // wait for memory could fill a smaller window. Then the answer that holds the memory could not arrive.
        let window = STREAM_WINDOW * u32::from(HTTP1_CONNECTIONS + HTTP2_STREAMS);
        // `sender/retry.rs` decides about all retries. The HTTP client itself tries another connection only if a reused
        // connection was closed before anything was sent.
        legacy::Client::builder(Tasks)
            .timer(Timers)
            .pool_timer(Timers)
            .pool_idle_timeout(IDLE_POOL)
            .http2_keep_alive_interval(Duration::from_secs(15))
            .http2_keep_alive_timeout(Duration::from_secs(10))
            .http2_keep_alive_while_idle(true)
            .http2_initial_stream_window_size(STREAM_WINDOW)
            .http2_initial_connection_window_size(window)
            .build(Connector::new(&self.config, tls, resolver))
    }

    /// Replaces the connection pool after a timeout, because a connection can be dead without an error.
    fn renew(&self, begun: Begun) {
        let Begun { generation, failures, .. } = begun;
        self.addresses.failed(failures);
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some((now, _)), Some(tls)) = (&*pool, self.tls.get())
            && *now == generation
        {
            *pool = Some((generation + 1, self.build(tls.clone())));
            self.warmup.cool();
        }
    }
}

/// Waits for a free connection or stream. The wait counts towards the time of the call but not of the attempt.
async fn waiting<T>(deadline: Option<Instant>, turn: impl Future<Output = T>) -> Result<T, Failed> {
    let Some(deadline) = deadline else { return Ok(turn.await) };
    timeout_at(deadline, turn).await.map_err(|_| {
        let what = "the call's time was over before a connection was free for it";
        Failed::new(Outcome::NeverLeft, Kind::Timeout, what)
    })
}

impl Incoming<'_> {
    pub(crate) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// Reads the rest of the answer.
    pub(crate) async fn whole(mut self, scrub: Scrub<'_>) -> Result<Exchange, Failed> {
        let status = self.status();
        let mut headers = std::mem::take(self.response.headers_mut());
        let Self { response, until, deadline, since, http, begun, .. } = self;
        match body::read(response.into_body(), coding::is_packed(&headers), &http.rooms, until, deadline)
            .await
        {
            Ok(Body { bytes, room, was_packed }) => {
                if was_packed {
                    headers.remove(CONTENT_ENCODING);
                    headers.remove(CONTENT_LENGTH);
                }
                Ok(Exchange { status, headers, body: bytes, room })
            }
            // The status alone says what the error is, so the unreadable body is left out.
            Err(Unread::Unasked(_) | Unread::Malformed(_)) if !(200..300).contains(&status) => {
                Ok(Exchange { status, headers, body: Bytes::new(), room: Room::default() })
            }
            Err(why) => {
                let connection = match &why {
                    Unread::Lost(error) => http.lost(error, begun),
                    Unread::Late => {
                        http.renew(begun);
                        None
                    }
                    _ => None,
                };
                Err(Failed { connection, ..Failed::unread(&why, since, scrub) })
            }
        }
    }
}

// The test needs a second loopback address, which macOS does not have.
#[cfg(all(test, not(target_os = "macos")))]
mod tests {
    use std::collections::BTreeMap;
    use std::net::{Ipv4Addr, SocketAddr};

    use tokio::net::TcpListener;

    use super::*;
    use crate::config::Settings;

    const SILENT: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

    /// Guards against a past bug: a host with two addresses could not be reached if the first address accepted
    /// connections but never answered the TLS handshake.
    #[tokio::test]
    async fn an_address_that_takes_connections_and_says_nothing_is_not_tried_first_again() {
        let silent = TcpListener::bind((SILENT, 0)).await.unwrap();
        let port = silent.local_addr().unwrap().port();
        let Ok(other) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await else { return };
        let settings = Settings::new()
            .api_key("k")
            .base_url(format!("https://two.example:{port}/api/v1"))
            .environment(BTreeMap::new());
        let http = Http::with_addresses(
            settings.check().unwrap(),
            Addresses::new(|_| {
                Box::pin(async {
                    Ok(vec![SocketAddr::from((SILENT, 0)), SocketAddr::from((Ipv4Addr::LOCALHOST, 0))])
                })
            }),
        );
        let accepted = tokio::spawn(async move { other.accept().await.is_ok() });
        for _ in 0..2 {
            let request = Request {
                method: Method::GET,
                uri: http.config.base.as_str().parse().unwrap(),
                headers: HeaderMap::new(),
                body: None,
            };
            let within = Duration::from_millis(300);
            assert!(http.send(request, within, None, &Departure::default()).await.is_err());
        }
        assert!(accepted.await.unwrap(), "the second address is tried");
    }
}
