//! The clock of a gate.

use std::time::Duration;

use super::sync::Instant;
use super::{NEVER, Nanos};

/// Reads the clock, which tests can pause.
pub(super) fn clock() -> Instant {
    Instant::now()
}

/// The origin of a gate's times.
#[derive(Clone, Copy, Debug)]
pub(super) enum Clock {
    /// The times count from the creation of the gate.
    Since(Instant),
    /// The times are those of a clock that several processes share.
    Common(fn() -> Nanos),
}

impl Clock {
    pub(super) fn now(self) -> Nanos {
        match self {
            Self::Since(_) => self.nanos(clock()),
            Self::Common(now) => now(),
        }
    }

    /// Converts an instant to a time of this clock. An instant before the origin of the clock becomes 0.
    pub(super) fn nanos(self, at: Instant) -> Nanos {
        let nanos = |time: Duration| Nanos::try_from(time.as_nanos()).unwrap_or(NEVER - 1);
        match self {
            Self::Since(born) => nanos(at.saturating_duration_since(born)),
            Self::Common(now) => now().saturating_sub(nanos(clock().saturating_duration_since(at))),
        }
    }

    /// Converts a time to an instant. A time more than a year ahead, such as [`NEVER`], becomes the instant a year from
    /// now.
    pub(super) fn instant(self, time: Nanos) -> Instant {
        let far = Duration::from_hours(365 * 24);
        match self {
            Self::Since(born) => {
                born + Duration::from_nanos(time).min(clock().saturating_duration_since(born) + far)
            }
            Self::Common(now) => clock() + Duration::from_nanos(time.saturating_sub(now())).min(far),
        }
    }
}
