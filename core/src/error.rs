//! The one error: what happened, to which operation and resource, after how many attempts, and what to do.

use std::error::Error as StdError;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::attempt::{Meta, Outcome};
use crate::json::Json;
use crate::reason::Reason;
use crate::text::brief;

/// What one line of an error holds at most; servers, callers and paths may bring any length.
const LONGEST_LINE: usize = 1000;
/// What a name holds at most: of an operation, a resource, one cause of many.
const LONGEST_NAME: usize = 200;

/// Declares the closed set of kinds, with their names at the door.
macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal),* $(,)?) => {
        /// What kind of thing went wrong: a closed set, the same in every language.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind {
            $($(#[doc = $doc])* $variant,)*
        }

        impl Kind {
            /// The name that crosses the door.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Every kind with its description.
            pub(crate) const ALL: &'static [(&'static str, &'static [&'static str])] =
                &[$(($name, &[$($doc),*]),)*];
        }
    };
}

kinds! {
    /// A setting is missing, malformed or contradicts another. Nothing was sent.
    Config = "config",
    /// A call's arguments or options are wrong, or the server found the request malformed (400).
    InvalidRequest = "invalid_request",
    /// The key was refused (401).
    Authentication = "authentication",
    /// The key may not do this (403).
    Permission = "permission",
    /// There is no such thing (404).
    NotFound = "not_found",
    /// It clashes with what is there (409).
    Conflict = "conflict",
    /// The server found the values invalid (422, or a validation error under 200).
    Validation = "validation",
    /// The limit refused the request (429) and the call may not wait long enough.
    RateLimited = "rate_limited",
    /// The server failed (5xx, or "Internal Server Error" under 200).
    Server = "server",
    /// No connection could be made, or it broke.
    Connect = "connect",
    /// No trusted, modern enough TLS connection could be made.
    Tls = "tls",
    /// The proxy failed or refused.
    Proxy = "proxy",
    /// An attempt or the whole call took longer than allowed.
    Timeout = "timeout",
    /// The caller cancelled the call.
    Cancelled = "cancelled",
    /// The answer is not what the API documents.
    Protocol = "protocol",
    /// A request that changes something was sent, and whether it happened cannot be known.
    OutcomeUnknown = "outcome_unknown",
    /// The run that was waited for did not end well.
    RunFailed = "run_failed",
    /// The run had not ended in the time given; it goes on.
    WaitTimeout = "wait_timeout",
    /// The client was closed.
    Closed = "closed",
    /// A defect of this SDK.
    Internal = "internal",
}

impl fmt::Display for Kind {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.as_str())
    }
}

/// Why a call failed. Never holds the key or a raw body.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: Kind,
    what: String,
    status: Option<u16>,
    details: Option<Json>,
    operation: Option<String>,
    resource: Option<String>,
    retry_after: Option<Duration>,
    hint: Option<String>,
    causes: Vec<String>,
    meta: Option<Meta>,
    run: Option<String>,
    reason: Option<Reason>,
    outcome: Option<Outcome>,
    origin: Option<Arc<dyn StdError + Send + Sync>>,
    chain: OnceLock<Option<Box<Cause>>>,
}

/// A cause as an error of its own, for those who walk [`source`](StdError::source).
#[derive(Clone, Debug)]
struct Cause {
    text: String,
    beneath: Option<Box<Cause>>,
}

impl fmt::Display for Cause {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.text)
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.beneath.as_deref().map(|beneath| beneath as &(dyn StdError + 'static))
    }
}

impl Error {
    pub(crate) fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            what: what.into(),
            status: None,
            details: None,
            operation: None,
            resource: None,
            retry_after: None,
            hint: None,
            causes: Vec::new(),
            meta: None,
            run: None,
            reason: None,
            outcome: None,
            origin: None,
            chain: OnceLock::new(),
        }))
    }

    /// What kind of thing went wrong.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The HTTP status that the server answered with, where there was an answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// What the server said beside its message: text for a 401, an object by field for a 422; for a run that failed,
    /// the run.
    #[must_use]
    pub fn details(&self) -> Option<&Json> {
        self.0.details.as_ref()
    }

    /// The vendor's name of the operation.
    #[must_use]
    pub fn operation(&self) -> Option<&str> {
        self.0.operation.as_deref()
    }

    /// What it was done to: `sync 7`, `sync "orders"`, `run 12 of sync 7`.
    #[must_use]
    pub fn resource(&self) -> Option<&str> {
        self.0.resource.as_deref()
    }

    /// How long the server asked to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The errors beneath, outermost first.
    #[must_use]
    pub fn causes(&self) -> &[String] {
        &self.0.causes
    }

    /// What the call's attempts were.
    #[must_use]
    pub fn meta(&self) -> Option<&Meta> {
        self.0.meta.as_ref()
    }

    /// The token of the run that the error speaks of.
    #[must_use]
    pub fn run(&self) -> Option<&str> {
        self.0.run.as_deref()
    }

    /// Why, more finely than the kind: the code that a diagnosis would give, such as `bad_token` or `dns`.
    #[must_use]
    pub fn code(&self) -> Option<&'static str> {
        self.0.reason.map(Reason::code)
    }

    pub(crate) fn reason(&self) -> Option<Reason> {
        self.0.reason
    }

    /// What happened to the last attempt.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        self.0.outcome
    }

    pub(crate) fn what(&self) -> &str {
        &self.0.what
    }

    pub(crate) fn with_what(mut self, what: String) -> Self {
        self.0.what = what;
        self
    }

    pub(crate) fn with_kind(mut self, kind: Kind) -> Self {
        self.0.kind = kind;
        self
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    pub(crate) fn with_details(mut self, details: Option<Json>) -> Self {
        self.0.details = details;
        self
    }

    /// With the operation that failed and what it was done to.
    pub(crate) fn at(mut self, operation: &str, resource: Option<&str>) -> Self {
        self.0.operation = Some(brief(operation, LONGEST_NAME));
        self.0.resource = resource.map(|resource| brief(resource, LONGEST_NAME));
        self
    }

    pub(crate) fn with_outcome(mut self, outcome: Outcome) -> Self {
        self.0.outcome = Some(outcome);
        self
    }

    /// With the user's own error beneath it.
    pub(crate) fn with_origin(mut self, origin: Arc<dyn StdError + Send + Sync>) -> Self {
        self.0.origin = Some(origin);
        self
    }

    pub(crate) fn with_retry_after(mut self, after: Option<Duration>) -> Self {
        self.0.retry_after = after;
        self
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    pub(crate) fn with_reason(mut self, reason: impl Into<Option<Reason>>) -> Self {
        self.0.reason = reason.into();
        self
    }

    pub(crate) fn with_causes(mut self, causes: Vec<String>) -> Self {
        self.0.causes = causes;
        self.0.chain = OnceLock::new();
        self
    }

    pub(crate) fn with_meta(mut self, meta: Meta) -> Self {
        self.0.meta = Some(meta);
        self
    }

    pub(crate) fn with_run(mut self, token: String) -> Self {
        self.0.run = Some(token);
        self
    }

    /// Takes the key out of everything that came from outside.
    pub(crate) fn scrubbed(mut self, scrub: impl Fn(&str) -> String) -> Self {
        let inner = &mut self.0;
        inner.what = scrub(&inner.what);
        inner.operation = inner.operation.as_deref().map(&scrub);
        inner.resource = inner.resource.as_deref().map(&scrub);
        if let Some(meta) = &mut inner.meta {
            meta.operation = scrub(&meta.operation);
        }
        // Cut after that: half a key would not be found.
        inner.causes = inner.causes.iter().map(|cause| brief(&scrub(cause), LONGEST_LINE)).collect();
        inner.chain = OnceLock::new();
        inner.details = inner.details.take().map(|details| details.map_text(&scrub));
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        if let Some(operation) = &inner.operation {
            write!(to, "{operation}")?;
            if let Some(resource) = &inner.resource {
                write!(to, " of {resource}")?;
            }
            write!(to, ": ")?;
        }
        write!(to, "{}", brief(&inner.what, LONGEST_LINE))?;
        match inner.meta.as_ref().map_or(0, |meta| meta.attempts.len()) {
            0 | 1 => Ok(()),
            attempts => write!(to, " (after {attempts} attempts)"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = to.debug_struct("Error");
        fields.field("kind", &self.0.kind.as_str()).field("message", &self.to_string());
        if let Some(status) = self.0.status {
            fields.field("status", &status);
        }
        if let Some(hint) = &self.0.hint {
            fields.field("hint", hint);
        }
        if !self.0.causes.is_empty() {
            fields.field("causes", &self.0.causes);
        }
        fields.finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let inner = &self.0;
        if let Some(origin) = &inner.origin {
            return Some(&**origin);
        }
        let chain = inner.chain.get_or_init(|| {
            let beneath = |beneath, text: &String| Some(Box::new(Cause { text: text.clone(), beneath }));
            inner.causes.iter().rev().fold(None, beneath)
        });
        chain.as_deref().map(|cause| cause as &(dyn StdError + 'static))
    }
}
