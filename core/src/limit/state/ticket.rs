//! The ticket of a granted request.

use super::super::Nanos;

/// Permission from one limit ([`super::State`]) for one request. Each method that notes the end of the request takes
/// the ticket back.
#[derive(Debug)]
#[must_use = "a request that is never ended takes its place for good"]
pub struct Ticket {
    pub(super) epoch: u64,
    pub(super) at: Nanos,
    pub(super) lease: Option<u64>,
    /// Whether another request in flight had the same slot for a note ([`super::EndNote::slot`]) when this one was
    /// granted.
    pub(super) shares_slot: bool,
}

impl Ticket {
    /// When the request was granted.
    #[must_use]
    pub fn at(&self) -> Nanos {
        self.at
    }

    /// Ends the ticket. Returns the epoch in which the request was granted (`Backoff::epoch`).
    pub(super) fn spend(self) -> u64 {
        self.epoch
    }
}
