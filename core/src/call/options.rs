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
use crate::text::quoted;

/// The priority of a call that waits for the rate limit. Triggers, polls, reads and bulk reads share the limit in the
/// ratio 8 : 4 : 2 : 1. Each call has a default priority, which the option `priority` replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Priority {
    /// Calls that start something.
    Trigger,
    /// Calls that read the state of a run.
    Poll,
    /// All other calls, such as those that read, create or change a resource.
    Read,
    /// Calls for the pages of a list after the first one. These calls leave a tenth of the limit to other calls.
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

/// Options of one call. They take precedence over the settings of the client.
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
    /// Time limit of one attempt; must be above zero.
    pub timeout: Option<Duration>,
    /// Time limit of the whole call, with its waiting and retries; must be above zero.
    pub deadline: Option<Duration>,
    /// How many times the call may be sent again after a failure, if sending it again is safe. Waiting for the rate
    /// limit does not count.
    pub max_retries: Option<u32>,
    /// How long the call may wait for the rate limit. With zero, the call is sent at once or fails with kind
    /// `rate_limited`.
    pub max_wait: Option<Duration>,
    /// The priority of the call while it waits for the rate limit. The default depends on the operation.
    pub priority: Option<Priority>,
    /// Headers to send in addition to the client's headers. If the call and the client have headers with the
    /// same name, the header of the call is sent.
    pub headers: BTreeMap<String, String>,
    /// The id of the call, if the package for Python, Node.js or Swift has already chosen the id.
    pub(crate) call_id: Option<String>,
}

impl Options {
    /// Creates empty options, with which the settings of the client apply.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the time limit of one attempt.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Sets the time limit of the whole call.
    #[must_use]
    pub fn deadline(self, deadline: Duration) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    /// Sets how many times the call may be sent again after a failure.
    #[must_use]
    pub fn max_retries(self, max_retries: u32) -> Self {
        Self { max_retries: Some(max_retries), ..self }
    }

    /// Sets how long the call may wait for the rate limit.
    #[must_use]
    pub fn max_wait(self, max_wait: Duration) -> Self {
        Self { max_wait: Some(max_wait), ..self }
    }

    /// Sets the priority of the call while it waits for the rate limit.
    #[must_use]
    pub fn priority(self, priority: Priority) -> Self {
        Self { priority: Some(priority), ..self }
    }

    /// Adds a header to those of the client, or replaces the client's header of this name.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }
}

/// Headers that the SDK or the HTTP client sets. A caller may not set them.
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

/// Checks the headers that a caller gave. The case of a name does not matter (RFC 9110 §5.1). An error has the kind
/// `kind`.
pub(crate) fn checked_headers(given: &BTreeMap<String, String>, kind: Kind) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let wrong = |why: &str| Error::new(kind, format!("the header {} {why}", quoted(name)));
        let header = HeaderName::try_from(name).map_err(|_| wrong("has no valid name (RFC 9110 §5.1)"))?;
        if OURS.contains(&header) || header == "x-request-id" {
            return Err(wrong("is set by the SDK"));
        }
        let value = HeaderValue::try_from(value).map_err(|_| wrong("has a value that cannot be sent"))?;
        if headers.get(&header).is_some_and(|other| *other != value) {
            let spellings = given.keys().filter(|other| header.as_str().eq_ignore_ascii_case(other));
            let spellings: Vec<String> = spellings.map(|other| quoted(other)).collect();
            let what = format!("{} are one header, and have different values", spellings.join(" and "));
            return Err(Error::new(kind, what));
        }
        headers.insert(header, value);
    }
    Ok(headers)
}
