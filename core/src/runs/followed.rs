//! The runs of one workspace that this process follows. A *look* is a request that reads a followed run. If the list of
//! syncs shows that a run may have changed, the next look at this run becomes urgent.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::sweep::Sweep;
use super::token::RunToken;
use crate::limit::{Gate, Look, Urgency};
use crate::operation::RunKind;
use crate::workspace::Part;

#[derive(Debug, Default)]
pub(crate) struct Followed {
    runs: Mutex<Runs>,
    /// How far the list of syncs has been read.
    pub(super) sweep: Sweep,
}

#[derive(Debug, Default)]
struct Runs {
    /// The runs of each sync, under the id of the sync. The runs of sequences and graphs are under `None`.
    by_sync: HashMap<Option<String>, Vec<Arc<FollowedRun>>>,
    next: u64,
}

/// A run that a caller follows. `since` is when a process learned the id of the run, as in the run's token, in
/// milliseconds since 1970.
#[derive(Debug)]
struct FollowedRun {
    id: u64,
    run: i64,
    since: i64,
    look: Arc<Look>,
}

/// Keeps a run among the followed runs. Dropping this value removes the run.
#[derive(Debug)]
pub(super) struct Following {
    followed: Arc<Followed>,
    sync: Option<String>,
    run: Arc<FollowedRun>,
}

impl Part for Followed {
    fn absorb(&self, from: &Self) {
        // When workspaces are merged, the runs stay in the list of `from`, because each [`Following`] removes its run
        // from the list to which it was added.
        let _ = from;
    }
}

impl Followed {
    fn lock(&self) -> MutexGuard<'_, Runs> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn follow(self: &Arc<Self>, token: &RunToken) -> Following {
        let mut runs = self.lock();
        runs.next += 1;
        let run = Arc::new(FollowedRun {
            id: runs.next,
            run: token.run.parse().unwrap_or(i64::MAX),
            since: token.since,
            look: Look::new(0),
        });
        let sync = (token.kind == RunKind::Sync).then(|| token.parent.clone());
        runs.by_sync.entry(sync.clone()).or_default().push(Arc::clone(&run));
        Following { followed: Arc::clone(self), sync, run }
    }

    /// Returns the earliest `since` of the followed runs of syncs, or `None` if the list of syncs need not be read.
    /// The list is not needed if one window of the limit has room for a request for each followed run, or if no
    /// followed run is of a sync.
    pub(super) fn crowded_since(&self, looks_in_window: u64) -> Option<i64> {
        let runs = self.lock();
        if runs.by_sync.values().map(Vec::len).sum::<usize>() as u64 <= looks_in_window {
            return None;
        }
        let of_syncs = runs.by_sync.iter().filter(|(sync, _)| sync.is_some());
        of_syncs.flat_map(|(_, runs)| runs).map(|run| run.since).min()
    }

    pub(super) fn follows(&self, sync: &str) -> bool {
        self.lock().by_sync.contains_key(&Some(sync.to_owned()))
    }

    /// Raises the urgency of the next request that reads the oldest followed run of a sync. A sync executes one run at
    /// a time, so a change of the sync most likely concerns the oldest run.
    pub(super) fn hint(&self, gate: &Gate, sync: &str, urgency: Urgency) {
        let oldest = {
            let runs = self.lock();
            let of_sync = runs.by_sync.get(&Some(sync.to_owned()));
            of_sync.into_iter().flatten().min_by_key(|run| run.run).cloned()
        };
        if let Some(run) = oldest {
            gate.hint(&run.look, urgency);
        }
    }
}

impl Following {
    /// Returns the [`Look`] that tells the gate (the queue for the rate limit) how urgently this run must be read.
    /// `looked` is when the run was last read, in milliseconds since 1970.
    pub(super) fn look(&self, looked: i64) -> Arc<Look> {
        self.run.look.set_looked_at(looked);
        Arc::clone(&self.run.look)
    }

    /// Waits until `due`, or until it becomes urgent to read the run.
    pub(super) async fn due(&self, due: Instant) {
        tokio::select! {
            () = crate::timers::sleep_until(due) => {}
            () = self.run.look.urgent() => {}
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let mut runs = self.followed.lock();
        if let Some(of_sync) = runs.by_sync.get_mut(&self.sync) {
            of_sync.retain(|run| run.id != self.run.id);
            if of_sync.is_empty() {
                runs.by_sync.remove(&self.sync);
            }
        }
    }
}
