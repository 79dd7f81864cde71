//! A clock that libraries such as freezegun, which replace Python's clocks in every module, cannot stop.

use std::sync::LazyLock;
use std::time::Instant;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Seconds since the first call of this function.
#[pyo3::pyfunction]
pub(crate) fn monotonic() -> f64 {
    START.elapsed().as_secs_f64()
}
