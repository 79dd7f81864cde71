//! What happened to the attempts of a call.

mod meta;
mod outcome;

pub(crate) use meta::headers;
pub use meta::{Attempt, CutMade, Meta};
pub(crate) use outcome::Outcome;
