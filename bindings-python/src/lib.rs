//! The native module of the Python package `hightouch_sdk`. It passes calls to the core's door and returns the answers.
//! The classes and functions for users are written in Python.

mod call;
mod clock;
mod engine;
mod local;
mod process;
mod waiter;
mod wakeup;

/// A private module: only `hightouch_sdk/_native.py` imports it. Its classes are immutable or have locks of their
/// own, so a free-threaded interpreter needs no GIL for this module.
#[pyo3::pymodule(gil_used = false)]
mod _bridge {
    #[pymodule_export]
    use crate::call::{Call, Mailbox, unraisable};
    #[pymodule_export]
    use crate::clock::monotonic;
    #[pymodule_export]
    use crate::engine::Engine;
    #[pymodule_export]
    use crate::local::local;
    #[pymodule_export]
    use crate::waiter::Waiter;
}
