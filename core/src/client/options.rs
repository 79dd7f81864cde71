//! What a caller may set for one call.

use std::collections::BTreeMap;
use std::time::Duration;

use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST,
    PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, USER_AGENT,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::config::Config;
use crate::error::{Error, Kind};

request! {
    /// Options of one call; what is left out is as the client has it.
    pub struct Options {
        /// Milliseconds that one attempt may take.
        client timeout_ms = "timeoutMs": u64,
        /// Milliseconds that the whole call may take, its waiting and retries included.
        client deadline_ms = "deadlineMs": u64,
        /// How often the call may be repeated, where it may be.
        client max_retries = "maxRetries": u32,
        /// Milliseconds that the call may wait for the limit.
        client max_wait_ms = "maxWaitMs": u64,
        /// Its class in the queue for the limit: `trigger`, `poll`, `read` or `bulk`.
        client priority = "priority": String,
        /// Headers sent beside ours.
        client headers = "headers": BTreeMap<String, String>,
        /// Gives the server's answer untouched.
        client raw = "raw": bool,
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

impl Options {
    /// For an inner call, whose answer is read here and not given on.
    pub(crate) fn unraw(mut self) -> Self {
        self.raw = None;
        self
    }

    /// How long the call may take in all: as said here, or as the client has it.
    pub(crate) fn deadline(&self, config: &Config) -> Option<Duration> {
        self.deadline_ms.map(Duration::from_millis).or(config.deadline)
    }

    /// The headers, once the options were found to make sense.
    pub(crate) fn checked_headers(&self) -> Result<HeaderMap, Error> {
        for (name, given) in [("timeoutMs", self.timeout_ms), ("deadlineMs", self.deadline_ms)] {
            if given == Some(0) {
                let what = format!("the option {name} must be above 0; nothing was sent");
                return Err(Error::new(Kind::InvalidRequest, what));
            }
        }
        let mut headers = HeaderMap::new();
        for (name, value) in self.headers.iter().flatten() {
            let wrong = |why: &str| {
                let name: String = name.chars().filter(char::is_ascii_graphic).collect();
                Error::new(Kind::InvalidRequest, format!("the header {name:?} {why}"))
            };
            let header =
                HeaderName::try_from(name).map_err(|_| wrong("has no valid name (RFC 9110 §5.1)"))?;
            if OURS.contains(&header) || header == "x-request-id" {
                return Err(wrong("is set by the SDK"));
            }
            let value = HeaderValue::try_from(value).map_err(|_| wrong("has a value that cannot be sent"))?;
            headers.insert(header, value);
        }
        Ok(headers)
    }
}
