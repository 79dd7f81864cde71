//! The driver of this process. A forked child must neither use nor drop the driver of its parent.

use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};

use hightouch_sdk::wire::Driver;
use pyo3::Python;

/// The driver of one process. If the lock is held during a fork, its copy in the child stays locked for ever. Therefore
/// a child does not touch the slot of its parent, and creates a slot of its own.
struct Slot {
    process: u32,
    driver: Mutex<Option<&'static Driver>>,
    child: OnceLock<Box<Slot>>,
}

static FIRST: OnceLock<Box<Slot>> = OnceLock::new();

impl Slot {
    /// A slot is created only by a thread that is attached to the interpreter. `os.fork` waits for such threads, with
    /// and without the GIL, so no child inherits a slot that is only half created.
    fn of_this_process(_py: Python<'_>) -> &'static Self {
        let process = std::process::id();
        let mut link = &FIRST;
        loop {
            let slot = link
                .get_or_init(|| Box::new(Self { process, driver: Mutex::default(), child: OnceLock::new() }));
            if slot.process == process {
                return slot;
            }
            link = &slot.child;
        }
    }
}

/// Returns the driver of this process, and creates it at the first call. A forked child inherits the driver of its
/// parent without the thread, so the child creates a driver of its own. It never drops the inherited driver, because
/// the runtime in that driver belongs to the parent.
pub(crate) fn driver(py: Python<'_>) -> io::Result<&'static Driver> {
    let mut slot = Slot::of_this_process(py).driver.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(driver) = *slot {
        return Ok(driver);
    }
    let driver = Driver::start()?;
    *slot = Some(driver);
    Ok(driver)
}
