//! Reads the list of syncs on behalf of all followed runs. A page of the list shows a hundred syncs, but a *look* (a
//! request that reads a run) shows only one run. A *follower* is a step that waits for a change of its run. One
//! follower reads the list for all followers.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::followed::Followed;
use super::state::RunState;
use super::step_report::StepReport;
use crate::call::{Call, Options, Priority};
use crate::error::{Error, Kind};
use crate::limit::Urgency;
use crate::model::Timestamp;
use crate::page::{self, Cursor, ReadRow, Row};
use crate::sender::{Sender, signal_of_part, with_signal};

/// The request for the list asks for syncs that ran after the trigger of the oldest followed run, minus this many
/// milliseconds. The margin is needed because clocks and the server's filter may be inexact.
const MARGIN_MS: i64 = 60_000;
/// The pause between two readings of the list of syncs, as a multiple of the pause between pages.
const BETWEEN: u32 = 3;
/// If the API key has no permission to list syncs, the list is requested again after this time, because the permissions
/// of the key may have changed.
const REFUSED_FOR: Duration = Duration::from_hours(1);
/// The least pause between pages. During the pause, the follower that reads the pages can read its own run.
const LEAST: Duration = Duration::from_millis(10);
/// The time limit of the request for a page of the list of syncs.
const PATIENCE: Duration = Duration::from_secs(10);
/// Statuses of a sync without a run in progress.
const ENDED: [&str; 5] = ["success", "warning", "failed", "cancelled", "interrupted"];

model! {
    /// The fields of a sync that show whether its runs may have changed.
    pub(crate) struct SyncGlance {
        /// Numeric id.
        required id = "id": i64,
        /// Status of the sync.
        optional status = "status": String,
        /// Start time of the sync's latest run.
        optional last_run_at = "lastRunAt": Timestamp,
    }
}

impl Row for SyncGlance {
    fn id(&self) -> String {
        self.id.to_string()
    }
}

/// The position in the list of syncs, and which of the followers of runs reads the list for all.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    state: Mutex<SweepState>,
    /// Notified when the follower that reads the list is dropped.
    left: Notify,
}

#[derive(Debug, Default)]
struct SweepState {
    readers: u64,
    /// The follower that reads the list of syncs for all followers, and the time when its turn ends. From then on,
    /// another follower may take the turn, because the first follower may no longer be polled.
    reader: Option<(u64, Instant)>,
    due: Option<Instant>,
    cursor: Option<(Call, Cursor)>,
    /// The last known status of each sync with followed runs, and the last known start of the sync's latest run.
    shown: HashMap<String, (Option<String>, Option<Timestamp>)>,
    /// The digest of an API key with which the server refused to list syncs, and when to request the list with this key
    /// again. If the server does not know the key, the time is `None`, which means never.
    refused: Option<([u8; 32], Option<Instant>)>,
}

/// One follower's role in reading the list. If the follower that reads the list drops this value, another follower can
/// read the list.
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
    /// If this follower reads the list, returns true, and when to read the next page. If another follower reads the
    /// list, returns false, and when to check again.
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

/// The requests of one step for pages of the list.
#[derive(Debug)]
pub(super) struct PageRequests {
    busy: AtomicBool,
    /// Cancels the request for the present page. No other page is requested afterwards.
    pub(super) give_up: CancellationToken,
}

impl PageRequests {
    pub(super) fn new() -> Self {
        Self { busy: AtomicBool::new(false), give_up: signal_of_part() }
    }

    /// Whether a page is requested at present.
    pub(super) fn is_open(&self) -> bool {
        self.busy.load(Ordering::Relaxed)
    }
}

/// Reads the list of syncs for as long as this future is polled and no other follower reads the list, until
/// `pages.give_up` is cancelled. The pages are added to `report`.
pub(super) async fn lead<S: RunState>(
    sender: &Sender,
    followed: &Arc<Followed>,
    report: &StepReport,
    pages: &PageRequests,
) -> Infallible {
    let reader = followed.sweep.reader();
    loop {
        if pages.give_up.is_cancelled() {
            return std::future::pending().await;
        }
        let (reads, then) = reader.turn();
        if !reads {
            tokio::select! {
                () = crate::timers::sleep_until(then) => {}
                () = followed.sweep.left.notified() => {}
            }
            continue;
        }
        crate::timers::sleep_until(then).await;
        let pause = pause(sender);
        let looks = sender.workspace().map_or(u64::MAX, |workspace| workspace.gate().looks_in_window());
        followed.sweep.lock().due = Some(Instant::now() + pause * BETWEEN);
        let Some(since) = followed.crowded_since(looks) else { continue };
        if is_refused(sender, followed) {
            continue;
        }
        pages.busy.store(true, Ordering::Relaxed);
        // Boxed to keep the future of every followed run small.
        let page = Box::pin(page::<S>(sender, followed, report, since));
        let read = with_signal(pages.give_up.clone(), page).await;
        pages.busy.store(false, Ordering::Relaxed);
        if !reader.reads() {
            continue;
        }
        let mut state = followed.sweep.lock();
        match read {
            Ok(true) => state.due = Some(Instant::now() + pause),
            Ok(false) => {}
            Err(error) if error.kind() == Kind::Cancelled => {}
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

/// The pause between pages. With this pause, the pages use a twentieth of the limit of this process, but at least one
/// request per window.
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

/// Reads the next page. For each changed sync on the page, raises the urgency of the next look at the oldest followed
/// run of the sync. Returns whether there is another page.
async fn page<S: RunState>(
    sender: &Sender,
    followed: &Arc<Followed>,
    report: &StepReport,
    since: i64,
) -> Result<bool, Error> {
    // The position stays in the sweep. If this reader is dropped, the next reader continues from this position.
    let place = followed.sweep.lock().cursor.clone();
    let (call, cursor) = match place {
        Some(place) => place,
        None => start::<S>(sender, since)?,
    };
    let options = Options::new().priority(Priority::Poll).deadline(PATIENCE).max_retries(0);
    let options = report.options(&options);
    let started = Instant::now();
    let mut spent = sender.account(call.subject(), &options, false);
    let fetched = page::fetch(sender, &call, cursor, &mut spent, &mut ReadRow::<SyncGlance>::value).await;
    report.page(&spent, started);
    let fetched = fetched?;
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
        // A sync that is read for the first time counts as changed only if its status says that the latest run has
        // ended.
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

/// Creates the call that lists the syncs with runs since the oldest followed run was triggered, and the first cursor of
/// this call. `since` is the time of that trigger by this machine's clock. The call uses the server's clock if it is
/// known.
fn start<S: RunState>(sender: &Sender, since: i64) -> Result<(Call, Cursor), Error> {
    let now = sender.now_millis();
    let there = sender.server_time(Instant::now()).unwrap_or(now);
    let age = i64::try_from(sender.unscaled(now.saturating_sub(since)).as_millis()).unwrap_or(0);
    let after = there.saturating_sub(age).saturating_sub(MARGIN_MS);
    let call = S::syncs_after(Timestamp::from_millis(after))?;
    let cursor = page::start(&call);
    Ok((call, cursor))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Otherwise a wait that the user cancels would go on for two seconds while a page is requested.
    #[tokio::test]
    async fn the_signal_of_a_call_cancels_its_request_for_a_page() {
        let signal = CancellationToken::new();
        let made = with_signal(signal.clone(), async {
            let pages = PageRequests::new();
            signal.cancel();
            assert!(pages.give_up.is_cancelled());
            Ok(())
        });
        assert!(made.await.is_ok());
    }
}
