//! What stands between here and the server: nothing, or a proxy.

use hyper_util::client::proxy::matcher::{Intercept, Matcher};

use crate::config::{Config, Route};

/// The way of requests to the server, in words for errors.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    /// Host and port of the server.
    pub to: String,
    /// The proxy's URL without credentials, where there is one.
    pub proxy: Option<String>,
}

impl Way {
    /// With whom a handshake was: a proxy that is spoken to over TLS itself cannot be told from the server behind it.
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

/// The proxy that requests take: the one that was given or that the environment names, or the system's.
pub(crate) fn intercept(config: &Config) -> Option<Intercept> {
    let matcher = match &config.route {
        Route::Through(proxy) => Matcher::builder().all(proxy.url()).build(),
        Route::Direct => return None,
        Route::AsTheSystemSays => Matcher::from_system(),
    };
    matcher.intercept(&config.base.as_str().parse().ok()?)
}

/// A proxy's URL as it may be shown.
pub(super) fn shown(proxy: &Intercept) -> String {
    let uri = proxy.uri();
    // Whatever the parser left of credentials before the host stays out.
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{}://{host}", uri.scheme_str().unwrap_or("http"))
}
