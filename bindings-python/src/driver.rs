//! Decides which thread does the I/O. A thread that waits for a call does the I/O itself, because waking another thread
//! costs as much as the whole request. While no thread waits, the driver's own thread does the I/O, so that the calls
//! of event loops proceed and idle connections answer pings.

use std::future::Future;
use std::sync::mpsc;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{io, thread};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

/// How often the driver's thread checks whether threads still wait for a call. While there are no tasks (calls for
/// which no thread waits), a call does not wake the driver's thread, because each wake-up is expensive.
const BUSY: Duration = Duration::from_millis(500);
/// While there are no tasks, the driver's thread takes over the I/O only if no thread has waited for a call for this
/// long. A program that makes one call after another pauses for a shorter time, so its own thread keeps doing the I/O.
const IDLE: Duration = Duration::from_millis(20);

pub(crate) struct Driver {
    /// The first thread that enters the runtime does the I/O. Every other thread waits for its own result, or until it
    /// can take the place of the first thread.
    runtime: Runtime,
    waiting: Mutex<Waiting>,
    /// Tells the driver's thread that it may have to take over the I/O.
    changed: Condvar,
    /// Tells the driver's thread to leave the I/O to a thread that waits for a call.
    wanted: Notify,
}

/// Counts the threads and tasks that wait for results.
struct Waiting {
    /// Threads that wait for a call.
    threads: usize,
    /// Calls for which no thread waits.
    tasks: usize,
    /// When a thread last stopped waiting.
    last: Instant,
    /// Whether the driver's thread waits for `changed`. If not, no notification is sent, because each notification is a
    /// system call.
    listens: bool,
}

impl Driver {
    /// Creates a driver with its thread. Both live as long as the process.
    pub(crate) fn start() -> io::Result<&'static Self> {
        let (hand_over, started) = mpsc::channel::<&'static Self>();
        // The thread starts before the driver exists: if the thread cannot start, no driver has been leaked.
        let stand_in = move || {
            if let Ok(driver) = started.recv() {
                driver.stand_in();
            }
        };
        thread::Builder::new().name("hightouch-sdk".to_owned()).spawn(stand_in)?;
        let driver: &'static Self = Box::leak(Box::new(Self {
            runtime: Builder::new_current_thread().enable_all().build()?,
            waiting: Mutex::new(Waiting { threads: 0, tasks: 0, last: Instant::now(), listens: false }),
            changed: Condvar::new(),
            wanted: Notify::new(),
        }));
        // Sending fails only if the driver's thread has ended, but that thread never ends while it waits for the
        // driver.
        let _ = hand_over.send(driver);
        Ok(driver)
    }

    /// Runs a future in this thread. Meanwhile this thread also does the I/O, unless another thread does the I/O
    /// already.
    pub(crate) fn run<F: Future>(&self, future: F) -> F::Output {
        self.lock().threads += 1;
        self.wanted.notify_one();
        let _leaving = Leaving(self);
        self.runtime.block_on(future)
    }

    /// Runs a future for which no thread waits.
    pub(crate) fn spawn(&'static self, future: impl Future<Output = ()> + Send + 'static) {
        let mut waiting = self.lock();
        waiting.tasks += 1;
        let listens = waiting.listens;
        drop(waiting);
        if listens {
            self.changed.notify_one();
        }
        self.runtime.spawn(async move {
            let _ended = Ended(self);
            future.await;
        });
    }

    /// Does the I/O whenever no thread waits for a call.
    fn stand_in(&self) -> ! {
        loop {
            let mut waiting = self.lock();
            loop {
                let idle = waiting.last.elapsed();
                if waiting.threads == 0 && (waiting.tasks > 0 || idle >= IDLE) {
                    break;
                }
                let pause = if waiting.threads == 0 { IDLE.saturating_sub(idle) } else { BUSY };
                waiting.listens = true;
                waiting = self.changed.wait_timeout(waiting, pause).unwrap_or_else(PoisonError::into_inner).0;
                waiting.listens = false;
            }
            drop(waiting);
            self.runtime.block_on(self.wanted.notified());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a thread that waits for a call, until this value is dropped.
struct Leaving<'a>(&'a Driver);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        let mut waiting = self.0.lock();
        waiting.threads -= 1;
        waiting.last = Instant::now();
        let is_needed = waiting.threads == 0 && waiting.tasks > 0;
        drop(waiting);
        if is_needed {
            self.0.changed.notify_one();
        }
    }
}

/// Counts a call for which no thread waits, until this value is dropped.
struct Ended(&'static Driver);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.lock().tasks -= 1;
    }
}
