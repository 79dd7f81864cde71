//! Where the state of a limit is kept if several processes share it.

use std::fmt;

use super::Nanos;
use super::state::{EndNote, State};

/// Keeps the state of a limit outside this process, in a place that has a name, such as a file.
pub trait Store: fmt::Debug + Send {
    /// The clock of the store, which all its users share.
    fn clock(&self) -> fn() -> Nanos;

    /// Returns the name of the place that holds the state, such as the path of a file.
    fn place(&self) -> String;

    /// Locks the store, and replaces `state`, the last state that this process knows, with the state in the store.
    ///
    /// # Errors
    /// The store cannot be used any more, or another process holds the lock. `state` is unchanged.
    fn open(&mut self, state: &mut State) -> Result<(), Unavailable>;

    /// Moves the limit to the place called `name`, such as another file. The store must be open. If that place already
    /// holds the limit of another API key of the same workspace, merges both limits into `state`. All users of the old
    /// place then use the new place.
    ///
    /// # Errors
    /// The store cannot be used any more, or another process holds the lock. The limit stays at the old place.
    fn join(&mut self, name: &str, state: &mut State) -> Result<(), Unavailable>;

    /// Writes a note that a request has ended, without taking the lock. Each process that opens the store later adds
    /// the noted ends to its state. A note may get lost. Returns false if no note was written; the caller must then
    /// change the state itself.
    fn note(&mut self, _note: &EndNote) -> bool {
        false
    }

    /// Writes `state` to the store and unlocks the store.
    ///
    /// # Errors
    /// The store cannot be used any more: `state` could not be written, or the store could not be unlocked.
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
