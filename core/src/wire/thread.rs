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
    thread::Builder::new().name("hightouch-sdk".to_owned()).spawn(move || {
        block_broken_pipes();
        runtime.block_on(pending::<()>());
    })?;
    Ok(handle)
}

/// Blocks SIGPIPE for this thread. It is raised by a write to a connection that the server has closed, and ends the
/// process of a host that does not ignore it, such as Swift. With it blocked, the write fails, and the request with it.
fn block_broken_pipes() {
    #[cfg(all(unix, not(target_vendor = "apple")))]
    {
        use nix::sys::signal::{SigSet, Signal};

        let mut signals = SigSet::empty();
        signals.add(Signal::SIGPIPE);
        // It fails only for a set that the system does not know.
        let _ = signals.thread_block();
    }
}

#[cfg(all(test, unix, not(target_vendor = "apple")))]
mod tests {
    use nix::sys::signal::{SigSet, Signal, raise};

    use super::*;

    /// Incident: a server that closed a connection while a request was written ended a Swift process with SIGPIPE.
    #[test]
    fn a_broken_pipe_on_the_thread_of_all_calls_does_not_end_the_process() {
        let seen = spawn(async {
            let blocked = SigSet::thread_get_mask().map(|mask| mask.contains(Signal::SIGPIPE));
            (blocked, raise(Signal::SIGPIPE))
        })
        .unwrap();
        let runtime = Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(seen).unwrap(), (Ok(true), Ok(())));
    }
}
