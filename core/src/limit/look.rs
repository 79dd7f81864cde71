//! What the gate and the followers of a run share about the next look at it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use super::line::LookPriority;
use super::looks::Urgency;
use super::sync::{Mutex, MutexGuard, Notify};

/// The next id of a look in this process.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// What is known of a run that is looked at again and again: how urgent the next look is, and when the last one was.
///
/// A request that looks at the run carries it ([`Ask::look`](super::Ask::look)). [`Gate::hint`](super::Gate::hint)
/// makes it more urgent; once a request is granted, it is usual again.
#[derive(Debug)]
pub struct Look {
    id: u64,
    priority: Mutex<LookPriority>,
    raised: Notify,
}

impl Look {
    /// Creates the look of a run that was last looked at `looked_at` milliseconds after 1970; 0 if it never was.
    #[must_use]
    pub fn new(looked_at: i64) -> Arc<Self> {
        let priority = LookPriority { urgency: Urgency::Usual, looked_at };
        Arc::new(Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            priority: Mutex::new(priority),
            raised: Notify::new(),
        })
    }

    /// Sets when the run was last looked at, in milliseconds since 1970, for the next request that looks at it.
    pub fn set_looked_at(&self, looked_at: i64) {
        self.lock().looked_at = looked_at;
    }

    /// How urgent the next look is.
    #[must_use]
    pub fn urgency(&self) -> Urgency {
        self.lock().urgency
    }

    /// Resolves once the look is urgent, at once if it is already. One waiter at a time is woken.
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

    /// Raises the urgency; returns whether that changed it.
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
