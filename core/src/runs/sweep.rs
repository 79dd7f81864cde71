//! Reading the list of syncs for all runs that are followed: a page shows a hundred syncs, where a look shows one run.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::followed::Followed;
use super::state::RunState;
use crate::call::{Call, Options, Priority};
use crate::error::{Error, Kind};
use crate::limit::Urgency;
use crate::model::Timestamp;
use crate::page::{self, Cursor, Row};
use crate::sender::Sender;

/// Clocks and filters may be a little off: better to read some syncs too many.
const MARGIN_MS: i64 = 60_000;
/// Between two readings of the list, in pauses between pages.
const BETWEEN: u32 = 3;
/// After that long permissions may have changed.
const REFUSED_FOR: Duration = Duration::from_hours(1);
/// However generous the limit: without a pause whoever reads would do nothing else.
const LEAST: Duration = Duration::from_millis(10);
/// How long a page may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Statuses of syncs that no run under way has.
const ENDED: [&str; 5] = ["success", "warning", "failed", "cancelled", "interrupted"];

model! {
    /// As much of a sync as says whether looking at its runs is worth it.
    pub(crate) struct SyncGlance {
        /// Numeric id.
        required id = "id": i64,
        /// State of the sync.
        optional status = "status": String,
        /// When its latest run began.
        optional last_run_at = "lastRunAt": Timestamp,
    }
}

impl Row for SyncGlance {
    fn id(&self) -> String {
        self.id.to_string()
    }
}

/// Where the reading stands, and whose task it is.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    state: Mutex<State>,
    /// Told when the reader leaves.
    left: Notify,
}

#[derive(Debug, Default)]
struct State {
    readers: u64,
    /// Who reads for all, and until when the others leave it to them: one that is not polled any more holds up nobody.
    reader: Option<(u64, Instant)>,
    due: Option<Instant>,
    cursor: Option<(Call, Cursor)>,
    /// What each sync that is followed showed when it was last read.
    shown: HashMap<String, (Option<String>, Option<Timestamp>)>,
    /// The key that may not list syncs, and until when it is not tried again: one that is unknown never is.
    refused: Option<([u8; 32], Option<Instant>)>,
}

/// One follower's part in the reading; leaves it to the others when it is dropped.
struct Reader<'a> {
    sweep: &'a Sweep,
    id: u64,
}

impl Sweep {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reader(&self) -> Reader<'_> {
        let mut state = self.lock();
        state.readers += 1;
        Reader { sweep: self, id: state.readers }
    }
}

impl Reader<'_> {
    /// When to read the next page; or, with false, when to ask again whether nobody else reads.
    fn turn(&self) -> (bool, Instant) {
        let now = Instant::now();
        let mut state = self.sweep.lock();
        match state.reader {
            Some((reader, until)) if reader != self.id && now < until => (false, until),
            _ => {
                let due = *state.due.get_or_insert(now);
                state.reader = Some((self.id, due.max(now) + PATIENCE * 2));
                (true, due)
            }
        }
    }

    fn reads(&self) -> bool {
        self.sweep.lock().reader.is_some_and(|(reader, _)| reader == self.id)
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        let mut state = self.sweep.lock();
        if state.reader.is_some_and(|(reader, _)| reader == self.id) {
            state.reader = None;
            drop(state);
            self.sweep.left.notify_one();
        }
    }
}

/// Reads on and on while this is polled and nobody else does; `busy` is true while a page is under way.
pub(super) async fn lead<S: RunState>(
    sender: &Sender,
    followed: &Arc<Followed>,
    busy: &AtomicBool,
) -> Infallible {
    let reader = followed.sweep.reader();
    loop {
        let (reads, then) = reader.turn();
        if !reads {
            tokio::select! {
                () = tokio::time::sleep_until(then) => {}
                () = followed.sweep.left.notified() => {}
            }
            continue;
        }
        tokio::time::sleep_until(then).await;
        let pause = pause(sender);
        let looks = sender.workspace().map_or(u64::MAX, |workspace| workspace.gate().looks_in_window());
        followed.sweep.lock().due = Some(Instant::now() + pause * BETWEEN);
        let Some(since) = followed.crowded_since(looks) else { continue };
        if is_refused(sender, followed) {
            continue;
        }
        busy.store(true, Ordering::Relaxed);
        // Boxed: every run that is followed would carry the room for it.
        let read = Box::pin(page::<S>(sender, followed, since)).await;
        busy.store(false, Ordering::Relaxed);
        if !reader.reads() {
            continue;
        }
        let mut state = followed.sweep.lock();
        match read {
            Ok(true) => state.due = Some(Instant::now() + pause),
            Ok(false) => {}
            Err(error) => {
                state.cursor = None;
                if matches!(error.kind(), Kind::Authentication | Kind::Permission | Kind::NotFound) {
                    let again = error.kind() != Kind::Authentication;
                    let until = again.then(|| Instant::now() + sender.scaled(REFUSED_FOR));
                    state.refused = sender.key().map(|key| (key.digest(), until));
                }
            }
        }
    }
}

/// The time between pages: a twentieth of the limit.
fn pause(sender: &Sender) -> Duration {
    let config = sender.config();
    let quota = config.quota.shared(config.share.unwrap_or(1.0));
    let pages = u32::try_from(quota.requests() / 20).unwrap_or(u32::MAX).max(1);
    (Duration::from_nanos(quota.span()) / pages).max(LEAST)
}

fn is_refused(sender: &Sender, followed: &Followed) -> bool {
    let key = sender.key().map(|key| key.digest()).unwrap_or_default();
    followed
        .sweep
        .lock()
        .refused
        .is_some_and(|(refused, until)| refused == key && until.is_none_or(|until| Instant::now() < until))
}

/// Reads one page, from where the last one ended, and moves the runs ahead whose syncs show something new. Returns
/// whether the list goes on.
async fn page<S: RunState>(sender: &Sender, followed: &Arc<Followed>, since: i64) -> Result<bool, Error> {
    // A copy: a reader that is dropped meanwhile leaves the place to the next.
    let place = followed.sweep.lock().cursor.clone();
    let (call, cursor) = match place {
        Some(place) => place,
        None => start::<S>(sender, since)?,
    };
    let options = Options::new().priority(Priority::Poll).deadline(PATIENCE).max_retries(0);
    let mut spent = sender.account(&options);
    let fetched = page::fetch::<SyncGlance>(sender, &call, cursor, &mut spent).await?;
    for sync in fetched.rows {
        let id = sync.id.to_string();
        if followed.follows(&id) {
            compare(sender, followed, &id, sync);
        }
    }
    let goes_on = fetched.cursor.is_some();
    let mut state = followed.sweep.lock();
    state.cursor = fetched.cursor.map(|cursor| (call, cursor));
    if !goes_on {
        state.shown.retain(|id, _| followed.follows(id));
    }
    Ok(goes_on)
}

fn compare(sender: &Sender, followed: &Followed, id: &str, sync: SyncGlance) {
    let ended = sync.status.as_deref().is_some_and(|status| ENDED.contains(&status));
    let now = (sync.status, sync.last_run_at);
    let mut state = followed.sweep.lock();
    let urgency = match state.shown.get(id) {
        // What is seen for the first time is news only if it can be the end of a run.
        None if !ended => None,
        Some(known) if *known == now => None,
        _ => Some(if ended { Urgency::Ended } else { Urgency::Changed }),
    };
    state.shown.insert(id.to_owned(), now);
    drop(state);
    if let (Some(urgency), Ok(workspace)) = (urgency, sender.workspace()) {
        followed.hint(workspace.gate(), id, urgency);
    }
}

/// A list of the syncs that ran since the oldest trigger, by the server's clock if that is known.
fn start<S: RunState>(sender: &Sender, since: i64) -> Result<(Call, Cursor), Error> {
    let now = sender.now_millis();
    let there = sender.server_time(Instant::now()).unwrap_or(now);
    let age = i64::try_from(sender.unscaled(now.saturating_sub(since)).as_millis()).unwrap_or(0);
    let after = there.saturating_sub(age).saturating_sub(MARGIN_MS);
    let call = S::syncs_after(Timestamp::from_millis(after))?;
    let cursor = page::start(&call);
    Ok((call, cursor))
}
