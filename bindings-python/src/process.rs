//! What belongs to one process and must not be used, nor dropped, in another.

use std::sync::{Mutex, PoisonError};

use pyo3::{PyResult, Python};
use tokio::runtime::{Builder, Runtime};

static RUNTIME: Mutex<Option<(u32, &'static Runtime)>> = Mutex::new(None);

/// This process's runtime, made at the first call. A forked child has the memory of its parent's but not
/// its threads, so it makes its own and leaves that one alone: dropping it would wait for those threads.
///
/// The lock is only ever taken with the interpreter attached and the work under it never lets go of it,
/// so `os.fork` cannot catch another thread inside and leave the child with a lock nobody opens.
pub(crate) fn runtime(_py: Python<'_>) -> PyResult<&'static Runtime> {
    let mut slot = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    match *slot {
        Some((pid, runtime)) if pid == std::process::id() => Ok(runtime),
        _ => {
            // A worker of its own rather than the callers' threads: idle HTTP/2 connections need their pings answered.
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
