//! Functions of the core that need no client.

use hightouch_sdk::wire;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Makes a function of the door without a client. Raises `ValueError` with the sentence to show.
#[pyfunction]
pub(crate) fn local(py: Python<'_>, op: &str, args: &str) -> PyResult<String> {
    py.detach(|| wire::local(op, args)).map_err(PyValueError::new_err)
}
