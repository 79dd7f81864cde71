//! The native half of the Python package `hightouch_sdk`: it carries calls to the core's door and
//! their answers back, and knows nothing else. What a user sees is written in Python.

mod bell;
mod call;
mod clock;
mod engine;
mod process;

/// Private to the package; its one importer is `hightouch_sdk/_native.py`.
#[pyo3::pymodule]
mod _bridge {
    #[pymodule_export]
    use crate::call::{Call, Mailbox};
    #[pymodule_export]
    use crate::clock::monotonic;
    #[pymodule_export]
    use crate::engine::Engine;
}
