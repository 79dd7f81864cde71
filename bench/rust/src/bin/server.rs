//! `hightouch-bench-server ONE HUNDRED CA` answers every request with one of two fixed pages over TLS 1.3, with
//! HTTP/1.1 or HTTP/2. The files `ONE` and `HUNDRED` contain the pages. The server writes the certificate of its
//! certificate authority to the file `CA`.
//!
//! The server prints its URL once it listens, and exits when standard input closes. It has one thread, so that it stays
//! on one core.
#![allow(clippy::print_stdout, reason = "a program talks to its user")]

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// The answers: a page of one sync, and a page of a hundred syncs.
struct Pages {
    one: Bytes,
    hundred: Bytes,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [one, hundred, ca] = arguments.as_slice() else {
        return Err("usage: hightouch-bench-server ONE HUNDRED CA".into());
    };
    let pages = Arc::new(Pages { one: std::fs::read(one)?.into(), hundred: std::fs::read(hundred)?.into() });
    let (config, authority) = identity()?;
    std::fs::write(ca, authority)?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("https://127.0.0.1:{}", listener.local_addr()?.port());
    let mut input = tokio::io::stdin();
    let mut ignored = [0; 16];
    loop {
        tokio::select! {
            read = input.read(&mut ignored) => if read? == 0 { return Ok(()) },
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                let (acceptor, pages) = (acceptor.clone(), Arc::clone(&pages));
                tokio::spawn(async move { serve(stream, &acceptor, pages).await.ok() });
            }
        }
    }
}

async fn serve(
    stream: TcpStream,
    acceptor: &TlsAcceptor,
    pages: Arc<Pages>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    stream.set_nodelay(true)?;
    let stream = acceptor.accept(stream).await?;
    let service = service_fn(|request| std::future::ready(Ok::<_, Infallible>(answer(&request, &pages))));
    auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await
}

fn answer(request: &Request<Incoming>, pages: &Pages) -> Response<Full<Bytes>> {
    let single = request.uri().query().is_some_and(|query| query.split('&').any(|pair| pair == "limit=1"));
    let page = if single { &pages.one } else { &pages.hundred };
    let mut response = Response::new(Full::new(page.clone()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response
}

fn identity() -> Result<(ServerConfig, String), Box<dyn Error>> {
    let mut authority = CertificateParams::new(Vec::new())?;
    // The certificate authority and the server need different names: a certificate with the name of its issuer counts
    // as self-signed.
    authority.distinguished_name.push(DnType::CommonName, "Benchmark CA");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let mut server = CertificateParams::new(vec!["127.0.0.1".to_owned()])?;
    server.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = server.signed_by(&key, &issuer)?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).map_err(ToOwned::to_owned)?,
        )?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok((config, issuer.pem()))
}
