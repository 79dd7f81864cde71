//! What a gate asks the server that keeps its limit for several machines, and what the gate learns from the answers.

use std::fmt;
use std::sync::Weak;
use std::time::Duration;

use super::NEVER;
use super::gate::Core;
use super::pool::{Answer, Pool, Question, Wanted};

/// Carries the questions of a gate to the server. A gate makes no requests itself, because it has no runtime.
pub trait Courier: fmt::Debug + Send {
    /// Wakes the courier, which then calls [`Errands::next`]. Must not block, because the caller holds the lock of the
    /// gate.
    ///
    /// # Errors
    /// The courier cannot run. The error is the reason, worded as the end of a sentence.
    fn wake(&self) -> Result<(), String>;
}

/// Gives the courier of a gate its next errand, and passes the server's answers to the gate.
#[derive(Debug)]
pub struct Errands {
    core: Weak<Core>,
}

/// What the courier, which carries the questions of a gate to the server, must do next.
#[derive(Debug)]
pub enum Errand {
    /// Ask the server, and pass its answer to [`Errands::answered`] or [`Errands::unanswered`].
    Ask(Question),
    /// Move the limit to the place with this name.
    Move(String),
    /// Wait for this long, or until the gate wakes the courier.
    Wait(Duration),
    /// Stop, because nobody uses the gate any more.
    End,
}

impl Errands {
    pub(super) fn new(core: Weak<Core>) -> Self {
        Self { core }
    }

    /// Returns what the courier must do next.
    #[must_use]
    pub fn next(&self) -> Errand {
        self.core.upgrade().map_or(Errand::End, |core| core.errand())
    }

    /// Notes the answer to a question.
    pub fn answered(&self, question: &Question, answer: Answer) {
        let Some(core) = self.core.upgrade() else { return };
        core.change(|inner, now| {
            if inner.turns.pool_mut().is_some_and(|pool| pool.answered(now, question, answer)) {
                // This call is inside the change, so that the first request that the change grants can already report
                // that the limit is shared again.
                core.returned();
            }
        });
    }

    /// Records that the server has not answered. `why` is the reason, worded as the end of a sentence.
    pub fn unanswered(&self, question: Question, why: &str) {
        let Some(core) = self.core.upgrade() else { return };
        core.change(|inner, now| {
            let Some(pool) = inner.turns.pool_mut() else { return };
            if !pool.is_down() {
                core.fall_back(Some(format!("the server that keeps the limit cannot be used: {why}")));
            }
            pool.unanswered(now, question);
        });
    }

    /// Notes that the limit was not moved to the place with this name. `why` is the reason, worded as the end of a
    /// sentence. The move is tried again once the server answers.
    pub fn not_moved(&self, name: String, why: &str) {
        let Some(core) = self.core.upgrade() else { return };
        let question = core.change(|inner, now| {
            inner.joining.get_or_insert(name);
            inner.turns.pool_mut().map(|pool| pool.question(now, Wanted::NOTHING))
        });
        if let Some(question) = question {
            self.unanswered(question, why);
        }
    }
}

impl Core {
    fn errand(&self) -> Errand {
        let now = self.now();
        let mut inner = self.lock();
        let is_down = inner.turns.pool().is_none_or(Pool::is_down);
        if !is_down && let Some(name) = inner.joining.take() {
            return Errand::Move(name);
        }
        let wanted = inner.turns.wanted(now);
        let Some(pool) = inner.turns.pool_mut() else { return Errand::End };
        let time = pool.asks_at(now, wanted);
        if time <= now {
            inner.courier_sleeps_until = 0;
            let Some(pool) = inner.turns.pool_mut() else { return Errand::End };
            return Errand::Ask(pool.question(now, wanted));
        }
        inner.courier_sleeps_until = time;
        Errand::Wait(Duration::from_nanos(if time == NEVER { NEVER } else { time - now }))
    }
}
