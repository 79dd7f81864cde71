//! The runtime of this process. A forked child must neither use nor drop that of its parent.

use std::sync::{Mutex, PoisonError};

use pyo3::{PyResult, Python};
use tokio::runtime::{Builder, Runtime};

static RUNTIME: Mutex<Option<(u32, &'static Runtime)>> = Mutex::new(None);

/// Returns the runtime of this process, which is created at the first call. A forked child inherits the memory of its
/// parent's runtime but not its threads. So it creates its own and leaks the other: dropping it would wait for threads
/// that do not exist.
///
/// The lock is only taken while the thread holds the interpreter, and never released in between. So `os.fork`, which
/// needs the interpreter too, cannot leave the child with a lock that nobody unlocks.
pub(crate) fn runtime(_py: Python<'_>) -> PyResult<&'static Runtime> {
    let mut slot = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    match *slot {
        Some((pid, runtime)) if pid == std::process::id() => Ok(runtime),
        _ => {
            // One worker thread: idle HTTP/2 connections must answer pings while no caller's thread runs.
            let built = Builder::new_multi_thread()
                .worker_threads(1)
                .thread_name("hightouch-sdk")
                .enable_all()
                .build()?;
            let runtime: &'static Runtime = Box::leak(Box::new(built));
            *slot = Some((std::process::id(), runtime));
            Ok(runtime)
        }
    }
}
