//! The report of a call, for logs, hooks and errors.

use std::time::Duration;

use serde::{Serialize, Serializer};

use super::Subject;
use crate::limit::Scope;
use crate::message::Style;
use crate::text::brief;

const LONGEST_NAME: usize = 200;

/// The report of a call: how long the call waited and took, and what each of its attempts did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Meta {
    /// The id of the call: 32 hexadecimal digits. The start and the end of a call have the same id in hooks, and so do
    /// the notices in between. All requests that the call needs share this id.
    pub call_id: String,
    /// The id that the SDK gave the call's own request. Each attempt sends the id as `X-Request-Id`. Other requests of
    /// the call, such as the look-up of a slug, have ids of their own.
    pub request_id: String,
    /// The method that was called, such as `syncs.get`; `run` for a request that reads the state of a followed run.
    pub operation: String,
    /// The API's own id of the operation, such as `GetSync`; absent if the call is not an operation of the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<&'static str>,
    /// What the method was called on, such as `sync 7` or `sync "orders"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The sync that the call is about, as the caller named it: its id or its slug. For a run that is followed, the
    /// id of its sync.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync: Option<String>,
    /// Milliseconds spent waiting for the rate limit.
    pub waited_ms: u64,
    /// Milliseconds from the start of the call to its end.
    pub duration_ms: u64,
    /// Paths of values in the answer that were missing or unusable and were replaced by a default.
    pub mended: Vec<String>,
    /// The attempts, oldest first. Each is one HTTP request.
    pub attempts: Vec<Attempt>,
    /// The cuts: one for each refusal (429) of this call that lowered the limit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cuts: Vec<CutMade>,
    /// The changes in who shares the limit, if this call was the first to notice them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scope_changes: Vec<ScopeChanged>,
}

/// One HTTP request of a call: the status of its answer, or the kind of its failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Attempt {
    /// The HTTP status of the answer; absent if `failure` is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The kind of the failure, such as `timeout`, if no complete and readable answer came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<&'static str>,
    /// Milliseconds from the start of the call to the start of the attempt.
    pub at_ms: u64,
    /// Milliseconds that the attempt took, without the wait for the rate limit.
    pub ms: u64,
}

/// A cut: a refusal (429) that lowered the limit for all who share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CutMade {
    /// Requests allowed per window from now on, until successes raise the number again.
    pub allowed: u64,
    /// For this many milliseconds, no process that shares the limit sends a request.
    pub closed_ms: u64,
}

/// A change in who shares the limit: this process now keeps the limit alone although the settings ask to share it, or
/// shares it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ScopeChanged {
    /// Who shares the limit from now on.
    #[serde(serialize_with = "name_of")]
    pub scope: Scope,
    /// Why the limit is not shared although the settings ask for a shared limit; `None` if the limit is shared again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn name_of<S: Serializer>(scope: &Scope, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(scope.as_str())
}

impl Attempt {
    pub(crate) fn answered(status: u16) -> Self {
        Self { status: Some(status), failure: None, at_ms: 0, ms: 0 }
    }

    pub(crate) fn failed(failure: &'static str) -> Self {
        Self { status: None, failure: Some(failure), at_ms: 0, ms: 0 }
    }

    /// Sets when the attempt began and how long it took.
    pub(crate) fn timed(self, at_ms: u64, ms: u64) -> Self {
        Self { at_ms, ms, ..self }
    }
}

impl CutMade {
    pub(crate) fn new(allowed: u64, closed: Duration) -> Self {
        Self { allowed, closed_ms: u64::try_from(closed.as_millis()).unwrap_or(u64::MAX) }
    }
}

impl ScopeChanged {
    pub(crate) fn new(scope: Scope, fallback: Option<String>) -> Self {
        Self { scope, fallback }
    }
}

impl Meta {
    /// Creates the report of a call that has done nothing yet, with an id of its own.
    pub(crate) fn of(subject: &Subject) -> Self {
        Self::of_call(subject, random_id())
    }

    /// Creates the report of a request of the call `call_id`, or of that call itself.
    pub(crate) fn of_call(subject: &Subject, call_id: String) -> Self {
        Self {
            request_id: request_id(&call_id),
            call_id,
            operation: subject.method.to_owned(),
            operation_id: subject.operation_id,
            resource: subject.resource.as_deref().map(|resource| brief(resource, LONGEST_NAME)),
            sync: subject.sync.as_deref().map(|sync| brief(sync, LONGEST_NAME)),
            waited_ms: 0,
            duration_ms: 0,
            mended: Vec::new(),
            attempts: Vec::new(),
            cuts: Vec::new(),
            scope_changes: Vec::new(),
        }
    }

    /// Returns the same report with the name of `subject`. The report of a call covers all its requests, but hooks see
    /// each request, such as the look-up of a slug, under its own name.
    pub(crate) fn named(self, subject: &Subject) -> Self {
        let Self { call_id, request_id, .. } = self;
        let named = Self::of_call(subject, call_id);
        let Self { operation, operation_id, resource, sync, call_id, .. } = named;
        Self { call_id, request_id, operation, operation_id, resource, sync, ..self }
    }

    /// Writes the name of the method in the spelling of a language.
    pub(crate) fn in_style(mut self, style: Style) -> Self {
        self.operation = style.method(&self.operation);
        self
    }

    /// How many attempts the server refused with 429.
    pub(crate) fn refused(&self) -> usize {
        self.attempts.iter().filter(|attempt| attempt.status == Some(429)).count()
    }
}

/// Creates an id of 128 random bits. `fastrand` is only the fallback: in a forked process, `fastrand` continues the
/// random sequence of the parent, so both processes would create the same ids.
pub(crate) fn random_id() -> String {
    let mut bytes = [0; 16];
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        bytes = fastrand::u128(..).to_be_bytes();
    }
    with_digits("", &bytes)
}

/// Creates the id of a request of the call `call_id`: the first half of that id, and 64 more random bits. The first
/// half differs in each process, so the cheap `fastrand` is enough for the rest.
fn request_id(call_id: &str) -> String {
    match call_id.get(..16) {
        Some(half) => with_digits(half, &fastrand::u64(..).to_be_bytes()),
        None => random_id(),
    }
}

/// Appends bytes to a text as hexadecimal digits.
fn with_digits(text: &str, bytes: &[u8]) -> String {
    let mut id = String::with_capacity(text.len() + 2 * bytes.len());
    id.push_str(text);
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    id.extend(digits.filter_map(|digit| char::from_digit(digit.into(), 16)));
    id
}
