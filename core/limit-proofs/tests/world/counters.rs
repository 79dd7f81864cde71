//! The ways in which a server may count requests.

use std::collections::VecDeque;
use std::ops::Range;

use limit_proofs::limit::Nanos;

pub(crate) const LIMIT: u64 = 200;
pub(crate) const WINDOW: Nanos = 10_000_000_000;
const PHASES: u64 = 40;

/// A counter of a server. `arrive` counts a request and returns whether it is admitted.
pub(crate) trait Counter {
    fn arrive(&mut self, at: Nanos) -> bool;
}

/// A counter that counts every arrival in the last window exactly.
#[derive(Default)]
pub(crate) struct Exact {
    counted: VecDeque<Nanos>,
    pub(crate) peak: usize,
    refused_count_too: bool,
}

impl Exact {
    pub(crate) fn new(refused_count_too: bool) -> Self {
        Self { refused_count_too, ..Self::default() }
    }
}

impl Counter for Exact {
    fn arrive(&mut self, at: Nanos) -> bool {
        while self.counted.front().is_some_and(|first| first + WINDOW < at) {
            self.counted.pop_front();
        }
        let admitted = (self.counted.len() as u64) < LIMIT;
        if admitted || self.refused_count_too {
            self.counted.push_back(at);
        }
        self.peak = self.peak.max(self.counted.len());
        admitted
    }
}

/// A server that refuses requests although its counter admits them: all requests for a while, or one request.
pub(crate) struct Refuses<C> {
    counter: C,
    /// The period in which the server refuses requests, counted from the first arrival.
    when: Range<Nanos>,
    start: Option<Nanos>,
    one: bool,
}

impl<C> Refuses<C> {
    pub(crate) fn everything(counter: C, when: Range<Nanos>) -> Self {
        Self { counter, when, start: None, one: false }
    }

    pub(crate) fn one(counter: C, at: Nanos) -> Self {
        Self { counter, when: at..Nanos::MAX, start: None, one: true }
    }
}

impl<C: Counter> Counter for Refuses<C> {
    fn arrive(&mut self, at: Nanos) -> bool {
        let since = at - *self.start.get_or_insert(at);
        if !self.when.contains(&since) {
            return self.counter.arrive(at);
        }
        if self.one {
            self.when.end = 0;
        }
        false
    }
}

/// A counter with buckets as long as a window. The buckets begin at `phase`. With `estimates`, the previous bucket
/// counts in proportion to its overlap with the last window.
pub(crate) struct Buckets {
    phase: Nanos,
    estimates: bool,
    refused_count_too: bool,
    bucket: Nanos,
    current: u64,
    previous: u64,
}

impl Buckets {
    pub(crate) fn new(phase: Nanos, estimates: bool, refused_count_too: bool) -> Self {
        Self { phase, estimates, refused_count_too, bucket: 0, current: 0, previous: 0 }
    }
}

impl Counter for Buckets {
    fn arrive(&mut self, at: Nanos) -> bool {
        let shifted = at + WINDOW - self.phase;
        let bucket = shifted / WINDOW;
        if bucket != self.bucket {
            self.previous = if bucket == self.bucket + 1 { self.current } else { 0 };
            self.current = 0;
            self.bucket = bucket;
        }
        let overlap = if self.estimates { WINDOW - shifted % WINDOW } else { 0 };
        let admitted = (self.current + 1) * WINDOW + self.previous * overlap <= LIMIT * WINDOW;
        if admitted || self.refused_count_too {
            self.current += 1;
        }
        admitted
    }
}

/// Counters of every kind, with buckets that begin at many different times. These counters only observe: the server
/// admits every request.
pub(crate) struct AllCounters {
    pub(crate) exact: Exact,
    buckets: Vec<Buckets>,
    pub(crate) refusals: u64,
    /// How much faster the server's clock runs than the client's, in parts per million.
    drift: i64,
}

impl AllCounters {
    pub(crate) fn new(drift: i64) -> Self {
        let phases = (0..PHASES).map(|phase| phase * WINDOW / PHASES);
        let buckets =
            phases.flat_map(|phase| [false, true].map(|estimates| Buckets::new(phase, estimates, true)));
        Self { exact: Exact::new(true), buckets: buckets.collect(), refusals: 0, drift }
    }
}

impl Counter for AllCounters {
    fn arrive(&mut self, at: Nanos) -> bool {
        let at = at.saturating_add_signed(at.cast_signed() / 1_000_000 * self.drift);
        let mut refusals = u64::from(!self.exact.arrive(at));
        for bucket in &mut self.buckets {
            refusals += u64::from(!bucket.arrive(at));
        }
        self.refusals += refusals;
        true
    }
}
