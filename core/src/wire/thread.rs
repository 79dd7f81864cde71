//! The one thread that runs all calls of Node.js and Swift. With several threads a call would move between them, and
//! waking a thread costs about as much as a small request.

use std::future::{Future, pending};
use std::sync::{Mutex, PoisonError};
use std::{io, thread};

use tokio::runtime::{Builder, Handle};
use tokio::task::JoinHandle;

/// Runs a future on the thread. The first future starts the thread, which lives as long as the process.
///
/// # Errors
/// The system cannot start a thread, or cannot wait for I/O.
pub fn spawn<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    static RUNNING: Mutex<Option<Handle>> = Mutex::new(None);
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    let handle = match running.take() {
        Some(handle) => handle,
        None => start()?,
    };
    Ok(running.insert(handle).spawn(future))
}

fn start() -> io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new()
        .name("hightouch-sdk".to_owned())
        .spawn(move || runtime.block_on(pending::<()>()))?;
    Ok(handle)
}
