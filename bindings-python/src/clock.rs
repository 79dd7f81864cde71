//! A clock that no test of a user's can stop: libraries that freeze time replace Python's own in every module.

use std::sync::LazyLock;
use std::time::Instant;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Seconds since some moment in this process's past.
#[pyo3::pyfunction]
pub(crate) fn monotonic() -> f64 {
    START.elapsed().as_secs_f64()
}
