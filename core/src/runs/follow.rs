//! One step of following a run: waits until the state of the run differs from the state that the caller knew.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::FutureExt as _;
use serde::{Deserialize, Serialize};
use tokio::task::unconstrained;
use tokio::time::Instant;

use super::expired;
use super::followed::{Followed, Following};
use super::pace::{LOOK_AT_LEAST, MISSING_BORNE, PAGE_BORNE, UNREADABLE_BORNE, pause};
use super::state::{Ending, RunState};
use super::step_report::StepReport;
use super::sweep::{self, PageRequests};
use super::token::RunToken;
use crate::attempt::{Meta, Subject};
use crate::call::{Call, Options, Spent};
use crate::error::{Error, Kind};
use crate::limit::Class;
use crate::sender::{Event, Sender, tell};
use crate::timers::timeout_at;

/// What a caller knows about a run, and when the run was last read. A host passes this value back without reading it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// The last state from the server as JSON, if any.
    state: Option<String>,
    /// When the run was last read, in milliseconds since 1970.
    at: i64,
    /// Since when the run has been missing from answers, in milliseconds since 1970.
    missing: Option<i64>,
    /// Since when a gateway seems to answer in place of the API, in milliseconds since 1970.
    #[serde(default)]
    unreadable: Option<i64>,
}

impl Seen {
    pub(crate) fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// What the looks so far have shown.
    pub(super) fn shown(&self) -> Shown {
        match (&self.state, self.missing) {
            (Some(_), None) => Shown::State,
            (Some(_), Some(_)) => Shown::NoLongerListed,
            (None, Some(_)) => Shown::NotListed,
            (None, None) => Shown::Nothing,
        }
    }

    pub(crate) fn decode(text: &str) -> Result<Self, Error> {
        URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or_else(
            || Error::new(Kind::InvalidRequest, "`seen` was not returned by an earlier step of a run"),
        )
    }
}

/// What the looks at a run have shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// No look has been answered.
    Nothing,
    /// Answers lack the run, and no earlier answer had it.
    NotListed,
    /// An earlier answer had the run, and the last answer lacks it.
    NoLongerListed,
    /// The last answer had the run.
    State,
}

#[derive(Debug)]
pub(crate) struct FollowStep<S> {
    pub state: Option<S>,
    pub seen: Seen,
    pub changed: bool,
    pub meta: Meta,
    /// Why the last reading of the run failed, if it failed.
    pub failure: Option<Error>,
}

impl<S: RunState> FollowStep<S> {
    pub(crate) fn ending(&self) -> Option<Ending> {
        self.state.as_ref().and_then(RunState::ending)
    }
}

/// Returns once the state of the run differs from `seen`, the run has ended, or the time `until` has come. A look (a
/// request that reads the run) that begins before `until` gets at least [`LOOK_AT_LEAST`] to end, so that even a short
/// step gets an answer.
pub(crate) async fn next<S: RunState>(
    sender: &Sender,
    token: &RunToken,
    seen: Seen,
    until: Option<Instant>,
    options: &Options,
) -> Result<FollowStep<S>, Error> {
    let followed = sender.part::<Followed>();
    let pages = PageRequests::new();
    let report = StepReport::new(sender.account(call::<S>(token)?.subject(), options, false));
    let mut lead = pin!(sweep::lead::<S>(sender, &followed, &report, &pages));
    let options = report.options(options);
    let mut following = follow::<S>(sender, &followed, &report, token, seen, &options);
    let step = tokio::select! {
        biased;
        // The step is polled before `over`. If the call is cancelled or the client is closed while a request for the
        // run is in flight, the step adds the request to the report and then fails. `over` would fail at once, and the
        // request would be missing from the report.
        step = following.until(until) => step,
        over = sender.over() => Err(over),
        never = &mut lead => match never {},
    };
    finish(lead, &pages, until).await;
    step.map(|step| FollowStep { meta: report.meta(), ..step }).map_err(|error| {
        let interrupted = matches!(error.kind(), Kind::Cancelled | Kind::Closed);
        let error = error.with_run(token.encode()).with_looks(report.meta());
        let hint = expired::interrupted(following.made.seen.shown());
        if interrupted { error.with_hint(hint) } else { error }
    })
}

/// If a page of the list of syncs has been requested, waits for the page. The request would count towards the limit
/// even if nobody used the page. Cancels the request at `until`, or after [`PAGE_BORNE`].
async fn finish(
    mut lead: Pin<&mut impl Future<Output = Infallible>>,
    pages: &PageRequests,
    until: Option<Instant>,
) {
    let page = poll_fn(|context| {
        if pages.is_open() && lead.as_mut().poll(context).is_pending() && pages.is_open() {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    });
    // A slow page of the list must not delay the result of the step for long.
    let most = Instant::now() + PAGE_BORNE;
    if timeout_at(until.map_or(most, |until| until.min(most)), page).await.is_err() {
        // If the request were only dropped, hooks would not see its end.
        pages.give_up.cancel();
        let _ = unconstrained(lead).now_or_never();
    }
}

/// Reads the run once, without waiting for a change.
///
/// # Errors
/// Kind `not_found` if the server does not list the run.
pub(crate) async fn look<S: RunState>(
    sender: &Sender,
    token: &RunToken,
    options: &Options,
) -> Result<(S, Meta), Error> {
    let subject = Subject { method: "run.state", ..token.subject() };
    let call = S::call(&token.parent, &token.run)?.of_class(Class::Poll).on_run(subject);
    let mut spent = sender.account(call.subject(), options, false);
    let state = match sender.value::<S::Answer>(&call, &mut spent).await {
        Ok(answer) => S::pick(answer, &token.run).ok_or_else(|| {
            let error = Error::new(Kind::NotFound, "the server does not list it")
                .with_hint(
                    "A run that was requested a moment ago may not be listed yet; a wait allows for that.",
                )
                .with_meta(spent.meta());
            sender.error_at(&call, error)
        }),
        Err(error) => Err(error),
    };
    let state = state.map_err(|error| error.with_run(token.encode()))?;
    Ok((state, spent.meta()))
}

struct Step<'a, S> {
    sender: &'a Sender,
    following: Following,
    report: &'a StepReport,
    token: &'a RunToken,
    options: &'a Options,
    made: FollowStep<S>,
}

fn follow<'a, S: RunState>(
    sender: &'a Sender,
    followed: &std::sync::Arc<Followed>,
    report: &'a StepReport,
    token: &'a RunToken,
    seen: Seen,
    options: &'a Options,
) -> Step<'a, S> {
    let made = FollowStep { state: None, seen, changed: false, meta: report.meta(), failure: None };
    Step { sender, following: followed.follow(token), report, token, options, made }
}

impl<S: RunState> Step<'_, S> {
    async fn until(&mut self, until: Option<Instant>) -> Result<FollowStep<S>, Error> {
        let now = Instant::now();
        if until.is_some_and(|until| until <= now) && self.due() > now {
            // The time `until` has come, and the run need not be read again yet.
            return Ok(self.taken());
        }
        loop {
            let due = self.due();
            self.following.due(until.map_or(due, |until| due.min(until))).await;
            let ended = self.look(until).await?;
            if ended || until.is_some_and(|until| due.max(Instant::now()) >= until) {
                return Ok(self.taken());
            }
        }
    }

    /// Returns the result of the step, and leaves an empty result in its place.
    fn taken(&mut self) -> FollowStep<S> {
        let seen = self.made.seen.clone();
        let empty =
            FollowStep { state: None, seen, changed: false, meta: self.made.meta.clone(), failure: None };
        std::mem::replace(&mut self.made, empty)
    }

    fn due(&self) -> Instant {
        let seen = &self.made.seen;
        if seen.at == 0 {
            return Instant::now();
        }
        // The pause before the run is read again counts from the last reading, which may have been in an earlier step.
        // Part of the pause may have passed between the steps.
        let now = self.sender.now_millis();
        let passed = Duration::from_millis(u64::try_from(now.saturating_sub(seen.at)).unwrap_or(0));
        let age = self.sender.unscaled(now.saturating_sub(self.token.since));
        Instant::now() + self.sender.scaled(pause(age)).saturating_sub(passed)
    }

    /// Reads the run once. Returns true if the step has a result: the state has changed, or the run has ended.
    async fn look(&mut self, until: Option<Instant>) -> Result<bool, Error> {
        let bound = until.map(|until| until.max(Instant::now() + LOOK_AT_LEAST));
        let call = call::<S>(self.token)?;
        let started = Instant::now();
        let mut spent = self.sender.account(call.subject(), self.options, false).beside(bound);
        let polled = self.poll(call, &mut spent).await;
        self.tell_reachable(polled.as_ref().err(), &spent);
        self.report.look(&spent, started);
        let made = &mut self.made;
        made.seen.at = self.sender.now_millis();
        match polled {
            Ok(Some(state)) => {
                let text = fingerprint(&state);
                made.changed = made.seen.state.as_ref() != Some(&text);
                made.seen = Seen { state: Some(text), at: made.seen.at, missing: None, unreadable: None };
                made.state = Some(state);
                made.failure = None;
                Ok(made.changed || made.ending().is_some())
            }
            Ok(None) => {
                (made.failure, made.seen.unreadable) = (None, None);
                let since = *made.seen.missing.get_or_insert(made.seen.at);
                if self.sender.unscaled(made.seen.at.saturating_sub(since)) > MISSING_BORNE {
                    return Err(vanished::<S>(self.sender, self.token)?);
                }
                Ok(false)
            }
            Err(error) if is_outage(error.kind()) => {
                made.failure = Some(error);
                Ok(false)
            }
            Err(error) if may_be_a_gateway(error.kind()) => {
                let since = *made.seen.unreadable.get_or_insert(made.seen.at);
                if self.sender.unscaled(made.seen.at.saturating_sub(since)) > UNREADABLE_BORNE {
                    return Err(error);
                }
                made.failure = Some(error);
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Sends a notice that the run cannot be read, or that it can be read again.
    fn tell_reachable(&self, error: Option<&Error>, spent: &Spent) {
        let event = match (error, self.made.failure.is_some()) {
            (Some(error), false) if is_outage(error.kind()) || may_be_a_gateway(error.kind()) => {
                Event::Unreachable(error.kind().as_str().to_owned())
            }
            (None, true) => Event::Reachable,
            _ => return,
        };
        tell(&spent.meta(), spent.waited_so_far(), &event);
    }

    /// Reads the run; `None` if the server does not know the run (yet).
    async fn poll(&self, call: Call, spent: &mut Spent) -> Result<Option<S>, Error> {
        let call = call.looking(self.following.look(self.made.seen.at));
        match self.sender.value::<S::Answer>(&call, spent).await {
            Ok(answer) => Ok(S::pick(answer, &self.token.run)),
            Err(error) if S::MISSING_IS_404 && error.kind() == Kind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn vanished<S: RunState>(sender: &Sender, token: &RunToken) -> Result<Error, Error> {
    let error = Error::new(Kind::NotFound, "the server has not listed it for ten minutes")
        .with_hint("Look at the runs in the workspace. It was not started again.");
    Ok(sender.error_at(&call::<S>(token)?, error))
}

fn call<S: RunState>(token: &RunToken) -> Result<Call, Error> {
    Ok(S::call(&token.parent, &token.run)?.of_class(Class::Poll).on_run(token.subject()))
}

/// Whether an error may come from an outage. Such an error does not end a wait, because the run goes on.
fn is_outage(kind: Kind) -> bool {
    matches!(kind, Kind::Connect | Kind::Timeout | Kind::Server | Kind::RateLimited | Kind::Proxy)
}

/// Whether a gateway may have sent an error in place of the API. A wait tolerates such errors for a while.
fn may_be_a_gateway(kind: Kind) -> bool {
    matches!(kind, Kind::Protocol | Kind::NotFound | Kind::Permission)
}

fn fingerprint<S: RunState>(state: &S) -> String {
    serde_json::to_string(state).unwrap_or_default()
}
