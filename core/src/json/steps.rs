//! Paths and names inside an edit. Unlike a name in a [`JsonPath`], these names can contain half of a surrogate pair.

use serde_json::value::RawValue;

use super::path::{JsonPath, JsonStep};
use super::spelling;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    /// The name as JSON text, with its quotes.
    pub(super) token: Box<str>,
    /// The decoded name. It is not UTF-8 if it contains half of a surrogate pair.
    pub(super) read: Box<[u8]>,
}

impl Name {
    pub(super) fn of(name: &str) -> Self {
        Self::token(&serde_json::to_string(name).unwrap_or_default())
    }

    pub(super) fn token(token: &str) -> Self {
        Self { token: token.into(), read: spelling::decoded(token).into() }
    }

    /// Reads a name from a JSON string.
    ///
    /// # Errors
    /// The JSON is not a string.
    pub(crate) fn read(raw: &RawValue) -> Result<Self, &'static str> {
        let is_text = raw.get().starts_with('"');
        if is_text { Ok(Self::given(raw.get())) } else { Err("a name must be a string") }
    }

    /// Spells a name with as few escapes as possible, because a host language may escape more characters than JSON
    /// needs.
    fn given(token: &str) -> Self {
        let name = Self::token(token);
        str::from_utf8(&name.read).map(Self::of).unwrap_or(name)
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Name(Name),
    Index(usize),
}

impl Step {
    pub(super) fn of(path: &JsonPath) -> Vec<Self> {
        let step = |step: &JsonStep| match step {
            JsonStep::Name(name) => Self::Name(Name::of(name)),
            JsonStep::Index(index) => Self::Index(*index),
        };
        path.steps().iter().map(step).collect()
    }

    /// Reads a step from a JSON string or a whole number.
    ///
    /// # Errors
    /// The JSON is neither a string nor a whole number, or the number is negative.
    pub(crate) fn read(raw: &RawValue) -> Result<Self, &'static str> {
        if raw.get().starts_with('"') {
            return Ok(Self::Name(Name::given(raw.get())));
        }
        let index = raw.get().parse().map(Self::Index);
        index.map_err(|_| "a step of a path must be a name or an index of at least 0")
    }

    pub(super) fn shown(&self) -> JsonStep {
        match self {
            Self::Name(name) => JsonStep::Name(String::from_utf8_lossy(&name.read).into_owned()),
            Self::Index(index) => JsonStep::Index(*index),
        }
    }
}
