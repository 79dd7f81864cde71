//! Why a run did not succeed.

use hightouch_sdk::wire;

/// Why a run did not succeed, as JSON; both are those of [`wire::problem`].
#[pyo3::pyfunction]
pub(crate) fn problem(run: &str) -> String {
    wire::problem(run)
}
