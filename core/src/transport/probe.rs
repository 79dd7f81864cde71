//! What a connection to the server negotiates: one handshake, no request.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde::Serialize;
use tokio::net::TcpStream;
use url::Url;

use crate::error::{Error, Kind};

/// What was agreed on in a TLS handshake, in the names of the IANA registries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Negotiated {
    /// `TLSv1_3` or `TLSv1_2`.
    pub protocol: String,
    /// Such as `TLS13_AES_256_GCM_SHA384`.
    pub cipher_suite: String,
    /// Such as `X25519MLKEM768`.
    pub key_exchange: String,
    /// `h2` or `http/1.1`; absent where the server chose none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_protocol: Option<String>,
}

/// Opens one connection and closes it.
pub(crate) async fn probe(base: &Url, tls: ClientConfig, limit: Duration) -> Result<Negotiated, Error> {
    let host = base.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = base.port_or_known_default().unwrap_or(443);
    let name = ServerName::try_from(host.clone()).map_err(|error| {
        Error::new(Kind::Config, format!("the host {host} is not a name for TLS: {error}"))
    })?;
    let connecting = async {
        let stream = TcpStream::connect((host.as_str(), port))
            .await
            .map_err(|error| Error::new(Kind::Connect, format!("no connection to {host}:{port}: {error}")))?;
        tokio_rustls::TlsConnector::from(Arc::new(tls))
            .connect(name, stream)
            .await
            .map_err(|error| Error::new(Kind::Tls, format!("no TLS connection to {host}:{port}: {error}")))
    };
    let stream = tokio::time::timeout(limit, connecting).await.map_err(|_| {
        Error::new(Kind::Timeout, format!("no TLS connection to {host}:{port} in {limit:?}"))
    })??;
    let (_, session) = stream.get_ref();
    let named = |name: Option<String>| name.unwrap_or_else(|| "unknown".to_owned());
    Ok(Negotiated {
        protocol: named(session.protocol_version().map(|version| format!("{version:?}"))),
        cipher_suite: named(session.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite()))),
        key_exchange: named(
            session.negotiated_key_exchange_group().map(|group| format!("{:?}", group.name())),
        ),
        application_protocol: session.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned()),
    })
}
