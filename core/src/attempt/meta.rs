//! How a call went, for logs and hooks.

use std::time::Duration;

use serde::Serialize;

use super::Subject;
use crate::message::Style;
use crate::text::brief;

const LONGEST_NAME: usize = 200;

/// How a call went: how long it waited and took, and each attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Meta {
    /// The id that the SDK gave the request; sent as `X-Request-Id` with every attempt.
    pub request_id: String,
    /// The method that was called: `syncs.get`.
    pub operation: String,
    /// The API's own id of the operation: `GetSync`; absent if the call is not an operation of the API.
    pub operation_id: Option<&'static str>,
    /// What the method was called on: `sync 7`, `sync "orders"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// Milliseconds spent waiting for the limit.
    pub waited_ms: u64,
    /// Milliseconds from start to end.
    pub duration_ms: u64,
    /// Paths of values that were missing or unusable and were replaced by a default.
    pub mended: Vec<String>,
    /// Each request that was made.
    pub attempts: Vec<Attempt>,
    /// Each time that a refusal (429) of this call lowered the limit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cuts: Vec<CutMade>,
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

/// A refusal (429) that lowered the limit for all clients of the workspace in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CutMade {
    /// Requests allowed per window from now on, until successes raise the number again.
    pub allowed: u64,
    /// Milliseconds for which nothing is sent.
    pub closed_ms: u64,
}

impl Attempt {
    pub(crate) fn answered(status: u16, ms: u64) -> Self {
        Self { status: Some(status), failure: None, ms }
    }

    pub(crate) fn failed(failure: &'static str, ms: u64) -> Self {
        Self { status: None, failure: Some(failure), ms }
    }
}

impl CutMade {
    pub(crate) fn new(allowed: u64, closed: Duration) -> Self {
        Self { allowed, closed_ms: u64::try_from(closed.as_millis()).unwrap_or(u64::MAX) }
    }
}

impl Meta {
    /// Creates the meta of a call that has done nothing yet.
    pub(crate) fn of(subject: &Subject) -> Self {
        Self {
            request_id: request_id(),
            operation: subject.method.to_owned(),
            operation_id: subject.operation_id,
            resource: subject.resource.as_deref().map(|resource| brief(resource, LONGEST_NAME)),
            waited_ms: 0,
            duration_ms: 0,
            mended: Vec::new(),
            attempts: Vec::new(),
            cuts: Vec::new(),
        }
    }

    /// Reports these attempts under the name of another call, for which this call was a preparation or a follow-up.
    pub(crate) fn named(self, subject: &Subject) -> Self {
        let Self { operation, operation_id, resource, .. } = Self::of(subject);
        Self { operation, operation_id, resource, ..self }
    }

    /// Writes the operation's name as a language does.
    pub(crate) fn in_style(mut self, style: Style) -> Self {
        self.operation = style.method(&self.operation);
        self
    }

    /// How many attempts were refused by the limit.
    pub(crate) fn refused(&self) -> usize {
        self.attempts.iter().filter(|attempt| attempt.status == Some(429)).count()
    }
}

/// 128 random bits from the system: a forked process continues its parent's fast generator, and its ids must differ.
fn request_id() -> String {
    let mut bytes = [0; 16];
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        return format!("{:032x}", fastrand::u128(..));
    }
    format!("{:032x}", u128::from_be_bytes(bytes))
}
