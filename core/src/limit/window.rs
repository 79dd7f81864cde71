//! The rule that decides when one more request may be sent, from the requests in flight and the ends of the others.
//!
//! F are the requests in flight, C the times at which ends were seen, N the limit and T the window. One more request
//! may be sent at t if for every s in (t−T, t]
//!
//! > |F| + cur(s) + prev(s)·(1 − (t−s)/T) + 1 ≤ N
//!
//! where cur(s) counts the ends in [s, t] and prev(s) those in [s−T, s). A request reached the server no later than its
//! end, so this sum counts it for at least as much as a server does whose bucket begins at s. With s = t this is the
//! exact sliding window, with s just after t−T the fixed one.
//!
//! Only s = t and the values of C and C+T (the ends, and T after each) need checking: between two of them, the sum only
//! grows with s.

use super::{NEVER, Nanos};

/// The requests in flight, and the ends of the others.
#[derive(Clone, Debug)]
pub struct Window {
    span: Nanos,
    flying: u64,
    ends: Vec<Nanos>,
}

impl Window {
    /// Creates an empty log over windows of `span`.
    #[must_use]
    pub fn new(span: Nanos) -> Self {
        Self { span, flying: 0, ends: Vec::new() }
    }

    /// T, the length of the window.
    #[must_use]
    pub fn span(&self) -> Nanos {
        self.span
    }

    /// Changes T. Ends that were older than the old T required are already forgotten.
    pub fn set_span(&mut self, span: Nanos) {
        self.span = span;
    }

    /// |F|, the number of requests in flight.
    #[must_use]
    pub fn flying(&self) -> u64 {
        self.flying
    }

    /// Notes that one more request is in flight.
    pub fn leaves(&mut self) {
        self.flying += 1;
    }

    /// Notes that a request in flight was never sent.
    pub fn vanishes(&mut self) {
        self.flying = self.flying.saturating_sub(1);
    }

    /// Notes that a request in flight ended at `now`, which is no earlier than any earlier end.
    pub fn ends(&mut self, now: Nanos) {
        self.vanishes();
        // An end older than 2T no longer counts. Removing half of the log at a time keeps this cheap.
        let stale = self.ends.partition_point(|end| end.saturating_add(2 * self.span) <= now);
        if stale * 2 > self.ends.len() {
            self.ends.drain(..stale);
        }
        self.ends.push(now);
    }

    /// Merges another log into this one at `now`; `time` converts a time of the other.
    pub fn absorb(&mut self, now: Nanos, other: &Self, time: impl Fn(Nanos) -> Nanos) {
        self.flying += other.flying;
        self.ends.extend(other.ends.iter().map(|end| time(*end).min(now)));
        self.ends.sort_unstable();
    }

    /// How many requests ended within the last T.
    #[must_use]
    pub fn recent(&self, now: Nanos) -> u64 {
        let old = self.ends.partition_point(|end| end.saturating_add(self.span) < now);
        (self.ends.len() - old) as u64
    }

    /// The first time at or after `from` at which one more request may be sent if nothing else happens before, with
    /// `flying` in flight and a limit of `allowed`; [`NEVER`] if only an end can help.
    ///
    /// `from` is no earlier than the last end.
    #[must_use]
    pub fn earliest(&self, from: Nanos, flying: u64, allowed: u64) -> Nanos {
        let span = self.span;
        let Some(room) = allowed.checked_sub(flying + 1).filter(|_| from != NEVER) else {
            return NEVER;
        };
        let count = self.ends.len() as u64;
        if count <= room {
            // Even all remembered ends together fit.
            return from;
        }
        let mut t = from;
        // s = t: the last T may hold at most `room` ends, so the end before those must be older than T.
        if let Some(blocker) = count.checked_sub(room + 1).and_then(|index| self.end(index)) {
            t = t.max(blocker + span + 1);
        }
        // s in C or C+T, ascending: `a` ends lie before s and `b` before s−T. Each s forbids the times
        // from s to its release. Once s exceeds t, all s up to t have been checked, so t is the first
        // time that no s forbids.
        let mut a = t.checked_sub(span).map_or(0, |time| self.until(time));
        let mut b = t.checked_sub(2 * span).map_or(0, |time| self.until(time));
        loop {
            let by_end = self.end(a).unwrap_or(NEVER);
            let by_shift = self.end(b).map_or(NEVER, |end| end + span);
            let s = by_end.min(by_shift);
            if s > t {
                return t;
            }
            let (current, previous) = (count - a, a - b);
            let left = room.checked_sub(current);
            let age = t - s;
            if age < span && left.is_none_or(|left| wide(previous, span - age) > wide(left, span)) {
                t = s + span - left.map_or(0, |left| part(left, span, previous));
            }
            while self.end(a) == Some(s) {
                a += 1;
            }
            while self.end(b).is_some_and(|end| end + span == s) {
                b += 1;
            }
        }
    }

    /// How many ends are remembered: at most twice as many as there are within the last 2T.
    #[must_use]
    #[allow(dead_code)] // The proofs ask it.
    pub fn remembered(&self) -> usize {
        self.ends.len()
    }

    fn end(&self, index: u64) -> Option<Nanos> {
        usize::try_from(index).ok().and_then(|index| self.ends.get(index)).copied()
    }

    /// How many requests ended at or before `time`.
    fn until(&self, time: Nanos) -> u64 {
        self.ends.partition_point(|end| *end <= time) as u64
    }
}

/// Multiplies without overflow: a million requests a day are 10^20 in these units, more than a u64 holds.
fn wide(count: u64, time: Nanos) -> u128 {
    u128::from(count) * u128::from(time)
}

/// The part `left / previous` of `span`.
fn part(left: u64, span: Nanos, previous: u64) -> Nanos {
    Nanos::try_from(wide(left, span) / u128::from(previous.max(1))).unwrap_or(span).min(span)
}
