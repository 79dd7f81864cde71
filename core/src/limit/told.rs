//! Tells listeners at once when this process begins to keep the limit alone, or shares it again.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::stats::{ScopeChange, ScopeListener};

/// The listeners of a gate, and the changes that were not reported to them yet.
#[derive(Default)]
pub(super) struct Told {
    /// Whether `changes` holds changes that were not reported to the listeners yet.
    untold: AtomicBool,
    changes: Mutex<Vec<ScopeChange>>,
    listeners: Mutex<Vec<Weak<ScopeListener>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Told {
    /// Adds a listener, unless it was added before.
    pub(super) fn add(&self, listener: &Arc<ScopeListener>) {
        let listener = Arc::downgrade(listener);
        let mut listeners = lock(&self.listeners);
        listeners.retain(|known| known.strong_count() > 0);
        if !listeners.iter().any(|known| known.ptr_eq(&listener)) {
            listeners.push(listener);
        }
    }

    /// Takes over the listeners of another gate.
    pub(super) fn take_over(&self, other: &Self) {
        for listener in std::mem::take(&mut *lock(&other.listeners)).iter().filter_map(Weak::upgrade) {
            self.add(&listener);
        }
    }

    /// Stores a change until [`Told::tell`] reports it. Does nothing if there is no listener.
    pub(super) fn note(&self, change: &ScopeChange) {
        if lock(&self.listeners).iter().any(|listener| listener.strong_count() > 0) {
            lock(&self.changes).push(change.clone());
            self.untold.store(true, Ordering::Release);
        }
    }

    /// Reports each stored change to all listeners. The caller must hold no lock, because a listener may use the gate.
    pub(super) fn tell(&self) {
        if !self.untold.load(Ordering::Acquire) || !self.untold.swap(false, Ordering::AcqRel) {
            return;
        }
        let changes = std::mem::take(&mut *lock(&self.changes));
        let listeners: Vec<_> = lock(&self.listeners).iter().filter_map(Weak::upgrade).collect();
        for (change, listener) in
            changes.iter().flat_map(|change| listeners.iter().map(move |to| (change, to)))
        {
            // A listener is the user's code. Its panic must not stop the work of this thread.
            let _ = catch_unwind(AssertUnwindSafe(|| listener(change)));
        }
    }
}

impl fmt::Debug for Told {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Told")
    }
}
