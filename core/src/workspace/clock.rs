//! Estimates the server's clock from the `Date` headers of answers (RFC 9110 §6.6.1), because the clock of this machine
//! may be an hour off. Reads no clock itself.

use std::time::Duration;

use tokio::time::Instant;

/// The resolution of a `Date`, one second, in milliseconds.
const SECOND: i64 = 1000;
/// The largest error that rounding to milliseconds can cause, in milliseconds.
const ROUNDED: i64 = 5;
/// The largest drift between two correct clocks, as a fraction of the time that passed.
const DRIFT: f64 = 1e-3;

/// The bounds of the server's time, narrowed by each answer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ServerClock {
    known: Option<Bounds>,
    /// How many times the date of an answer contradicted the bounds that earlier answers set for the server's time.
    jumps: u32,
}

/// The earliest and the latest time that the server's clock can have shown at `at`, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bounds {
    at: Instant,
    least: i64,
    most: i64,
}

impl ServerClock {
    /// Narrows the bounds by an answer with the date `date`, in milliseconds since 1970. The request was sent at
    /// `sent`, and the answer came at `received`. `scale` says how many times faster the server's time passes than the
    /// time of this machine. Outside tests, `scale` is 1.
    pub(crate) fn observe(&mut self, date: i64, sent: Instant, received: Instant, scale: f64) {
        let round = millis(received.saturating_duration_since(sent), scale);
        let seen = Bounds { at: received, least: date, most: date + SECOND + round + ROUNDED };
        let known = self.known.map(|known| known.moved(received, scale));
        self.known = Some(match known {
            Some(known) if known.least <= seen.most && seen.least <= known.most => {
                Bounds { at: received, least: known.least.max(seen.least), most: known.most.min(seen.most) }
            }
            // The server's clock was set, a server with another clock answered, or this machine slept. Only the newest
            // answer counts from now on.
            Some(_) => {
                self.jumps += 1;
                seen
            }
            None => seen,
        });
    }

    /// The earliest time that the server's clock can have shown at `at`; `None` before the first dated answer.
    pub(crate) fn earliest(&self, at: Instant, scale: f64) -> Option<i64> {
        self.known.map(|known| known.moved(at, scale).least)
    }

    /// The latest time that the server's clock can have shown at `at`; `None` before the first dated answer.
    pub(crate) fn latest(&self, at: Instant, scale: f64) -> Option<i64> {
        self.known.map(|known| known.moved(at, scale).most)
    }

    /// How many times the date of an answer contradicted the bounds that earlier answers set for the server's time.
    pub(crate) fn jumps(&self) -> u32 {
        self.jumps
    }
}

impl Bounds {
    /// The bounds at another moment, earlier or later.
    fn moved(self, at: Instant, scale: f64) -> Self {
        let later = millis(at.saturating_duration_since(self.at), scale);
        let earlier = millis(self.at.saturating_duration_since(at), scale);
        let drift = millis(Duration::from_millis((later + earlier).unsigned_abs()), DRIFT);
        let passed = later - earlier;
        Self { at, least: self.least + passed - drift, most: self.most + passed + drift }
    }
}

fn millis(real: Duration, scale: f64) -> i64 {
    i64::try_from(real.min(Duration::from_hours(24 * 365)).mul_f64(scale).as_millis()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_800_000_000_000;

    fn after(start: Instant, millis: u64) -> Instant {
        start + Duration::from_millis(millis)
    }

    #[test]
    fn nothing_is_known_before_the_first_dated_answer() {
        assert_eq!(ServerClock::default().earliest(Instant::now(), 1.0), None);
    }

    /// The estimate of the server's time starts from the date of an answer. It adds the time that has passed since the
    /// answer, or subtracts the time before it. The machine's wall clock has no influence.
    #[test]
    fn the_time_before_an_answer_is_reckoned_back_from_it() {
        let start = Instant::now();
        let mut clock = ServerClock::default();
        clock.observe(NOON, after(start, 5_000), after(start, 5_100), 1.0);
        assert_eq!(clock.earliest(start, 1.0), Some(NOON - 5_100 - 5));
        assert_eq!(clock.earliest(after(start, 6_100), 1.0), Some(NOON + 1_000 - 1));
    }

    #[test]
    fn answers_at_other_fractions_of_a_second_narrow_the_bounds() {
        let start = Instant::now();
        let mut clock = ServerClock::default();
        // The server's clock shows 900 ms after noon, but a date has only whole seconds.
        clock.observe(NOON, start, start, 1.0);
        assert_eq!(clock.earliest(start, 1.0), Some(NOON));
        clock.observe(NOON + SECOND, after(start, 200), after(start, 200), 1.0);
        assert_eq!((clock.earliest(start, 1.0), clock.jumps()), (Some(NOON + 800), 0));
    }

    #[test]
    fn a_clock_that_was_set_is_believed_at_once() {
        let start = Instant::now();
        let mut clock = ServerClock::default();
        clock.observe(NOON, start, start, 1.0);
        clock.observe(NOON - 3_600_000, after(start, 100), after(start, 100), 1.0);
        assert_eq!(clock.earliest(after(start, 100), 1.0), Some(NOON - 3_600_000));
        assert_eq!(clock.jumps(), 1);
    }

    #[test]
    fn time_that_passes_faster_is_reckoned_faster() {
        let start = Instant::now();
        let mut clock = ServerClock::default();
        clock.observe(NOON, start, start, 20.0);
        assert_eq!(clock.earliest(after(start, 1_000), 20.0), Some(NOON + 20_000 - 20));
    }
}
