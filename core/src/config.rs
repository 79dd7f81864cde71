//! Settings: what a caller may set, and what the client makes of it.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::{Host, Url};

use crate::auth::Key;
use crate::error::{Error, Kind};
use crate::limit::Quota;
use crate::model::{Mended, Model, Reader, Types};
use crate::proxy::{Proxy, Route};
use crate::reason::Reason;

/// Where the API is unless told otherwise.
pub const DEFAULT_BASE_URL: &str = "https://api.hightouch.com/api/v1";

const API_KEY: &str = "HIGHTOUCH_API_KEY";
const BASE_URL: &str = "HIGHTOUCH_BASE_URL";
const SHARE: &str = "HIGHTOUCH_SHARE";

/// Many times any key, so that a file named by mistake is not read whole.
const LARGEST_KEY_FILE: u64 = 64 * 1024;

request! {
    /// What a client is made from; each may be left out.
    pub struct Settings {
        /// The workspace's API key; read from `HIGHTOUCH_API_KEY` when left out.
        client api_key = "apiKey": Secret,
        /// A file that holds the API key, a regular file of at most 64 KiB; one line break at its end is not the key's.
        client api_key_file = "apiKeyFile": String,
        /// The API's address with its `/api/v1`, `https`, or `http` to a loopback address; read from
        /// `HIGHTOUCH_BASE_URL` when left out.
        client base_url = "baseUrl": String,
        /// Used for the `HIGHTOUCH_` names and a proxy's in place of the process's environment.
        client environment = "environment": BTreeMap<String, Secret>,
        /// The workspace's limit as requests and seconds; 200 in 10 when left out. It may be set lower or higher but
        /// not off.
        client limit = "limit": Vec<f64>,
        /// The part of the limit that this client may take, above 0 and up to 1; read from `HIGHTOUCH_SHARE` when left
        /// out. Processes do not see each other: give each its share.
        client share = "share": f64,
        /// Milliseconds that one attempt may take; 30,000 when left out.
        client timeout_ms = "timeoutMs": u64,
        /// Milliseconds that a whole call may take, its waiting and retries included; without end when left out.
        client deadline_ms = "deadlineMs": u64,
        /// Milliseconds that a call may wait for the limit; without end when left out.
        client max_wait_ms = "maxWaitMs": u64,
        /// How often a call that may be repeated is; 3 when left out. Waiting for the limit does not count.
        client max_retries = "maxRetries": u32,
        /// A file of certificates (PEM, at most 16 MiB) that are trusted beside the system's.
        client ca_bundle = "caBundle": String,
        /// A proxy's URL, used for every request; read from the usual variables (`HTTPS_PROXY`, `NO_PROXY`) when left
        /// out.
        client proxy = "proxy": Secret,
        /// Starts without a key: calls fail with kind `authentication`, and send nothing, until one is set. For hosts whose
        /// users give a function that gives the key.
        client key_later = "keyLater": bool,
        /// Names the language in the User-Agent.
        client language = "language": String,
        /// Has opaque JSON cross the door as text; for hosts whose decoders would lose digits.
        client json_text = "jsonText": bool,
        /// Divides every wait of ours; for tests.
        client time_scale = "timeScale": f64,
        /// Opens the operation that panics; for tests.
        client self_test = "selfTest": bool,
        /// Makes an engine of settings that make no client too: for their diagnosis, which is all that it does.
        client diagnosing = "diagnosing": bool,
    }
}

/// Settings that bindings and tests use and hosts do not show.
pub(crate) const INTERNAL_SETTINGS: &[&str] =
    &["environment", "keyLater", "language", "jsonText", "timeScale", "selfTest", "diagnosing"];

/// Text that is never printed.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl Model for Secret {
    fn read(from: &mut Reader<'_>, mended: &mut Mended) -> Result<Option<Self>, String> {
        Ok(String::read(from, mended)?.map(Self))
    }

    fn describe(_: &mut Types) -> Value {
        Value::from("string")
    }
}

impl<T: Into<String>> From<T> for Secret {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("[secret]")
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str("[secret]")
    }
}

/// Settings that were checked.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub base: Url,
    pub origin: String,
    /// Absent where it is given later.
    pub key: Option<Key>,
    pub quota: Quota,
    pub share: Option<f64>,
    pub timeout: Duration,
    pub deadline: Option<Duration>,
    pub max_wait: Option<Duration>,
    pub max_retries: u32,
    pub ca_bundle: Option<PathBuf>,
    pub route: Route,
    pub user_agent: String,
    pub json_text: bool,
    pub scale: f64,
    pub self_test: bool,
}

impl Settings {
    /// Checks the settings and fills what was left out from the environment. Reads the key's file, nothing else.
    pub(crate) fn check(&self) -> Result<Config, Error> {
        let (base, origin) = self.base()?;
        let scale = self.time_scale.unwrap_or(1.0);
        if !(0.001..=1e6).contains(&scale) {
            return Err(wrong("timeScale", "must be from 0.001 to 1,000,000"));
        }
        for (name, given) in [("timeoutMs", self.timeout_ms), ("deadlineMs", self.deadline_ms)] {
            if given == Some(0) {
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
        let language = self.language.as_deref().unwrap_or("rust");
        if !language.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(wrong("language", "must be visible ASCII"));
        }
        Ok(Config {
            base,
            origin,
            key: self.first_key()?,
            quota: self.quota(scale)?,
            share: self.share()?,
            timeout: Duration::from_millis(self.timeout_ms.unwrap_or(30_000)),
            deadline: self.deadline_ms.map(Duration::from_millis),
            max_wait: self.max_wait_ms.map(Duration::from_millis),
            max_retries: self.max_retries.unwrap_or(3),
            ca_bundle: self.ca_bundle.as_ref().map(PathBuf::from),
            route,
            user_agent: format!("hightouch-sdk/{} ({language})", env!("CARGO_PKG_VERSION")),
            json_text: self.json_text.unwrap_or(false),
            scale,
            self_test: self.self_test.unwrap_or(false),
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

    /// The key to begin with: none where a function gives it, which leaves no room for another.
    fn first_key(&self) -> Result<Option<Key>, Error> {
        if self.key_later != Some(true) {
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
            let text = contents(Path::new(path), LARGEST_KEY_FILE)
                .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned()))
                .map_err(|why| wrong("apiKeyFile", &format!("cannot be read: {why}.")))?;
            return Key::from_outside(&text);
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
        let (requests, seconds) = match self.limit.as_deref() {
            None => (200.0, 10.0),
            Some(&[requests, seconds]) => (requests, seconds),
            Some(_) => return Err(wrong("limit", "takes two numbers: requests and seconds")),
        };
        if !((1.0..=1_000_000.0).contains(&requests) && requests.fract() == 0.0) {
            return Err(wrong("limit", "takes a whole number of requests from 1 to 1,000,000"));
        }
        if !(0.001..=86_400.0).contains(&seconds) {
            return Err(wrong("limit", "takes from 0.001 to 86,400 seconds"));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the range is checked above"
        )]
        let requests = requests as u32;
        Ok(Quota { requests, window: Duration::from_secs_f64(seconds), scale })
    }

    fn share(&self) -> Result<Option<f64>, Error> {
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

fn wrong(setting: &str, what: &str) -> Error {
    Error::new(Kind::Config, format!("the setting {setting} {what}"))
}

/// Reads a file that a setting names, of at most so many bytes; the error says why it cannot be read.
///
/// Only regular files are opened: to open a named pipe is to wait for whoever writes to it.
pub(crate) fn contents(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let unreadable = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => "the file does not exist".to_owned(),
        kind => kind.to_string(),
    };
    let found = std::fs::metadata(path).map_err(unreadable)?;
    if found.is_dir() {
        return Err("it is a directory".to_owned());
    }
    if !found.is_file() {
        return Err("it is a pipe or a device, and only regular files are read".to_owned());
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    // One byte more than allowed tells a larger file from one that just fits.
    file.take(most + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > most {
        let (size, unit) = if most < 1 << 20 { (most >> 10, "KiB") } else { (most >> 20, "MiB") };
        return Err(format!("it is larger than {size} {unit}"));
    }
    Ok(bytes)
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
        let settings =
            Settings { api_key_file: Some(path.to_str().unwrap().to_owned()), ..Settings::default() };
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
