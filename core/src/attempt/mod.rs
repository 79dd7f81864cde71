//! The subject of a call, the report of a call, and what happened to its attempts.

mod meta;
mod outcome;
mod received;
mod subject;

pub(crate) use meta::random_id;
pub use meta::{Attempt, CutMade, Meta, ScopeChanged};
pub(crate) use outcome::Outcome;
pub(crate) use received::Received;
pub(crate) use subject::Subject;
