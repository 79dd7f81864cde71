//! A monotonic clock for the Python code. Libraries such as freezegun replace Python's own clocks in every module, but
//! cannot stop this clock.

use std::sync::LazyLock;
use std::time::Instant;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Returns the seconds since the first call of this function.
#[pyo3::pyfunction]
pub(crate) fn monotonic() -> f64 {
    START.elapsed().as_secs_f64()
}
