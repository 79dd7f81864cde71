//! A state as it is kept outside the process. What is read may be damaged.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::super::backoff::Backoff;
use super::super::lease::Leases;
use super::super::window::Window;
use super::super::words::Words;
use super::super::{NEVER, Nanos, Quota};
use super::State;

/// The longest time ahead of the last known one that a state can hold, apart from windows: the longest of a lease, a
/// pause and the time for which an abandoned request counts.
const LATEST: Duration = Duration::from_mins(3);

/// The place of the last known time among the integers of a state, after those of its quota.
const TIME: usize = 3;

impl State {
    /// Whether two states that were written differ in nothing but the last known time.
    #[must_use]
    pub fn are_alike(one: &[u64], other: &[u64]) -> bool {
        let mut pairs = one.iter().zip(other).enumerate();
        one.len() == other.len() && pairs.all(|(at, (one, other))| at == TIME || one == other)
    }

    /// Writes the state for [`State::read`].
    pub fn write(&self, to: &mut Vec<u64>) {
        self.quota.write(to);
        to.extend([self.last, self.granted, self.refused, self.cuts, self.lingering.len() as u64]);
        to.extend(self.lingering.iter().map(|Reverse(due)| *due));
        if let Some(leases) = &self.leases {
            leases.write(to);
        }
        self.window.write(to);
        self.backoff.write(to);
    }

    /// The time from which nothing in the state counts any more, if nobody changes it before.
    #[must_use]
    pub fn counts_until(&self) -> Nanos {
        self.latest().max(self.closed_until())
    }

    /// The latest time that the state can hold.
    fn latest(&self) -> Nanos {
        latest(&self.quota, self.last)
    }

    /// Reads the state of a shared limit. Returns `None` if it is damaged.
    #[must_use]
    pub fn read(words: &[u64]) -> Option<Self> {
        let from = &mut Words::new(words);
        let quota = Quota::read(from)?;
        let last = from.up_to(NEVER / 4)?;
        let latest = latest(&quota, last);
        let [granted, refused, cuts] = [from.word()?, from.word()?, from.word()?];
        let lingering: BinaryHeap<_> = from.list(|from| from.up_to(latest).map(Reverse))?.into();
        let leases = Leases::read(from, latest)?;
        let window = Window::read(from, quota.span(), last)?;
        let backoff = Backoff::read(from, &quota, latest)?;
        let in_flight = lingering.len() as u64 + leases.held();
        let whole =
            from.is_empty() && in_flight == window.flying() && granted.max(refused).max(cuts) < NEVER / 4;
        whole.then_some(Self {
            quota,
            share: 1.0,
            window,
            backoff,
            lingering,
            leases: Some(leases),
            last,
            granted,
            refused,
            cuts,
        })
    }
}

fn latest(quota: &Quota, last: Nanos) -> Nanos {
    last.saturating_add(quota.scaled(LATEST)).saturating_add(2 * quota.span())
}
