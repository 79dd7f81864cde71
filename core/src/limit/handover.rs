//! The state that one limit takes over from another, once both turn out to be limits of one workspace.

use super::Nanos;
use super::state::State;
use super::turn::Turns;

/// The state of a limit that another limit absorbs. All times are on the clock of the absorbed limit.
#[derive(Debug)]
pub struct Handover {
    state: State,
    /// The state of the shared limit; `None` if the absorbed limit is not shared, or if the absorbing limit shares the
    /// same state.
    pub(super) common: Option<State>,
    looks: Vec<Nanos>,
}

impl<W> Turns<W> {
    /// The state that another limit needs to absorb this limit.
    #[must_use]
    pub fn handover(&self) -> Handover {
        let common = self.common().cloned();
        Handover { state: self.state.clone(), common, looks: self.line.looks().granted().collect() }
    }

    /// Merges another limit into this one; `time` converts a time of the other limit to a time of this limit.
    pub fn absorb(&mut self, now: Nanos, handover: &Handover, time: impl Fn(Nanos) -> Nanos) {
        self.state.absorb(now, &handover.state, &time);
        if let (Some(common), Some(theirs)) = (&mut self.common, &handover.common) {
            common.state.absorb(now, theirs, &time);
        }
        self.line.looks_mut().count(handover.looks.iter().map(|at| time(*at)));
    }
}
