//! Finds the run that a trigger started, after the answer to the trigger was lost. A run is adopted only if it is the
//! only one that the trigger can have started.

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
use crate::sender::{Event, Sender, tell};

/// When the list of runs is read, counted from the failure of the trigger. A run may be listed late, and a second
/// candidate later than the first, so a run is adopted only after the last reading.
const LOOKS: [Duration; 5] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(7),
    LAST_LOOK,
];
const LAST_LOOK: Duration = Duration::from_secs(15);

/// How long the search may go on after the last reading is due. The limit keeps an outage from delaying the caller for
/// longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How far the clock that stamps runs may be behind the clock that dates answers, in milliseconds. The two clocks may
/// be on two machines. With a larger value, a run that was requested before the trigger could be adopted.
const CLOCK_SLACK: i64 = 500;

/// Returns the id of the run that the trigger started: the only unclaimed run that was requested since the trigger was
/// sent.
///
/// # Errors
/// The trigger's own error. After a search, its details hold the runs that the trigger may have started, as
/// `candidates`. Kind `cancelled` if the call is cancelled during the search.
pub(crate) async fn adopt<S: Listed>(lost: Lost<'_>) -> Result<String, Error> {
    let Lost { sender, of, plain, error, spent } = lost;
    let (true, Some(sent)) = (plain && error.kind() == Kind::OutcomeUnknown, departed(&error, spent)) else {
        return Err(error);
    };
    let began = Instant::now();
    // If this machine slept after it sent the trigger, it cannot tell how long ago that was. The server's clock then
    // seems to jump, and no run is adopted.
    let jumps = sender.server_clock().jumps();
    tell(&spent.meta(), spent.waited_so_far(), &Event::Searching);
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
            // The search goes on: an outage that lost the answer to the trigger may still last during this reading.
            Err(_) => {}
        }
        seen.retain(|run| !claims.lock().is_taken(of, &run.id()));
        // While another trigger of this process is in progress, its answer may still claim one of the candidates.
        // Without such a trigger, more than one candidate will remain, so the search ends.
        if seen.len() > 1 && !claims.lock().has_rivals(of) {
            break;
        }
    }
    spent.add(looking);
    let meta = spent.meta();
    if let Some(over) = cancelled {
        // The caller cancelled, so the kind stays `cancelled`; the hint says what may have happened.
        return Err(over
            .with_meta(meta)
            .with_hint("The request that starts the run had been sent, so it may have started one."));
    }
    if let [run] = seen.as_slice()
        && decided
        && sender.server_clock().jumps() == jumps
    {
        let mut claims = claims.lock();
        if claims.is_alone(of, sent) && claims.take(of, &run.id()) {
            drop(claims);
            tell(&meta, spent.waited_so_far(), &Event::Adopted(sender.scrub(&run.id())));
            return Ok(run.id());
        }
    }
    Err(undecided(error, &seen).with_meta(meta).scrubbed(|text| sender.scrub(text)))
}

/// When the trigger was sent; `None` if that is not known, or if the server's answer to the trigger is final.
fn departed(error: &Error, spent: &Spent) -> Option<Instant> {
    match error.outcome() {
        // A gateway that answers with one of these statuses may have forwarded the trigger before it gave up. Any
        // other status is final.
        Some(Outcome::Answered { status }) if !matches!(status, 408 | 499 | 500..) => None,
        outcome => outcome.and_then(Outcome::since).or(spent.sent()),
    }
}

/// Whether the run was requested after the trigger was sent, by the server's clock. A run without a time does not
/// count, and no run counts while the server's clock is unknown.
fn could_be_it<S: Listed>(sender: &Sender, sent: Instant, run: &S) -> bool {
    match (sender.server_time(sent), run.created()) {
        (Some(sent), Some(created)) => created.as_millis() >= sent - CLOCK_SLACK,
        _ => false,
    }
}

/// The details of the trigger's error after a search. The member `details` holds the details that the server sent.
#[derive(Serialize)]
struct Undecided<'a, S> {
    candidates: &'a [S],
    details: Option<&'a Json>,
}

fn undecided<S: Listed>(error: Error, candidates: &[S]) -> Error {
    let ids: Vec<String> = candidates.iter().map(Row::id).collect();
    let found = match ids.as_slice() {
        [] => "no run was found that was requested since then, but one may still appear".to_owned(),
        [id] => format!("the request may have started run {id}"),
        _ => format!("the request may have started any of the runs {}", ids.join(", ")),
    };
    let what = message![error.what(), "; ", found];
    let details = Json::of(&Undecided { candidates, details: error.details() });
    error.with_what(what).with_details(Some(details))
}
