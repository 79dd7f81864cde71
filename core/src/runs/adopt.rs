//! Finds the run that a trigger started, after the answer to the trigger was lost, or after the end of the process that
//! sent the trigger. Adopts a run (takes it as the run of the trigger) only if no other run can come from the trigger.

use std::cmp::Ordering;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::begin::OpenTrigger;
use super::claims::{Claims, Of};
use super::newest::Newest;
use super::state::{Listed, Lost};
use super::token::{RunOrigin, RunToken};
use crate::attempt::Outcome;
use crate::call::Spent;
use crate::error::{Error, Kind};
use crate::json::Json;
use crate::page::Row;
use crate::sender::{Event, Sender, tell};

/// The times at which the list of runs is read, counted from the beginning of the search. The list may show a run late.
/// It may show a second run, which the trigger could also have started, even later. So the search reads the list
/// several times.
const LOOKS: [Duration; 5] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(7),
    LAST_LOOK,
];
const LAST_LOOK: Duration = Duration::from_secs(15);

/// How long the search may go on after the time that is planned for the last reading of the list. This bounds the delay
/// of the caller during an outage.
const PATIENCE: Duration = Duration::from_secs(10);

/// How far the time at which a run was requested may be behind the `Date` headers of answers, in milliseconds. The
/// server may take the two times from different clocks. With a larger value, a run from before the trigger could be
/// taken for the trigger's run.
const CLOCK_SLACK: i64 = 500;

/// Returns the id of the run that the trigger started: the only run that was requested since the trigger was sent and
/// that no other trigger of this process has claimed.
///
/// # Errors
/// The trigger's own error if the run cannot be identified. After a search, the details of this error hold the runs
/// that the trigger may have started, as `candidates`. Kind `cancelled` if the call is cancelled during the search.
pub(crate) async fn adopt<S: Listed>(lost: Lost<'_>) -> Result<String, Error> {
    let Lost { sender, of, plain, error, spent } = lost;
    let (true, Some(sent)) = (plain && error.kind() == Kind::OutcomeUnknown, departed(&error, spent)) else {
        return Err(error);
    };
    // If this machine has slept since it sent the trigger, the time of the trigger is unknown. The server's clock then
    // seems to jump, and no run is taken for the run of the trigger.
    let jumps = sender.server_clock().jumps();
    tell(&spent.meta(), spent.waited_so_far(), &Event::Searching);
    let searched = search::<S>(sender, of, &LOOKS, spent, |run| place(sender, sent, run), || false).await;
    let meta = spent.meta();
    if let Some(over) = searched.cancelled {
        // The caller cancelled the call, so the kind stays `cancelled`; the hint says what may have happened.
        return Err(over
            .with_meta(meta)
            .with_hint("The request that starts the run had been sent, so it may have started one."));
    }
    if let [run] = searched.seen.as_slice()
        && searched.decided
        && sender.server_clock().jumps() == jumps
    {
        let claims = sender.part::<Claims>();
        let mut claims = claims.lock();
        if claims.is_alone(of, Some(sent)) && claims.take(of, &run.id()) {
            drop(claims);
            tell(&meta, spent.waited_so_far(), &Event::Adopted(sender.scrub(&run.id())));
            return Ok(run.id());
        }
    }
    Err(undecided(error, &searched.seen).with_meta(meta).scrubbed(|text| sender.scrub(text)))
}

/// The result of a search for the run of a trigger.
struct Searched<S> {
    /// The runs that the trigger may have started, without the runs that another trigger of this process has claimed.
    seen: Vec<S>,
    /// Whether at least one reading of the list succeeded.
    read: bool,
    /// Whether the last reading certainly showed every run that the trigger may have started.
    decided: bool,
    /// The error of the caller's cancellation, if the search was cancelled.
    cancelled: Option<Error>,
}

/// Reads the list of runs at the times in `looks`, and collects the runs that the trigger may have started. `place`
/// returns `Equal` for such a run and `Less` for an older run. The list may show a run late. So the search reads the
/// list again even after a complete reading, unless `is_settled` returns true.
async fn search<S: Listed>(
    sender: &Sender,
    of: &Of,
    looks: &[Duration],
    spent: &mut Spent,
    place: impl Fn(&S) -> Ordering,
    is_settled: impl Fn() -> bool,
) -> Searched<S> {
    let began = Instant::now();
    let mut looking = spent.beside(Some(began + sender.scaled(LAST_LOOK) + PATIENCE));
    let claims = sender.part::<Claims>();
    let mut newest = Newest::<S>::new(sender, &of.parent, &mut looking);
    let (mut seen, mut read, mut decided, mut cancelled) = (Vec::new(), false, false, None);
    for (nth, look) in looks.iter().enumerate() {
        let at = began + sender.scaled(*look);
        if spent.until().is_some_and(|deadline| deadline <= at) {
            break;
        }
        let found = match sender.sleep_until(at).await {
            Ok(()) => newest.find(&place).await,
            Err(over) => Err(over),
        };
        match found {
            Ok((found, whole)) => {
                (seen, read) = (found, true);
                decided = whole && (nth + 1 == looks.len() || is_settled());
            }
            Err(over) if over.kind() == Kind::Cancelled => {
                cancelled = Some(over);
                break;
            }
            Err(over) if over.kind() == Kind::Closed => break,
            // The search goes on after an error: the outage that lost the trigger's answer may not be over.
            Err(_) => {}
        }
        seen.retain(|run| !claims.lock().is_taken(of, &run.id()));
        // If the trigger could have started several of the runs, only other triggers of this process can narrow the
        // choice, by claiming their own runs. If no such trigger is in progress, the search ends.
        if decided || seen.len() > 1 && !claims.lock().has_rivals(of) {
            break;
        }
    }
    spent.add(looking);
    Searched { seen, read, decided, cancelled }
}

/// How long a trigger may take to start its run after the request was sent, by the server's clock, in milliseconds.
/// With a larger value, a later scheduled run could be taken for the trigger's run.
const LATEST_START: i64 = 10_000;

/// When a trigger can have started its run, by the server's clock, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StartWindow {
    pub since: i64,
    pub until: i64,
}

impl StartWindow {
    /// Returns the times between which a trigger that is sent now can start its run. The attempt to send the trigger
    /// takes at most `within`. Returns `None` while the server's clock is unknown.
    pub(crate) fn from_now(sender: &Sender, within: Duration) -> Option<Self> {
        let (clock, now, scale) = (sender.server_clock(), Instant::now(), sender.config().scale);
        let attempt = sender.unscaled(i64::try_from(within.as_millis()).unwrap_or(i64::MAX));
        let attempt = i64::try_from(attempt.as_millis()).unwrap_or(i64::MAX);
        let until = clock.latest(now, scale)?.saturating_add(attempt).saturating_add(LATEST_START);
        Some(Self { since: clock.earliest(now, scale)?, until })
    }

    /// Whether a time is before the window, in it or after it.
    fn place(self, at: i64) -> Ordering {
        if at < self.since.saturating_sub(CLOCK_SLACK) {
            Ordering::Less
        } else if at <= self.until {
            Ordering::Equal
        } else {
            Ordering::Greater
        }
    }
}

/// A trigger of an earlier process. The process ended before it knew the trigger's run. The trigger counts as in
/// progress until the run is found or this value is dropped.
pub(crate) struct Unanswered {
    open: OpenTrigger,
    window: Option<StartWindow>,
    /// Whether the trigger sets no option. The run of a trigger with an option is not looked for.
    plain: bool,
}

impl Unanswered {
    pub(crate) fn new(sender: &Sender, of: Of, window: Option<StartWindow>, plain: bool) -> Self {
        Self { open: OpenTrigger::new(sender, of), window, plain }
    }

    /// Finds the run that the trigger started. This is the only run that was requested at a time at which the trigger
    /// can have started it, and that does not belong to another trigger of this process.
    ///
    /// # Errors
    /// Returns the argument `error` if no run was identified, and whether this error is final. The error is not final
    /// if the list of runs could not be read or the call was cancelled. After a search, the details of the error hold
    /// the runs that the trigger may have started, as `candidates`.
    pub(crate) async fn find<S: Listed>(
        mut self,
        sender: &Sender,
        error: Error,
        spent: &mut Spent,
    ) -> Result<RunToken, (Error, bool)> {
        let (true, Some(window)) = (self.plain, self.window) else { return Err((error, true)) };
        let of = self.open.of().clone();
        let place =
            |run: &S| run.created().map_or(Ordering::Less, |created| window.place(created.as_millis()));
        // Once the server's clock has passed this time, one complete reading is enough: the list shows even a late run.
        let last = window.until.saturating_add(i64::try_from(LAST_LOOK.as_millis()).unwrap_or(0));
        let is_settled = || sender.server_time(Instant::now()).is_some_and(|now| now >= last);
        let looks: Vec<_> = std::iter::once(Duration::ZERO).chain(LOOKS).collect();
        tell(&spent.meta(), spent.waited_so_far(), &Event::Searching);
        let searched = search::<S>(sender, &of, &looks, spent, place, is_settled).await;
        if let [run] = searched.seen.as_slice()
            && searched.decided
            && self.open.claim_alone(&run.id())
        {
            tell(&spent.meta(), spent.waited_so_far(), &Event::Adopted(sender.scrub(&run.id())));
            return Ok(RunToken::new(sender, of.kind, of.parent, run.id()).from(RunOrigin::Adopted));
        }
        if !searched.read {
            let what = message![error.what(), "; the list of runs could not be read"];
            return Err((error.with_what(what).with_meta(spent.meta()), false));
        }
        let error = undecided(error, &searched.seen).with_meta(spent.meta());
        Err((error.scrubbed(|text| sender.scrub(text)), searched.cancelled.is_none()))
    }
}

/// Returns when the trigger was sent. Returns `None` if this time is unknown, or if the answer has a status that
/// a gateway does not send when it gives up on a request.
fn departed(error: &Error, spent: &Spent) -> Option<Instant> {
    match error.outcome() {
        // A gateway that answers with 408, 499 or 5xx may have forwarded the trigger before it gave up. After any other
        // status, the run is not looked for.
        Some(Outcome::Answered { status }) if !matches!(status, 408 | 499 | 500..) => None,
        outcome => outcome.and_then(Outcome::since).or(spent.sent()),
    }
}

/// Returns `Equal` if the run may come from the trigger that was sent at `sent`, and `Less` if the run is older. A run
/// without a time counts as older. While the server's clock is unknown, every run counts as older.
fn place<S: Listed>(sender: &Sender, sent: Instant, run: &S) -> Ordering {
    match (sender.server_time(sent), run.created()) {
        (Some(sent), Some(created)) if created.as_millis() >= sent - CLOCK_SLACK => Ordering::Equal,
        _ => Ordering::Less,
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
