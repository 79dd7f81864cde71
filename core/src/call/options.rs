//! Options of one call.

use std::collections::BTreeMap;
use std::time::Duration;

use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST,
    PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, USER_AGENT,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::error::{Error, Kind};
use crate::limit::Class;

/// The priority of a call that waits for the rate limit. Triggers, polls, reads and bulk reads share it 8 : 4 : 2 : 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Priority {
    /// Calls that start something.
    Trigger,
    /// Looks at a run.
    Poll,
    /// Every other call.
    Read,
    /// Later pages of a list; a tenth of the limit stays free for other calls.
    Bulk,
}

impl Priority {
    pub(crate) fn class(self) -> Class {
        match self {
            Self::Trigger => Class::Trigger,
            Self::Poll => Class::Poll,
            Self::Read => Class::Read,
            Self::Bulk => Class::Bulk,
        }
    }
}

/// Options of one call; the settings of the client are the defaults.
///
/// ```
/// use std::time::Duration;
/// use hightouch_sdk::Options;
///
/// let options = Options::new().timeout(Duration::from_secs(5)).max_retries(0);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Options {
    /// Time limit of one attempt.
    pub timeout: Option<Duration>,
    /// Time limit of the whole call, with its waiting and retries.
    pub deadline: Option<Duration>,
    /// How many times the call is sent again after a failure, if that is safe.
    pub max_retries: Option<u32>,
    /// How long the call may wait for the rate limit. With zero it is sent at once or fails.
    pub max_wait: Option<Duration>,
    /// Its priority while it waits for the rate limit.
    pub priority: Option<Priority>,
    /// Headers to send in addition to those of the client.
    pub headers: BTreeMap<String, String>,
}

impl Options {
    /// Empty options.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Limits one attempt.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Limits the whole call.
    #[must_use]
    pub fn deadline(self, deadline: Duration) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    /// Limits how often the call is repeated.
    #[must_use]
    pub fn max_retries(self, max_retries: u32) -> Self {
        Self { max_retries: Some(max_retries), ..self }
    }

    /// Limits how long the call waits for the limit.
    #[must_use]
    pub fn max_wait(self, max_wait: Duration) -> Self {
        Self { max_wait: Some(max_wait), ..self }
    }

    /// Sets the class in which the call waits for the limit.
    #[must_use]
    pub fn priority(self, priority: Priority) -> Self {
        Self { priority: Some(priority), ..self }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }
}

/// Headers that the SDK or HTTP sets.
const OURS: [HeaderName; 14] = [
    ACCEPT,
    AUTHORIZATION,
    CONNECTION,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    HOST,
    TRANSFER_ENCODING,
    USER_AGENT,
    ACCEPT_ENCODING,
    EXPECT,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    UPGRADE,
];

/// Checks the headers that a user gave; an error has the kind `kind`.
pub(crate) fn checked_headers(given: &BTreeMap<String, String>, kind: Kind) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let wrong = |why: &str| {
            let name: String = name.chars().filter(char::is_ascii_graphic).collect();
            Error::new(kind, format!("the header \"{name}\" {why}"))
        };
        let header = HeaderName::try_from(name).map_err(|_| wrong("has no valid name (RFC 9110 §5.1)"))?;
        if OURS.contains(&header) || header == "x-request-id" {
            return Err(wrong("is set by the SDK"));
        }
        let value = HeaderValue::try_from(value).map_err(|_| wrong("has a value that cannot be sent"))?;
        headers.insert(header, value);
    }
    Ok(headers)
}
