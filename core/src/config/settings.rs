//! What a user may set.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::message::Style;
use crate::secret::Secret;

/// The rate limit of a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests in a window, from 1 to 1,000,000.
    pub requests: u32,
    /// The window, from a millisecond to a day.
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
    /// A file that holds the API key: a regular file of at most 64 KiB. One line break at its end is ignored.
    pub api_key_file: Option<PathBuf>,
    /// The address of the API with its `/api/v1`, over `https`, or over `http` to a loopback address; read from
    /// `HIGHTOUCH_BASE_URL` by default.
    pub base_url: Option<String>,
    /// Replaces the environment of the process for the `HIGHTOUCH_` variables and those of a proxy.
    pub environment: Option<BTreeMap<String, Secret>>,
    /// The rate limit of the workspace; 200 requests in 10 s by default. It can be lowered or raised, but not turned
    /// off.
    pub limit: Option<RateLimit>,
    /// The part of the limit that this process may use, above 0 and up to 1; read from `HIGHTOUCH_SHARE` by default,
    /// else 1. The smallest share that a client names applies to all clients of the workspace in the process.
    pub share: Option<f64>,
    /// Time limit of one attempt; 30 s by default.
    pub timeout: Option<Duration>,
    /// Time limit of a whole call, with its waiting and retries; unlimited by default.
    pub deadline: Option<Duration>,
    /// How long a call may wait for the rate limit; unlimited by default. With zero a call is sent at once or fails.
    pub max_wait: Option<Duration>,
    /// How many times a failed call is sent again, if that is safe; 3 by default. Waiting for the rate limit does not
    /// count.
    pub max_retries: Option<u32>,
    /// A PEM file, at most 16 MiB, of certificates to trust in addition to those of the system.
    pub ca_bundle: Option<PathBuf>,
    /// The URL of a proxy (`http`, `https`, `socks5` or `socks5h`) for every request; read from the usual variables
    /// (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`) by default.
    pub proxy: Option<Secret>,
    /// Headers to send with every request, such as one that a gateway requires. Headers of a single call take
    /// precedence.
    pub headers: BTreeMap<String, String>,
    pub(crate) internal: Internal,
}

/// Settings for bindings and tests.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Internal {
    /// Divides every wait of the SDK.
    pub scale: f64,
    /// The language, which the User-Agent names.
    pub language: String,
    /// The key comes from a function.
    pub key_later: bool,
}

impl Internal {
    /// How the language writes names.
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
            #[allow(clippy::useless_conversion)] // `into` converts nothing for some types.
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
    /// Names the file that holds the API key.
    api_key_file: impl Into<PathBuf>;
    /// Sets the API's address.
    base_url: impl Into<String>;
    /// Sets the part of the limit that this process may use.
    share: f64;
    /// Limits one attempt.
    timeout: Duration;
    /// Limits a whole call.
    deadline: Duration;
    /// Limits how long a call waits for the limit.
    max_wait: Duration;
    /// Limits how often a call is repeated.
    max_retries: u32;
    /// Names a file of certificates to trust in addition to those of the system.
    ca_bundle: impl Into<PathBuf>;
    /// Sets the proxy.
    proxy: impl Into<Secret>;
    /// Replaces the process's environment.
    environment: BTreeMap<String, Secret>;
}
