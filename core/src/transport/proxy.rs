//! The proxy between the client and the server, if one is used.

use hyper_util::client::proxy::matcher::{Intercept, Matcher};

use crate::config::{Config, Route};

/// The route to the server, as errors describe it.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    /// Host and port of the server.
    pub to: String,
    /// The URL of the proxy without its credentials, if a proxy is used.
    pub proxy: Option<String>,
}

impl Way {
    /// The peer of a TLS handshake. If the proxy uses TLS itself, the peer may be the proxy or the server.
    pub(crate) fn peer(&self) -> String {
        match &self.proxy {
            Some(proxy) if proxy.starts_with("https:") => format!("{} or its proxy {proxy}", self.to),
            _ => self.to.clone(),
        }
    }

    pub(crate) fn of(config: &Config) -> Self {
        let host = config.base.host_str().unwrap_or_default();
        let port = config.base.port_or_known_default().unwrap_or(443);
        Self { to: format!("{host}:{port}"), proxy: intercept(config).as_ref().map(shown) }
    }
}

/// The proxy of the requests: from the settings, the environment or the system.
pub(super) fn intercept(config: &Config) -> Option<Intercept> {
    let matcher = match &config.route {
        Route::Through(proxy) => Matcher::builder().all(proxy.url()).build(),
        Route::Direct => return None,
        Route::AsTheSystemSays => Matcher::from_system(),
    };
    matcher.intercept(&config.base.as_str().parse().ok()?)
}

/// The URL of a proxy without its credentials.
pub(super) fn shown(proxy: &Intercept) -> String {
    let uri = proxy.uri();
    // Removes any credentials before the host name, because the parser may have kept them.
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{}://{host}", uri.scheme_str().unwrap_or("http"))
}
