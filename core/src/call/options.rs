//! What a caller may set for one call.

use std::collections::BTreeMap;
use std::time::Duration;

use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST,
    PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, USER_AGENT,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::error::{Error, Kind};
use crate::limit::Class;

/// Who goes first while calls wait for the limit: triggers, polls, reads and bulk reads share it 8 : 4 : 2 : 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Priority {
    /// As a call that starts something.
    Trigger,
    /// As a look at something that runs.
    Poll,
    /// As any other read.
    Read,
    /// As a later page of a list: a tenth of the limit is left to others.
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

/// Options of one call; what is left out is as the client has it.
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
    /// How long one attempt may take.
    pub timeout: Option<Duration>,
    /// How long the whole call may take, its waiting and retries included.
    pub deadline: Option<Duration>,
    /// How often the call may be repeated, if it may be.
    pub max_retries: Option<u32>,
    /// How long the call may wait for the limit; zero means: now or not at all.
    pub max_wait: Option<Duration>,
    /// Its class while it waits for the limit.
    pub priority: Option<Priority>,
    /// Headers that are sent in addition.
    pub headers: BTreeMap<String, String>,
}

impl Options {
    /// Nothing set.
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

/// Headers that the SDK or HTTP itself decides on.
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

/// Headers that a user gave, if they can be sent; the error's kind is `kind`.
pub(crate) fn checked_headers(given: &BTreeMap<String, String>, kind: Kind) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let wrong = |why: &str| {
            let name: String = name.chars().filter(char::is_ascii_graphic).collect();
            Error::new(kind, format!("the header {name:?} {why}"))
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
