//! Where the state of a limit is kept if several processes share it.

use std::fmt;

use super::Nanos;
use super::state::State;

/// Keeps the state of a limit outside this process, at a place that has a name.
pub trait Store: fmt::Debug + Send {
    /// The clock of the store, which all its users share.
    fn clock(&self) -> fn() -> Nanos;

    /// Returns the name of the place of the limit.
    fn place(&self) -> String;

    /// Locks the store and replaces `state`, which this process knew last, by the state that the store keeps.
    ///
    /// # Errors
    /// The store cannot be used, or cannot be used now. `state` is as it was.
    fn open(&mut self, state: &mut State) -> Result<(), Unavailable>;

    /// Moves the limit, which is open, to the place with this name. If that place already has the limit of another key
    /// of the same workspace, `state` becomes the state of both limits together. All users of the old place follow to
    /// the new place.
    ///
    /// # Errors
    /// The other place cannot be used, or cannot be used now. The limit stays where it is.
    fn join(&mut self, name: &str, state: &mut State) -> Result<(), Unavailable>;

    /// Keeps `state` and unlocks the store.
    ///
    /// # Errors
    /// The store could not keep `state`.
    fn close(&mut self, state: &State) -> Result<(), Unavailable>;
}

/// Why a store cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// Another process holds the lock at present.
    Busy,
    /// The store cannot be used any more, for this reason.
    Lost(String),
}
