//! What a call did on its way, for logs and hooks.

use std::collections::BTreeMap;
use std::time::Duration;

use http::HeaderMap;
use serde::Serialize;
use tokio::time::Instant;

use super::Call;
use crate::error::Kind;

/// What a call did: how long it waited and took, and each attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Meta {
    /// Ours; sent as `X-Request-Id` with each attempt.
    pub request_id: String,
    /// The vendor's name of the operation.
    pub operation: String,
    /// Milliseconds spent waiting for the limit.
    pub waited_ms: u64,
    /// Milliseconds in all.
    pub duration_ms: u64,
    /// Paths of values that were missing or unusable and were replaced by a default.
    pub mended: Vec<String>,
    /// Each request that was made.
    pub attempts: Vec<Attempt>,
    /// When the last attempt began.
    #[serde(skip)]
    pub(crate) sent: Option<Instant>,
    /// Which key the last attempt was sent with.
    #[serde(skip)]
    pub(crate) key: Used,
    /// The answer's status, where the raw answer was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The answer's headers, where the raw answer was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<BTreeMap<String, String>>,
}

/// The digest of a key; what is printed does not show it.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Used(pub(crate) Option<[u8; 32]>);

impl std::fmt::Debug for Used {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("[key]")
    }
}

/// One request: the status that it was answered with, or how it failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Attempt {
    /// The status of its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The kind of its failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<&'static str>,
    /// Milliseconds that it took.
    pub ms: u64,
}

impl Attempt {
    pub(super) fn answered(status: u16, ms: u64) -> Self {
        Self { status: Some(status), failure: None, ms }
    }

    pub(super) fn failed(kind: Kind, ms: u64) -> Self {
        Self { status: None, failure: Some(kind.as_str()), ms }
    }
}

impl Meta {
    pub(crate) fn new(call: &Call) -> Self {
        Self::named(call.operation_id())
    }

    /// With what an earlier request of the same call did.
    pub(crate) fn after(mut self, earlier: Option<Self>) -> Self {
        if let Some(earlier) = earlier {
            // What was mended stays: paths speak of the answer that is given on.
            self.attempts.splice(0..0, earlier.attempts);
            self.waited_ms = self.waited_ms.saturating_add(earlier.waited_ms);
            self.duration_ms = self.duration_ms.saturating_add(earlier.duration_ms);
        }
        self
    }

    /// How long it took.
    pub(crate) fn duration(&self) -> Duration {
        Duration::from_millis(self.duration_ms)
    }

    /// With what later requests of the same call did.
    pub(crate) fn then(self, later: Self) -> Self {
        let (request_id, operation) = (self.request_id.clone(), self.operation.clone());
        Self { request_id, operation, mended: Vec::new(), ..later.after(Some(self)) }
    }

    /// For what sends nothing.
    pub(crate) fn named(operation: &str) -> Self {
        Self {
            request_id: request_id(),
            operation: operation.to_owned(),
            waited_ms: 0,
            duration_ms: 0,
            mended: Vec::new(),
            attempts: Vec::new(),
            sent: None,
            key: Used(None),
            status: None,
            headers: None,
        }
    }
}

/// 128 random bits: a forked process continues its parent's fast generators, and ids must differ all the same.
fn request_id() -> String {
    let mut bytes = [0; 16];
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        return format!("{:032x}", fastrand::u128(..));
    }
    format!("{:032x}", u128::from_be_bytes(bytes))
}

/// Headers as text, each put through `scrub`; a repeated one is joined by commas (RFC 9110 §5.3).
pub(super) fn headers(from: &HeaderMap, scrub: impl Fn(&str) -> String) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::<String, String>::new();
    for (name, value) in from {
        let value = scrub(&String::from_utf8_lossy(value.as_bytes()));
        headers
            .entry(name.as_str().to_owned())
            .and_modify(|known| {
                known.push_str(", ");
                known.push_str(&value);
            })
            .or_insert(value);
    }
    headers
}
