//! Functions of the core that need no client.

use hightouch_sdk::wire;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Calls a function of the door that needs no client. If the call fails, raises `ValueError` with the error message for
/// the user as its text.
#[pyfunction]
pub(crate) fn local(py: Python<'_>, op: &str, args: &str) -> PyResult<String> {
    py.detach(|| wire::local(op, args)).map_err(PyValueError::new_err)
}
