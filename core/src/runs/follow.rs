//! One step of following a run: until its state differs from what the caller knew.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep, timeout_at};

use super::pace::{LISTED_WITHIN, pause};
use super::token::RunToken;
use crate::client::{Client, Meta, Options};
use crate::error::{Error, Kind};
use crate::page::Page;
use crate::resources::{SyncRun, SyncRunStatus, run_call};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Ending {
    Success,
    Warning,
    Failure,
}

/// What a status means for whoever waits; unknown ones count as under way.
pub(crate) fn ending(status: &SyncRunStatus) -> Option<Ending> {
    match status {
        SyncRunStatus::Success => Some(Ending::Success),
        SyncRunStatus::Warning => Some(Ending::Warning),
        SyncRunStatus::Failed | SyncRunStatus::Cancelled | SyncRunStatus::Interrupted => {
            Some(Ending::Failure)
        }
        _ => None,
    }
}

/// What a caller knew of a run, and when it was last asked for; opaque outside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// The state as the server last gave it, or nothing.
    state: Option<String>,
    /// When, in milliseconds since 1970.
    at: i64,
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
pub(crate) struct Step {
    pub state: Option<SyncRun>,
    pub seen: Seen,
    pub changed: bool,
    pub meta: Meta,
}

impl Step {
    pub(crate) fn ending(&self) -> Option<Ending> {
        self.state.as_ref().and_then(|state| ending(&state.status))
    }
}

/// Waits until the run's state differs from what was seen, or until `until`.
pub(crate) async fn next(
    client: &Client,
    token: &RunToken,
    seen: Seen,
    until: Option<Instant>,
    options: &Options,
) -> Result<Step, Error> {
    let mut step = Step { state: None, seen, changed: false, meta: Meta::named("runs.next") };
    loop {
        let now = client.now_millis();
        let age = scaled_age(client, now.saturating_sub(token.since));
        if step.seen.at > 0 {
            // The pause counts from the last poll, not from this call: a caller that took its time is not held up.
            let passed = Duration::from_millis(u64::try_from(now.saturating_sub(step.seen.at)).unwrap_or(0));
            let wait = client.scaled(pause(age)).saturating_sub(passed);
            if let Some(until) = until
                && Instant::now() + wait >= until
            {
                tokio::time::sleep_until(until).await;
                return Ok(step);
            }
            sleep(wait).await;
        }
        let polled = match until {
            None => poll(client, token, options).await,
            Some(until) => match timeout_at(until, poll(client, token, options)).await {
                Ok(polled) => polled,
                Err(_) => return Ok(step),
            },
        };
        step.seen.at = client.now_millis();
        match polled {
            Ok((found, meta)) => {
                step.meta = meta;
                match found {
                    Some(state) => {
                        let text = fingerprint(&state);
                        step.changed = step.seen.state.as_ref() != Some(&text);
                        step.seen.state = Some(text);
                        step.state = Some(state);
                        if step.changed || step.ending().is_some() {
                            return Ok(step);
                        }
                    }
                    None if step.seen.state.is_none() && age > LISTED_WITHIN => {
                        let what = "it was started, and ten minutes later it is not in the list of runs";
                        return Err(Error::new(Kind::NotFound, what)
                            .at(&run_call_of(token)?)
                            .with_run(token.encode())
                            .hint("Look at the sync's runs in the workspace; it was not started again."));
                    }
                    None => {}
                }
            }
            Err(error) if passes(error.kind()) => {}
            Err(error) => return Err(error.with_run(token.encode())),
        }
    }
}

fn run_call_of(token: &RunToken) -> Result<crate::client::Call, Error> {
    let (sync, run) =
        token.sync_and_run().ok_or_else(|| Error::new(Kind::InvalidRequest, "the run token names no run"))?;
    Ok(run_call(sync, run))
}

/// Reads that run and no other.
async fn poll(
    client: &Client,
    token: &RunToken,
    options: &Options,
) -> Result<(Option<SyncRun>, Meta), Error> {
    let call = run_call_of(token)?;
    let (page, meta) = client.value::<Page<SyncRun>>(&call, &options.clone().unraw()).await?;
    let wanted = token.sync_and_run().map(|(_, run)| run);
    Ok((page.data.into_iter().find(|run| Some(run.id) == wanted), meta))
}

/// What an outage brings does not end a wait: the run goes on whether or not it can be seen.
fn passes(kind: Kind) -> bool {
    matches!(kind, Kind::Connect | Kind::Timeout | Kind::Server | Kind::RateLimited | Kind::Proxy)
}

fn fingerprint(state: &SyncRun) -> String {
    serde_json::to_string(state).unwrap_or_default()
}

/// How old a run is where waits are divided.
fn scaled_age(client: &Client, millis: i64) -> Duration {
    let age = Duration::from_millis(u64::try_from(millis).unwrap_or(0));
    age.mul_f64(client.config().scale.min(1e6))
}
