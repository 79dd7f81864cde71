//! A change to a value that may be cleared: left alone, set to null, or set to something else.

use serde::{Deserialize, Deserializer};

/// What an update does with a value that the API lets be null. Pure data; `Patch::from(value)` sets it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// Leaves it as it is: the request does not name it.
    #[default]
    Absent,
    /// Clears it: the request says null.
    Null,
    /// Sets it.
    Set(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    /// Of a member that is there: null clears.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(from)?.map_or(Self::Null, Self::Set))
    }
}

impl<T> From<T> for Patch<T> {
    fn from(value: T) -> Self {
        Self::Set(value)
    }
}
