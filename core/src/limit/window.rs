//! The rule that decides when one more request may be sent: from the number of requests in flight, and from the times
//! at which earlier requests were seen to end.
//!
//! Let F be the requests in flight, C the times at which requests were seen to end, N the limit, and T the length of
//! the window. One more request may be sent at t if for every s in (t−T, t]
//!
//! > |F| + cur(s) + prev(s)·(1 − (t−s)/T) + 1 ≤ N
//!
//! where cur(s) counts the ends in [s, t], and prev(s) those in [s−T, s). A server that divides time into buckets of
//! length T may compute this sum, with s as the beginning of its present bucket. The client does not know s, so it
//! checks every s. A request reaches the server before its end is seen, so no request adds more to the server's sum
//! than to the client's. With s = t the sum is that of an exact sliding window; with s just after t−T it is that of a
//! fixed window.
//!
//! It is enough to check s = t, the times in C, and the times in C+T (each a window after a time in C). Between two
//! neighbouring times, the sum only grows with s.

use super::words::{MOST, Words, write_pairs};
use super::{NEVER, Nanos};

/// The log stays exact up to this many entries. In a longer log, ends that are close in time are merged into one entry.
/// If the limit is at most a quarter of this number, the log never becomes longer.
const MOST_TIMES: usize = 2048;
/// After entries of the log were merged, the log has at most this many entries for each window.
const GRAINS: Nanos = 256;

/// How many requests are in flight, and when earlier requests ended.
#[derive(Clone, Debug)]
pub struct Window {
    span: Nanos,
    flying: u64,
    /// When requests ended, in ascending order of time. Requests that ended at the same time share an entry.
    ends: Vec<Ends>,
    /// How many ended requests were removed from `ends`.
    forgotten: u64,
}

/// The requests that ended at one time.
#[derive(Clone, Copy, Debug)]
struct Ends {
    at: Nanos,
    /// How many requests had ended by this time, including requests that were removed from the log.
    total: u64,
}

impl Window {
    /// Creates an empty log over windows of `span`.
    #[must_use]
    pub fn new(span: Nanos) -> Self {
        Self { span, flying: 0, ends: Vec::new(), forgotten: 0 }
    }

    /// The length of the window.
    #[must_use]
    pub fn span(&self) -> Nanos {
        self.span
    }

    /// Changes the length of the window. After a change to a longer window, the log may lack requests that were already
    /// too old for the shorter window.
    pub fn set_span(&mut self, span: Nanos) {
        self.span = span;
    }

    /// The number of requests in flight.
    #[must_use]
    pub fn flying(&self) -> u64 {
        self.flying
    }

    /// Notes that one more request is in flight.
    pub fn leaves(&mut self) {
        self.flying += 1;
    }

    /// Removes a request from those in flight, because it was not sent after all.
    pub fn vanishes(&mut self) {
        self.flying = self.flying.saturating_sub(1);
    }

    /// Notes that a request in flight ended at `now`, which must not be earlier than any end in the log.
    pub fn ends(&mut self, now: Nanos) {
        self.vanishes();
        // Removes stale entries only once they are more than half of the log, so that noting an end costs little on
        // average.
        let stale = self.stale(now);
        if stale * 2 > self.ends.len() {
            self.forgotten = self.total_before(stale);
            self.ends.drain(..stale);
        }
        self.push(now, 1);
        if self.ends.len() > MOST_TIMES {
            self.make_coarse();
        }
    }

    /// How many entries at the beginning of the log no longer count, because they are older than two windows.
    fn stale(&self, now: Nanos) -> usize {
        self.ends.partition_point(|ends| ends.at.saturating_add(2 * self.span) <= now)
    }

    /// Records that `number` requests ended at `at`. No request in the log may have ended later.
    fn push(&mut self, at: Nanos, number: u64) {
        let total = self.total() + number;
        match self.ends.last_mut() {
            Some(last) if last.at == at => last.total = total,
            _ => self.ends.push(Ends { at, total }),
        }
    }

    /// Divides time into parts of a 256th of the window, and moves all ends in a part to the time of the last end in
    /// that part. This bounds the cost of a decision. A request may then be sent up to one part too late, but never too
    /// early, because moving an end to a later time never makes its request count for less.
    fn make_coarse(&mut self) {
        let grain = (self.span / GRAINS).max(1);
        self.ends.dedup_by(|later, earlier| {
            let same = later.at / grain == earlier.at / grain;
            if same {
                *earlier = *later;
            }
            same
        });
    }

    /// Merges another log into this log at `now`. `time` converts a time of `other` to a time of this log.
    pub fn absorb(&mut self, now: Nanos, other: &Self, time: impl Fn(Nanos) -> Nanos) {
        self.flying += other.flying;
        let mut all: Vec<_> = self.numbers().collect();
        all.extend(other.numbers().map(|(at, number)| (time(at).min(now), number)));
        all.sort_unstable();
        self.ends.clear();
        for (at, number) in all {
            self.push(at, number);
        }
    }

    /// The times at which requests ended, and how many requests ended at each time.
    fn numbers(&self) -> impl Iterator<Item = (Nanos, u64)> {
        let before = std::iter::once(self.forgotten).chain(self.ends.iter().map(|ends| ends.total));
        self.ends.iter().zip(before).map(|(ends, before)| (ends.at, ends.total - before))
    }

    /// Writes the log for [`Window::read`], without the requests that no longer count at `now`.
    pub fn write(&self, to: &mut Vec<u64>, now: Nanos) {
        let stale = self.stale(now);
        to.extend([self.flying, self.total_before(stale)]);
        write_pairs(to, self.ends.get(stale..).unwrap_or_default(), |ends| [ends.at, ends.total]);
    }

    /// Reads a log over windows of `span`. No request may have ended after `last`.
    #[must_use]
    pub fn read(from: &mut Words<'_>, span: Nanos, last: Nanos) -> Option<Self> {
        let [flying, forgotten] = [from.up_to(MOST)?, from.up_to(NEVER / 4)?];
        let ends: Vec<_> = from.pairs()?.iter().map(|[at, total]| Ends { at: *at, total: *total }).collect();
        let grows = |less: u64, more: u64| less < more && more - less <= MOST;
        let intact = ends.first().is_none_or(|first| grows(forgotten, first.total))
            && ends.is_sorted_by(|one, next| one.at < next.at && grows(one.total, next.total))
            && ends.last().is_none_or(|end| end.at <= last && end.total <= NEVER / 2);
        if !intact {
            return None;
        }
        Some(Self { span, flying, ends, forgotten })
    }

    /// When the last request ended.
    #[must_use]
    pub fn last_end(&self) -> Option<Nanos> {
        self.ends.last().map(|ends| ends.at)
    }

    /// How many requests ended within the last window.
    #[must_use]
    pub fn recent(&self, now: Nanos) -> u64 {
        let old = self.ends.partition_point(|ends| ends.at.saturating_add(self.span) < now);
        self.total() - self.total_before(old)
    }

    /// The first time at or after `from` at which one more request may be sent, if no request is sent or ends until
    /// then. `flying` requests are in flight, and the limit is `allowed`. Returns [`NEVER`] if a request in flight must
    /// end first.
    ///
    /// No request in the log may have ended after `from`.
    #[must_use]
    pub fn earliest(&self, from: Nanos, flying: u64, allowed: u64) -> Nanos {
        let span = self.span;
        let Some(room) = allowed.checked_sub(flying + 1).filter(|_| from != NEVER) else {
            return NEVER;
        };
        let total = self.total();
        if total - self.forgotten <= room {
            // One more request fits, even if every ended request in the log is counted.
            return from;
        }
        let mut t = from;
        // The case s = t (see the comment of this module). At most `room` of the ended requests may lie in the span T
        // before t. These can only be the last `room` requests of the log. So t must be more than T after the end of
        // the request before them.
        let blocker = self.ends.partition_point(|ends| ends.total + room < total);
        t = t.max(self.at(blocker).saturating_add(span + 1));
        // Now checks every s in C or C+T, in ascending order from t−T (C: see the comment of this module). At first, `a`
        // and `b` are the numbers of entries up to t−T and up to t−2T. In each round of the loop, they are the numbers
        // of entries before s and before s−T. If the rule does not hold for this s at t, t moves to the first time at
        // which it does. Once s exceeds t, every s up to t has been checked, so t is the result.
        let mut a = t.checked_sub(span).map_or(0, |time| self.until(time));
        let mut b = t.checked_sub(2 * span).map_or(0, |time| self.until(time));
        loop {
            let by_end = self.at(a);
            let by_shift = self.at(b).saturating_add(span);
            let s = by_end.min(by_shift);
            if s > t {
                return t;
            }
            let before = self.total_before(a);
            let (current, previous) = (total - before, before - self.total_before(b));
            let left = room.checked_sub(current);
            let age = t - s;
            if age < span && left.is_none_or(|left| wide(previous, span - age) > wide(left, span)) {
                t = s + span - left.map_or(0, |left| part(left, span, previous));
            }
            a += usize::from(by_end == s);
            b += usize::from(by_shift == s);
        }
    }

    /// The number of entries in the log. After a request has ended, at most half of the entries are older than two
    /// windows.
    #[must_use]
    #[allow(dead_code)] // Used by core/limit-proofs.
    pub fn remembered(&self) -> usize {
        self.ends.len()
    }

    /// The time of the entry with this index; [`NEVER`] after the last entry.
    fn at(&self, index: usize) -> Nanos {
        self.ends.get(index).map_or(NEVER, |ends| ends.at)
    }

    /// How many entries of the log lie at or before `time`.
    fn until(&self, time: Nanos) -> usize {
        self.ends.partition_point(|ends| ends.at <= time)
    }

    /// How many requests have ended.
    fn total(&self) -> u64 {
        self.total_before(self.ends.len())
    }

    /// How many requests have ended before the entry with this index.
    fn total_before(&self, index: usize) -> u64 {
        let last = index.checked_sub(1).and_then(|last| self.ends.get(last));
        last.map_or(self.forgotten, |ends| ends.total)
    }
}

/// Multiplies without overflow: a million requests times a day is about 10^20, more than a u64 holds.
fn wide(count: u64, time: Nanos) -> u128 {
    u128::from(count) * u128::from(time)
}

/// The fraction `left / previous` of `span`.
fn part(left: u64, span: Nanos, previous: u64) -> Nanos {
    Nanos::try_from(wide(left, span) / u128::from(previous.max(1))).unwrap_or(span).min(span)
}
