//! What was called, and what happened to its attempts.

mod meta;
mod outcome;
mod subject;

pub(crate) use meta::headers;
pub use meta::{Attempt, CutMade, Meta};
pub(crate) use outcome::Outcome;
pub(crate) use subject::Subject;
