//! Moves a limit from one place on the server to another, and follows the moves of other processes. Pure: no clock and
//! no I/O.
//!
//! A move has four steps: the new place begins to expect the limit; the old place gives the limit up; the new place
//! absorbs the state of the limit; the old place deletes its copy of the state. A process may die after each step. So
//! the new place grants nothing before it has absorbed the limit that it expects, and the next process that asks at
//! either place continues the move. A state that arrives twice is absorbed once.

// The proofs (`core/limit-proofs`) build this file as a public module.
#![allow(unreachable_pub)]

use super::script::{Caller, Left, Reply};
use crate::limit::Quota;
use crate::limit::pool::Answer;

/// A process follows at most this many moves of a limit in a row. A limit moves more than once if clients change to
/// other API keys.
const LONGEST_CHAIN: usize = 8;
const STRANGE: &str = "its answer cannot be read";

/// The place of a limit (its entry on the server), and the steps of a move that must be done before the next question
/// to the server.
#[derive(Debug)]
pub struct Way {
    name: String,
    /// The steps that must still be done. The last element is the next step.
    steps: Vec<Step>,
    /// How many moves were followed since the last answer.
    followed: usize,
}

/// A step of a move. `at`, `from` and `to` are names of places (entries on the server).
#[allow(missing_docs)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Tells the new place `at` that the limit will be moved to it.
    Expect { at: String },
    /// Moves the limit away from the place `from`, towards the place `to`.
    Leave { from: String, to: String },
    /// Brings the state of the limit from the place `from` to the place `at`. If `left` is `None`, tells the place `at`
    /// not to expect this limit any more.
    Absorb { at: String, from: String, left: Option<Left> },
    /// Tells the old place `at` to delete its copy of the state after the move `id`.
    Settle { at: String, id: String },
}

impl Step {
    /// The name of the place (entry on the server) at which this step runs the script.
    #[must_use]
    pub fn at(&self) -> &str {
        match self {
            Self::Expect { at } | Self::Absorb { at, .. } | Self::Settle { at, .. } => at,
            Self::Leave { from, .. } => from,
        }
    }
}

impl Way {
    /// Starts with a limit at the place (entry on the server) with this name, and with no move in progress.
    #[must_use]
    pub fn new(name: String) -> Self {
        Self { name, steps: Vec::new(), followed: 0 }
    }

    /// The name of the place (entry on the server) where the limit is, as far as this process knows.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Plans a move of the limit to the place with this name.
    pub fn move_to(&mut self, name: &str) {
        // If the old place of an earlier move has not given up the limit yet, drops that move. If it has, keeps the
        // rest of that move, which must still be done.
        self.steps.retain(|step| matches!(step, Step::Absorb { .. } | Step::Settle { .. }));
        self.followed = 0;
        if name != self.name {
            self.steps.push(Step::Expect { at: name.to_owned() });
        }
    }

    /// The next step of a move; `None` if no step must be done before the next question to the server.
    #[must_use]
    pub fn next(&self) -> Option<&Step> {
        self.steps.last()
    }

    /// Returns the script's arguments for the next step; `None` if there is no step.
    pub fn words(&self, caller: &mut Caller, quota: &Quota) -> Option<Vec<String>> {
        Some(match self.steps.last()? {
            Step::Expect { .. } => caller.expects(quota, &self.name),
            Step::Leave { from, to } => caller.leaves(quota, from, to),
            Step::Absorb { from, left, .. } => caller.absorbs(quota, from, left.as_ref()),
            Step::Settle { id, .. } => caller.settles(quota, id),
        })
    }

    /// Notes that the next step failed. Returns true if only the deletion of the old place's copy failed. This failure
    /// is harmless, because the new place never absorbs that copy again.
    pub fn failed(&mut self) -> bool {
        self.followed = 0;
        matches!(self.steps.last(), Some(Step::Settle { .. })) && self.steps.pop().is_some()
    }

    /// Notes the reply to the next step, or to a question if there was no step. Returns the answer if the reply answers
    /// a question.
    ///
    /// # Errors
    /// The reply fits neither a step nor a question, or the limit has moved too many times in a row. The error is the
    /// reason, worded as the end of a sentence.
    pub fn heard(&mut self, reply: Reply) -> Result<Option<Answer>, &'static str> {
        let step = self.steps.last().cloned();
        match (step, reply) {
            (None, Reply::Answer(answer)) => {
                self.followed = 0;
                return Ok(Some(answer));
            }
            (None, Reply::Moved(to, left)) => {
                self.follows()?;
                let from = std::mem::replace(&mut self.name, to.clone());
                self.carries(to, from, left);
            }
            (None, Reply::First(from)) => {
                self.follows()?;
                self.steps.push(Step::Leave { from, to: self.name.clone() });
            }
            (Some(Step::Expect { at }), Reply::Expected) => {
                self.replace(Step::Leave { from: self.name.clone(), to: at });
            }
            (Some(Step::Expect { at }), Reply::Moved(to, left)) => {
                self.follows()?;
                self.steps.pop();
                if to != self.name {
                    self.steps.push(Step::Expect { at: to.clone() });
                }
                self.carries(to, at, left);
            }
            (Some(Step::Leave { from, to }), Reply::Left(left)) => {
                self.led(&from, &to);
                self.replace(Step::Absorb { at: to, from, left: Some(left) });
            }
            (Some(Step::Leave { from, to }), Reply::Moved(elsewhere, left)) => {
                self.follows()?;
                self.led(&from, &elsewhere);
                self.steps.pop();
                if elsewhere != to {
                    self.steps.push(Step::Absorb { at: to, from: from.clone(), left: None });
                }
                self.steps.push(Step::Absorb { at: elsewhere, from, left });
            }
            // The place `from` keeps the limit: either each place expects the limit of the other, or `from` has already
            // absorbed the limit of `to`. So the move goes in the opposite direction.
            (Some(Step::Leave { from, to }), Reply::First(_)) => {
                self.follows()?;
                self.replace(Step::Leave { from: to, to: from });
            }
            (Some(Step::Absorb { from, left, .. }), Reply::Absorbed) => {
                self.followed = 0;
                self.steps.pop();
                if let Some(Left { id, .. }) = left {
                    self.steps.push(Step::Settle { at: from, id });
                }
            }
            (Some(Step::Absorb { at, from, left }), Reply::Moved(to, other)) => {
                self.follows()?;
                self.led(&at, &to);
                self.replace(Step::Absorb { at: to.clone(), from, left });
                self.carries(to, at, other);
            }
            (Some(Step::Settle { .. }), Reply::Settled) => drop(self.steps.pop()),
            _ => return Err(STRANGE),
        }
        Ok(None)
    }

    fn replace(&mut self, step: Step) {
        self.steps.pop();
        self.steps.push(step);
    }

    /// If there is a state, adds the step that brings it from the place `from` to the place `to`.
    fn carries(&mut self, to: String, from: String, left: Option<Left>) {
        if left.is_some() {
            self.steps.push(Step::Absorb { at: to, from, left });
        }
    }

    /// Notes that the limit has moved from the place `from` to the place `to`. If this process asked at `from`, it asks
    /// at `to` from now on.
    fn led(&mut self, from: &str, to: &str) {
        if self.name == from {
            to.clone_into(&mut self.name);
        }
    }

    fn follows(&mut self) -> Result<(), &'static str> {
        self.followed += 1;
        if self.followed <= LONGEST_CHAIN {
            return Ok(());
        }
        self.followed = 0;
        Err("the limit moves without end")
    }
}
