//! How often a run is looked at. Does no I/O and reads no clock.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(15);
/// Following a run fails once the run has been missing from answers for this long. The server may list a new run late.
pub(super) const MISSING_BORNE: Duration = Duration::from_mins(10);
/// Following a run fails once a gateway has seemed to answer in place of the API for this long.
pub(super) const UNREADABLE_BORNE: Duration = Duration::from_mins(1);
/// The shortest time limit of a look, even if the step of this look should end sooner.
pub(super) const LOOK_AT_LEAST: Duration = Duration::from_secs(1);
/// How long a step with a ready result still waits for a requested page of the list of syncs.
pub(super) const PAGE_BORNE: Duration = Duration::from_secs(2);

/// The pause before the next look: half a second and a tenth of the age of the run, at most 15 s.
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
