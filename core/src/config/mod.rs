//! Settings: what a caller may set, and the checked settings that a client uses.

mod file;
mod key;
mod proxy;
mod scope;
mod settings;

pub(crate) use file::certificates;
use file::key_text;
pub(crate) use key::Key;
pub(crate) use proxy::{Proxy, Route};
pub use scope::LimitScope;
pub(crate) use scope::{CheckedScope, FleetAddress};
pub use settings::{RateLimit, Settings};

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use rustls::pki_types::CertificateDer;
use url::{Host, Url};

use crate::call::{Defaults, checked_headers};
use crate::error::{Error, Kind};
use crate::limit::Quota;
use crate::message::{Message, Name, Style};
use crate::reason::Reason;

/// The default address of the API.
pub const DEFAULT_BASE_URL: &str = "https://api.hightouch.com/api/v1";

const API_KEY: &str = "HIGHTOUCH_API_KEY";
const BASE_URL: &str = "HIGHTOUCH_BASE_URL";
const SHARE: &str = "HIGHTOUCH_SHARE";
const LIMIT_SCOPE: &str = "HIGHTOUCH_LIMIT_SCOPE";

/// Checked settings. A missing setting has its value from the environment, or else its default.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub base: Url,
    pub origin: String,
    /// The first key; `None` if a key function must be called for it.
    pub key: Option<Key>,
    pub quota: Quota,
    pub share: Option<f64>,
    pub limit_scope: CheckedScope,
    pub bounds: Defaults,
    /// Certificates to trust in addition to those of the system.
    pub ca_bundle: Arc<[CertificateDer<'static>]>,
    pub route: Route,
    pub headers: HeaderMap,
    pub user_agent: String,
    /// How messages spell names.
    pub style: Style,
    pub scale: f64,
}

impl Settings {
    /// Creates empty settings: each setting comes from the environment or has its default.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the rate limit of the workspace: 1 to 1,000,000 requests in a window of 1 ms to 24 hours.
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

    /// Checks the settings and takes missing ones from the environment. Reads the files that the settings name, and
    /// does no other I/O.
    pub(crate) fn check(&self) -> Result<Config, Error> {
        self.checked().map_err(|error| match self.first_key() {
            // The key may also stand in another setting by mistake, such as the path of a file.
            Ok(Some(key)) if key.is_long() => error.scrubbed(|text| key.scrub(text)),
            _ => error,
        })
    }

    fn checked(&self) -> Result<Config, Error> {
        // Checked first, because without a key `check` cannot remove the key from the errors of other settings.
        self.one_key()?;
        let (base, origin) = self.base()?;
        let scale = self.internal.scale;
        if !(0.001..=1e6).contains(&scale) {
            return Err(setting("timeScale", "must be from 0.001 to 1,000,000"));
        }
        for (name, given) in [("timeoutMs", self.timeout), ("deadlineMs", self.deadline)] {
            if given == Some(Duration::ZERO) {
                return Err(setting(name, "must be above 0"));
            }
        }
        let route = match &self.proxy {
            Some(given) => Route::Through(Proxy::given(given, base.scheme())?),
            None => match Route::from_environment(&base, |name| self.variable(name))? {
                // If the settings replace the environment, the system's own proxy settings are not read either.
                Route::AsTheSystemSays if self.environment.is_some() => Route::Direct,
                route => route,
            },
        };
        let language = &self.internal.language;
        if !language.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(setting("language", "must be visible ASCII"));
        }
        let ca_bundle: Arc<[_]> = match &self.ca_bundle {
            Some(path) => certificates(path, message!["the setting ", Name("caBundle")])?.into(),
            None => Arc::default(),
        };
        Ok(Config {
            base,
            origin,
            key: self.first_key()?,
            quota: self.quota(scale)?,
            share: self.checked_share()?,
            limit_scope: self.checked_scope()?.trusting(&ca_bundle),
            bounds: Defaults {
                timeout: self.timeout.unwrap_or(Duration::from_secs(30)),
                deadline: self.deadline,
                max_wait: self.max_wait,
                max_retries: self.max_retries.unwrap_or(3),
            },
            ca_bundle,
            route,
            headers: checked_headers(&self.headers, Kind::Config)?,
            user_agent: format!("hightouch-sdk/{} ({language})", env!("CARGO_PKG_VERSION")),
            style: self.internal.style(),
            scale,
        })
    }

    fn base(&self) -> Result<(Url, String), Error> {
        let (text, named) = match &self.base_url {
            Some(text) => (Some(text.clone()), message!["the setting ", Name("baseUrl")]),
            None => (self.variable(BASE_URL)?, message!["the variable ", BASE_URL]),
        };
        base_url(text.as_deref().unwrap_or(DEFAULT_BASE_URL), &named)
    }

    /// The base URL, even if other settings are wrong; `None` if the base URL itself is wrong.
    pub(crate) fn known_base(&self) -> Option<String> {
        self.base().ok().map(|(url, _)| url.to_string())
    }

    /// Reads a variable of the environment. An empty variable counts as not set.
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

    /// Checks that the caller named at most one source of the key. A variable is not looked at, because a setting takes
    /// precedence over its variable.
    fn one_key(&self) -> Result<(), Error> {
        let function = "cannot be set together with a function that returns the key";
        match (&self.api_key, &self.api_key_file, self.internal.key_later) {
            (Some(_), _, true) => Err(setting("apiKey", function)),
            (None, Some(_), true) => Err(setting("apiKeyFile", function)),
            (Some(_), Some(_), false) => {
                let what = message!["pass either ", Name("apiKey"), " or ", Name("apiKeyFile"), ", not both"];
                Err(Error::new(Kind::Config, what))
            }
            _ => Ok(()),
        }
    }

    /// The first key; `None` if a function returns the key.
    fn first_key(&self) -> Result<Option<Key>, Error> {
        if self.internal.key_later { Ok(None) } else { self.key().map(Some) }
    }

    fn key(&self) -> Result<Key, Error> {
        if let Some(key) = &self.api_key {
            return Key::new(key.expose());
        }
        if let Some(path) = &self.api_key_file {
            return Key::from_outside(&key_text(path)?);
        }
        match self.variable(API_KEY)? {
            Some(text) => Key::from_outside(&text),
            None => Err(Error::new(Kind::Config, "no API key was given")
                .with_reason(Reason::NoKey)
                .with_hint(format!(
                    "Set {API_KEY}, or pass the key. An Admin can create one under Settings, API keys."
                ))),
        }
    }

    fn quota(&self, scale: f64) -> Result<Quota, Error> {
        let RateLimit { requests, window } =
            self.limit.unwrap_or(RateLimit { requests: 200, window: Duration::from_secs(10) });
        if !(1..=1_000_000).contains(&requests) {
            return Err(setting("limit", "takes a whole number of requests from 1 to 1,000,000"));
        }
        if !(Duration::from_millis(1)..=Duration::from_hours(24)).contains(&window) {
            return Err(setting("limit", "takes from 0.001 to 86,400 seconds"));
        }
        Ok(Quota { requests, window, scale })
    }

    fn checked_scope(&self) -> Result<CheckedScope, Error> {
        match (&self.limit_scope, self.variable(LIMIT_SCOPE)?.as_deref()) {
            (Some(scope), _) => CheckedScope::of(scope, &message!["the setting ", Name("limitScope")]),
            (None, None) => Ok(CheckedScope::Host),
            (None, Some(text)) => CheckedScope::parse(text, &message!["the variable ", LIMIT_SCOPE]),
        }
    }

    fn checked_share(&self) -> Result<Option<f64>, Error> {
        let (share, named) = match (self.share, self.variable(SHARE)?) {
            (Some(share), _) => (share, message!["the setting ", Name("share")]),
            (None, None) => return Ok(None),
            (None, Some(text)) => {
                let named = message!["the variable ", SHARE];
                (text.trim().parse().map_err(|_| wrong(&named, "is not a number"))?, named)
            }
        };
        if share > 0.0 && share <= 1.0 {
            Ok(Some(share))
        } else {
            Err(wrong(&named, "must be above 0 and at most 1"))
        }
    }
}

/// Creates the error of a wrong setting. `what` says what is wrong, after the name of the setting.
pub(crate) fn setting(name: &'static str, what: &'static str) -> Error {
    wrong(&message!["the setting ", Name(name)], what)
}

fn wrong(named: &Message, what: impl Into<Message>) -> Error {
    Error::new(Kind::Config, message![named.clone(), " ", what])
}

/// Checks a base URL. Returns the URL without a slash at the end of its path, and the origin of the URL.
fn base_url(text: &str, named: &Message) -> Result<(Url, String), Error> {
    let wrong = |what: &'static str| wrong(named, what);
    let mut url = Url::parse(text).map_err(|error| self::wrong(named, format!("is not a URL: {error}")))?;
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
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use std::path::Path;

    use super::*;
    use crate::host::temporary::Folder;

    fn message(path: &Path) -> Option<String> {
        let settings = Settings::new().api_key_file(path);
        settings.key().err().map(|error| error.to_string())
    }

    fn refused(why: &str) -> String {
        format!("The file that the setting `api_key_file` names cannot be read: {why}.")
    }

    /// Incident: a caller had also passed the key as the path of the CA bundle. The error of that path showed the key.
    #[test]
    fn a_key_in_the_place_of_a_path_is_not_shown() {
        let key = "key-that-also-names-a-file";
        for path in [key.to_owned(), format!("/etc/{key}"), STANDARD.encode(format!("a:{key}"))] {
            let error = Settings::new().api_key(key).ca_bundle(&path).check().unwrap_err();
            assert!(error.to_string().contains("[key]") && !error.to_string().contains(&path), "{error}");
        }
    }

    #[test]
    fn a_key_file_that_cannot_be_read_is_refused_with_the_reason() {
        let folder = Folder::new("key-files");
        let file = folder.0.join("key");
        assert_eq!(message(&folder.0), Some(refused("it is a directory")));
        assert_eq!(message(&file), Some(refused("the file does not exist")));
        std::fs::write(&file, b"k\xff").unwrap();
        assert_eq!(message(&file), Some(refused("it is not UTF-8 text")));
        std::fs::write(&file, "k".repeat(64 * 1024 + 1)).unwrap();
        assert_eq!(message(&file), Some(refused("it is larger than 64 KiB")));
        std::fs::write(&file, "k".repeat(64 * 1024)).unwrap();
        assert!(!message(&file).is_some_and(|message| message.contains("larger")));
        std::fs::write(&file, "key\n").unwrap();
        assert_eq!(message(&file), None);
    }

    /// Opening a pipe waits for a writer. Without the refusal, the creation of a client would hang.
    #[cfg(unix)]
    #[test]
    fn a_key_file_that_is_a_pipe_is_refused_and_not_waited_for() {
        let folder = Folder::new("key-pipe");
        let pipe = folder.0.join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert_eq!(
            message(&pipe),
            Some(refused("it is a pipe or a device, and only regular files are read"))
        );
    }
}
