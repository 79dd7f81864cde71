//! The I/O of a process: one runtime, and which thread runs it.
//!
//! Waking another thread costs as much as a small request. So the thread that wants a result does the I/O itself: a
//! thread that waits for a call ([`Driver::run`]), or an event loop that watches the driver ([`Driver::watch`]). At
//! other times the driver's own thread does the I/O. So calls for which no thread waits still proceed, and idle
//! connections answer pings.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod descriptor;
mod idle;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;
mod watch;

use std::future::Future;
use std::sync::mpsc;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use std::{io, thread};

use futures_util::future::BoxFuture;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, yield_now};

#[cfg(any(target_os = "linux", target_os = "android"))]
use self::descriptor::Descriptor;
use self::idle::{LoopId, Next, Waiting};
pub use self::watch::Watch;
use crate::tasks::{noticed, spawn};
use crate::timers::with_alarm;

/// Does the I/O of a process. It lives as long as the process.
pub struct Driver {
    /// The first thread that enters the runtime does the I/O. Every other thread waits for its own result, or until it
    /// can take the place of the first thread.
    runtime: Runtime,
    waiting: Mutex<Waiting>,
    /// Tells the driver's thread that it may have to take over the I/O.
    changed: Condvar,
    /// Tells the driver's thread to leave the I/O to another thread.
    wanted: Notify,
    fresh: Mutex<Fresh>,
    /// What event loops watch; `None` if no event loop can do the I/O here.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    descriptor: Option<Descriptor>,
}

/// Calls that the runtime has not taken yet.
#[derive(Default)]
struct Fresh {
    calls: Vec<BoxFuture<'static, ()>>,
    /// Whether a task that takes the calls was spawned and has not run yet. Then no second task is spawned: event loops
    /// can add calls much faster than the task runs.
    are_taken_soon: bool,
}

impl Driver {
    /// Creates a driver with its thread. Both live as long as the process.
    ///
    /// # Errors
    /// An error of the system, if the thread cannot be started or the system cannot wait for I/O.
    pub fn start() -> io::Result<&'static Self> {
        let (hand_over, started) = mpsc::channel::<&'static Self>();
        // The thread starts before the driver exists: if the thread cannot start, no driver has been leaked.
        let stand_in = move || {
            block_broken_pipes();
            if let Ok(driver) = started.recv() {
                driver.stand_in();
            }
        };
        thread::Builder::new().name("hightouch-sdk".to_owned()).spawn(stand_in)?;
        let runtime =
            Builder::new_current_thread().enable_all().on_thread_park(watch::runtime_is_idle).build()?;
        let driver: &'static Self = Box::leak(Box::new(Self {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            descriptor: Descriptor::of(&runtime),
            runtime,
            waiting: Mutex::new(Waiting::new()),
            changed: Condvar::new(),
            wanted: Notify::new(),
            fresh: Mutex::default(),
        }));
        // Sending fails only if the driver's thread has ended, but that thread never ends while it waits for the
        // driver.
        let _ = hand_over.send(driver);
        Ok(driver)
    }

    /// Runs a future in this thread. Meanwhile this thread also does the I/O, unless another thread does the I/O
    /// already.
    pub fn run<F: Future>(&'static self, future: F) -> F::Output {
        let mut waiting = self.lock();
        waiting.threads += 1;
        let is_late = waiting.is_late();
        drop(waiting);
        self.wanted.notify_one();
        let _leaving = Leaving(self);
        self.block_on(async {
            if is_late {
                // tokio runs a future that yields only after it has checked for I/O. The second time, it first runs the
                // tasks that this I/O has woken.
                yield_now().await;
                yield_now().await;
            }
            future.await
        })
    }

    /// Runs a future for which no thread waits.
    pub fn spawn<T: Send + 'static>(
        &'static self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        let (call, _) = self.begin(None);
        self.runtime.spawn(noticed(async move {
            let _ended = call;
            future.await
        }))
    }

    /// Runs a future for which no thread waits. If several futures are added before the runtime takes the first of
    /// them, the thread that does the I/O is woken only once.
    pub fn spawn_batched(&'static self, future: impl Future<Output = ()> + Send + 'static) {
        let (call, _) = self.begin(None);
        self.add(call, future);
        self.take_fresh_soon();
    }

    /// Counts a call for which no thread waits, until the first member of the result is dropped. The second member is
    /// whether event loops may do the I/O.
    fn begin(&'static self, by: Option<LoopId>) -> (InProgress, bool) {
        let mut waiting = self.lock();
        let notify = waiting.begin(by);
        let is_for_loops = waiting.is_for_loops();
        drop(waiting);
        if notify {
            self.changed.notify_one();
        }
        (InProgress { driver: self, by }, is_for_loops)
    }

    /// Adds a call to `fresh`.
    fn add(&self, call: InProgress, future: impl Future<Output = ()> + Send + 'static) {
        self.fresh().calls.push(Box::pin(async move {
            let _ended = call;
            future.await;
        }));
    }

    /// Starts the tasks of the calls in `fresh`. Returns whether there were any. Only the thread that does the I/O may
    /// call this.
    fn take_fresh(&self) -> bool {
        let Fresh { calls, .. } = std::mem::take(&mut *self.fresh());
        let is_any = !calls.is_empty();
        for call in calls {
            spawn(call);
        }
        is_any
    }

    /// If there are new calls, [`take_fresh`](Self::take_fresh) runs soon, on the thread that does the I/O, after that
    /// thread has checked for I/O. Otherwise a call could be sent on a connection that the server has closed meanwhile.
    fn take_fresh_soon(&'static self) {
        let mut fresh = self.fresh();
        if fresh.calls.is_empty() || std::mem::replace(&mut fresh.are_taken_soon, true) {
            return;
        }
        drop(fresh);
        self.runtime.spawn(noticed(async {
            // tokio runs a task that yields only after it has checked for I/O.
            yield_now().await;
            self.take_fresh();
        }));
    }

    fn fresh(&self) -> MutexGuard<'_, Fresh> {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does the I/O whenever no other thread does it.
    fn stand_in(&'static self) -> ! {
        loop {
            let mut waiting = self.lock();
            // The value of `turns` when event loops were last asked to do the I/O.
            let mut asked = None;
            loop {
                let pause = match waiting.next(asked) {
                    Next::StandIn => break,
                    Next::Wait(pause) => pause,
                    Next::AskLoops(pause) => {
                        asked = Some(waiting.turns);
                        self.make_readable();
                        pause
                    }
                };
                waiting.listens_for = Some(pause);
                waiting = self.changed.wait_timeout(waiting, pause).unwrap_or_else(PoisonError::into_inner).0;
                waiting.listens_for = None;
            }
            waiting.stands_in = true;
            drop(waiting);
            self.block_on(self.wanted.notified());
            let mut waiting = self.lock();
            waiting.stands_in = false;
            let by_loops = waiting.loops_do_io();
            drop(waiting);
            if by_loops {
                self.make_readable();
            }
        }
    }

    /// Makes the descriptor readable, so that an event loop does the I/O.
    fn make_readable(&self) {
        // The runtime writes to its descriptor, because a task is spawned from outside.
        drop(self.runtime.spawn(async {}));
    }

    fn block_on<F: Future>(&'static self, future: F) -> F::Output {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if let Some(descriptor) = &self.descriptor {
            return with_alarm(&descriptor.alarm, || self.runtime.block_on(future));
        }
        self.runtime.block_on(future)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the driver of this process, and starts it at the first call.
///
/// # Errors
/// See [`Driver::start`].
pub fn driver() -> io::Result<&'static Driver> {
    static STARTED: Mutex<Option<&'static Driver>> = Mutex::new(None);
    let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(driver) = *started {
        return Ok(driver);
    }
    Ok(*started.insert(Driver::start()?))
}

/// Counts a thread that waits for a call, until this value is dropped.
struct Leaving<'a>(&'a Driver);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        let mut waiting = self.0.lock();
        waiting.threads -= 1;
        waiting.last = Instant::now();
        let (is_needed, by_loops) = (waiting.threads == 0 && waiting.calls > 0, waiting.loops_do_io());
        drop(waiting);
        // The runtime may have tasks that can go on although no I/O happens. An event loop that waits for I/O would not
        // run these tasks.
        if is_needed && by_loops {
            self.0.make_readable();
        } else if is_needed {
            self.0.changed.notify_one();
        }
    }
}

/// Counts a call for which no thread waits, until this value is dropped.
struct InProgress {
    driver: &'static Driver,
    by: Option<LoopId>,
}

impl Drop for InProgress {
    fn drop(&mut self) {
        self.driver.lock().end(self.by);
    }
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
