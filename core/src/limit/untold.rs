//! Reports the end of a request to a shared limit by a note, or with the next change of the limit's state.

use super::Nanos;
use super::line::Class;
use super::state::EndNote;
use super::turn::{Common, Grant, Turns};

/// The end of a request may be reported to the shared limit later only if more than this many requests are in flight
/// for each unreported end. See [`Turns::may_tell_later`].
const IN_FLIGHT_FOR_EACH_UNTOLD: u64 = 8;

impl<W> Turns<W> {
    fn has_waiting(&self) -> bool {
        Class::ALL.into_iter().any(|class| self.waiting(class) > 0)
    }

    /// Whether the shared limit may learn with the next change, and not at once, that a request has ended. Until the
    /// next change, the request takes a place that other processes could use. So only a few ends are reported late, and
    /// only while many more requests are in flight: the ends of these requests soon cause the next change.
    #[must_use]
    pub fn may_tell_later(&self) -> bool {
        let untold =
            self.common.as_ref().filter(|common| !common.open).map(|common| common.missed.len() as u64);
        untold.is_some_and(|untold| {
            !self.has_waiting() && (untold + 1) * IN_FLIGHT_FOR_EACH_UNTOLD < self.state.to_be_ended()
        })
    }

    /// The note for the end of a request at `now`. Returns `None` if the shared limit must be changed instead: nobody
    /// shares the limit, a request waits here and may go once this one has ended, or earlier ends were not reported.
    #[must_use]
    pub fn end_note(&self, now: Nanos, grant: &Grant) -> Option<EndNote> {
        let common = self.common.as_ref().filter(|common| !common.open && common.missed.is_empty())?;
        common.state.end_note(now, grant.common.as_ref()?).filter(|_| !self.has_waiting())
    }

    /// Notes that a request was answered at `now`, and that its end was noted for the other processes.
    pub fn ended_with_note(&mut self, now: Nanos, grant: Grant) {
        self.state.seen(now, grant.ticket);
        if let Some(common) = &mut self.common {
            common.noted.extend(grant.common);
        }
    }
}

impl Common {
    /// Adds the ends that were noted and that the state still lacks, because their notes were lost.
    pub(super) fn add_lost_notes(&mut self, now: Nanos) {
        for ticket in self.noted.drain(..) {
            if self.state.lacks_end_of(now, &ticket) {
                self.state.seen(now, ticket);
            }
        }
    }
}
