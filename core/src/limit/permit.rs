//! The permit for one request.

use std::sync::Arc;
use std::time::Duration;

use super::backoff::{Refusal, RefusedBy429};
use super::gate::Gate;
use super::state::Linger;
use super::turn::{End, Grant};

/// Permission to send one request. End the permit with one of its methods. If the permit is dropped instead, its
/// request counts as abandoned with [`Linger::Brief`], because a cancelled future may already have sent the request.
#[derive(Debug)]
#[must_use = "a permit that is dropped at once takes a place for seconds"]
pub struct Permit {
    gate: Arc<Gate>,
    grant: Option<Grant>,
}

impl Permit {
    pub(super) fn new(gate: Arc<Gate>, grant: Grant) -> Self {
        Self { gate, grant: Some(grant) }
    }

    /// Notes that the server answered, with any status except 429. Call this as soon as the headers of the answer are
    /// there: the server counts a request before it answers, so the rest of the answer changes nothing.
    pub fn seen(self) {
        self.end(End::Seen);
    }

    /// Notes that the request certainly never reached the server. Either there was no address, connection or handshake,
    /// or the request was cancelled before it was handed to the transport. The request stops counting at once.
    pub fn never_sent(self) {
        self.end(End::NeverSent);
    }

    /// Notes that the request was cancelled, timed out or reset after it was handed to the transport. The request may
    /// still arrive at the server, so it counts as in flight for a while; `linger` says for how long.
    pub fn abandoned(self, linger: Linger) {
        self.end(End::Abandoned(linger));
    }

    /// Records that the answer was 429, with this `Retry-After`. Returns what the request may do now, and whether the
    /// refusal lowered the limit.
    pub fn refused(mut self, retry_after: Option<Duration>) -> Refusal {
        let Some(grant) = self.grant.take() else {
            return Refusal { next: RefusedBy429::Closed(Duration::ZERO), cut: None };
        };
        let jitter = fastrand::u32(..);
        self.gate.core().change(|inner, now| {
            let refusal = inner.turns.refused(now, grant, retry_after, jitter);
            if let RefusedBy429::Hopeless(refusing) = refusal.next {
                inner.give_up(refusing);
            }
            refusal
        })
    }

    fn end(mut self, end: End) {
        if let Some(grant) = self.grant.take() {
            self.tell(grant, end);
        }
    }

    fn tell(&self, mut grant: Grant, end: End) {
        let core = self.gate.core();
        let mut inner = core.lock();
        if end == End::Seen && !inner.moved {
            // If no request waits at this gate, none waits for the end of this request. So the shared limit need not be
            // changed at once: the next change, or a note in the store, can report the end.
            if inner.turns.may_tell_later() {
                inner.turns.end(core.now(), grant, end);
                return;
            }
            match inner.note_end(core.now(), grant) {
                Some(not_noted) => grant = not_noted,
                None => return,
            }
        }
        core.change_locked(inner, |inner, now| inner.turns.end(now, grant, end));
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(grant) = self.grant.take() {
            self.tell(grant, End::Abandoned(Linger::Brief));
        }
    }
}
