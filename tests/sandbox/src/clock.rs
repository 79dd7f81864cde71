//! The clock of a world, which may run faster than real time.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// Milliseconds of world time since the world was created; negative for earlier times.
pub(crate) type Millis = i64;

/// Maps the machine's clock to world time. Both are equal when the world is created, unless [`Clock::ahead`] shifts
/// world time.
#[derive(Debug)]
pub(crate) struct Clock {
    start: Instant,
    epoch: Timestamp,
    scale: f64,
}

impl Clock {
    pub(crate) fn starting_now(scale: f64) -> Self {
        Self { start: Instant::now(), epoch: Timestamp::now(), scale }
    }

    /// Moves the clock by `seconds` ahead of the machine's clock, or behind the machine's clock if `seconds` is
    /// negative.
    pub(crate) fn ahead(self, seconds: f64) -> Self {
        let by = SignedDuration::from_secs_f64(seconds);
        Self { epoch: self.epoch.saturating_add(by).unwrap_or(self.epoch), ..self }
    }

    /// Returns the real time since the world was created.
    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Converts a duration from real time to world time.
    pub(crate) fn scaled(&self, real: Duration) -> Duration {
        real.mul_f64(self.scale)
    }

    pub(crate) fn scale(&self) -> f64 {
        self.scale
    }

    pub(crate) fn now(&self) -> Millis {
        self.at(self.elapsed())
    }

    /// Converts real time since the world was created to world time.
    pub(crate) fn at(&self, real: Duration) -> Millis {
        Millis::try_from(self.scaled(real).as_millis()).unwrap_or(Millis::MAX)
    }

    /// Formats a time like the API: RFC 3339 with milliseconds and `Z`.
    pub(crate) fn timestamp(&self, at: Millis) -> String {
        self.moment(at).strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
    }

    /// Formats a time for the `Date` header (RFC 9110, section 5.6.7).
    pub(crate) fn http_date(&self, at: Millis) -> String {
        self.moment(at).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    /// Parses a time of a request; the inverse of [`Clock::timestamp`].
    pub(crate) fn parse(&self, text: &str) -> Option<Millis> {
        let moment: Timestamp = text.parse().ok()?;
        Some(moment.as_millisecond() - self.epoch.as_millisecond())
    }

    fn moment(&self, at: Millis) -> Timestamp {
        self.epoch.saturating_add(SignedDuration::from_millis(at)).unwrap_or(self.epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formatted_time_parses_to_itself() {
        let clock = Clock::starting_now(20.0);
        for at in [-86_400_000, 0, 1, 12_345] {
            assert_eq!(clock.parse(&clock.timestamp(at)), Some(at));
        }
    }

    #[test]
    fn a_clock_can_be_an_hour_ahead_of_the_machine() {
        let clocks = [0.0, 3600.0].map(|ahead| Clock::starting_now(1.0).ahead(ahead));
        let apart = clocks[1].epoch.as_second() - clocks[0].epoch.as_second();
        assert!((3600..3610).contains(&apart), "{apart}");
    }

    #[test]
    fn a_text_that_is_not_a_time_is_not_parsed() {
        assert_eq!(Clock::starting_now(1.0).parse("yesterday"), None);
    }
}
