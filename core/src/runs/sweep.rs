//! Reading the list of syncs for all runs that are followed: a page shows a hundred syncs, where a look shows one run.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::board::Board;
use super::line::Urgency;
use crate::client::{Call, Client, Options};
use crate::error::{Error, Kind};
use crate::model::Timestamp;
use crate::page::{self, Cursor};
use crate::resources::{ListSyncOp, ListSyncs, Sync, SyncStatus, call};

/// Clocks and filters may be a little off: better to read some syncs too many.
const MARGIN_MS: i64 = 60_000;
/// Between two readings of the list, in pauses between pages.
const BETWEEN: u32 = 3;
/// After that long permissions may have changed.
const REFUSED_FOR: Duration = Duration::from_hours(1);
/// However generous the limit: without a pause whoever leads would do nothing else.
const LEAST: Duration = Duration::from_millis(10);
/// How long a page may take.
const PATIENCE_MS: u64 = 10_000;

/// Where the reading stands.
#[derive(Debug)]
pub(super) struct Sweep {
    /// Between pages: a twentieth of the limit.
    pause: Duration,
    due: Option<Instant>,
    cursor: Option<(Call, Cursor)>,
    /// What each sync that is followed showed when it was last read.
    shown: HashMap<String, (Option<SyncStatus>, Option<Timestamp>)>,
    /// The key that may not list syncs, and until when it is not tried again: one that is unknown never is.
    refused: Option<([u8; 32], Option<Instant>)>,
}

impl Sweep {
    pub(super) fn new(requests: u64, span: Duration) -> Self {
        let pages = u32::try_from(requests / 20).unwrap_or(u32::MAX).max(1);
        Self {
            pause: (span / pages).max(LEAST),
            due: None,
            cursor: None,
            shown: HashMap::new(),
            refused: None,
        }
    }

    /// Reads one page, from where the last one ended, and moves the runs ahead whose syncs show something new. Gives
    /// back whether the list goes on.
    async fn page(&mut self, client: &Client, board: &Board, since: i64) -> Result<bool, Error> {
        let (call, cursor) = match self.cursor.take() {
            Some(place) => place,
            None => start(client, since)?,
        };
        let options = Options {
            priority: Some("poll".to_owned()),
            deadline_ms: Some(PATIENCE_MS),
            max_retries: Some(0),
            ..Options::default()
        };
        let fetched = page::fetch::<Sync>(client, &call, &options, cursor).await?;
        for sync in fetched.rows {
            let id = sync.id.to_string();
            if board.follows(&id) {
                self.compare(board, id, sync);
            }
        }
        self.cursor = fetched.cursor.map(|cursor| (call, cursor));
        if self.cursor.is_none() {
            self.shown.retain(|id, _| board.follows(id));
        }
        Ok(self.cursor.is_some())
    }

    fn is_refused(&self, client: &Client) -> bool {
        let key = client.key().map(|(key, _)| key.digest()).unwrap_or_default();
        self.refused.is_some_and(|(refused, until)| {
            refused == key && until.is_none_or(|until| Instant::now() < until)
        })
    }

    fn compare(&mut self, board: &Board, id: String, sync: Sync) {
        let ended = ended(sync.status.as_ref());
        let now = (sync.status, sync.last_run_at);
        let known = self.shown.get(&id);
        let urgency = match known {
            // What is seen for the first time is news only where it can be the end of a run.
            None if !ended => None,
            Some(known) if *known == now => None,
            _ => Some(if ended { Urgency::Ended } else { Urgency::Changed }),
        };
        if let Some(urgency) = urgency {
            board.hint(&id, urgency);
        }
        self.shown.insert(id, now);
    }
}

/// A list of the syncs that ran since the oldest trigger, by the server's clock where that is known.
fn start(client: &Client, since: i64) -> Result<(Call, Cursor), Error> {
    let now = client.now_millis();
    let there = client.server_time(Instant::now()).unwrap_or(now);
    let age = i64::try_from(client.unscaled(now.saturating_sub(since)).as_millis()).unwrap_or(0);
    let after = there.saturating_sub(age).saturating_sub(MARGIN_MS);
    let which = ListSyncs { after: Timestamp::from_millis(after), ..ListSyncs::default() };
    let call = call::<ListSyncOp>(&which)?;
    let cursor = page::start(&call);
    Ok((call, cursor))
}

fn ended(status: Option<&SyncStatus>) -> bool {
    matches!(
        status,
        Some(
            SyncStatus::Success
                | SyncStatus::Warning
                | SyncStatus::Failed
                | SyncStatus::Cancelled
                | SyncStatus::Interrupted
        )
    )
}

/// Reads on and on while this is polled and nobody else does; `busy` is true while a page is under way.
pub(super) async fn lead(client: &Client, board: &Board, busy: &AtomicBool) -> Infallible {
    let mut sweep = board.sweep.lock().await;
    loop {
        // Kept for whoever goes on when this is dropped.
        let due = *sweep.due.get_or_insert(Instant::now());
        tokio::time::sleep_until(due).await;
        sweep.due = Some(Instant::now() + sweep.pause * BETWEEN);
        let Some(since) = board.crowded_since() else { continue };
        if sweep.is_refused(client) {
            continue;
        }
        busy.store(true, Ordering::Relaxed);
        // Boxed: every run that is followed would carry the room for it.
        match Box::pin(sweep.page(client, board, since)).await {
            Ok(true) => sweep.due = Some(Instant::now() + sweep.pause),
            Ok(false) => {}
            Err(error) => {
                sweep.cursor = None;
                if matches!(error.kind(), Kind::Authentication | Kind::Permission | Kind::NotFound) {
                    let key = client.key().map(|(key, _)| key.digest()).unwrap_or_default();
                    let again = error.kind() != Kind::Authentication;
                    sweep.refused = Some((key, again.then(|| Instant::now() + client.scaled(REFUSED_FOR))));
                }
            }
        }
        busy.store(false, Ordering::Relaxed);
    }
}
