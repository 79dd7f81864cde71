//! Finds out what TLS negotiates with the server. Makes one handshake and sends no request.

use std::error::Error as StdError;
use std::sync::Arc;

use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ProtocolVersion};
use serde::Serialize;
use tower_service::Service as _;

use crate::config::Config;
use crate::error::{Error, Kind};
use crate::text::span;
use crate::transport::{Resolver, Road, Way, chain, refusal_of, suite_name};

/// The result of a TLS handshake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Negotiated {
    /// The version of TLS: `TLS 1.3` or `TLS 1.2`.
    pub protocol: String,
    /// The cipher suite by its IANA name, such as `TLS_AES_256_GCM_SHA384`.
    pub cipher_suite: String,
    /// The key exchange, such as `X25519MLKEM768`.
    pub key_exchange: String,
    /// The HTTP version that was agreed on (ALPN): `h2` or `http/1.1`; absent if the server chose none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_protocol: Option<String>,
}

/// The proxy that requests go through, without its credentials.
pub(super) fn proxy_of(config: &Config) -> Option<String> {
    Way::of(config).proxy
}

/// Makes one TLS handshake with the server, by the route that requests take, and closes the connection.
pub(super) async fn probe(config: &Config, tls: ClientConfig) -> Result<Negotiated, Error> {
    let way = Way::of(config);
    let host = config.base.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let name = ServerName::try_from(host.clone()).map_err(|error| {
        Error::new(Kind::Config, format!("the host {host} is not a name for TLS: {error}"))
    })?;
    let connecting = async {
        let mut road = Road::new(config, &tls, Resolver::of_the_system());
        let stream = TokioIo::new(road.call(config.base.as_str().parse()?).await?);
        let stream = tokio_rustls::TlsConnector::from(Arc::new(tls)).connect(name, stream).await?;
        Ok(negotiated(stream.get_ref().1))
    };
    let limit = config.bounds.timeout;
    let connected: Result<_, Box<dyn StdError + Send + Sync>> =
        crate::timers::timeout(limit, connecting).await.map_err(|_| {
            Error::new(Kind::Timeout, format!("no TLS connection to {} in {}", way.to, span(limit)))
        })?;
    connected.map_err(|error| {
        let error: &(dyn StdError + 'static) = &*error;
        let mut causes = vec![error.to_string()];
        causes.extend(chain(error));
        causes.dedup();
        refusal_of(error, causes, &way)
    })
}

/// Writes the version as the RFCs do: `TLS 1.3`. rustls would print `TLSv1_3`.
fn version(version: ProtocolVersion) -> String {
    match version {
        ProtocolVersion::TLSv1_3 => "TLS 1.3".to_owned(),
        ProtocolVersion::TLSv1_2 => "TLS 1.2".to_owned(),
        other => format!("{other:?}"),
    }
}

fn negotiated(session: &rustls::ClientConnection) -> Negotiated {
    let named = |name: Option<String>| name.unwrap_or_else(|| "unknown".to_owned());
    Negotiated {
        protocol: named(session.protocol_version().map(version)),
        cipher_suite: named(session.negotiated_cipher_suite().map(|suite| suite_name(suite.suite()))),
        key_exchange: named(
            session.negotiated_key_exchange_group().map(|group| format!("{:?}", group.name())),
        ),
        application_protocol: session.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned()),
    }
}
