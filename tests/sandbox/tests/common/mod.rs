//! Helpers: a sandbox, a client that trusts it, and a raw HTTP/1.1 connection.
#![allow(dead_code, reason = "each test file uses its part")]

#[rustfmt::skip]
pub(crate) mod catalogue;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hightouch_sandbox::{Options, Sandbox, WorldInfo};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) async fn sandbox() -> Sandbox {
    Sandbox::start(Options::default()).await.expect("a sandbox on a free port")
}

/// Starts a sandbox and creates a world in it.
pub(crate) async fn world(settings: Value) -> (Sandbox, WorldInfo) {
    let sandbox = sandbox().await;
    let world = sandbox.create_world(settings).expect("settings without mistakes");
    (sandbox, world)
}

/// Starts a sandbox and creates a world that gives `answer` to the first request.
pub(crate) async fn scripted(answer: Value) -> (Sandbox, WorldInfo) {
    world(json!({"script": [{"answer": answer}]})).await
}

pub(crate) fn tls(roots: &[&str]) -> ClientConfig {
    let mut store = RootCertStore::empty();
    for pem in roots {
        store.add(CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate")).expect("a root");
    }
    ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions that the provider has")
        .with_root_certificates(store)
        .with_no_client_auth()
}

/// Creates a client with the headers that the judge expects.
pub(crate) fn client(ca: &str, alpn: &[&[u8]]) -> reqwest::Client {
    let mut config = tls(&[ca]);
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let mut headers = reqwest::header::HeaderMap::new();
    headers.insert("accept", "application/json".parse().expect("a value"));
    reqwest::Client::builder()
        .tls_backend_preconfigured(config)
        .default_headers(headers)
        .user_agent("hightouch-sdk/0 test")
        .no_proxy()
        // Tests read compressed bodies, so this client must not decompress them. Another crate of the same build may
        // have turned on the decompression of reqwest.
        .no_gzip()
        .retry(reqwest::retry::never())
        .build()
        .expect("a client")
}

/// Creates a request that keeps the standing rules. `id` is its `X-Request-Id`.
pub(crate) fn request(
    client: &reqwest::Client,
    method: &str,
    url: String,
    key: &str,
    id: &str,
) -> reqwest::RequestBuilder {
    let method = method.parse().expect("a method");
    client.request(method, url).header("authorization", format!("Bearer {key}")).header("x-request-id", id)
}

pub(crate) async fn judged(sandbox: &Sandbox, world: &WorldInfo, wire: Value) -> Vec<String> {
    let case = json!({"player": "rust", "scenario": "a-test", "wire": wire});
    sandbox.judge(&world.id, case).await.expect("a wire without mistakes").complaints
}

/// Waits until `count` requests have reached the world.
pub(crate) async fn arrived(sandbox: &Sandbox, world: &WorldInfo, count: usize) {
    let seen = || sandbox.log(&world.id).expect("a log")["requests"].as_array().map_or(0, Vec::len);
    while seen() < count {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Sends one HTTP/1.1 request in cleartext.
pub(crate) async fn open(sandbox: &Sandbox, world: &WorldInfo, path: &str) -> TcpStream {
    let authority = sandbox.http_url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(authority).await.expect("a listening sandbox");
    let text = format!(
        "GET /w/{}/api/v1{path} HTTP/1.1\r\nHost: {authority}\r\nAuthorization: Bearer {}\r\n\
         Accept: application/json\r\nUser-Agent: hightouch-sdk/0 test\r\nX-Request-Id: raw\r\n\r\n",
        world.id, world.api_key
    );
    stream.write_all(text.as_bytes()).await.expect("a request that goes out");
    stream
}

/// Reads until the connection ends. Returns the text and the result of the last read.
pub(crate) async fn drain(mut stream: TcpStream) -> (String, io::Result<()>) {
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    let end = loop {
        let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut buffer)).await;
        match read.expect("a connection that ends") {
            Ok(0) => break Ok(()),
            Ok(count) => seen.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            Err(error) => break Err(error),
        }
    };
    (String::from_utf8_lossy(&seen).into_owned(), end)
}
