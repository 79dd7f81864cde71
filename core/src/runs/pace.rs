//! How often a followed run is read. Does no I/O and reads no clock.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(15);
/// Following a run fails once the run has been missing from answers for this long. The time is long because the server
/// may list a new run late.
pub(super) const MISSING_BORNE: Duration = Duration::from_mins(10);
/// The SDK stops following a run, with an error, once a gateway has seemed to answer in place of the API for this long.
pub(super) const UNREADABLE_BORNE: Duration = Duration::from_mins(1);
/// The shortest time limit of a request that reads a run, even if the step that sends the request should end sooner.
pub(super) const LOOK_AT_LEAST: Duration = Duration::from_secs(1);
/// How long a step may still wait for a requested page of the list of syncs after the result of the step is ready.
pub(super) const PAGE_BORNE: Duration = Duration::from_secs(2);

/// The pause before a run is read again: half a second plus a tenth of the age of the run, at most 15 s.
pub(super) fn pause(age: Duration) -> Duration {
    (FIRST + age / 10).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polls_start_quick_and_stretch_with_the_age_of_the_run() {
        assert_eq!(pause(Duration::ZERO), Duration::from_millis(500));
        assert_eq!(pause(Duration::from_mins(1)), Duration::from_millis(6500));
        assert_eq!(pause(Duration::from_hours(5)), LONGEST);
    }
}
