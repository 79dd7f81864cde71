//! Runs one lane of the benchmark in Rust: `hightouch-bench-rust LANE`. A lane is a client that is measured.
//!
//! Each line of standard input asks for N calls. `one N` reads one sync with each call, `page N` reads a page of 100
//! syncs, and `flight N` reads one sync but makes several calls at once. After the calls of a line, the lane writes a
//! line with the CPU time of this process, all threads included, and the elapsed time, both in nanoseconds.
#![allow(clippy::print_stdout, reason = "a program talks to its user")]

use std::error::Error;
use std::io::BufRead;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::{BoxFuture, try_join_all};
use hightouch_sdk::resources::ListSyncs;
use hightouch_sdk::wire::{Cancel, Engine};
use hightouch_sdk::{Client, Settings};
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustix::time::{ClockId, clock_gettime};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};

type Failure = Box<dyn Error + Send + Sync>;

/// How many calls the case `flight` makes at the same time.
const FLIGHT: usize = 32;
const KEY: &str = "bench-0123456789abcdef0123456789abcdef01";
/// The rate limit: requests, and the length of the window in seconds. The benchmark never reaches this limit. The
/// window is short, so that only a few hundred requests count towards the limit at a time, as in real use.
const LIMIT: [f64; 2] = [40_000.0, 0.005];

/// A client that is measured.
trait Lane: Sync {
    /// Requests a page of `limit` syncs and returns the number of rows.
    fn page(&self, limit: u32) -> BoxFuture<'_, Result<usize, Failure>>;
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let name = std::env::args().nth(1).unwrap_or_default();
    let base = format!("{}/api/v1", std::env::var("BENCH_URL")?);
    let ca = std::env::var("BENCH_CA")?;
    let lane: Box<dyn Lane> = match name.as_str() {
        "sdk" => Box::new(Typed::new(base, ca)?),
        "door" => Box::new(Door::new(&base, &ca)?),
        "reqwest-bytes" => Box::new(Bare::new(&base, &ca, Http::Negotiated, What::Bytes)?),
        "reqwest-bytes-http1" => Box::new(Bare::new(&base, &ca, Http::One, What::Bytes)?),
        "hyper-bytes" => Box::new(Hyper::new(&base, &ca)?),
        "reqwest-value" => Box::new(Bare::new(&base, &ca, Http::Negotiated, What::Tree)?),
        _ => return Err(format!("there is no lane {name:?}").into()),
    };
    for asked in std::io::stdin().lock().lines() {
        let asked = asked?;
        let (case, count) = asked.split_once(' ').ok_or("a line is a case and a count")?;
        let count: usize = count.parse()?;
        let (cpu, wall) = (cpu_nanos(), Instant::now());
        measured(lane.as_ref(), case, count).await?;
        println!("{} {}", cpu_nanos() - cpu, wall.elapsed().as_nanos());
    }
    Ok(())
}

async fn measured(lane: &dyn Lane, case: &str, count: usize) -> Result<(), Failure> {
    match case {
        "one" => several(lane, 1, count).await,
        "page" => several(lane, 100, count).await,
        "flight" => {
            try_join_all((0..FLIGHT).map(|_| several(lane, 1, count / FLIGHT))).await?;
            Ok(())
        }
        _ => Err(format!("there is no case {case:?}").into()),
    }
}

async fn several(lane: &dyn Lane, limit: u32, count: usize) -> Result<(), Failure> {
    for _ in 0..count {
        let came = lane.page(limit).await?;
        if came != limit as usize {
            return Err(format!("expected {limit} syncs, got {came}").into());
        }
    }
    Ok(())
}

/// Returns the CPU time of all threads of this process, in nanoseconds.
fn cpu_nanos() -> i64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// The SDK for Rust.
struct Typed(Client);

impl Typed {
    fn new(base: String, ca: String) -> Result<Self, Failure> {
        let settings =
            Settings::new().api_key(KEY).base_url(base).ca_bundle(ca).limit(40_000, Duration::from_millis(5));
        Ok(Self(Client::new(&settings)?))
    }
}

impl Lane for Typed {
    fn page(&self, limit: u32) -> BoxFuture<'_, Result<usize, Failure>> {
        Box::pin(async move {
            let which = ListSyncs { limit: Some(limit), ..ListSyncs::default() };
            let rows = self.0.syncs().list(&which).next_page().await?.unwrap_or_default();
            Ok(rows.iter().filter(|row| !row.slug.is_empty()).count())
        })
    }
}

/// The SDK's door: the JSON interface that the packages of all languages use.
struct Door(Engine);

impl Door {
    fn new(base: &str, ca: &str) -> Result<Self, Failure> {
        let settings = json!({ "apiKey": KEY, "baseUrl": base, "caBundle": ca, "limit": LIMIT });
        let engine = Engine::new(&settings.to_string()).map_err(|failure| failure.to_json())?;
        Ok(Self(engine))
    }
}

impl Lane for Door {
    fn page(&self, limit: u32) -> BoxFuture<'_, Result<usize, Failure>> {
        Box::pin(async move {
            let args = format!("{{\"limit\":{limit}}}");
            let outcome = self.0.call("syncs.list", &args, "{}", &Cancel::new()).await;
            if outcome.ok && outcome.body.len() > 2 { Ok(limit as usize) } else { Err(outcome.head.into()) }
        })
    }
}

/// reqwest, the usual HTTP client of Rust.
struct Bare {
    client: reqwest::Client,
    url: String,
    what: What,
}

/// The HTTP version: `Negotiated` is HTTP/2 or HTTP/1.1, as client and server agree.
#[derive(Clone, Copy)]
enum Http {
    Negotiated,
    One,
}

/// What a measured client does with an answer: `Bytes` only reads the answer, `Tree` also parses it as JSON.
enum What {
    Bytes,
    Tree,
}

impl Bare {
    fn new(base: &str, ca: &str, http: Http, what: What) -> Result<Self, Failure> {
        let mut tls = tls(ca)?;
        let builder = match http {
            Http::Negotiated => reqwest::Client::builder(),
            Http::One => {
                tls.alpn_protocols = vec![b"http/1.1".to_vec()];
                reqwest::Client::builder().http1_only()
            }
        };
        let client = builder.tls_backend_preconfigured(tls).gzip(true).build()?;
        Ok(Self { client, url: format!("{base}/syncs"), what })
    }
}

/// Returns the same TLS settings as in the SDK, but trusts only the certificate authorities in the file `ca`.
fn tls(ca: &str) -> Result<rustls::ClientConfig, Failure> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca)? {
        roots.add(certificate?)?;
    }
    let mut tls = rustls::ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(tls)
}

/// Returns a provider with only the cipher suites of TLS 1.3, in the same order as in the SDK, so that this client and
/// the SDK negotiate the same suite.
fn provider() -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites.retain(|suite| suite.tls13().is_some());
    provider
}

impl Lane for Bare {
    fn page(&self, limit: u32) -> BoxFuture<'_, Result<usize, Failure>> {
        Box::pin(async move {
            let url = format!("{}?orderBy=id&offset=0&limit={limit}", self.url);
            let request = self.client.get(url).bearer_auth(KEY).header("accept", "application/json");
            let body = request.send().await?.error_for_status()?.bytes().await?;
            match self.what {
                What::Bytes if body.len() > 2 => Ok(limit as usize),
                What::Bytes => Err("an empty answer".into()),
                What::Tree => {
                    let page: Value = serde_json::from_slice(&body)?;
                    Ok(page.get("data").and_then(Value::as_array).map_or(0, Vec::len))
                }
            }
        })
    }
}

/// The HTTP client of hyper-util with the TLS of hyper-rustls. The SDK is built on both. The benchmark reads the
/// answers of this client and discards them.
struct Hyper {
    client: legacy::Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    url: String,
}

impl Hyper {
    fn new(base: &str, ca: &str) -> Result<Self, Failure> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let client =
            legacy::Client::builder(TokioExecutor::new()).build(HttpsConnector::from((tcp, tls(ca)?)));
        Ok(Self { client, url: format!("{base}/syncs") })
    }
}

impl Lane for Hyper {
    fn page(&self, limit: u32) -> BoxFuture<'_, Result<usize, Failure>> {
        Box::pin(async move {
            let request = Request::get(format!("{}?orderBy=id&offset=0&limit={limit}", self.url))
                .header("authorization", format!("Bearer {KEY}"))
                .header("accept", "application/json")
                .header("accept-encoding", "gzip")
                .body(Empty::new())?;
            let body = self.client.request(request).await?.into_body().collect().await?.to_bytes();
            if body.len() > 2 { Ok(limit as usize) } else { Err("an empty answer".into()) }
        })
    }
}
