//! What happened to the attempts of a call.

mod meta;
mod outcome;

pub use meta::{Attempt, CutMade, Meta};
pub(crate) use meta::headers;
pub(crate) use outcome::Outcome;
