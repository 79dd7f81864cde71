//! A change to a value that may be cleared: left alone, set to null, or set to something else.

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

impl<T> Patch<T> {
    /// From a member that was read: not there, null, or a value.
    pub(crate) fn from_given(given: Option<Option<T>>) -> Self {
        match given {
            None => Self::Absent,
            Some(None) => Self::Null,
            Some(Some(value)) => Self::Set(value),
        }
    }

    /// What a request holds: nothing, null or the value.
    pub(crate) fn given(&self) -> Option<Option<&T>> {
        match self {
            Self::Absent => None,
            Self::Null => Some(None),
            Self::Set(value) => Some(Some(value)),
        }
    }
}

impl<T> From<T> for Patch<T> {
    fn from(value: T) -> Self {
        Self::Set(value)
    }
}
