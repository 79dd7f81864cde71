//! Spans and events for `tracing`. Without the feature `tracing`, the functions of this module do nothing.

#[cfg(feature = "tracing")]
pub(super) use on::{Span, attempt, event, in_current};

#[cfg(not(feature = "tracing"))]
pub(super) use off::{Span, attempt, event, in_current};

#[cfg(feature = "tracing")]
mod on {
    use std::future::Future;

    use futures_util::future::BoxFuture;
    use tracing::{Instrument as _, Level, field};

    use super::super::notices::Event;
    use crate::attempt::{Attempt, Meta};
    use crate::call::Call;
    use crate::config::Config;
    use crate::error::Error;

    /// The span of one call with all its attempts.
    pub(in super::super) struct Span(tracing::Span);

    impl Span {
        pub(in super::super) fn new(call: &Call, config: &Config, meta: &Meta) -> Self {
            let span = tracing::span!(
                Level::INFO,
                "hightouch call",
                "otel.name" = meta.operation,
                "otel.kind" = "client",
                "otel.status_code" = field::Empty,
                operation = meta.operation,
                operation_id = meta.operation_id,
                resource = meta.resource,
                sync = meta.sync,
                call_id = meta.call_id,
                request_id = meta.request_id,
                "http.request.method" = call.method().as_str(),
                "url.template" = call.operation().map(|operation| operation.path),
                "server.address" = config.base.host_str(),
                "server.port" = config.base.port_or_known_default(),
                "http.response.status_code" = field::Empty,
                "http.request.resend_count" = field::Empty,
                "error.type" = field::Empty,
                waited_ms = field::Empty,
            );
            Self(span)
        }

        /// Runs a function inside the span, so that hooks can propagate the span.
        pub(in super::super) fn enter<T>(&self, run: impl FnOnce() -> T) -> T {
            self.0.in_scope(run)
        }

        /// Runs a future inside the span.
        pub(in super::super) fn around<'a, T>(
            &self,
            future: impl Future<Output = T> + Send + 'a,
        ) -> BoxFuture<'a, T> {
            Box::pin(future.instrument(self.0.clone()))
        }

        pub(in super::super) fn end(&self, meta: &Meta, error: Option<&Error>) {
            if let Some(status) = meta.attempts.last().and_then(|last| last.status) {
                self.0.record("http.response.status_code", status);
            }
            if let Some(resent @ 1..) = meta.attempts.len().checked_sub(1) {
                self.0.record("http.request.resend_count", resent);
            }
            self.0.record("waited_ms", meta.waited_ms);
            if let Some(error) = error {
                self.0.record("error.type", error.kind().as_str());
                self.0.record("otel.status_code", "ERROR");
            }
        }
    }

    /// Runs a task inside the span that is current now, even if another thread runs the task.
    pub(in super::super) fn in_current<T>(task: impl Future<Output = T>) -> impl Future<Output = T> {
        task.in_current_span()
    }

    /// Emits an event for an attempt that has ended.
    pub(in super::super) fn attempt(meta: &Meta, attempt: &Attempt) {
        tracing::event!(
            Level::DEBUG,
            "http.response.status_code" = attempt.status,
            "error.type" = attempt.failure,
            "http.request.resend_count" = meta.attempts.len(),
            at_ms = attempt.at_ms,
            ms = attempt.ms,
            "attempt"
        );
    }

    pub(in super::super) fn event(meta: &Meta, event: &Event) {
        tracing::event!(
            Level::INFO,
            event = event.name(),
            call_id = meta.call_id,
            operation = meta.operation,
            resource = meta.resource,
            sync = meta.sync,
            "{event}"
        );
    }
}

#[cfg(not(feature = "tracing"))]
mod off {
    use std::future::Future;

    use futures_util::future::BoxFuture;

    use super::super::notices::Event;
    use crate::attempt::{Attempt, Meta};
    use crate::call::Call;
    use crate::config::Config;
    use crate::error::Error;

    pub(in super::super) struct Span;

    #[expect(clippy::unused_self, reason = "with the feature these methods use the span")]
    impl Span {
        pub(in super::super) fn new(_: &Call, _: &Config, _: &Meta) -> Self {
            Self
        }

        pub(in super::super) fn enter<T>(&self, run: impl FnOnce() -> T) -> T {
            run()
        }

        pub(in super::super) fn around<'a, T>(
            &self,
            future: impl Future<Output = T> + Send + 'a,
        ) -> BoxFuture<'a, T> {
            Box::pin(future)
        }

        pub(in super::super) fn end(&self, _: &Meta, _: Option<&Error>) {}
    }

    pub(in super::super) fn in_current<T>(task: impl Future<Output = T>) -> impl Future<Output = T> {
        task
    }

    pub(in super::super) fn attempt(_: &Meta, _: &Attempt) {}

    pub(in super::super) fn event(_: &Meta, _: &Event) {}
}
