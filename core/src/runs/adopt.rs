//! After a trigger whose answer was lost: the run that it started, if it can be told from all others.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::newest::Newest;
use super::state::{Listed, Lost};
use crate::client::{Client, Meta};
use crate::error::{Error, Kind};
use crate::model::Json;
use crate::page::Row;

/// When the list is looked at, after the trigger failed: a run may be listed late, and a second one that could be it
/// may come after the first, so that the last look decides.
const LOOKS: [Duration; 5] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(7),
    LAST_LOOK,
];
const LAST_LOOK: Duration = Duration::from_secs(15);

/// How long an answer is awaited when the time for looking is over: an outage shall not hold the caller up.
const PATIENCE: Duration = Duration::from_secs(10);

/// Finds the run that the trigger started: the one and only run that was asked for since. Gives its id.
///
/// # Errors
/// The trigger's own, with the runs that could be it as `candidates` in its details.
pub(crate) async fn adopt<S: Listed>(lost: Lost<'_>) -> Result<(String, Meta), Error> {
    let Lost { client, of, plain, error, options } = lost;
    let ambiguous = error.kind() == Kind::OutcomeUnknown && error.status().is_none_or(|status| status >= 500);
    let Some(first) = error.meta().cloned().filter(|_| ambiguous && plain) else { return Err(error) };
    let Some(sent) = first.sent else { return Err(error) };
    let began = Instant::now();
    // A machine that slept after it had sent cannot tell how long ago that was; the server's clock then seems to jump.
    let jumps = client.server_clock().jumps();
    let mut newest = Newest::<S>::new(client, &of.parent, options.clone().unraw());
    let end = began + client.scaled(LAST_LOOK) + PATIENCE;
    let left = options.deadline(client.config()).map(|deadline| deadline.saturating_sub(first.duration()));
    let deadline = left.and_then(|left| began.checked_add(left));
    newest.until = Some(deadline.map_or(end, |deadline| deadline.min(end)));
    let (mut seen, mut decided) = (Vec::new(), false);
    for (nth, look) in LOOKS.into_iter().enumerate() {
        let at = began + client.scaled(look);
        if deadline.is_some_and(|deadline| deadline <= at) {
            break;
        }
        match client.sleep_until(at).await {
            Err(error) if error.kind() == Kind::Cancelled => return Err(cancelled(error, &first)),
            Err(_) => break,
            Ok(()) => {}
        }
        match newest.find(|run| could_be_it(client, sent, run)).await {
            Ok(found) => (seen, decided) = (found, nth + 1 == LOOKS.len()),
            Err(error) if error.kind() == Kind::Cancelled => return Err(cancelled(error, &first)),
            // Whatever cut the trigger off may cut this off too.
            Err(_) => {}
        }
        seen.retain(|run| !client.claims().is_taken(of, &run.id()));
        if seen.len() > 1 {
            break;
        }
    }
    let mut meta = newest.meta.take().map_or_else(|| first.clone(), |looks| first.clone().then(looks));
    meta.duration_ms = first.duration_ms.saturating_add(millis(began.elapsed()));
    if let [run] = seen.as_slice()
        && decided
        && client.server_clock().jumps() == jumps
    {
        let mut claims = client.claims();
        if claims.is_alone(of, sent) && claims.take(of, &run.id()) {
            return Ok((run.id(), meta));
        }
    }
    Err(undecided(error, &seen).with_meta(meta).scrubbed(|text| client.scrub(text)))
}

/// Whether it was asked for when the trigger had been sent, by the server's own clock; without a time it cannot be told.
fn could_be_it<S: Listed>(client: &Client, sent: Instant, run: &S) -> bool {
    match (client.server_time(sent), run.created()) {
        (Some(sent), Some(created)) => created.as_millis() >= sent,
        _ => false,
    }
}

/// The details of a trigger's lost answer; what the server said stays as it is spelt.
#[derive(Serialize)]
struct Undecided<'a, S> {
    candidates: &'a [S],
    details: Option<&'a Json>,
}

fn undecided<S: Listed>(error: Error, candidates: &[S]) -> Error {
    let ids: Vec<String> = candidates.iter().map(Row::id).collect();
    let found = match ids.as_slice() {
        [] => "no run was found that was started since; it may still come".to_owned(),
        _ => format!("any of the runs {} may be it", ids.join(", ")),
    };
    let what = format!("{}; {found}", error.what());
    let details = Json::of(&Undecided { candidates, details: error.details() });
    error.with_what(what).with_details(Some(details))
}

/// Whoever cancelled asked for it to be given up; the kind says that, the hint says the rest.
fn cancelled(error: Error, trigger: &Meta) -> Error {
    error
        .with_meta(trigger.clone())
        .with_hint("The request that starts the run had been sent; it may have happened all the same.")
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
