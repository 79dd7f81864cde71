//! The locks, clock and wake-ups of the gate. Under `--cfg limit_loom` they are those of a model, which explores every
//! order in which threads can reach them (`core/limit-proofs`).

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

    /// How often other waiters check whether the first one overslept: each of a few, a part of many. The first one oversleeps if nobody polls its
    /// task. Without this check, one stream that nobody polls would hold up all waiters.
    pub(in crate::limit) const LOOK_AFTER_FIRST: Duration = Duration::from_secs(1);

    /// How long a grant is kept for a waiter that does not fetch it, because its task is not being polled.
    pub(in crate::limit) const FETCHED_WITHIN: Duration = Duration::from_secs(1);
}

#[cfg(limit_loom)]
mod model;
