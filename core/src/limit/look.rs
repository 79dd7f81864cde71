//! The priority of the next look at a run (the next request that reads its state). The gate and all that follow the run
//! share this priority.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use super::line::LookPriority;
use super::looks::Urgency;
use super::sync::{Mutex, MutexGuard, Notify};

/// The id of the next [`Look`] in this process.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// The priority of the looks at one run (the requests that read its state): how urgent the next look is, and when the
/// last look was.
///
/// Each request that looks at the run carries this value ([`Ask::look`](super::Ask::look)).
/// [`Gate::hint`](super::Gate::hint) raises the urgency. Once one of these requests has its permit, the urgency is
/// [`Urgency::Usual`] again.
#[derive(Debug)]
pub struct Look {
    id: u64,
    priority: Mutex<LookPriority>,
    raised: Notify,
}

impl Look {
    /// Creates the priority of the looks at one run. `looked_at` is the time of the last look, in milliseconds since
    /// 1970; 0 if there was no look yet.
    #[must_use]
    pub fn new(looked_at: i64) -> Arc<Self> {
        let priority = LookPriority { urgency: Urgency::Usual, looked_at };
        Arc::new(Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            priority: Mutex::new(priority),
            raised: Notify::new(),
        })
    }

    /// Sets when the run was last looked at, in milliseconds since 1970. The next request that looks at the run uses
    /// this time.
    pub fn set_looked_at(&self, looked_at: i64) {
        self.lock().looked_at = looked_at;
    }

    /// How urgent the next look at the run is.
    #[must_use]
    pub fn urgency(&self) -> Urgency {
        self.lock().urgency
    }

    /// Resolves once the next look at the run is urgent; at once if it already is. If several tasks wait, each raise of
    /// the urgency wakes one task.
    pub async fn urgent(&self) {
        while self.urgency() == Urgency::Usual {
            self.raised.notified().await;
        }
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn priority(&self) -> LookPriority {
        *self.lock()
    }

    /// Raises the urgency of the next look at the run; never lowers it. Returns whether the urgency changed.
    pub(super) fn raise(&self, urgency: Urgency) -> bool {
        let mut priority = self.lock();
        if urgency <= priority.urgency {
            return false;
        }
        priority.urgency = urgency;
        drop(priority);
        self.raised.notify_one();
        true
    }

    /// Resets the urgency, because the run is looked at now.
    pub(super) fn seen(&self) {
        self.lock().urgency = Urgency::Usual;
    }

    fn lock(&self) -> MutexGuard<'_, LookPriority> {
        self.priority.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
