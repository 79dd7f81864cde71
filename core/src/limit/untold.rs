//! Reports to a shared limit that a request has ended, without changing the state of the limit at once. Either a note
//! is written, which needs no lock, or the end is added at the next change of the state.

use super::Nanos;
use super::line::Class;
use super::state::EndNote;
use super::turn::{Common, Grant, Turns};

/// A process may report the end of a request with its next change of the shared limit, and not at once, while more than
/// this many requests are in flight for each unreported end. See [`Turns::may_tell_later`].
const IN_FLIGHT_FOR_EACH_UNTOLD: u64 = 8;

impl<W> Turns<W> {
    fn has_waiting(&self) -> bool {
        Class::ALL.into_iter().any(|class| self.waiting(class) > 0)
    }

    /// Whether the end of a request may be reported with the next change of the shared limit, instead of at once. Until
    /// that change, the shared limit still counts the request as in flight, so other processes may send one request
    /// fewer. For this reason, only a few ends are reported late, and only while many more requests are in flight: the
    /// ends of these requests soon cause the next change.
    #[must_use]
    pub fn may_tell_later(&self) -> bool {
        let untold =
            self.common.as_ref().filter(|common| !common.open).map(|common| common.missed.len() as u64);
        untold.is_some_and(|untold| {
            !self.has_waiting() && (untold + 1) * IN_FLIGHT_FOR_EACH_UNTOLD < self.state.to_be_ended()
        })
    }

    /// The note that reports the end of a request at `now` to the shared limit. Returns `None` if the caller must
    /// change the state of the limit instead. For example, earlier ends were not reported yet, or another request of
    /// this process waits: only a change of the state can grant that request.
    #[must_use]
    pub fn end_note(&self, now: Nanos, grant: &Grant) -> Option<EndNote> {
        let common = self.common.as_ref().filter(|common| !common.open && common.missed.is_empty())?;
        common.state.end_note(now, grant.common.as_ref()?).filter(|_| !self.has_waiting())
    }

    /// Records that a request was answered at `now`, and that a note with its end was written for the other processes.
    pub fn ended_with_note(&mut self, now: Nanos, grant: Grant) {
        self.state.seen(now, grant.ticket);
        if let Some(common) = &mut self.common {
            common.noted.extend(grant.common);
        }
    }
}

impl Common {
    /// Adds the noted ends that are missing from the state because their notes were lost.
    pub(super) fn add_lost_notes(&mut self, now: Nanos) {
        for ticket in self.noted.drain(..) {
            if self.state.lacks_end_of(now, &ticket) {
                self.state.seen(now, ticket);
            }
        }
    }
}
