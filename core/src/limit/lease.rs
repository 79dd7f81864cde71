//! Leases: how long a request counts as in flight if its process never reports its end.
//!
//! A process that was killed reports no ends. Without leases, its requests would count as in flight for ever.

use std::collections::VecDeque;

use super::state::{EndNote, SLOTS};
use super::words::{MOST, Words};
use super::{NEVER, Nanos};

/// The requests in flight of a limit that several processes share, in the order of their grants.
#[derive(Clone, Debug)]
pub struct Leases {
    held: VecDeque<Lease>,
    /// The lowest id in this list: the time at which the list was created.
    first: u64,
    next: u64,
}

#[derive(Clone, Copy, Debug)]
struct Lease {
    id: u64,
    until: Nanos,
}

impl Leases {
    /// Creates an empty list at the time `now`.
    #[must_use]
    pub fn new(now: Nanos) -> Self {
        // The first id is the current time. So no new lease has the id of a lease in an earlier state that was lost.
        Self { held: VecDeque::new(), first: now, next: now }
    }

    /// From now on, new leases get ids of at least `now`. Another copy of this list may have leases that this list
    /// lacks. Their ids are below `now`, because ids count up from the time at which the list was created.
    pub fn skip_to(&mut self, now: Nanos) {
        self.next = self.next.max(now);
    }

    /// Adds a lease that expires at `until`, and returns its id. `until` must not lie before the end of a lease that is
    /// held.
    pub fn take(&mut self, until: Nanos) -> u64 {
        let id = self.next;
        self.next += 1;
        self.held.push_back(Lease { id, until });
        id
    }

    /// Whether the lease that was taken last shares its slot for a note ([`EndNote::slot`]) with another held lease.
    /// Also true if so many leases are held that a shared slot is likely.
    #[must_use]
    pub fn last_shares_slot(&self) -> bool {
        let slot = EndNote::slot(self.next - 1);
        let others = self.held.len().saturating_sub(1);
        others >= SLOTS || self.held.iter().take(others).any(|lease| EndNote::slot(lease.id) == slot)
    }

    fn find(&self, id: u64) -> Option<usize> {
        self.held.binary_search_by_key(&id, |lease| lease.id).ok()
    }

    /// Gives a lease back. Returns false if the lease has expired.
    pub fn give_back(&mut self, id: u64) -> bool {
        self.find(id).is_some_and(|at| self.held.remove(at).is_some())
    }

    /// When the lease with this id expires; `None` if the lease is not held.
    #[must_use]
    pub fn until(&self, id: u64) -> Option<Nanos> {
        self.held.get(self.find(id)?).map(|lease| lease.until)
    }

    /// Whether the lease with this id was taken before this list was created.
    #[must_use]
    pub fn is_older(&self, id: u64) -> bool {
        id < self.first
    }

    /// The ids of the leases, and when they expire.
    pub fn all(&self) -> impl Iterator<Item = (u64, Nanos)> {
        self.held.iter().map(|lease| (lease.id, lease.until))
    }

    /// When the next lease expires; [`NEVER`] if there is none.
    #[must_use]
    pub fn next_expiry(&self) -> Nanos {
        self.held.front().map_or(NEVER, |lease| lease.until)
    }

    /// Removes the lease that expires next, if it has expired by `now`. Returns whether a lease was removed.
    pub fn expire(&mut self, now: Nanos) -> bool {
        self.next_expiry() <= now && self.held.pop_front().is_some()
    }

    /// When the leases expire.
    pub fn ends(&self) -> impl Iterator<Item = Nanos> {
        self.held.iter().map(|lease| lease.until)
    }

    /// How many leases are held.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.held.len() as u64
    }

    /// Writes the leases as integers, for [`Leases::read`] to read.
    pub fn write(&self, to: &mut Vec<u64>) {
        to.extend([self.next, self.first, self.held.len() as u64]);
        to.extend(self.held.iter().flat_map(|lease| [lease.id, lease.until]));
    }

    /// Reads leases. Returns `None` if the integers are damaged, for example if a lease expires after `latest`.
    #[must_use]
    pub fn read(from: &mut Words<'_>, latest: Nanos) -> Option<Self> {
        let next = from.up_to(NEVER - MOST)?;
        let first = from.up_to(next)?;
        let mut last = None;
        let held = from.list(|from| {
            let lease = Lease { id: from.up_to(next.checked_sub(1)?)?, until: from.up_to(latest)? };
            let ascends = last.is_none_or(|last: Lease| last.id < lease.id && last.until <= lease.until);
            last = Some(lease);
            ascends.then_some(lease)
        })?;
        Some(Self { held: held.into(), first, next })
    }
}
