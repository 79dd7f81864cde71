//! What a refusal (429) changes: fewer at once, and nothing for a while.

use std::time::Duration;

use super::{Nanos, Quota};

/// The longest Retry-After that is waited for; whoever is told a longer one fails at once.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_mins(1);

/// The pause after a first cut, before it is jittered to up to twice as much.
const PAUSE: Duration = Duration::from_secs(1);

/// What a refused request may do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedBy429 {
    /// Wait again, with `rejoin`; nothing is granted for this long.
    Closed(Duration),
    /// The server asks for a longer wait than 60 s: fail, and say for how long.
    TooLong(Duration),
    /// Stands in.
    Hopeless(Duration),
}

/// N after the refusals so far, and until when nothing is granted.
#[derive(Clone, Debug)]
pub struct Cut {
    declared: u64,
    allowed: u64,
    /// Counts the cuts; a refusal of a request that was granted before the last one says nothing new.
    epoch: u64,
    /// Successes since N last changed.
    successes: u64,
    /// Cuts since N last rose.
    in_a_row: u32,
    closed_until: Nanos,
    pause: Nanos,
    longest_pause: Nanos,
}

impl Cut {
    /// Nothing refused yet.
    #[must_use]
    pub fn new(quota: &Quota) -> Self {
        Self {
            declared: quota.requests(),
            allowed: quota.requests(),
            epoch: 0,
            successes: 0,
            in_a_row: 0,
            closed_until: 0,
            pause: quota.scaled(PAUSE),
            longest_pause: quota.span(),
        }
    }

    /// Adopts a stricter quota; what was cut stays cut.
    pub fn tighten(&mut self, quota: &Quota) {
        self.declared = quota.requests();
        self.allowed = self.allowed.min(self.declared);
        self.pause = quota.scaled(PAUSE);
        self.longest_pause = quota.span();
    }

    /// The N that was declared.
    #[must_use]
    pub fn declared(&self) -> u64 {
        self.declared
    }

    /// The N that holds now.
    #[must_use]
    pub fn allowed(&self) -> u64 {
        self.allowed
    }

    /// How many cuts there were; a request remembers it when it is granted.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The time from which grants are possible again.
    #[must_use]
    pub fn closed_until(&self) -> Nanos {
        self.closed_until
    }

    /// A request granted in `epoch` was not refused. N of them raise a cut N by one.
    pub fn succeeded(&mut self, epoch: u64) {
        // What left before the last cut was let in under the N that turned out to be too high.
        if epoch != self.epoch || self.allowed >= self.declared {
            return;
        }
        self.successes += 1;
        if self.successes >= self.allowed {
            self.allowed += 1;
            self.successes = 0;
            self.in_a_row = 0;
        }
    }

    /// A request granted in `epoch` was refused at `now`; `jitter` is uniform over all u32.
    ///
    /// The first refusal of an epoch cuts N to seven tenths, never below a twentieth of the declared one,
    /// and closes the gate for 1–2 s, twice as long for each further cut up to T, or for `retry_after`.
    pub fn refused(
        &mut self,
        now: Nanos,
        epoch: u64,
        retry_after: Option<Duration>,
        jitter: u32,
        quota: &Quota,
    ) -> RefusedBy429 {
        let told = retry_after.filter(|told| !told.is_zero() && *told <= LONGEST_RETRY_AFTER);
        if epoch == self.epoch {
            self.epoch += 1;
            self.successes = 0;
            let floor = self.declared.div_ceil(20);
            self.allowed = (self.allowed * 7 / 10).max(floor);
            let extra = (u128::from(self.pause) * u128::from(jitter)) >> 32;
            let pause = self.pause + Nanos::try_from(extra).unwrap_or(self.pause);
            let pause = pause.saturating_mul(1 << self.in_a_row.min(20)).min(self.longest_pause);
            self.in_a_row = self.in_a_row.saturating_add(1);
            if told.is_none() {
                self.close(now, pause);
            }
        }
        if let Some(told) = told {
            self.close(now, quota.scaled(told));
        }
        match retry_after {
            Some(long) if long > LONGEST_RETRY_AFTER => RefusedBy429::TooLong(long),
            _ => RefusedBy429::Closed(Duration::from_nanos(self.closed_until.saturating_sub(now))),
        }
    }

    fn close(&mut self, now: Nanos, pause: Nanos) {
        self.closed_until = self.closed_until.max(now.saturating_add(pause));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Nanos = 1_000_000_000;

    fn cut() -> Cut {
        Cut::new(&Quota::default())
    }

    fn refuse(cut: &mut Cut, now: Nanos, epoch: u64, retry_after: Option<u64>) -> RefusedBy429 {
        cut.refused(now, epoch, retry_after.map(Duration::from_secs), 0, &Quota::default())
    }

    #[test]
    fn many_refusals_of_one_epoch_cut_once() {
        let mut cut = cut();
        for _ in 0..100 {
            refuse(&mut cut, SECOND, 0, None);
        }
        assert_eq!((cut.allowed(), cut.epoch()), (140, 1));
        refuse(&mut cut, 2 * SECOND, 1, None);
        assert_eq!((cut.allowed(), cut.epoch()), (98, 2));
    }

    #[test]
    fn cuts_stop_at_a_twentieth_of_what_was_declared() {
        let mut cut = cut();
        for epoch in 0..50 {
            refuse(&mut cut, SECOND, epoch, None);
        }
        assert_eq!(cut.allowed(), 10);
        let one = Quota { requests: 1, ..Quota::default() };
        let mut cut = Cut::new(&one);
        cut.refused(SECOND, 0, None, 0, &one);
        assert_eq!(cut.allowed(), 1, "a cut never closes the gate for good");
    }

    #[test]
    fn each_further_cut_doubles_the_pause_up_to_the_window() {
        let mut cut = cut();
        let mut pauses = Vec::new();
        for epoch in 0..6 {
            let now = cut.closed_until();
            refuse(&mut cut, now, epoch, None);
            pauses.push((cut.closed_until() - now) / 1_000_000);
        }
        assert_eq!(pauses, [1000, 2000, 4000, 8000, 10_050, 10_050]);
    }

    #[test]
    fn the_first_pause_lies_between_one_and_two_seconds() {
        for jitter in [0, 1, u32::MAX / 2, u32::MAX] {
            let mut cut = cut();
            cut.refused(0, 0, None, jitter, &Quota::default());
            assert!((SECOND..2 * SECOND).contains(&cut.closed_until()), "{jitter}: {}", cut.closed_until());
        }
    }

    #[test]
    fn as_many_successes_as_are_allowed_raise_it_by_one_and_forget_the_doubling() {
        let mut cut = cut();
        refuse(&mut cut, 0, 0, None);
        for _ in 0..139 {
            cut.succeeded(1);
        }
        assert_eq!(cut.allowed(), 140);
        cut.succeeded(0);
        assert_eq!(cut.allowed(), 140, "it left before the cut");
        cut.succeeded(1);
        assert_eq!(cut.allowed(), 141);
        let now = 100 * SECOND;
        refuse(&mut cut, now, 1, None);
        assert_eq!(cut.closed_until() - now, SECOND);
    }

    #[test]
    fn successes_never_raise_it_above_what_was_declared() {
        let mut cut = cut();
        refuse(&mut cut, 0, 0, None);
        for _ in 0..1_000_000 {
            cut.succeeded(1);
        }
        assert_eq!(cut.allowed(), 200);
    }

    #[test]
    fn a_retry_after_of_up_to_a_minute_is_waited_for() {
        let mut cut = cut();
        assert_eq!(
            refuse(&mut cut, 0, 0, Some(60)),
            RefusedBy429::Closed(LONGEST_RETRY_AFTER),
            "in place of the pause of our own"
        );
        assert_eq!(refuse(&mut cut, 0, 0, Some(5)), RefusedBy429::Closed(LONGEST_RETRY_AFTER));
    }

    #[test]
    fn a_longer_retry_after_is_told_at_once_and_closes_no_longer_than_none() {
        let mut cut = cut();
        assert_eq!(refuse(&mut cut, 0, 0, Some(61)), RefusedBy429::TooLong(Duration::from_secs(61)));
        assert_eq!(cut.closed_until(), SECOND);
    }

    #[test]
    fn a_retry_after_of_nothing_does_not_replace_the_pause() {
        let mut cut = cut();
        assert_eq!(refuse(&mut cut, 0, 0, Some(0)), RefusedBy429::Closed(Duration::from_secs(1)));
    }
}
