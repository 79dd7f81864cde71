//! The driver of this process. A forked child must neither use nor drop the driver of its parent.

use std::io;
use std::sync::{Mutex, PoisonError};

use pyo3::Python;

use crate::driver::Driver;

static DRIVER: Mutex<Option<(u32, &'static Driver)>> = Mutex::new(None);

/// Returns the driver of this process's I/O, and creates it at the first call. A forked child inherits the memory of
/// its parent's driver but not the thread of that driver. So the child creates a driver of its own, and never drops the
/// inherited one, because the runtime in it belongs to the parent.
///
/// A thread takes the lock only while it holds the GIL, and unlocks it before it releases the GIL. `os.fork` needs the
/// GIL too, so no child inherits a locked lock.
pub(crate) fn driver(_py: Python<'_>) -> io::Result<&'static Driver> {
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
