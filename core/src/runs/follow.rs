//! One step of following a run: until its state differs from what the caller knew.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout_at};

use super::board::Followed;
use super::pace::{ANSWER_BORNE, MISSING_BORNE, PAGE_BORNE, pause};
use super::state::{Ending, State};
use super::sweep;
use super::token::RunToken;
use crate::client::{Client, Meta, Options};
use crate::error::{Error, Kind};

/// What is left to a run that may look at once.
const MOMENT: Duration = Duration::from_millis(5);

/// What a caller knew of a run, and when it was last asked for; opaque outside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// The state as the server last gave it, or nothing.
    state: Option<String>,
    /// When, in milliseconds since 1970.
    at: i64,
    /// Since when answers have come without the run.
    missing: Option<i64>,
}

impl Seen {
    pub(crate) fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    pub(crate) fn decode(text: &str) -> Result<Self, Error> {
        URL_SAFE_NO_PAD
            .decode(text)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .ok_or_else(|| Error::new(Kind::InvalidRequest, "seen is not what an earlier step of a run gave"))
    }
}

/// Where a run stands.
#[derive(Debug)]
pub(crate) struct Step<S> {
    pub state: Option<S>,
    pub seen: Seen,
    pub changed: bool,
    pub meta: Meta,
}

impl<S: State> Step<S> {
    pub(crate) fn ending(&self) -> Option<Ending> {
        self.state.as_ref().and_then(State::ending)
    }
}

/// Waits until the run's state differs from what was seen, or until `until`; a poll under way then is awaited for a
/// while, so that short steps learn something too.
pub(crate) async fn next<S: State>(
    client: &Client,
    token: &RunToken,
    seen: Seen,
    until: Option<Instant>,
    options: &Options,
) -> Result<Step<S>, Error> {
    let followed = client.board().follow(token);
    let mut step = Step { state: None, seen, changed: false, meta: Meta::named("runs.next") };
    loop {
        let Some(last) = turn(client, &followed, token, &step.seen, until).await? else { return Ok(step) };
        let Some(polled) = bounded(until, poll::<S>(client, token, options)).await else {
            step.seen.at = client.now_millis();
            return Ok(step);
        };
        step.seen.at = client.now_millis();
        match polled {
            Ok((Some(state), meta)) => {
                let text = fingerprint(&state);
                step.meta = meta;
                step.changed = step.seen.state.as_ref() != Some(&text);
                step.seen = Seen { state: Some(text), at: step.seen.at, missing: None };
                step.state = Some(state);
                if step.changed || step.ending().is_some() {
                    return Ok(step);
                }
            }
            Ok((None, meta)) => {
                step.meta = meta;
                let since = *step.seen.missing.get_or_insert(step.seen.at);
                if client.unscaled(step.seen.at.saturating_sub(since)) > MISSING_BORNE {
                    return Err(vanished::<S>(client, token)?);
                }
            }
            Err(error) if passes(error.kind()) => {}
            Err(error) => return Err(error.with_run(token.encode())),
        }
        if last {
            return Ok(step);
        }
    }
}

/// Waits until the next poll is due and it is the run's turn; gives back whether it is the last before `until`, and
/// nothing where no turn came before that. Meanwhile the list of syncs is read, if that falls to this run.
async fn turn(
    client: &Client,
    followed: &Followed<'_>,
    token: &RunToken,
    seen: &Seen,
    until: Option<Instant>,
) -> Result<Option<bool>, Error> {
    let now = client.now_millis();
    let mut due = Instant::now();
    if seen.at > 0 {
        // The pause counts from the last poll, not from this call: a caller that took its time is not held up.
        let passed = Duration::from_millis(u64::try_from(now.saturating_sub(seen.at)).unwrap_or(0));
        let age = client.unscaled(now.saturating_sub(token.since));
        due += client.scaled(pause(age)).saturating_sub(passed);
    }
    let last = until.is_some_and(|until| due >= until);
    let own = async {
        followed.due(until.map_or(due, |until| due.min(until))).await;
        followed.turn(seen.at).await;
    };
    let own = async {
        if let Some(until) = until {
            // A moment more: whoever may look at once shall.
            timeout_at(until.max(Instant::now()) + MOMENT, own).await.is_ok()
        } else {
            own.await;
            true
        }
    };
    let busy = AtomicBool::new(false);
    let mut lead = pin!(sweep::lead(client, client.board(), &busy));
    let granted = tokio::select! {
        biased;
        over = client.over() => return Err(over),
        granted = own => granted,
        never = &mut lead => match never {},
    };
    // A page under way is read to its end: it was counted when it was sent.
    let page = poll_fn(|context| {
        let goes_on = || busy.load(Ordering::Relaxed);
        if goes_on() && lead.as_mut().poll(context).is_pending() && goes_on() {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    });
    if granted {
        // Whoever reads for all shall not be late for it.
        let _ = timeout_at(Instant::now() + PAGE_BORNE, page).await;
    }
    Ok(granted.then_some(last))
}

/// A poll, which may outlast `until` by as much as a healthy answer takes.
async fn bounded<T>(until: Option<Instant>, poll: impl Future<Output = T>) -> Option<T> {
    match until {
        None => Some(poll.await),
        Some(until) => timeout_at(until.max(Instant::now()) + ANSWER_BORNE, poll).await.ok(),
    }
}

fn vanished<S: State>(client: &Client, token: &RunToken) -> Result<Error, Error> {
    let what = "the server has been without it for ten minutes";
    Ok(Error::new(Kind::NotFound, what)
        .at(&S::call(&token.parent, &token.run)?)
        .with_run(token.encode())
        .with_hint("Look at the runs in the workspace; it was not started again.")
        .scrubbed(|text| client.scrub(text)))
}

/// Reads that run and no other; `None` where the server does not know it (yet).
async fn poll<S: State>(
    client: &Client,
    token: &RunToken,
    options: &Options,
) -> Result<(Option<S>, Meta), Error> {
    let call = S::call(&token.parent, &token.run)?;
    match client.value::<S::Answer>(&call, &options.clone().unraw()).await {
        Ok((answer, meta)) => Ok((S::pick(answer, &token.run), meta)),
        Err(error) if S::MISSING_IS_404 && error.kind() == Kind::NotFound => {
            let meta = error.meta().cloned().unwrap_or_else(|| Meta::named(call.operation_id()));
            Ok((None, meta))
        }
        Err(error) => Err(error),
    }
}

/// What an outage brings does not end a wait: the run goes on whether or not it can be seen.
fn passes(kind: Kind) -> bool {
    matches!(kind, Kind::Connect | Kind::Timeout | Kind::Server | Kind::RateLimited | Kind::Proxy)
}

fn fingerprint<S: State>(state: &S) -> String {
    serde_json::to_string(state).unwrap_or_default()
}
