//! Notes of ended requests. A process that shares a limit may note an end beside the state instead of changing the
//! state, because a note costs much less. The process that next opens the state first adds the noted ends to it.
//!
//! A note can be lost. So a process remembers the ends that it has noted until it next changes the state.

use super::super::Nanos;
use super::super::lease::Leases;
use super::{LEASE, State, Ticket};

/// The number of slots for notes. Each slot holds one note of an ended request.
pub const SLOTS: usize = 64;

/// The note that a request was answered, and not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndNote {
    /// The id of the request's lease.
    pub lease: u64,
    /// When the request ended.
    pub at: Nanos,
    /// The epoch in which the request was granted (`Backoff::epoch`).
    pub epoch: u64,
}

impl EndNote {
    /// The number of the slot for the note of a lease; less than [`SLOTS`].
    ///
    /// If a request is granted while another request with the same slot is in flight, the later request gets no note.
    /// So no note replaces a note that was not read yet, unless a note is written late or the state is lost.
    #[must_use]
    pub fn slot(lease: u64) -> usize {
        usize::try_from(lease % SLOTS as u64).unwrap_or(0)
    }
}

impl State {
    /// The note for the end at `now` of the request with this ticket. Returns `None` if the state must be changed
    /// instead: the lease of the request is over or unknown, its slot is shared, or the limit has not recovered from a
    /// cut. Until it has, each success must raise the limit at once.
    #[must_use]
    pub fn end_note(&self, now: Nanos, ticket: &Ticket) -> Option<EndNote> {
        let lease = ticket.lease.filter(|_| !ticket.shares_slot && !self.backoff.is_cut())?;
        let until = self.leases.as_ref()?.until(lease)?;
        (now < until).then_some(EndNote { lease, at: now, epoch: ticket.epoch })
    }

    /// Adds the ends of requests for which a note was written beside the state. `note` takes the id of a lease and
    /// returns the note for this lease. `note` gets only leases that are still held, because requests without a lease
    /// count as ended already. A noted end counts as no earlier than the grant and the last known end, and as no later
    /// than `now`.
    pub fn add_noted(&mut self, now: Nanos, note: impl Fn(u64) -> Option<EndNote>) {
        let Some(leases) = &mut self.leases else { return };
        let lease = self.quota.scaled(LEASE);
        let newest = self.backoff.epoch();
        let noted = |(id, until): (u64, Nanos)| {
            let note = note(id).filter(|note| note.lease == id && note.epoch <= newest)?;
            Some((note.at.max(until.saturating_sub(lease)), note))
        };
        let mut noted: Vec<_> = leases.all().filter_map(noted).collect();
        if noted.is_empty() {
            return;
        }
        self.last = self.last.max(now);
        noted.sort_unstable_by_key(|(at, _)| *at);
        for (at, note) in noted {
            let at = at.max(self.window.last_end().unwrap_or(0)).min(self.last);
            leases.give_back(note.lease);
            self.window.ends(at);
            self.backoff.succeeded(at, note.epoch);
        }
    }

    /// Whether the end of this request is missing at `now` although it was noted: its lease is still held, or the state
    /// began after the grant. An end that is too old to count is not missing.
    #[must_use]
    pub fn lacks_end_of(&self, now: Nanos, ticket: &Ticket) -> bool {
        // The latest possible time of a noted end: an end is noted only while the request has its lease.
        let last_end = ticket.at.saturating_add(self.quota.scaled(LEASE));
        if last_end.saturating_add(self.quota.span()) <= now {
            return false;
        }
        let lacks = |leases: &Leases, id| leases.until(id).is_some() || leases.is_older(id);
        self.leases.as_ref().zip(ticket.lease).is_none_or(|(leases, id)| lacks(leases, id))
    }
}
