//! Notices: what a call reports before it ends. The door (the interface to the host languages) passes the notices to a
//! host that asked for notices. The feature `tracing` turns notices into events of the call's span.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::attempt::{CutMade, Meta};
use crate::message::Style;
use crate::text::span;

/// What a notice reports.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// The call still waits for the limit.
    Waiting(Duration),
    /// The call has waited for the limit for a long time, and is sent now.
    Waited(Duration),
    /// From now on, the limit is not shared, although the settings ask for a shared limit. The text is the reason.
    Alone(String),
    /// The limit is shared again.
    Shared,
    /// A 429 answer lowered the limit.
    Cut(CutMade),
    /// The request failed, and is sent again after a pause. The text describes the failure.
    Retry(String, Duration),
    /// A trigger has succeeded. The text is the id of its run; `None` if the answer names no run.
    Started(Option<String>),
    /// The trigger sent nothing, because a run was in progress. The text is the id of that run.
    Joined(String),
    /// The answer to a trigger was lost, and the call searches for the run.
    Searching,
    /// The answer to a trigger was lost, but its run was found. The text is the id of the run.
    Adopted(String),
    /// The run cannot be read any more. The text is the error.
    Unreachable(String),
    /// The run can be read again.
    Reachable,
}

impl Event {
    /// The name of the event, the same in every version and language.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Waiting(_) => "waiting",
            Self::Waited(_) => "waited",
            Self::Alone(_) => "alone",
            Self::Shared => "shared",
            Self::Cut(_) => "cut",
            Self::Retry(..) => "retry",
            Self::Started(_) => "started",
            Self::Joined(_) => "joined",
            Self::Searching => "searching",
            Self::Adopted(_) => "adopted",
            Self::Unreachable(_) => "unreachable",
            Self::Reachable => "reachable",
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting(waited) => {
                write!(to, "has waited for the rate limit for {}, and goes on waiting", span(*waited))
            }
            Self::Waited(waited) => {
                write!(to, "is sent after it has waited for the rate limit for {}", span(*waited))
            }
            Self::Alone(why) => {
                write!(to, "keeps within a rate limit that other processes do not share: {why}")
            }
            Self::Shared => to.write_str("shares the rate limit with the others again"),
            Self::Cut(cut) => write!(
                to,
                "was refused because of the rate limit (429). Up to {} requests per window are sent from now on, and none \
                 for the next {}",
                cut.allowed,
                span(Duration::from_millis(cut.closed_ms))
            ),
            Self::Retry(why, pause) => write!(to, "failed ({why}) and is sent again in {}", span(*pause)),
            Self::Started(Some(run)) => write!(to, "has started run {run}"),
            Self::Started(None) => to.write_str("has succeeded"),
            Self::Joined(run) => write!(to, "has joined run {run}, which was in progress"),
            Self::Searching => to.write_str(
                "has lost the answer of the server, and looks for the run that it may have started",
            ),
            Self::Adopted(run) => write!(to, "has found its run: {run}"),
            Self::Unreachable(why) => write!(to, "cannot be read at present, and is tried again: {why}"),
            Self::Reachable => to.write_str("can be read again"),
        }
    }
}

pub(crate) struct Notice<'a> {
    pub meta: &'a Meta,
    /// How many requests the call has sent.
    pub sent: usize,
    /// How long the call has waited for the limit.
    pub waited: Duration,
    pub event: &'a Event,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    event: &'static str,
    text: String,
    call_id: &'a str,
    operation: String,
    operation_id: Option<&'static str>,
    resource: Option<&'a str>,
    sync: Option<&'a str>,
    /// How many requests the call has sent.
    attempt: usize,
    waited_ms: u64,
}

impl Notice<'_> {
    /// Writes the notice as hosts get it.
    pub(crate) fn to_json(&self, style: Style) -> String {
        let Meta { call_id, operation, operation_id, resource, sync, .. } = self.meta;
        let operation = style.method(operation);
        let subject = match resource.as_deref() {
            Some(run) if operation == "run" => run.to_owned(),
            Some(resource) => format!("{operation} ({resource})"),
            None => operation.clone(),
        };
        let written = Written {
            event: self.event.name(),
            text: format!("{subject} {}.", self.event),
            call_id,
            operation,
            operation_id: *operation_id,
            resource: resource.as_deref(),
            sync: sync.as_deref(),
            attempt: self.sent,
            waited_ms: super::millis(self.waited),
        };
        serde_json::to_string(&written).unwrap_or_default()
    }
}

/// Receives the notices of a call.
pub(crate) type Listener = Arc<dyn Fn(&Notice<'_>) + Send + Sync>;

tokio::task_local! {
    static LISTENER: Listener;
}

/// Runs a call and passes its notices to `listener`.
pub(crate) async fn with_listener<T>(listener: Listener, call: impl Future<Output = T>) -> T {
    LISTENER.scope(listener, call).await
}

/// Whether a host has asked for the notices of the current call.
pub(crate) fn has_listener() -> bool {
    LISTENER.try_with(|_| ()).is_ok()
}

/// Whether notices of the current call reach a host or `tracing`. Check this before copying a report for a notice.
pub(crate) fn is_heard() -> bool {
    cfg!(feature = "tracing") || has_listener()
}

/// Sends a notice of what happened to the current call. `meta` is the report of the whole call.
pub(crate) fn tell(meta: &Meta, waited: Duration, event: &Event) {
    tell_of(meta, meta.attempts.len(), waited, event);
}

/// Sends a notice of what happened to the current call. `sent` is the number of requests that the call has sent, and
/// `meta` the report of one of these requests.
pub(super) fn tell_of(meta: &Meta, sent: usize, waited: Duration, event: &Event) {
    super::spans::event(meta, event);
    let _ = LISTENER.try_with(|listener| listener(&Notice { meta, sent, waited, event }));
}
