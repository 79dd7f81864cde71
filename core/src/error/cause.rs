//! The causes of an error.

use std::error::Error as StdError;
use std::fmt;

/// A cause as an error of its own, for callers that walk [`source`](StdError::source).
#[derive(Clone, Debug)]
pub(super) struct Cause {
    pub text: String,
    pub beneath: Option<Box<Cause>>,
}

impl fmt::Display for Cause {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.text)
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.beneath.as_deref().map(|beneath| beneath as &(dyn StdError + 'static))
    }
}
