//! The one error type. It says what happened, to which operation and resource, after how many attempts, and what to do.

mod build;
mod cause;

use std::error::Error as StdError;
use std::fmt::{self, Write as _};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::attempt::{Meta, Outcome, Subject};
use crate::json::Json;
use crate::message::{Message, Style, sentence};
use crate::problem::RunProblem;
use crate::reason::Reason;
use crate::text::brief;
use cause::Cause;

/// The longest line of an error, in characters. Texts from servers and callers can have any length, so they are
/// shortened.
const LONGEST_LINE: usize = 1000;
/// The longest name in an error, in characters: the method with its arguments, or the resource.
const LONGEST_NAME: usize = 200;

/// Declares the closed set of kinds. Each kind has a name, which is the same in every language, and a family:
/// `argument`, `api`, `connection`, `timeout` or `other`. The family decides which base class the error class of the
/// kind has in a host language.
macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal ($family:ident)),* $(,)?) => {
        /// The kind of an error: a closed set, the same in every language.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind {
            $($(#[doc = $doc])* $variant,)*
        }

        impl Kind {
            /// The name of the kind, the same in every language, such as `not_found`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Every kind with its family and its description.
            pub(crate) const ALL: &'static [(&'static str, &'static str, &'static [&'static str])] =
                &[$(($name, stringify!($family), &[$($doc),*]),)*];
        }
    };
}

kinds! {
    /// A setting is missing, is malformed or contradicts another setting. Nothing was sent.
    Config = "config" (argument),
    /// An argument or option is wrong and nothing was sent, or the server found the request malformed (400).
    InvalidRequest = "invalid_request" (argument),
    /// The server refused the API key (401), or the function that returns the API key failed.
    Authentication = "authentication" (api),
    /// The API key does not permit this request (403).
    Permission = "permission" (api),
    /// The resource does not exist (404).
    NotFound = "not_found" (api),
    /// The request conflicts with something that exists (409).
    Conflict = "conflict" (api),
    /// The server found a value invalid (422, or 200 with a validation error). The details say why.
    Validation = "validation" (api),
    /// The wait for the rate limit would be too long, or the server refused every request (429) for minutes.
    RateLimited = "rate_limited" (api),
    /// The server failed (5xx, or "Internal Server Error" with status 200).
    Server = "server" (api),
    /// No connection to the server could be made, or the connection broke.
    Connect = "connect" (connection),
    /// No trusted TLS connection of version 1.2 or newer could be made.
    Tls = "tls" (connection),
    /// The proxy cannot be reached, or it refused to connect to the server.
    Proxy = "proxy" (connection),
    /// An attempt or the whole call took too long, or the server or a gateway gave up waiting (408, 499).
    Timeout = "timeout" (timeout),
    /// The call was cancelled.
    Cancelled = "cancelled" (other),
    /// The answer is not what the API documents.
    Protocol = "protocol" (other),
    /// A change was sent, and it is unknown whether the change took effect. Check before you repeat the call.
    OutcomeUnknown = "outcome_unknown" (other),
    /// The run failed, was cancelled or was interrupted, or it ended with warnings that count as a failure.
    RunFailed = "run_failed" (other),
    /// The run did not end within the time limit of the wait. The wait does not stop the run.
    WaitTimeout = "wait_timeout" (timeout),
    /// The client is closed.
    Closed = "closed" (other),
    /// A bug in this SDK. Please report it.
    Internal = "internal" (other),
}

impl fmt::Display for Kind {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.as_str())
    }
}

/// Why a call failed, or why a client could not be created. Never holds the key or a raw body.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: Kind,
    what: Message,
    status: Option<u16>,
    details: Option<Json>,
    subject: Option<Subject>,
    retry_after: Option<Duration>,
    hint: Option<Message>,
    causes: Vec<Message>,
    meta: Option<Meta>,
    /// The report of the request that failed. `meta` also covers the other requests of the call.
    request: Option<Meta>,
    run: Option<String>,
    problem: Option<RunProblem>,
    reason: Option<Reason>,
    outcome: Option<Outcome>,
    origin: Option<Arc<dyn StdError + Send + Sync>>,
    chain: OnceLock<Option<Box<Cause>>>,
}

impl Error {
    pub(crate) fn new(kind: Kind, what: impl Into<Message>) -> Self {
        Self(Box::new(Inner {
            kind,
            what: what.into(),
            status: None,
            details: None,
            subject: None,
            retry_after: None,
            hint: None,
            causes: Vec::new(),
            meta: None,
            request: None,
            run: None,
            problem: None,
            reason: None,
            outcome: None,
            origin: None,
            chain: OnceLock::new(),
        }))
    }

    /// The kind of the error.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The HTTP status, if the server answered.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// What the server said besides its message: a string for a 401, an object with a member for each wrong field for a
    /// 422. For `run_failed`, the last state of the run. For `outcome_unknown` after a trigger, an object may list the
    /// runs that the trigger may have started, as `candidates`. For an error of a batch, a list of items: those that
    /// did not succeed (`run_failed`), or those in progress (`wait_timeout`, `closed`).
    #[must_use]
    pub fn details(&self) -> Option<&Json> {
        self.0.details.as_ref()
    }

    /// The method that was called, such as `syncs.get`.
    #[must_use]
    pub fn operation(&self) -> Option<&str> {
        self.0.subject.as_ref().map(|subject| subject.method)
    }

    /// The API's own id of the operation, such as `GetSync`; `None` if the call is not an operation of the API.
    #[must_use]
    pub fn operation_id(&self) -> Option<&str> {
        self.0.subject.as_ref().and_then(|subject| subject.operation_id)
    }

    /// What the call was about: `sync 7`, `sync "orders"`, `run 12 of sync 7`.
    #[must_use]
    pub fn resource(&self) -> Option<&str> {
        self.0.subject.as_ref().and_then(|subject| subject.resource.as_deref())
    }

    /// How long to wait before another attempt, as the server asked or as the rate limit requires.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// What to do about the error, in one or more sentences.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        self.hint_in(Style::Rust)
    }

    /// The underlying errors, outermost first.
    #[must_use]
    pub fn causes(&self) -> Vec<String> {
        self.causes_in(Style::Rust)
    }

    /// The report of the call, if there is one.
    #[must_use]
    pub fn meta(&self) -> Option<&Meta> {
        self.0.meta.as_ref()
    }

    /// The report of the request that failed.
    pub(crate) fn request(&self) -> Option<&Meta> {
        self.0.request.as_ref()
    }

    /// The token of the run that the error is about, if there is one.
    #[must_use]
    pub fn run(&self) -> Option<&str> {
        self.0.run.as_deref()
    }

    /// Why the run did not succeed, for an error of kind `run_failed` that is about one run. The items of a batch have
    /// their own problems.
    #[must_use]
    pub fn problem(&self) -> Option<&RunProblem> {
        self.0.problem.as_ref()
    }

    /// A finer reason than the kind, such as `bad_token` or `dns`. A diagnosis uses the same codes.
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

    /// What happened, without the operation and the resource.
    pub(crate) fn what(&self) -> Message {
        self.0.what.clone()
    }

    /// The subject and the text of the error as one message, for use as a cause of another error.
    pub(crate) fn message(&self) -> Message {
        match &self.0.subject {
            Some(subject) => message![subject.written(), ": ", self.what()],
            None => self.what(),
        }
    }

    /// The text of [`Display`](fmt::Display), with names as the language of `style` spells them.
    pub(crate) fn in_style(&self, style: Style) -> String {
        let inner = &self.0;
        let mut what = brief(&inner.what.in_style(style), LONGEST_LINE);
        let attempts = inner.request.as_ref().map_or(0, |request| request.attempts.len());
        if attempts > 1 {
            let shown = what.trim_end_matches('.').len();
            what.truncate(shown);
            // Writing to a string cannot fail.
            let _ = write!(what, " (after {attempts} attempts)");
        }
        match &inner.subject {
            Some(subject) => {
                let subject = brief(&subject.written().in_style(style), LONGEST_NAME);
                sentence(&format!("{subject}: {what}"))
            }
            None => sentence(&what),
        }
    }

    pub(crate) fn hint_in(&self, style: Style) -> Option<String> {
        self.0.hint.as_ref().map(|hint| sentence(&hint.in_style(style)))
    }

    pub(crate) fn causes_in(&self, style: Style) -> Vec<String> {
        self.0.causes.iter().map(|cause| cause.in_style(style)).collect()
    }

    /// The hint, for use in another error.
    pub(crate) fn hint_message(&self) -> Option<&Message> {
        self.0.hint.as_ref()
    }

    pub(crate) fn cause_messages(&self) -> &[Message] {
        &self.0.causes
    }
}

impl fmt::Display for Error {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.in_style(Style::Rust))
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
            fields.field("hint", &hint.in_style(Style::Rust));
        }
        if !self.0.causes.is_empty() {
            fields.field("causes", &self.causes());
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
            self.causes()
                .into_iter()
                .rev()
                .fold(None, |beneath, text| Some(Box::new(Cause { text, beneath })))
        });
        chain.as_deref().map(|cause| cause as &(dyn StdError + 'static))
    }
}
