//! A change of a value that may be null: leave it, clear it, or set it.

/// What an update does with a value that may be null. `Patch::from(value)` creates a [`Set`](Self::Set).
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
