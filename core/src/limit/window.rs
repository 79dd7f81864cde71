//! The rule: how many are in flight, when the others ended, and when one more may leave.
//!
//! With F in flight, C the times at which ends were seen, N allowed in a window of T, a request may
//! leave at t if for every s in (t−T, t]
//!
//! > |F| + cur(s) + prev(s)·(1 − (t−s)/T) + 1 ≤ N
//!
//! where cur(s) counts the ends in [s, t] and prev(s) those in [s−T, s). A request that was counted
//! arrived no later than its end, so in this sum it weighs at least what a counter whose bucket begins
//! at s gives it; s = t is the exact sliding window, and the s just after t−T is the fixed one.
//!
//! Between two neighbouring values of C and C+T the sum only grows with s, so nothing but those values
//! and s = t needs looking at.

use super::{NEVER, Nanos};

/// The requests in flight, and the ends of the others.
#[derive(Clone, Debug)]
pub struct Window {
    span: Nanos,
    flying: u64,
    ends: Vec<Nanos>,
}

impl Window {
    /// An empty log over windows of `span`.
    #[must_use]
    pub fn new(span: Nanos) -> Self {
        Self { span, flying: 0, ends: Vec::new() }
    }

    /// T.
    #[must_use]
    pub fn span(&self) -> Nanos {
        self.span
    }

    /// Changes T; what the old one let go of is not known any more.
    pub fn set_span(&mut self, span: Nanos) {
        self.span = span;
    }

    /// |F|.
    #[must_use]
    pub fn flying(&self) -> u64 {
        self.flying
    }

    /// Notes that one more request is in flight.
    pub fn leaves(&mut self) {
        self.flying += 1;
    }

    /// Notes that one of them was never sent.
    pub fn vanishes(&mut self) {
        self.flying = self.flying.saturating_sub(1);
    }

    /// Notes that one of them ended at `now`, which is no earlier than any earlier time.
    pub fn ends(&mut self, now: Nanos) {
        self.vanishes();
        // An end older than 2T no longer counts. Removing half of the log at a time keeps this cheap.
        let stale = self.ends.partition_point(|end| end.saturating_add(2 * self.span) <= now);
        if stale * 2 > self.ends.len() {
            self.ends.drain(..stale);
        }
        self.ends.push(now);
    }

    /// Takes over another log at `now`; `time` converts its times.
    pub fn absorb(&mut self, now: Nanos, other: &Self, time: impl Fn(Nanos) -> Nanos) {
        self.flying += other.flying;
        self.ends.extend(other.ends.iter().map(|end| time(*end).min(now)));
        self.ends.sort_unstable();
    }

    /// How many ended within the last T.
    #[must_use]
    pub fn recent(&self, now: Nanos) -> u64 {
        let old = self.ends.partition_point(|end| end.saturating_add(self.span) < now);
        (self.ends.len() - old) as u64
    }

    /// The first time at or after `from` at which one more may leave if nothing else happens until then,
    /// with `flying` in flight and `allowed` in a window; [`NEVER`] if only an end can help.
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

    /// How many ends are remembered; those of the last 2T, and no more than twice as many.
    #[must_use]
    #[allow(dead_code)] // The proofs ask it.
    pub fn remembered(&self) -> usize {
        self.ends.len()
    }

    fn end(&self, index: u64) -> Option<Nanos> {
        usize::try_from(index).ok().and_then(|index| self.ends.get(index)).copied()
    }

    /// How many ended at or before `time`.
    fn until(&self, time: Nanos) -> u64 {
        self.ends.partition_point(|end| *end <= time) as u64
    }
}

/// A product that no quota makes overflow: a million requests a day are 10^20 in these units.
fn wide(count: u64, time: Nanos) -> u128 {
    u128::from(count) * u128::from(time)
}

/// `left / previous` of the window.
fn part(left: u64, span: Nanos, previous: u64) -> Nanos {
    Nanos::try_from(wide(left, span) / u128::from(previous.max(1))).unwrap_or(span).min(span)
}
