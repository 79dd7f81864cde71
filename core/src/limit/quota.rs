//! The declared rate limit.

use std::time::Duration;

use super::Nanos;
use super::words::Words;

/// The longest wait or window: a year. Longer values are shortened to a year, so that the arithmetic does not overflow.
const LONGEST: Nanos = 365 * 24 * 3600 * 1_000_000_000;

/// The longest window that settings can declare (a day), plus the half percent of [`Quota::span`]. A state with a
/// longer window is damaged.
const LONGEST_DECLARED: Nanos = 24 * 3600 * 1_000_000_000 / 200 * 201;

/// The declared rate limit: requests per window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quota {
    /// Requests in one window; at least 1.
    pub requests: u32,
    /// The length of the window, before it is divided by `scale`.
    pub window: Duration,
    /// Divides every wait of the SDK, including the window; 1 outside tests.
    pub scale: f64,
}

impl Default for Quota {
    /// Returns the limit that Hightouch documents for a workspace: 200 requests in 10 seconds.
    fn default() -> Self {
        Self { requests: 200, window: Duration::from_secs(10), scale: 1.0 }
    }
}

impl Quota {
    /// Writes the quota as integers, for [`Quota::read`] to read.
    pub fn write(&self, to: &mut Vec<u64>) {
        let window = u64::try_from(self.window.as_nanos()).unwrap_or(LONGEST).min(LONGEST);
        to.extend([u64::from(self.requests), window, self.scale.to_bits()]);
    }

    /// Reads a quota. Returns `None` if the integers are damaged.
    #[must_use]
    pub fn read(from: &mut Words<'_>) -> Option<Self> {
        let requests = u32::try_from(from.word()?).ok()?;
        let window = Duration::from_nanos(from.up_to(LONGEST)?);
        let scale = f64::from_bits(from.word()?);
        let read = Self { requests, window, scale };
        let is_scale = scale.is_finite() && (1e-3..=1e6).contains(&scale);
        (is_scale && read.span() <= LONGEST_DECLARED).then_some(read)
    }

    /// Returns `wait` divided by the scale, in nanoseconds and at most a year. A scale that is not finite and above 0
    /// counts as 1.
    #[must_use]
    pub fn scaled(&self, wait: Duration) -> Nanos {
        let usable = self.scale.is_finite() && self.scale > 0.0;
        // Divides only if the scale is not 1: floating point is inexact, and 10 s must stay 10 s to the nanosecond.
        let wait = if usable && (self.scale - 1.0).abs() > f64::EPSILON {
            Duration::try_from_secs_f64(wait.as_secs_f64() / self.scale).unwrap_or(Duration::MAX)
        } else {
            wait
        };
        Nanos::try_from(wait.as_nanos()).unwrap_or(LONGEST).min(LONGEST)
    }

    /// Returns the length of the window: the scaled window plus half a percent. The half percent covers a server with a
    /// slower clock, on which a window lasts longer.
    #[must_use]
    pub fn span(&self) -> Nanos {
        let window = self.scaled(self.window).max(1);
        window + window / 200
    }

    /// Returns the number of requests in a window: at least 1, and at most what the arithmetic can hold. The maximum is
    /// about 9·10⁸ for a window of 10 s.
    #[must_use]
    pub fn requests(&self) -> u64 {
        u64::from(self.requests).clamp(1, (u64::MAX / 2 / self.span()).max(1))
    }

    /// Returns this quota with only `share` (0 to 1) of its requests, rounded down but at least 1. A share that is not
    /// finite counts as 1.
    #[must_use]
    pub fn shared(&self, share: f64) -> Self {
        let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 1.0 };
        // The cast is exact: the product is rounded down, and lies between 0 and `self.requests`.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let requests = (f64::from(self.requests) * share).floor() as u32;
        Self { requests: requests.max(1), ..*self }
    }

    /// Returns a quota that keeps a client within both quotas. If one of the two quotas does so already, returns that
    /// quota. Otherwise combines the smaller number of requests with the longer window.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        if self.implies(&other) {
            self
        } else if other.implies(&self) {
            other
        } else {
            Self {
                requests: self.requests.min(other.requests),
                window: self.window.max(other.window),
                scale: self.scale.min(other.scale),
            }
        }
    }

    /// Whether a client that keeps within this quota also keeps within `other`.
    fn implies(&self, other: &Self) -> bool {
        let windows = other.span().div_ceil(self.span());
        windows.saturating_mul(self.requests()) <= other.requests()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(requests: u32, seconds: u64) -> Quota {
        Quota { requests, window: Duration::from_secs(seconds), scale: 1.0 }
    }

    #[test]
    fn the_window_is_half_a_percent_longer_than_declared() {
        assert_eq!(quota(200, 10).span(), 10_050_000_000);
        assert_eq!(Quota { scale: 20.0, ..quota(200, 10) }.span(), 502_500_000);
    }

    #[test]
    fn of_two_quotas_the_stricter_is_kept() {
        assert_eq!(quota(200, 10).stricter(quota(100, 10)), quota(100, 10));
        assert_eq!(
            quota(200, 10).stricter(quota(20, 1)),
            quota(20, 1),
            "20 a second is never over 200 in ten"
        );
        assert_eq!(quota(150, 10).stricter(quota(100, 1)), quota(100, 10), "neither implies the other");
    }

    #[test]
    fn a_share_is_rounded_down_and_never_nothing() {
        assert_eq!(quota(200, 10).shared(0.25).requests, 50);
        assert_eq!(quota(3, 10).shared(0.5).requests, 1);
        assert_eq!(quota(200, 10).shared(0.0001).requests, 1);
        assert_eq!(quota(200, 10).shared(f64::NAN).requests, 200);
    }

    #[test]
    fn a_window_that_no_settings_declare_is_read_as_damage() {
        let read = |quota: Quota| {
            let mut words = Vec::new();
            quota.write(&mut words);
            Quota::read(&mut Words::new(&words))
        };
        let day = 24 * 3600;
        for quota in [quota(1_000_000, day), Quota { scale: 50.0, ..quota(1, 50 * day) }] {
            assert_eq!(read(quota), Some(quota));
        }
        assert_eq!(read(quota(200, day + 1)), None);
        assert_eq!(read(Quota { scale: 0.5, ..quota(200, day) }), None);
    }

    #[test]
    fn absurd_quotas_are_brought_within_what_the_arithmetic_holds() {
        assert_eq!(quota(0, 10).requests(), 1);
        assert_eq!(quota(1, 0).span(), 1);
        let huge = Quota { requests: u32::MAX, window: Duration::MAX, scale: f64::NAN };
        assert!(huge.requests().checked_mul(huge.span()).is_some());
    }
}
