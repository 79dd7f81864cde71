//! The time of this machine, for tokens and for times that are compared with the times in tokens.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Reads the wall clock once, when the client is created, and then follows the monotonic clock. A later change of the
/// wall clock thus makes no wait shorter or longer.
#[derive(Debug)]
pub(super) struct OwnClock {
    began: Instant,
    /// The wall clock at `began`, in milliseconds since 1970.
    stood: i64,
}

impl OwnClock {
    pub(super) fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { began: Instant::now(), stood: i64::try_from(since.as_millis()).unwrap_or(i64::MAX) }
    }

    pub(super) fn now_millis(&self) -> i64 {
        let passed = i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.stood.saturating_add(passed)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// This test pauses tokio's clock but not the wall clock, so a time that followed the wall clock would change.
    #[tokio::test(start_paused = true)]
    async fn the_time_of_a_client_does_not_follow_the_wall_clock() {
        let clock = OwnClock::new();
        let first = clock.now_millis();
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(clock.now_millis(), first, "the wall clock has no say");
        tokio::time::advance(Duration::from_hours(1)).await;
        assert_eq!(clock.now_millis() - first, 3_600_000);
    }
}
