//! The driver of this process. A forked child must neither use nor drop that of its parent.

use std::sync::{Mutex, PoisonError};

use pyo3::{PyResult, Python};

use crate::driver::Driver;

static DRIVER: Mutex<Option<(u32, &'static Driver)>> = Mutex::new(None);

/// Returns the driver of this process's I/O, and creates it at the first call. A forked child inherits the memory of
/// its parent's driver but not its thread. So it creates its own driver and leaks the other: dropping that would wait
/// for a thread that does not exist.
///
/// The lock is only taken while the thread holds the interpreter, and never released in between. So `os.fork`, which
/// needs the interpreter too, cannot leave the child with a lock that nobody unlocks.
pub(crate) fn driver(_py: Python<'_>) -> PyResult<&'static Driver> {
    let mut slot = DRIVER.lock().unwrap_or_else(PoisonError::into_inner);
    match *slot {
        Some((pid, driver)) if pid == std::process::id() => Ok(driver),
        _ => {
            let driver = Driver::start()?;
            *slot = Some((std::process::id(), driver));
            Ok(driver)
        }
    }
}
