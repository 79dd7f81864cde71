//! What the core adds to an error before a caller sees it.

use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Duration;

use super::{Error, Kind, LONGEST_LINE, LONGEST_NAME};
use crate::attempt::{Meta, Outcome, Subject};
use crate::json::Json;
use crate::message::Message;
use crate::problem::RunProblem;
use crate::reason::Reason;
use crate::text::brief;

impl Error {
    pub(crate) fn with_what(mut self, what: impl Into<Message>) -> Self {
        self.0.what = what.into();
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

    /// Adds the method that failed and what it was called on.
    pub(crate) fn at(mut self, subject: &Subject) -> Self {
        self.0.subject = Some(subject.clone().map_text(|text| brief(text, LONGEST_NAME)));
        self
    }

    pub(crate) fn with_outcome(mut self, outcome: Outcome) -> Self {
        self.0.outcome = Some(outcome);
        self
    }

    /// Adds an error of the user's code, which becomes the [`source`](StdError::source).
    pub(crate) fn with_origin(mut self, origin: Arc<dyn StdError + Send + Sync>) -> Self {
        self.0.origin = Some(origin);
        self
    }

    pub(crate) fn with_retry_after(mut self, after: Option<Duration>) -> Self {
        self.0.retry_after = after;
        self
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<Message>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    pub(crate) fn with_reason(mut self, reason: impl Into<Option<Reason>>) -> Self {
        self.0.reason = reason.into();
        self
    }

    pub(crate) fn with_causes(mut self, causes: impl IntoIterator<Item: Into<Message>>) -> Self {
        self.0.causes = causes.into_iter().map(Into::into).collect();
        self.0.chain = OnceLock::new();
        self
    }

    /// Adds the report of the call. If the error has no report of the request that failed, this report is used for the
    /// request too.
    pub(crate) fn with_meta(mut self, meta: Meta) -> Self {
        self.0.request.get_or_insert_with(|| meta.clone());
        self.with_looks(meta)
    }

    /// Adds the report of the request that failed.
    pub(crate) fn of_request(mut self, meta: Meta) -> Self {
        self.0.request = Some(meta);
        self
    }

    /// Adds the report of a wait for a run, with the attempts of every request that read the state of the run. The text
    /// of the error names only the attempts of the request that failed.
    pub(crate) fn with_looks(mut self, meta: Meta) -> Self {
        self.0.meta = Some(meta);
        self
    }

    pub(crate) fn with_run(mut self, token: String) -> Self {
        self.0.run = Some(token);
        self
    }

    /// Adds why the run did not succeed. The summary and the advice of the problem become the hint.
    pub(crate) fn with_problem(self, problem: Option<RunProblem>) -> Self {
        let Some(problem) = problem else { return self };
        let mut error = self.with_hint(problem.hint());
        error.0.problem = Some(problem);
        error
    }

    /// Removes secrets from every text that may come from outside.
    pub(crate) fn scrubbed(mut self, scrub: impl Fn(&str) -> String) -> Self {
        let inner = &mut self.0;
        inner.what = std::mem::take(&mut inner.what).map_text(&scrub);
        inner.hint = inner.hint.take().map(|hint| hint.map_text(&scrub));
        inner.subject = inner.subject.take().map(|subject| subject.map_text(&scrub));
        for meta in inner.meta.iter_mut().chain(&mut inner.request) {
            meta.resource = meta.resource.take().map(|resource| scrub(&resource));
        }
        // A cause is scrubbed before it is shortened, because scrubbing would not find a key that was cut off.
        let short = |text: &str| brief(&scrub(text), LONGEST_LINE);
        inner.causes =
            std::mem::take(&mut inner.causes).into_iter().map(|cause| cause.map_text(short)).collect();
        inner.chain = OnceLock::new();
        inner.details = inner.details.take().map(|details| details.map_text(&scrub));
        if let Some(problem) = &mut inner.problem {
            problem.error = problem.error.take().map(|text| scrub(&text));
        }
        self
    }
}
