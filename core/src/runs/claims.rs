//! Records which runs belong to triggers of this process (a trigger *claims* its run). If the answer to a trigger was
//! lost, the trigger looks for its run, but never takes a run that another trigger has claimed.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::operation::RunKind;
use crate::workspace::Part;

/// At most this many claimed runs, and at most this many ended triggers with an unknown run, are remembered. Old
/// entries can be forgotten, because a trigger looks for its run only for seconds.
const MOST: usize = 1000;

/// What this process knows of the triggers that its clients have sent in one workspace.
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
        own.lost.make_contiguous().sort_by_key(|(_, at)| *at);
        own.forget_oldest();
    }
}

/// The claimed runs, the triggers in progress, and the lost triggers, which ended before their run was known. Does no
/// I/O and reads no clock.
#[derive(Debug, Default)]
pub(crate) struct Known {
    taken: VecDeque<(Of, String)>,
    /// Triggers in progress. Each waits for its answer or, if the answer was lost, looks for its run.
    open: Vec<Of>,
    /// Triggers that ended before their run was known, with the time of the end. Each may have started a run.
    lost: VecDeque<(Of, Instant)>,
}

/// The sync, sequence or graph that a run belongs to: its kind and its id.
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

    /// Claims a run for the caller's trigger. Returns false if a trigger has claimed the run before.
    pub(crate) fn take(&mut self, of: &Of, run: &str) -> bool {
        if self.is_taken(of, run) {
            return false;
        }
        self.taken.push_back((of.clone(), run.to_owned()));
        self.forget_oldest();
        true
    }

    pub(crate) fn is_taken(&self, of: &Of, run: &str) -> bool {
        self.taken.iter().any(|(known, id)| known == of && id == run)
    }

    pub(crate) fn lose(&mut self, of: &Of, at: Instant) {
        self.lost.push_back((of.clone(), at));
        self.forget_oldest();
    }

    /// Removes the oldest entries of both lists beyond [`MOST`].
    fn forget_oldest(&mut self) {
        self.taken.drain(..self.taken.len().saturating_sub(MOST));
        self.lost.drain(..self.lost.len().saturating_sub(MOST));
    }

    /// Whether a trigger other than the caller's is in progress for the same sync, sequence or graph.
    pub(crate) fn has_rivals(&self, of: &Of) -> bool {
        self.open.iter().filter(|open| *open == of).count() > 1
    }

    /// Whether only the caller's trigger can have started a run that appeared after `sent`, as far as this process
    /// knows. Returns false if another trigger for the same sync, sequence or graph is in progress, or if a lost
    /// trigger for it ended at `sent` or later. If `sent` is `None`, lost triggers count whenever they ended.
    pub(crate) fn is_alone(&self, of: &Of, sent: Option<Instant>) -> bool {
        !self.has_rivals(of)
            && !self.lost.iter().any(|(known, at)| known == of && sent.is_none_or(|sent| *at >= sent))
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

    /// Guards against lists of claimed runs and lost triggers that grow without bound when many workspaces are merged.
    #[test]
    fn merged_claims_forget_the_oldest() {
        let (own, other, start) = (Claims::default(), Claims::default(), Instant::now());
        let after = |seconds: usize| start + std::time::Duration::from_secs(seconds as u64);
        for nth in 0..MOST {
            for (claims, at) in [(&own, 2 * nth + 1), (&other, 2 * nth)] {
                claims.lock().take(&sync("1"), &at.to_string());
                claims.lock().lose(&sync("1"), after(at));
            }
        }
        own.absorb(&other);
        let known = own.lock();
        assert_eq!((known.taken.len(), known.lost.len()), (MOST, MOST));
        assert!(known.lost.iter().all(|(_, at)| *at >= after(MOST)), "the latest of both are kept");
    }

    #[test]
    fn a_trigger_is_not_alone_if_another_is_in_progress_or_was_lost_since() {
        let (mut claims, sent) = (Known::default(), Instant::now());
        claims.begin(&sync("1"));
        claims.begin(&sync("2"));
        assert!(claims.is_alone(&sync("1"), Some(sent)));
        claims.begin(&sync("1"));
        assert!(!claims.is_alone(&sync("1"), Some(sent)));
        claims.end(&sync("1"));
        assert!(claims.is_alone(&sync("1"), Some(sent)));
        claims.lose(&sync("1"), sent);
        assert!(!claims.is_alone(&sync("1"), Some(sent)));
        assert!(
            claims.is_alone(&sync("1"), Some(sent + std::time::Duration::from_secs(1))),
            "lost before it was sent"
        );
    }
}
