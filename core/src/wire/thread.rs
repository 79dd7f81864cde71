//! The one thread that runs all calls of Node.js and Swift. With several threads, a call would move between threads,
//! and waking a thread costs about as much as a small request.

use std::future::{Future, pending};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{io, thread};

use futures_util::future::BoxFuture;
use tokio::runtime::{Builder, Handle};
use tokio::task::JoinHandle;

/// The thread that runs all calls. It lives as long as the process.
#[derive(Clone, Debug)]
pub struct Thread(Handle);

impl Thread {
    /// Runs a future on the thread.
    pub fn spawn<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.0.spawn(future)
    }

    /// Runs a future on the thread, like [`spawn`](Self::spawn). If several futures are added before the thread takes
    /// the first of them, the thread is woken only once.
    pub fn spawn_batched(&self, future: impl Future<Output = ()> + Send + 'static) {
        static WAITING: Mutex<Vec<BoxFuture<'static, ()>>> = Mutex::new(Vec::new());
        let is_first = {
            let mut waiting = lock(&WAITING);
            waiting.push(Box::pin(future));
            waiting.len() == 1
        };
        // The lock is released before this line, because the woken thread takes the lock at once.
        if is_first {
            self.spawn(async {
                let batch = std::mem::take(&mut *lock(&WAITING));
                batch.into_iter().map(tokio::spawn).for_each(drop);
            });
        }
    }
}

/// Returns the thread, and starts it if it does not run yet.
///
/// # Errors
/// An error of the system, if the thread cannot be started or the system cannot wait for I/O.
pub fn thread() -> io::Result<Thread> {
    static RUNNING: Mutex<Option<Thread>> = Mutex::new(None);
    let mut running = lock(&RUNNING);
    if let Some(thread) = &*running {
        return Ok(thread.clone());
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new().name("hightouch-sdk".to_owned()).spawn(move || {
        block_broken_pipes();
        runtime.block_on(pending::<()>());
    })?;
    Ok(running.insert(Thread(handle)).clone())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Blocks the signal SIGPIPE for this thread, so that only the write fails if the server has closed the connection. The
/// signal would end a process that does not ignore it, such as a Swift program.
fn block_broken_pipes() {
    #[cfg(all(unix, not(target_vendor = "apple")))]
    {
        use nix::sys::signal::{SigSet, Signal};

        let mut signals = SigSet::empty();
        signals.add(Signal::SIGPIPE);
        // `thread_block` fails only for a signal that the system does not know.
        let _ = signals.thread_block();
    }
}

#[cfg(all(test, unix, not(target_vendor = "apple")))]
mod tests {
    use nix::sys::signal::{SigSet, Signal, raise};

    use super::*;

    #[test]
    fn futures_that_are_spawned_in_batches_all_run() {
        let (done, results) = std::sync::mpsc::channel();
        for nth in 0..1000 {
            let done = done.clone();
            thread().unwrap().spawn_batched(async move { done.send(nth).unwrap() });
        }
        let mut ran: Vec<i32> =
            (0..1000).map(|_| results.recv_timeout(std::time::Duration::from_secs(30)).unwrap()).collect();
        ran.sort_unstable();
        assert_eq!(ran, (0..1000).collect::<Vec<_>>());
    }

    /// Incident: a server closed a connection while a request was being written, and SIGPIPE ended the Swift process.
    #[test]
    fn a_broken_pipe_on_the_thread_of_all_calls_does_not_end_the_process() {
        let seen = thread().unwrap().spawn(async {
            let blocked = SigSet::thread_get_mask().map(|mask| mask.contains(Signal::SIGPIPE));
            (blocked, raise(Signal::SIGPIPE))
        });
        let runtime = Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(seen).unwrap(), (Ok(true), Ok(())));
    }
}
