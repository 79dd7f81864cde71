//! A change to a value that may be cleared: left alone, set to null, or set to something else.

/// What an update does with a value that may be null. `Patch::from(value)` sets it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// Leaves the value as it is: the request does not contain it.
    #[default]
    Absent,
    /// Clears the value: the request contains null.
    Null,
    /// Sets the value.
    Set(T),
}

impl<T> From<T> for Patch<T> {
    fn from(value: T) -> Self {
        Self::Set(value)
    }
}
