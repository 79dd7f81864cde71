//! The time of this machine, for tokens and for times that are compared with those in tokens.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// The wall clock when the client was created, plus the time that has passed since on the monotonic clock. A wait must
/// neither end nor take longer because somebody sets the wall clock.
#[derive(Debug)]
pub(super) struct OwnClock {
    began: Instant,
    /// Milliseconds since 1970.
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

    /// tokio's clock is paused here and the machine's is not, so a time that followed the machine's clock would differ.
    #[tokio::test(start_paused = true)]
    async fn after_it_was_made_a_client_follows_no_clock_that_can_be_set() {
        let clock = OwnClock::new();
        let first = clock.now_millis();
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(clock.now_millis(), first, "the wall clock has no say");
        tokio::time::advance(Duration::from_hours(1)).await;
        assert_eq!(clock.now_millis() - first, 3_600_000);
    }
}
