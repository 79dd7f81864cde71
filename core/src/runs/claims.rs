//! Runs already attributed to one of our triggers: none of them is adopted by another trigger.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::operation::RunKind;
use crate::workspace::Part;

/// How many runs and lost triggers are remembered. They matter while a lost run is looked for, which takes seconds.
const MOST: usize = 1000;

/// What is known of the triggers of one workspace in this process, whichever client sent them.
#[derive(Debug, Default)]
pub(crate) struct Claims(Mutex<Known>);

impl Claims {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Part for Claims {
    fn absorb(&self, from: &Self) {
        let from = std::mem::take(&mut *from.lock());
        let mut own = self.lock();
        own.taken.extend(from.taken);
        own.open.extend(from.open);
        own.lost.extend(from.lost);
    }
}

/// The claimed runs, the triggers without an answer, and the lost triggers. Pure.
#[derive(Debug, Default)]
pub(crate) struct Known {
    taken: VecDeque<(Of, String)>,
    /// Triggers that have had no answer yet.
    open: Vec<Of>,
    /// Triggers whose outcome is unknown, and when the client gave up on them.
    lost: VecDeque<(Of, Instant)>,
}

/// What a run is a run of: its kind, and the id of the sync, sequence or graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Of {
    pub kind: RunKind,
    pub parent: String,
}

impl Known {
    pub(crate) fn begin(&mut self, of: &Of) {
        self.open.push(of.clone());
    }

    pub(crate) fn end(&mut self, of: &Of) {
        if let Some(at) = self.open.iter().position(|open| open == of) {
            self.open.swap_remove(at);
        }
    }

    /// Claims a run; false if another trigger has claimed it already.
    pub(crate) fn take(&mut self, of: &Of, run: &str) -> bool {
        if self.is_taken(of, run) {
            return false;
        }
        self.taken.push_back((of.clone(), run.to_owned()));
        if self.taken.len() > MOST {
            self.taken.pop_front();
        }
        true
    }

    pub(crate) fn is_taken(&self, of: &Of, run: &str) -> bool {
        self.taken.iter().any(|(known, id)| known == of && id == run)
    }

    pub(crate) fn lose(&mut self, of: &Of, at: Instant) {
        self.lost.push_back((of.clone(), at));
        if self.lost.len() > MOST {
            self.lost.pop_front();
        }
    }

    /// Whether only the caller can have started a run that appeared since `sent`, as far as this process knows: no
    /// other trigger for the same sync or graph is open, and none was lost since.
    pub(crate) fn is_alone(&self, of: &Of, sent: Instant) -> bool {
        self.open.iter().filter(|open| *open == of).count() <= 1
            && !self.lost.iter().any(|(known, at)| known == of && *at >= sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sync(id: &str) -> Of {
        Of { kind: RunKind::Sync, parent: id.to_owned() }
    }

    #[test]
    fn a_run_is_taken_once() {
        let mut claims = Known::default();
        assert!(claims.take(&sync("1"), "9001"));
        assert!(!claims.take(&sync("1"), "9001"));
        assert!(claims.take(&sync("2"), "9001"), "ids are told apart by what runs");
    }

    #[test]
    fn another_trigger_that_is_open_or_was_lost_since_may_have_started_it() {
        let (mut claims, sent) = (Known::default(), Instant::now());
        claims.begin(&sync("1"));
        claims.begin(&sync("2"));
        assert!(claims.is_alone(&sync("1"), sent));
        claims.begin(&sync("1"));
        assert!(!claims.is_alone(&sync("1"), sent));
        claims.end(&sync("1"));
        assert!(claims.is_alone(&sync("1"), sent));
        claims.lose(&sync("1"), sent);
        assert!(!claims.is_alone(&sync("1"), sent));
        assert!(
            claims.is_alone(&sync("1"), sent + std::time::Duration::from_secs(1)),
            "lost before it was sent"
        );
    }
}
