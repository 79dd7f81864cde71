//! Where the state of a limit is kept if several processes share it.

use std::fmt;

use super::Nanos;
use super::state::{EndNote, State};

/// Keeps the state of a limit outside this process, at a place that has a name.
pub trait Store: fmt::Debug + Send {
    /// The clock of the store, which all its users share.
    fn clock(&self) -> fn() -> Nanos;

    /// Returns the name of the place of the limit.
    fn place(&self) -> String;

    /// Locks the store, and replaces `state`, the last state that this process knows, with the state in the store.
    ///
    /// # Errors
    /// The store is lost, or busy at present. `state` is unchanged.
    fn open(&mut self, state: &mut State) -> Result<(), Unavailable>;

    /// Moves the open limit to the place with this name. If that place already has the limit of another API key of the
    /// same workspace, `state` becomes the state of both limits together. All users of the old place then use the new
    /// place.
    ///
    /// # Errors
    /// The store is lost, or busy at present. The limit stays at the old place.
    fn join(&mut self, name: &str, state: &mut State) -> Result<(), Unavailable>;

    /// Notes without the lock that a request has ended. Everyone who opens the store later adds the noted ends to the
    /// state. Returns false if the end was not noted, so the state must be changed instead. The note may be lost.
    fn note(&mut self, _note: &EndNote) -> bool {
        false
    }

    /// Writes `state` to the store and unlocks the store.
    ///
    /// # Errors
    /// The store is lost: `state` could not be written, or the store could not be unlocked.
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
