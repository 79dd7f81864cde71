//! The rate limit of a workspace, with the counters that a server may use. This module reads no clock: the caller
//! passes the time.

use std::collections::VecDeque;
use std::time::Duration;

use crate::settings::{CounterKind, LimitSettings};

/// Counts every request that reaches the server, including refused requests.
#[derive(Debug)]
pub(crate) struct Limit {
    settings: LimitSettings,
    window: Duration,
    counter: Counter,
    /// The arrivals in the last window, without the requests of the stranger (another client of the workspace). `peak`
    /// is the largest number of such arrivals in a window so far.
    own: VecDeque<Duration>,
    peak: usize,
    refused: usize,
    strangers: u64,
}

#[derive(Debug)]
enum Counter {
    Exact(VecDeque<Duration>),
    Buckets { estimate: bool, index: u64, current: u32, previous: u32 },
}

impl Limit {
    pub(crate) fn new(settings: LimitSettings) -> Self {
        let counter = match settings.counter {
            CounterKind::Exact => Counter::Exact(VecDeque::new()),
            kind => Counter::Buckets {
                estimate: kind == CounterKind::TwoBucket,
                index: 0,
                current: 0,
                previous: 0,
            },
        };
        let window = Duration::from_secs_f64(settings.seconds.max(0.001));
        Self { settings, window, counter, own: VecDeque::new(), peak: 0, refused: 0, strangers: 0 }
    }

    /// Counts a request that arrives at `now` (time since the world was created) and returns whether it is admitted.
    pub(crate) fn admit(&mut self, now: Duration) -> bool {
        self.let_strangers_in(now);
        while self.own.front().is_some_and(|&at| at + self.window <= now) {
            self.own.pop_front();
        }
        self.own.push_back(now);
        self.peak = self.peak.max(self.own.len());
        let within = self.count(now);
        self.refused += usize::from(!within);
        within
    }

    /// Counts with other settings from now on. Requests that arrived before do not count towards the new limit.
    pub(crate) fn change(&mut self, settings: LimitSettings) {
        let (peak, refused) = (self.peak, self.refused);
        *self = Self { peak, refused, ..Self::new(settings) };
    }

    /// Returns the most requests that arrived within any window so far, without the simulated requests of another
    /// client.
    pub(crate) fn peak(&self) -> usize {
        self.peak
    }

    pub(crate) fn refused(&self) -> usize {
        self.refused
    }

    pub(crate) fn allowed(&self) -> u32 {
        self.settings.requests
    }

    /// Returns the length of the window in the time of the world.
    pub(crate) fn window(&self) -> Duration {
        self.window
    }

    pub(crate) fn retry_after(&self) -> Option<u32> {
        self.settings.retry_after
    }

    fn let_strangers_in(&mut self, now: Duration) {
        let Some(stranger) = self.settings.stranger.filter(|stranger| stranger.per_second > 0.0) else {
            return;
        };
        #[expect(clippy::cast_precision_loss, reason = "a world does not live for 2^52 requests")]
        let due = |n: u64| Duration::from_secs_f64(n as f64 / stranger.per_second);
        while due(self.strangers + 1) <= now {
            self.strangers += 1;
            self.count(due(self.strangers));
        }
    }

    fn count(&mut self, now: Duration) -> bool {
        let (allowed, window) = (self.settings.requests, self.window);
        match &mut self.counter {
            Counter::Exact(log) => {
                while log.front().is_some_and(|&at| at + window <= now) {
                    log.pop_front();
                }
                log.push_back(now);
                log.len() <= allowed as usize
            }
            Counter::Buckets { estimate, index, current, previous } => {
                let position = now.as_secs_f64() / window.as_secs_f64() + self.settings.phase;
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "never negative, and far below 2^64"
                )]
                let bucket = position as u64;
                if bucket != *index {
                    *previous = if bucket == *index + 1 { *current } else { 0 };
                    *current = 0;
                    *index = bucket;
                }
                *current += 1;
                let carried = if *estimate { f64::from(*previous) * (1.0 - position.fract()) } else { 0.0 };
                f64::from(*current) + carried <= f64::from(allowed)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Stranger;

    fn limit(counter: CounterKind, phase: f64) -> Limit {
        Limit::new(LimitSettings { counter, phase, ..LimitSettings::default() })
    }

    fn admitted(limit: &mut Limit, n: usize, at: f64) -> usize {
        (0..n).filter(|_| limit.admit(Duration::from_secs_f64(at))).count()
    }

    #[test]
    fn every_counter_admits_200_at_once_and_refuses_the_201st() {
        for counter in [CounterKind::Exact, CounterKind::Fixed, CounterKind::TwoBucket] {
            for phase in [0.0, 0.3, 0.99] {
                let mut limit = limit(counter, phase);
                assert_eq!(admitted(&mut limit, 201, 0.01), 200, "{counter:?} at phase {phase}");
                assert_eq!((limit.refused(), limit.peak()), (1, 201));
            }
        }
    }

    #[test]
    fn the_exact_counter_frees_a_place_exactly_one_window_later() {
        let mut limit = limit(CounterKind::Exact, 0.0);
        admitted(&mut limit, 200, 1.0);
        assert_eq!(admitted(&mut limit, 1, 10.999), 0);
        assert_eq!(
            admitted(&mut limit, 200, 11.0),
            199,
            "the one that was refused counts for its own window"
        );
    }

    #[test]
    fn fixed_windows_begin_where_their_phase_says() {
        let mut limit = limit(CounterKind::Fixed, 0.3);
        assert_eq!(admitted(&mut limit, 200, 6.9), 200);
        assert_eq!(admitted(&mut limit, 200, 7.1), 200, "a new window has begun at 7 s");
        assert_eq!(limit.peak(), 400, "which an exact counter would not have allowed");
    }

    #[test]
    fn the_two_bucket_estimate_carries_the_last_window_over() {
        let mut limit = limit(CounterKind::TwoBucket, 0.0);
        admitted(&mut limit, 200, 9.9);
        assert_eq!(admitted(&mut limit, 200, 15.0), 100, "half of the last bucket still weighs");
    }

    #[test]
    fn a_new_limit_begins_empty_and_keeps_the_counts() {
        let mut limit = limit(CounterKind::Exact, 0.0);
        admitted(&mut limit, 201, 1.0);
        limit.change(LimitSettings { requests: 5, ..LimitSettings::default() });
        assert_eq!(admitted(&mut limit, 7, 1.1), 5);
        assert_eq!((limit.refused(), limit.peak(), limit.allowed()), (3, 201, 5));
    }

    #[test]
    fn buckets_are_empty_after_idle_windows() {
        let mut limit = limit(CounterKind::TwoBucket, 0.0);
        admitted(&mut limit, 200, 1.0);
        assert_eq!(admitted(&mut limit, 200, 35.0), 200);
    }

    #[test]
    fn the_requests_of_a_stranger_use_the_limit_and_are_not_in_the_peak() {
        let settings =
            LimitSettings { stranger: Some(Stranger { per_second: 10.0 }), ..LimitSettings::default() };
        let mut limit = Limit::new(settings);
        assert_eq!(admitted(&mut limit, 200, 10.0), 100, "the stranger has taken the other 100");
        assert_eq!(limit.peak(), 200);
    }
}
