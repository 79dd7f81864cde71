//! The time of a world, which may pass faster than ours.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// Milliseconds of a world's time since it was made; negative for what is older than the world.
pub(crate) type Millis = i64;

/// Maps the machine's clock to a world's: both read the same when the world is made.
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

    /// So many seconds ahead of the machine's clock, or behind it.
    pub(crate) fn ahead(self, seconds: f64) -> Self {
        let by = SignedDuration::from_secs_f64(seconds);
        Self { epoch: self.epoch.saturating_add(by).unwrap_or(self.epoch), ..self }
    }

    /// Real time since the world was made.
    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// What a stretch of real time is in the world's.
    pub(crate) fn scaled(&self, real: Duration) -> Duration {
        real.mul_f64(self.scale)
    }

    pub(crate) fn scale(&self) -> f64 {
        self.scale
    }

    pub(crate) fn now(&self) -> Millis {
        Millis::try_from(self.scaled(self.elapsed()).as_millis()).unwrap_or(Millis::MAX)
    }

    /// RFC 3339 with milliseconds and `Z`, as the API writes its times.
    pub(crate) fn timestamp(&self, at: Millis) -> String {
        self.moment(at).strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
    }

    /// The `Date` header of RFC 9110, section 5.6.7.
    pub(crate) fn http_date(&self, at: Millis) -> String {
        self.moment(at).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    /// The inverse of [`Clock::timestamp`], for times that a request names.
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
    fn a_time_that_was_written_reads_back_as_itself() {
        let clock = Clock::starting_now(20.0);
        for at in [-86_400_000, 0, 1, 12_345] {
            assert_eq!(clock.parse(&clock.timestamp(at)), Some(at));
        }
    }

    #[test]
    fn a_clock_may_be_an_hour_off() {
        let clocks = [0.0, 3600.0].map(|ahead| Clock::starting_now(1.0).ahead(ahead));
        let apart = clocks[1].epoch.as_second() - clocks[0].epoch.as_second();
        assert!((3600..3610).contains(&apart), "{apart}");
    }

    #[test]
    fn what_is_no_time_is_not_read() {
        assert_eq!(Clock::starting_now(1.0).parse("yesterday"), None);
    }
}
