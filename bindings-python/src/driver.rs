//! Decides which thread does the I/O. A thread that waits for a call does it itself, because waking another thread costs
//! as much as the whole request. When no thread waits, the driver's own thread does it: the calls of event loops go on,
//! and idle connections answer pings.

use std::future::Future;
use std::sync::mpsc;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{io, thread};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

/// How often the driver's thread checks whether the threads that waited for calls have left. They do not notify it, because a
/// notification costs each call a wake-up.
const BUSY: Duration = Duration::from_millis(500);
/// The driver's thread takes over once no thread has waited for a call for this long. So a program that makes one call after
/// another need not take the I/O back for each.
const IDLE: Duration = Duration::from_millis(20);

pub(crate) struct Driver {
    /// The first thread that enters the runtime does the I/O. The others wait for their own results, or to take its place.
    runtime: Runtime,
    waiting: Mutex<Waiting>,
    /// Tells the driver's thread that it may have to take over.
    changed: Condvar,
    /// Tells the driver's thread to stop, because a thread that waits for a call takes over.
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
}

impl Driver {
    /// Creates a driver with its thread. Both live as long as the process.
    pub(crate) fn start() -> io::Result<&'static Self> {
        let (hand_over, started) = mpsc::channel::<&'static Self>();
        // The thread starts first. If that fails, no runtime has been created, which would never be freed.
        let stand_in = move || {
            if let Ok(driver) = started.recv() {
                driver.stand_in();
            }
        };
        thread::Builder::new().name("hightouch-sdk".to_owned()).spawn(stand_in)?;
        let driver: &'static Self = Box::leak(Box::new(Self {
            runtime: Builder::new_current_thread().enable_all().build()?,
            waiting: Mutex::new(Waiting { threads: 0, tasks: 0, last: Instant::now() }),
            changed: Condvar::new(),
            wanted: Notify::new(),
        }));
        // It fails only if the thread has ended, which it never does.
        let _ = hand_over.send(driver);
        Ok(driver)
    }

    /// Runs a future in this thread, which does the I/O meanwhile unless another thread does.
    pub(crate) fn run<F: Future>(&self, future: F) -> F::Output {
        self.lock().threads += 1;
        self.wanted.notify_one();
        let _leaving = Leaving(self);
        self.runtime.block_on(future)
    }

    /// Runs a future for which no thread waits.
    pub(crate) fn spawn(&'static self, future: impl Future<Output = ()> + Send + 'static) {
        self.lock().tasks += 1;
        self.changed.notify_one();
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
                waiting = self.changed.wait_timeout(waiting, pause).unwrap_or_else(PoisonError::into_inner).0;
            }
            drop(waiting);
            self.runtime.block_on(self.wanted.notified());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a thread as waiting for a call until this value is dropped.
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

/// Counts a call for which no thread waits until this value is dropped.
struct Ended(&'static Driver);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.lock().tasks -= 1;
    }
}
