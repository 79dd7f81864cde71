//! The settings that a user may give.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::scope::LimitScope;
use crate::message::Style;
use crate::secret::Secret;

/// The rate limit of a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests in one window, from 1 to 1,000,000.
    pub requests: u32,
    /// The length of the window, from 1 ms to 24 hours.
    pub window: Duration,
}

/// The settings of a client; all are optional.
///
/// ```
/// use std::time::Duration;
/// use hightouch_sdk::Settings;
///
/// let settings = Settings::new().api_key("...").timeout(Duration::from_secs(10)).max_retries(1);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// The API key of the workspace; read from `HIGHTOUCH_API_KEY` by default.
    pub api_key: Option<Secret>,
    /// The path of a file that holds the API key: a regular file of at most 64 KiB. One line break at the end of the
    /// file is ignored. Cannot be set together with `api_key`.
    pub api_key_file: Option<PathBuf>,
    /// The address of the API, including `/api/v1`. It must use https, or http to a loopback address. Read from
    /// `HIGHTOUCH_BASE_URL` by default, else [`DEFAULT_BASE_URL`](crate::DEFAULT_BASE_URL).
    pub base_url: Option<String>,
    /// Variables that replace the environment of the process: the `HIGHTOUCH_` variables and those that name a proxy.
    pub environment: Option<BTreeMap<String, Secret>>,
    /// The rate limit of the workspace; 200 requests in 10 s by default. It can be lowered or raised, but not turned
    /// off.
    pub limit: Option<RateLimit>,
    /// The part of the limit that this process may use, above 0 and up to 1; read from `HIGHTOUCH_SHARE` by default,
    /// else 1. The smallest share that a client names applies to all clients of the workspace in the process. If a
    /// Redis or Valkey server keeps the limit, the share applies only while that server does not answer.
    pub share: Option<f64>,
    /// Who shares the limit; read from `HIGHTOUCH_LIMIT_SCOPE` (`process`, `host` or the URL of a Redis server) by
    /// default, else [`LimitScope::Host`]. In one process, the setting of a workspace's first client is used.
    pub limit_scope: Option<LimitScope>,
    /// Time limit of one attempt, above zero; 30 s by default.
    pub timeout: Option<Duration>,
    /// Time limit of a whole call, with its waiting and retries, above zero; unlimited by default.
    pub deadline: Option<Duration>,
    /// How long a call may wait for the rate limit; unlimited by default. With zero, a call is sent at once or fails
    /// with kind `rate_limited`.
    pub max_wait: Option<Duration>,
    /// How many times a failed call is sent again, if that is safe; 3 by default. Waiting for the rate limit does not
    /// count.
    pub max_retries: Option<u32>,
    /// The path of a PEM file, at most 16 MiB, with certificates to trust in addition to those of the system.
    pub ca_bundle: Option<PathBuf>,
    /// The URL of a proxy (`http`, `https`, `socks5` or `socks5h`) for every request; read from the usual variables
    /// (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`) by default.
    pub proxy: Option<Secret>,
    /// Headers to send with every request, such as a header that a gateway requires. Headers of a single call take
    /// precedence.
    pub headers: BTreeMap<String, String>,
    pub(crate) internal: Internal,
}

/// Settings for bindings and tests.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Internal {
    /// Divides every wait of the SDK. From 0.001 to 1,000,000; 1 outside tests.
    pub scale: f64,
    /// The host language with its version, such as `python/3.11`. The User-Agent names the language, and messages spell
    /// names as the language does.
    pub language: String,
    /// Whether a function of the caller provides the API key.
    pub key_later: bool,
}

impl Internal {
    /// How the language spells names.
    pub(crate) fn style(&self) -> Style {
        Style::of(&self.language)
    }
}

impl Default for Internal {
    fn default() -> Self {
        Self { scale: 1.0, language: "rust".to_owned(), key_later: false }
    }
}

macro_rules! setters {
    ($($(#[doc = $doc:literal])* $name:ident: $type:ty;)*) => {
        impl Settings {
            $($(#[doc = $doc])*
            #[must_use]
            #[allow(clippy::useless_conversion)] // Some arguments have the type of their field already.
            pub fn $name(mut self, $name: $type) -> Self {
                self.$name = Some($name.into());
                self
            })*
        }
    };
}

setters! {
    /// Sets the API key.
    api_key: impl Into<Secret>;
    /// Sets the file that holds the API key.
    api_key_file: impl Into<PathBuf>;
    /// Sets the address of the API.
    base_url: impl Into<String>;
    /// Sets the part of the limit that this process may use.
    share: f64;
    /// Sets who shares the limit.
    limit_scope: LimitScope;
    /// Sets the time limit of one attempt.
    timeout: Duration;
    /// Sets the time limit of a whole call.
    deadline: Duration;
    /// Sets how long a call may wait for the rate limit.
    max_wait: Duration;
    /// Sets how many times a failed call may be sent again.
    max_retries: u32;
    /// Sets a file of certificates to trust in addition to those of the system.
    ca_bundle: impl Into<PathBuf>;
    /// Sets the proxy.
    proxy: impl Into<Secret>;
    /// Sets the variables that replace the environment of the process.
    environment: BTreeMap<String, Secret>;
}
