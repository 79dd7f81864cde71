//! Reads the list of syncs for all followed runs: a page shows a hundred syncs, a look shows one run.

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

/// How much earlier than the oldest trigger the list begins, because clocks and filters may be off.
const MARGIN_MS: i64 = 60_000;
/// The pause between two readings of the list, as a multiple of the pause between pages.
const BETWEEN: u32 = 3;
/// How long a key that may not list syncs is not tried again. Its permissions may have changed after this time.
const REFUSED_FOR: Duration = Duration::from_hours(1);
/// The least pause between pages, so that the reader gets to its own run too.
const LEAST: Duration = Duration::from_millis(10);
/// How long a page may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Statuses of a sync without a run in progress.
const ENDED: [&str; 5] = ["success", "warning", "failed", "cancelled", "interrupted"];

model! {
    /// The parts of a sync that show whether its runs are worth a look.
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

/// The position in the list, and which follower reads it.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    state: Mutex<SweepState>,
    /// Notified when the reader leaves.
    left: Notify,
}

#[derive(Debug, Default)]
struct SweepState {
    readers: u64,
    /// The follower that reads for all, and until when the others rely on it: a future that is no longer polled must
    /// not hold up the others.
    reader: Option<(u64, Instant)>,
    due: Option<Instant>,
    cursor: Option<(Call, Cursor)>,
    /// What each sync that is followed showed when it was last read.
    shown: HashMap<String, (Option<String>, Option<Timestamp>)>,
    /// The key that may not list syncs, and until when it is not tried again. The time is `None` if the server does not
    /// know the key; then it is never tried again.
    refused: Option<([u8; 32], Option<Instant>)>,
}

/// One follower's role in the reading. Dropping it hands the role to the others.
struct SweepReader<'a> {
    sweep: &'a Sweep,
    id: u64,
}

impl Sweep {
    fn lock(&self) -> MutexGuard<'_, SweepState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reader(&self) -> SweepReader<'_> {
        let mut state = self.lock();
        state.readers += 1;
        SweepReader { sweep: self, id: state.readers }
    }
}

impl SweepReader<'_> {
    /// Returns true, and when to read the next page, if this follower reads. Otherwise returns false, and when to check
    /// again whether another follower still reads.
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

impl Drop for SweepReader<'_> {
    fn drop(&mut self) {
        let mut state = self.sweep.lock();
        if state.reader.is_some_and(|(reader, _)| reader == self.id) {
            state.reader = None;
            drop(state);
            self.sweep.left.notify_one();
        }
    }
}

/// Reads the list for as long as it is polled and no other follower reads. `busy` is true while a page is requested.
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
        // Boxed to keep the future of every followed run small.
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

/// The pause between pages, so that they use a twentieth of the limit.
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

/// Reads the next page, and makes the looks at runs of changed syncs urgent. Returns whether there is another page.
async fn page<S: RunState>(sender: &Sender, followed: &Arc<Followed>, since: i64) -> Result<bool, Error> {
    // A copy: if this reader is dropped, the next one continues at the same position.
    let place = followed.sweep.lock().cursor.clone();
    let (call, cursor) = match place {
        Some(place) => place,
        None => start::<S>(sender, since)?,
    };
    let options = Options::new().priority(Priority::Poll).deadline(PATIENCE).max_retries(0);
    let mut spent = sender.account(call.subject(), &options, false);
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
        // A sync that is seen for the first time is news only if a run may have ended.
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
