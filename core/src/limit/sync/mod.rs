//! The locks, clock and wake-ups of the gate. Under `--cfg limit_loom` they come from a model. With this model,
//! `core/limit-proofs` explores the orders in which threads use the locks.

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
    pub(in crate::limit) use tokio::time::{Instant, timeout_at};

    /// How often the waiters check whether the first waiter overslept because nobody polls its task. Without the check,
    /// one such task would hold up all waiters.
    pub(in crate::limit) const LOOK_AFTER_FIRST: Duration = Duration::from_secs(1);

    /// How long a grant is kept for a waiter that does not fetch it because nobody polls its task.
    pub(in crate::limit) const FETCHED_WITHIN: Duration = Duration::from_secs(1);
}

#[cfg(limit_loom)]
mod model;
