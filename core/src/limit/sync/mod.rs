//! The locks, clock and wake-ups of the gate. With `--cfg limit_loom`, a model that uses the crate loom replaces them.
//! `core/limit-proofs` uses this model to explore the orders in which threads take the locks.

#[cfg(not(limit_loom))]
pub(super) use real::*;

#[cfg(limit_loom)]
pub(super) use model::{FETCHED_WITHIN, Instant, LOOK_AFTER_FIRST, Mutex, MutexGuard, Notify, timeout_at};
#[cfg(limit_loom)]
pub use model::{advance, explore};

#[cfg(not(limit_loom))]
mod real {
    use std::time::Duration;

    pub(in crate::limit) use std::sync::{Mutex, MutexGuard};
    pub(in crate::limit) use tokio::sync::Notify;
    pub(in crate::limit) use tokio::time::Instant;

    pub(in crate::limit) use crate::timers::timeout_at;

    /// How often the waiters check the first waiter in the queue. If nobody polls the task of the first waiter, it
    /// oversleeps, and without the check it would hold up all other waiters.
    pub(in crate::limit) const LOOK_AFTER_FIRST: Duration = Duration::from_secs(1);

    /// How long a grant is kept for a waiter that does not fetch it because nobody polls its task.
    pub(in crate::limit) const FETCHED_WITHIN: Duration = Duration::from_secs(1);
}

#[cfg(limit_loom)]
mod model;
