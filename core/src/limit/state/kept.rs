//! The form in which a state is kept outside the process. A state that is read may be damaged.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::super::backoff::Backoff;
use super::super::lease::Leases;
use super::super::window::Window;
use super::super::words::Words;
use super::super::{NEVER, Nanos, Quota};
use super::{Reach, State};

/// A state is damaged if a lease, pause or abandoned request in it ends later than the last known time plus this
/// duration plus two windows.
const LATEST: Duration = Duration::from_mins(3);

/// The position of the last known time among the integers of a state.
const TIME: usize = 3;

impl State {
    /// Whether two written states are equal apart from the last known time.
    #[must_use]
    pub fn are_alike(one: &[u64], other: &[u64]) -> bool {
        let split = |words| <[u64]>::split_at_checked(words, TIME);
        let (Some((one, rest)), Some((other, others))) = (split(one), split(other)) else { return false };
        one == other && rest.get(1..) == others.get(1..)
    }

    /// Writes the state as integers, for [`State::read`] to read.
    pub fn write(&self, to: &mut Vec<u64>) {
        self.quota.write(to);
        to.extend([self.last, self.granted, self.refused, self.cuts, self.lingering.len() as u64]);
        to.extend(self.lingering.iter().map(|Reverse(due)| *due));
        if let Some(leases) = &self.leases {
            leases.write(to);
        }
        self.window.write(to, self.last);
        self.backoff.write(to);
    }

    /// Continues at `now` with a copy of a shared limit. The original may have leases that the copy lacks, so the ids
    /// of new leases skip all ids that the original may have used.
    #[must_use]
    pub fn continued(mut self, now: Nanos) -> Self {
        self.leases.iter_mut().for_each(|leases| leases.skip_to(now));
        self
    }

    /// The time from which nothing in the state counts any more, if nobody changes the state until then.
    #[must_use]
    pub fn counts_until(&self) -> Nanos {
        self.latest().max(self.closed_until())
    }

    fn latest(&self) -> Nanos {
        latest(&self.quota, self.last)
    }

    /// Reads the state of a shared limit. Returns `None` if the integers are damaged.
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

    /// Grants and ends one request. Returns how long after this end the next request may be sent, if abandoned requests
    /// and leases end on time and nothing else happens. Returns `None` if the next request may never be sent.
    #[allow(dead_code)] // Used by tests and by core/fuzz.
    #[must_use]
    pub fn opens_again(mut self, now: Nanos) -> Option<Nanos> {
        let began = self.settle(now);
        let ticket = self.grant(began);
        self.seen(began, ticket);
        let mut at = began;
        loop {
            let next = self.earliest(at, Reach::Whole);
            if next <= at {
                return Some(at - began);
            }
            let due = next.min(self.next_settling());
            if due == NEVER {
                return None;
            }
            at = self.settle(due);
        }
    }
}

fn latest(quota: &Quota, last: Nanos) -> Nanos {
    last.saturating_add(quota.scaled(LATEST)).saturating_add(2 * quota.span())
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Nanos = 1_000_000_000_000_000;

    /// The numbers in a file may make no sense even if their checksum is right. They must not cause a panic, and must
    /// not stop requests for ever.
    #[test]
    fn numbers_that_make_no_sense_are_read_as_damage_or_as_a_limit_that_opens_again() {
        let mut rng = fastrand::Rng::with_seed(11);
        let mut state = State::shared(Quota::default(), START);
        let tickets: Vec<_> = (0..50).map(|_| state.grant(START)).collect();
        for ticket in tickets {
            let _ = state.refused(START, ticket, None, 7);
        }
        let _open = state.grant(START + 3_000_000_000);
        let mut words = Vec::new();
        state.write(&mut words);
        for _ in 0..20_000 {
            let mut changed = words.clone();
            for _ in 0..rng.usize(1..4) {
                let at = rng.usize(0..changed.len());
                let near = |rng: &mut fastrand::Rng, word: u64| word.wrapping_add_signed(rng.i64(-2..3));
                changed[at] = match rng.u8(0..3) {
                    0 => rng.u64(..),
                    1 => near(&mut rng, changed[at]),
                    _ => {
                        let edge = [0, u64::from(u32::MAX), u64::MAX, u64::MAX / 4][rng.usize(0..4)];
                        near(&mut rng, edge)
                    }
                };
            }
            let Some(read) = State::read(&changed) else { continue };
            let opens = read.opens_again(START);
            assert!(
                opens.is_some_and(|after| after < 3_600_000_000_000),
                "closed for {opens:?}: {changed:?}"
            );
        }
    }
}
