//! The way to the place of a limit. The limit may move while processes use it. Pure: no clock and no I/O.
//!
//! A process moves a limit in four steps: it tells the new place to expect the limit; it leaves the old place; it
//! brings the state to the new place, which absorbs it; and it tells the old place to forget the state. The process may
//! die after each step. So the new place grants nothing before it has absorbed the limit that it expects, and the old
//! place keeps the state until the new one has absorbed it. The next process that asks at either place goes on where
//! the first one stopped. A state that arrives twice is absorbed once.

// The proofs (`core/limit-proofs`) build this file as a public module.
#![allow(unreachable_pub)]

use super::script::{Caller, Left, Reply};
use crate::limit::Quota;
use crate::limit::pool::Answer;

/// How many moves of a limit are followed at most. A limit moves more than once if clients changed to other keys.
const LONGEST_CHAIN: usize = 8;
const STRANGE: &str = "its answer cannot be read";

/// The place of the limit, and the steps of a move that must be done before the server is asked.
#[derive(Debug)]
pub struct Way {
    name: String,
    /// The steps that are left. The next step is the last element.
    steps: Vec<Step>,
    /// How many moves were followed since the last answer.
    followed: usize,
}

/// A step of a move. `at`, `from` and `to` are names of places.
#[allow(missing_docs)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Tells the place `at` to expect the limit.
    Expect { at: String },
    /// Leaves the place `from` for the place `to`.
    Leave { from: String, to: String },
    /// Brings the state that was left at `from` to the place `at`. Without a state, tells the place `at` to expect
    /// none.
    Absorb { at: String, from: String, left: Option<Left> },
    /// Tells the place `at` to forget the state that the move `id` left there.
    Settle { at: String, id: String },
}

impl Step {
    /// The name of the place that this step changes or reads: the place whose entry on the server it uses.
    #[must_use]
    pub fn at(&self) -> &str {
        match self {
            Self::Expect { at } | Self::Absorb { at, .. } | Self::Settle { at, .. } => at,
            Self::Leave { from, .. } => from,
        }
    }
}

impl Way {
    /// Begins at the place with this name.
    #[must_use]
    pub fn new(name: String) -> Self {
        Self { name, steps: Vec::new(), followed: 0 }
    }

    /// The name of the place at which the server is asked.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Moves the limit to the place with this name.
    pub fn move_to(&mut self, name: &str) {
        // Drops the steps of an earlier move, but not those that carry or settle a state that was left already.
        self.steps.retain(|step| matches!(step, Step::Absorb { .. } | Step::Settle { .. }));
        self.followed = 0;
        if name != self.name {
            self.steps.push(Step::Expect { at: name.to_owned() });
        }
    }

    /// The next step; `None` if the server can be asked.
    #[must_use]
    pub fn next(&self) -> Option<&Step> {
        self.steps.last()
    }

    /// Returns the arguments of the next step; `None` if no step is left.
    pub fn words(&self, caller: &mut Caller, quota: &Quota) -> Option<Vec<String>> {
        Some(match self.steps.last()? {
            Step::Expect { .. } => caller.expects(quota, &self.name),
            Step::Leave { from, to } => caller.leaves(quota, from, to),
            Step::Absorb { from, left, .. } => caller.absorbs(quota, from, left.as_ref()),
            Step::Settle { id, .. } => caller.settles(quota, id),
        })
    }

    /// Notes that the next step failed. Returns true if only the last step of a move is missing, because that failure
    /// is harmless. The old place then still has the state, but the new place absorbs the state only once, and the old
    /// place hands the state on only for some minutes.
    pub fn failed(&mut self) -> bool {
        self.followed = 0;
        matches!(self.steps.last(), Some(Step::Settle { .. })) && self.steps.pop().is_some()
    }

    /// Notes the reply to the next step, or to a question if there was no step. Returns the answer if the question was
    /// answered.
    ///
    /// # Errors
    /// The reply fits neither a step nor a question, or the limit moves without end. The error is the end of a
    /// sentence.
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
            // Both places expect each other. The server says which of them the limit leaves.
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

    /// Carries a state that was left at `from` to the place `to`.
    fn carries(&mut self, to: String, from: String, left: Option<Left>) {
        if left.is_some() {
            self.steps.push(Step::Absorb { at: to, from, left });
        }
    }

    /// Notes that the limit has moved from the place `from` to `to`. Questions for the place `from` go to the place
    /// `to` from now on.
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
