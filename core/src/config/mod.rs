//! Settings: what a caller may set, and what the client makes of it.

mod file;
mod key;
mod proxy;

pub(crate) use file::contents;
pub(crate) use key::Key;
pub(crate) use proxy::{Proxy, Route};

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::HeaderMap;
use url::{Host, Url};

use crate::call::{Bounds, checked_headers};
use crate::error::{Error, Kind};
use crate::limit::Quota;
use crate::reason::Reason;
use crate::secret::Secret;

/// Where the API is unless told otherwise.
pub const DEFAULT_BASE_URL: &str = "https://api.hightouch.com/api/v1";

const API_KEY: &str = "HIGHTOUCH_API_KEY";
const BASE_URL: &str = "HIGHTOUCH_BASE_URL";
const SHARE: &str = "HIGHTOUCH_SHARE";

/// Many times any key, so that a file named by mistake is not read whole.
const LARGEST_KEY_FILE: u64 = 64 << 10;

/// The workspace's limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests in a window, from 1 to 1,000,000.
    pub requests: u32,
    /// The window, from a millisecond to a day.
    pub window: Duration,
}

/// What a client is made from; each setting may be left out.
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
    /// The workspace's API key; read from `HIGHTOUCH_API_KEY` when left out.
    pub api_key: Option<Secret>,
    /// A file that holds the API key, a regular file of at most 64 KiB; one line break at its end is not the key's.
    pub api_key_file: Option<PathBuf>,
    /// The API's address with its `/api/v1`, `https`, or `http` to a loopback address; read from `HIGHTOUCH_BASE_URL` when
    /// left out.
    pub base_url: Option<String>,
    /// Used for the `HIGHTOUCH_` names and a proxy's in place of the process's environment.
    pub environment: Option<BTreeMap<String, Secret>>,
    /// The workspace's limit; 200 requests in 10 s when left out. It may be set lower or higher but not off.
    pub limit: Option<RateLimit>,
    /// The part of the limit that this process may take, above 0 and up to 1; read from `HIGHTOUCH_SHARE` when left out.
    /// All clients of a workspace in a process keep the smallest share that one of them names.
    pub share: Option<f64>,
    /// How long one attempt may take; 30 s when left out.
    pub timeout: Option<Duration>,
    /// How long a whole call may take, its waiting and retries included; without end when left out.
    pub deadline: Option<Duration>,
    /// How long a call may wait for the limit; without end when left out, and zero means: now or not at all.
    pub max_wait: Option<Duration>,
    /// How often a call that may be repeated is; 3 when left out. Waiting for the limit does not count.
    pub max_retries: Option<u32>,
    /// A file of certificates (PEM, at most 16 MiB) that are trusted beside the system's.
    pub ca_bundle: Option<PathBuf>,
    /// A proxy's URL (`http`, `https`, `socks5` or `socks5h`), used for every request; read from the usual variables
    /// (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`) when left out.
    pub proxy: Option<Secret>,
    /// Headers that are sent with every request, such as those that a gateway asks for; a call's own come first.
    pub headers: BTreeMap<String, String>,
    pub(crate) internal: Internal,
}

/// What bindings and tests set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Internal {
    /// Divides every wait of the SDK's own.
    pub scale: f64,
    /// Names the language in the User-Agent.
    pub language: String,
    /// The key comes from a function.
    pub key_later: bool,
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
            #[allow(clippy::useless_conversion)] // Some take what becomes the setting, others the setting itself.
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
    /// Sets the part of the limit that this process may take.
    share: f64;
    /// Limits one attempt.
    timeout: Duration;
    /// Limits a whole call.
    deadline: Duration;
    /// Limits how long a call waits for the limit.
    max_wait: Duration;
    /// Limits how often a call is repeated.
    max_retries: u32;
    /// Names a file of certificates that are trusted beside the system's.
    ca_bundle: impl Into<PathBuf>;
    /// Sets the proxy.
    proxy: impl Into<Secret>;
    /// Replaces the process's environment.
    environment: BTreeMap<String, Secret>;
}

/// Settings that were checked, with what the environment adds: nothing is read from there again.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub base: Url,
    pub origin: String,
    /// Absent if a function gives it.
    pub key: Option<Key>,
    pub quota: Quota,
    pub share: Option<f64>,
    pub bounds: Bounds,
    pub ca_bundle: Option<PathBuf>,
    pub route: Route,
    pub headers: HeaderMap,
    pub user_agent: String,
    pub scale: f64,
}

impl Settings {
    /// Nothing set: everything is read from the environment or has its default.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the workspace's limit.
    #[must_use]
    pub fn limit(self, requests: u32, window: Duration) -> Self {
        Self { limit: Some(RateLimit { requests, window }), ..self }
    }

    /// Adds a header that is sent with every request.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// Checks the settings and fills what was left out from the environment. Reads the key's file, nothing else.
    pub(crate) fn check(&self) -> Result<Config, Error> {
        let (base, origin) = self.base()?;
        let scale = self.internal.scale;
        if !(0.001..=1e6).contains(&scale) {
            return Err(wrong("timeScale", "must be from 0.001 to 1,000,000"));
        }
        for (name, given) in [("timeoutMs", self.timeout), ("deadlineMs", self.deadline)] {
            if given == Some(Duration::ZERO) {
                return Err(wrong(name, "must be above 0"));
            }
        }
        let route = match &self.proxy {
            Some(given) => Route::Through(Proxy::given(given, base.scheme())?),
            None => match Route::from_environment(&base, |name| self.variable(name))? {
                // An environment that was given stands for all that is around us.
                Route::AsTheSystemSays if self.environment.is_some() => Route::Direct,
                route => route,
            },
        };
        let language = &self.internal.language;
        if !language.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(wrong("language", "must be visible ASCII"));
        }
        Ok(Config {
            base,
            origin,
            key: self.first_key()?,
            quota: self.quota(scale)?,
            share: self.checked_share()?,
            bounds: Bounds {
                timeout: self.timeout.unwrap_or(Duration::from_secs(30)),
                deadline: self.deadline,
                max_wait: self.max_wait,
                max_retries: self.max_retries.unwrap_or(3),
            },
            ca_bundle: self.ca_bundle.clone(),
            route,
            headers: checked_headers(&self.headers, Kind::Config)?,
            user_agent: format!("hightouch-sdk/{} ({language})", env!("CARGO_PKG_VERSION")),
            scale,
        })
    }

    fn base(&self) -> Result<(Url, String), Error> {
        let (text, named) = match &self.base_url {
            Some(text) => (Some(text.clone()), "baseUrl"),
            None => (self.variable(BASE_URL)?, BASE_URL),
        };
        base_url(text.as_deref().unwrap_or(DEFAULT_BASE_URL), named)
    }

    /// Where requests would go, whatever is wrong with the other settings.
    pub(crate) fn known_base(&self) -> Option<String> {
        self.base().ok().map(|(url, _)| url.to_string())
    }

    /// A variable; an empty one counts as not set.
    fn variable(&self, name: &str) -> Result<Option<String>, Error> {
        let value = match &self.environment {
            Some(given) => given.get(name).map(|value| value.expose().to_owned()),
            None => match std::env::var(name) {
                Ok(value) => Some(value),
                Err(std::env::VarError::NotPresent) => None,
                Err(std::env::VarError::NotUnicode(_)) => {
                    return Err(Error::new(Kind::Config, format!("the variable {name} is not UTF-8")));
                }
            },
        };
        Ok(value.filter(|value| !value.is_empty()))
    }

    /// The key to begin with: none if a function gives it, which leaves no room for another.
    fn first_key(&self) -> Result<Option<Key>, Error> {
        if !self.internal.key_later {
            return self.key().map(Some);
        }
        match (&self.api_key, &self.api_key_file) {
            (None, None) => Ok(None),
            (Some(_), _) => Err(wrong("apiKey", "cannot be given beside a function that gives the key")),
            (_, Some(_)) => Err(wrong("apiKeyFile", "cannot be given beside a function that gives the key")),
        }
    }

    fn key(&self) -> Result<Key, Error> {
        if let Some(key) = &self.api_key {
            return Key::new(key.expose());
        }
        if let Some(path) = &self.api_key_file {
            return Key::from_outside(&key_file(path)?);
        }
        match self.variable(API_KEY)? {
            Some(text) => Key::from_outside(&text),
            None => {
                Err(Error::new(Kind::Config, "no API key was given").with_reason(Reason::NoKey).with_hint(
                    format!("Set {API_KEY}, or pass the key; an Admin makes one under Settings, API keys."),
                ))
            }
        }
    }

    fn quota(&self, scale: f64) -> Result<Quota, Error> {
        let RateLimit { requests, window } =
            self.limit.unwrap_or(RateLimit { requests: 200, window: Duration::from_secs(10) });
        if !(1..=1_000_000).contains(&requests) {
            return Err(wrong("limit", "takes a whole number of requests from 1 to 1,000,000"));
        }
        if !(Duration::from_millis(1)..=Duration::from_hours(24)).contains(&window) {
            return Err(wrong("limit", "takes from 0.001 to 86,400 seconds"));
        }
        Ok(Quota { requests, window, scale })
    }

    fn checked_share(&self) -> Result<Option<f64>, Error> {
        let (share, named) = match (self.share, self.variable(SHARE)?) {
            (Some(share), _) => (share, "share"),
            (None, None) => return Ok(None),
            (None, Some(text)) => (text.trim().parse().map_err(|_| wrong(SHARE, "is not a number"))?, SHARE),
        };
        if share > 0.0 && share <= 1.0 {
            Ok(Some(share))
        } else {
            Err(wrong(named, "must be above 0 and at most 1"))
        }
    }
}

/// The text of the key's file.
fn key_file(path: &Path) -> Result<String, Error> {
    contents(path, LARGEST_KEY_FILE)
        .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned()))
        .map_err(|why| wrong("apiKeyFile", &format!("cannot be read: {why}.")))
}

fn wrong(setting: &str, what: &str) -> Error {
    Error::new(Kind::Config, format!("the setting {setting} {what}"))
}

/// The base URL without a slash at its end, and its origin.
fn base_url(text: &str, named: &str) -> Result<(Url, String), Error> {
    let wrong = |what: &str| wrong(named, what);
    let mut url = Url::parse(text).map_err(|error| wrong(&format!("is not a URL: {error}")))?;
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => return Err(wrong("names no host")),
    };
    match url.scheme() {
        "https" => {}
        "http" if loopback => {}
        "http" => {
            return Err(wrong(
                "must be https: over http the key could be read (http is for loopback addresses)",
            ));
        }
        _ => return Err(wrong("must be https")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("must not hold credentials"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("must have no query and no fragment"));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    let origin = url.origin().ascii_serialization();
    Ok((url, origin))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(path: &Path) -> Option<String> {
        let settings = Settings::new().api_key_file(path);
        settings.key().err().map(|error| error.what().to_owned())
    }

    fn refused(why: &str) -> String {
        format!("the setting apiKeyFile cannot be read: {why}.")
    }

    #[test]
    fn a_key_file_that_cannot_be_one_is_refused_with_the_reason() {
        let folder = std::env::temp_dir().join(format!("hightouch-key-files-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("key");
        assert_eq!(message(&folder), Some(refused("it is a directory")));
        assert_eq!(message(&file), Some(refused("the file does not exist")));
        std::fs::write(&file, b"k\xff").unwrap();
        assert_eq!(message(&file), Some(refused("it is not UTF-8 text")));
        std::fs::write(&file, "k".repeat(64 * 1024 + 1)).unwrap();
        assert_eq!(message(&file), Some(refused("it is larger than 64 KiB")));
        std::fs::write(&file, "k".repeat(64 * 1024)).unwrap();
        assert!(!message(&file).is_some_and(|message| message.contains("larger")));
        std::fs::write(&file, "key\n").unwrap();
        assert_eq!(message(&file), None);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    /// Opening it waits for whoever writes to it: a client could not be created, and no thread of Python ran meanwhile.
    #[cfg(unix)]
    #[test]
    fn a_key_file_that_is_a_pipe_is_refused_and_not_waited_for() {
        let pipe = std::env::temp_dir().join(format!("hightouch-key-pipe-{}", std::process::id()));
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let message = message(&pipe);
        std::fs::remove_file(&pipe).unwrap();
        assert_eq!(message, Some(refused("it is a pipe or a device, and only regular files are read")));
    }
}
