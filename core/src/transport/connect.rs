//! Opens connections: to the server directly or through a proxy, and TLS on top.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tower_service::Service;

use super::addresses::{Resolver, Unresolved};
use super::proxy::intercept;
use crate::config::Config;
use crate::text::span;
use crate::timers::{note, timeout};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How often TCP checks a silent connection, and how many checks in a row may fail.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const KEEP_ALIVE_CHECKS: u32 = 3;
/// How long the peer's system may leave sent bytes unacknowledged before the connection counts as broken.
#[cfg(any(target_os = "android", target_os = "linux"))]
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

type Failure = Box<dyn StdError + Send + Sync>;
type Tcp = HttpConnector<Resolver>;
/// The error of a SOCKS proxy. hyper-util does not export this type by name.
type SocksError = <SocksV5<Tcp> as Service<Uri>>::Error;
/// A connection to the server, without the server's TLS. If a proxy uses TLS, the connection includes the proxy's TLS.
type Reached = MaybeHttpsStream<TokioIo<TcpStream>>;

/// Opens connections for the HTTP client.
#[derive(Clone)]
pub(super) struct Connector(HttpsConnector<Road>);

/// Opens connections to the server without the server's TLS.
#[derive(Clone)]
pub(crate) enum Road {
    Direct(Tcp),
    /// Through an HTTP proxy, with `CONNECT` (RFC 9110 §9.3.6).
    Tunnel(Tunnel<HttpsConnector<Tcp>>),
    /// Through a SOCKS proxy (RFC 1928). With a resolver, this process resolves the server's name. Without a resolver,
    /// the proxy resolves the name.
    Socks(SocksV5<Tcp>, Option<Resolver>),
}

/// This process could not resolve the server's name for a SOCKS proxy. This is a separate type because, with a proxy,
/// [`Unresolved`] means that the proxy's name could not be resolved.
#[derive(Debug)]
pub(super) struct ServerUnresolved(Unresolved);

impl fmt::Display for ServerUnresolved {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(to)
    }
}

impl StdError for ServerUnresolved {}

impl Connector {
    pub(super) fn new(config: &Config, tls: ClientConfig, resolver: Resolver) -> Self {
        let road = Road::new(config, &tls, resolver);
        Self(HttpsConnector::from((road, tls)))
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<Reached>;
    type Error = Failure;
    type Future = BoxFuture<'static, Result<Self::Response, Failure>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        // Notes the timers that hyper-util starts. One timer ends after 300 ms, for the second kind of address (IPv6 or
        // IPv4). The others divide the whole time equally among the addresses. The number of addresses is not known
        // here, so each tenth of the time is noted.
        let parts = (1..10).map(|part| CONNECT_TIMEOUT * part / 10);
        parts.chain([Duration::from_millis(300)]).for_each(|time| note(Instant::now() + time));
        let connecting = timeout(CONNECT_TIMEOUT, self.0.call(to));
        Box::pin(async move {
            connecting.await.unwrap_or_else(|_| {
                let what = format!("not connected within {}", span(CONNECT_TIMEOUT));
                Err(io::Error::new(io::ErrorKind::TimedOut, what).into())
            })
        })
    }
}

impl Road {
    /// `tls` is the TLS configuration for the server, and for a proxy that uses TLS.
    pub(crate) fn new(config: &Config, tls: &ClientConfig, resolver: Resolver) -> Self {
        let tcp = tcp(resolver.clone());
        let Some(proxy) = intercept(config) else { return Self::Direct(tcp) };
        match proxy.uri().scheme_str() {
            Some("socks5") => Self::Socks(socks(&proxy, tcp), Some(resolver)),
            Some("socks5h") => Self::Socks(socks(&proxy, tcp), None),
            _ => {
                // `CONNECT` is a request of HTTP/1.1, so no protocol is negotiated with the proxy.
                let mut tls = tls.clone();
                tls.alpn_protocols.clear();
                let tunnel = Tunnel::new(proxy.uri().clone(), HttpsConnector::from((tcp, tls)));
                Self::Tunnel(match proxy.basic_auth() {
                    Some(credentials) => tunnel.with_auth(credentials.clone()),
                    None => tunnel,
                })
            }
        }
    }
}

fn tcp(resolver: Resolver) -> Tcp {
    let mut tcp = HttpConnector::new_with_resolver(resolver);
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    // The connector divides this time among the addresses of the server.
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    tcp.set_keepalive(Some(KEEP_ALIVE));
    tcp.set_keepalive_interval(Some(KEEP_ALIVE));
    tcp.set_keepalive_retries(Some(KEEP_ALIVE_CHECKS));
    #[cfg(any(target_os = "android", target_os = "linux"))]
    tcp.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
    tcp
}

fn socks(proxy: &Intercept, tcp: Tcp) -> SocksV5<Tcp> {
    let socks = SocksV5::new(proxy.uri().clone(), tcp);
    match proxy.raw_auth() {
        Some((user, password)) => socks.with_auth(user.to_owned(), password.to_owned()),
        None => socks,
    }
}

impl Service<Uri> for Road {
    type Response = Reached;
    type Error = Failure;
    type Future = BoxFuture<'static, Result<Reached, Failure>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(match self {
            Self::Direct(tcp) => ready!(tcp.poll_ready(context)).map_err(Into::into),
            Self::Tunnel(tunnel) => ready!(tunnel.poll_ready(context)).map_err(Into::into),
            Self::Socks(socks, _) => ready!(socks.poll_ready(context)).map_err(Into::into),
        })
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        match self {
            Self::Direct(tcp) => {
                let connecting = tcp.call(to);
                Box::pin(async move { Ok(MaybeHttpsStream::Http(connecting.await?)) })
            }
            Self::Tunnel(tunnel) => {
                let connecting = tunnel.call(to);
                Box::pin(async move { Ok(connecting.await?) })
            }
            Self::Socks(socks, resolver) => {
                let (mut socks, resolver) = (socks.clone(), resolver.clone());
                Box::pin(async move {
                    let to = match resolver {
                        Some(resolver) => resolved(&to, resolver).await?,
                        None => to,
                    };
                    match socks.call(to).await {
                        Ok(stream) => Ok(MaybeHttpsStream::Http(stream)),
                        // A SOCKS error hides its cause, so the cause is returned in its place.
                        Err(SocksError::Inner(error)) => Err(error.into()),
                        Err(SocksError::Io(error)) => Err(error.into()),
                        Err(error) => Err(error.into()),
                    }
                })
            }
        }
    }
}

/// Replaces the host of a URL by the first address of the host.
async fn resolved(to: &Uri, mut resolver: Resolver) -> Result<Uri, Failure> {
    let name: Name = to.host().unwrap_or_default().trim_matches(['[', ']']).parse()?;
    let found = resolver.call(name).await.map_err(ServerUnresolved)?;
    let Some(mut first) = found.into_iter().next() else { return Ok(to.clone()) };
    first.set_port(to.port_u16().unwrap_or(443));
    Ok(format!("https://{first}").parse()?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tokio::net::TcpListener;
    use tokio::time::Instant;

    use super::super::tls;
    use super::*;
    use crate::config::Settings;

    /// The server accepts connections and never answers the TLS handshake.
    #[tokio::test(start_paused = true)]
    async fn a_connection_that_is_not_ready_in_time_is_given_up() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("https://{}/api/v1", silent.local_addr().unwrap());
        let settings = Settings::new().api_key("k").base_url(&base).environment(BTreeMap::new());
        let config = settings.check().unwrap();
        let tls = tls::config(&config.ca_bundle).unwrap();
        let mut connector = Connector::new(&config, tls, Resolver::of_the_system());
        let began = Instant::now();
        let connected = timeout(Duration::from_mins(1), connector.call(base.parse().unwrap())).await;
        let error = connected.expect("it waits for ever").err().unwrap();
        let error = error.downcast_ref::<io::Error>().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{error}");
        assert!((CONNECT_TIMEOUT..2 * CONNECT_TIMEOUT).contains(&began.elapsed()));
    }
}
