//! Finds the run of a trigger whose answer was lost, if exactly one run can be it.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::claims::Claims;
use super::newest::Newest;
use super::state::{Listed, Lost};
use crate::attempt::Outcome;
use crate::call::Spent;
use crate::error::{Error, Kind};
use crate::json::Json;
use crate::page::Row;
use crate::sender::Sender;

/// When to read the list after the trigger failed. A run may be listed late, and a second candidate after the first, so
/// the last look decides.
const LOOKS: [Duration; 5] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(7),
    LAST_LOOK,
];
const LAST_LOOK: Duration = Duration::from_secs(15);

/// How long to wait for an answer after the last look, so that an outage does not delay the caller.
const PATIENCE: Duration = Duration::from_secs(10);

/// How far the clock that stamps runs may be behind the clock that dates answers, in milliseconds: they may be two
/// machines. With a larger value, an earlier run could be adopted.
const CLOCK_SLACK: i64 = 500;

/// Finds the run that the trigger started: the only run that was requested since. Returns its id.
///
/// # Errors
/// The trigger's own error, with all runs that it may have started as `candidates` in its details.
pub(crate) async fn adopt<S: Listed>(lost: Lost<'_>) -> Result<String, Error> {
    let Lost { sender, of, plain, error, spent } = lost;
    let (true, Some(sent)) = (plain && error.kind() == Kind::OutcomeUnknown, departed(&error, spent)) else {
        return Err(error);
    };
    let began = Instant::now();
    // If this machine slept after sending, it cannot tell how long ago that was. The server's clock then seems to
    // jump.
    let jumps = sender.server_clock().jumps();
    let mut looking = spent.beside(Some(began + sender.scaled(LAST_LOOK) + PATIENCE));
    let claims = sender.part::<Claims>();
    let mut newest = Newest::<S>::new(sender, &of.parent, &mut looking);
    let (mut seen, mut decided, mut cancelled) = (Vec::new(), false, None);
    for (nth, look) in LOOKS.into_iter().enumerate() {
        let at = began + sender.scaled(look);
        if spent.until().is_some_and(|deadline| deadline <= at) {
            break;
        }
        let found = match sender.sleep_until(at).await {
            Ok(()) => newest.find(|run| could_be_it(sender, sent, run)).await,
            Err(over) => Err(over),
        };
        match found {
            Ok(found) => (seen, decided) = (found, nth + 1 == LOOKS.len()),
            Err(over) if over.kind() == Kind::Cancelled => {
                cancelled = Some(over);
                break;
            }
            Err(over) if over.kind() == Kind::Closed => break,
            // The cause that interrupted the trigger may interrupt this look too.
            Err(_) => {}
        }
        seen.retain(|run| !claims.lock().is_taken(of, &run.id()));
        if seen.len() > 1 {
            break;
        }
    }
    spent.add(looking);
    let meta = spent.meta();
    if let Some(over) = cancelled {
        // The caller cancelled, so the kind stays `cancelled`; the hint says what may have happened.
        return Err(over
            .with_meta(meta)
            .with_hint("The request that starts the run had been sent; it may have happened all the same."));
    }
    if let [run] = seen.as_slice()
        && decided
        && sender.server_clock().jumps() == jumps
    {
        let mut claims = claims.lock();
        if claims.is_alone(of, sent) && claims.take(of, &run.id()) {
            return Ok(run.id());
        }
    }
    Err(undecided(error, &seen).with_meta(meta).scrubbed(|text| sender.scrub(text)))
}

/// When the trigger was sent; `None` if the server's answer to it is final.
fn departed(error: &Error, spent: &Spent) -> Option<Instant> {
    match error.outcome() {
        // A gateway that gave up may have forwarded the trigger. Any other answer of the server is final.
        Some(Outcome::Answered { status }) if !matches!(status, 408 | 499 | 500..) => None,
        outcome => outcome.and_then(Outcome::since).or(spent.sent()),
    }
}

/// Whether the run was requested after the trigger was sent, by the server's clock. A run without a time does not
/// count.
fn could_be_it<S: Listed>(sender: &Sender, sent: Instant, run: &S) -> bool {
    match (sender.server_time(sent), run.created()) {
        (Some(sent), Some(created)) => created.as_millis() >= sent - CLOCK_SLACK,
        _ => false,
    }
}

/// The details of the error. `details` is what the server sent, as the server wrote it.
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
    let what = message![error.what(), "; ", found];
    let details = Json::of(&Undecided { candidates, details: error.details() });
    error.with_what(what).with_details(Some(details))
}
