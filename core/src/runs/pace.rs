//! How often a run is asked for. Pure.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(15);
/// How long answers may come without the run: it is not listed at once, and a list may lag behind.
pub(super) const MISSING_BORNE: Duration = Duration::from_mins(10);
/// How long answers may come that are none of the API's, such as a gateway's pages.
pub(super) const UNREADABLE_BORNE: Duration = Duration::from_mins(1);
/// How long a look may take at least, however soon its step ends.
pub(super) const LOOK_AT_LEAST: Duration = Duration::from_secs(1);
/// How long a page of the list of syncs is awaited by a run whose turn has come.
pub(super) const PAGE_BORNE: Duration = Duration::from_secs(2);

/// The pause before the next poll: short while the run is young, a tenth of its age later, never above 15 s.
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
