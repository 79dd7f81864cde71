//! How an event loop does the I/O: in turns, each of which ends when there is nothing more to do.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::task::{Poll, Waker};
use std::time::Instant;

use super::Driver;
use super::idle::LoopId;
use crate::tasks::wakes;

/// How many times a turn checks for I/O at most. Without this bound, a large answer that arrives without a pause would
/// hold up the event loop until the answer ends.
const MOST_CHECKS: u32 = 8;

thread_local! {
    /// Wakes the turn that runs on this thread.
    static TURN: RefCell<Option<Waker>> = const { RefCell::new(None) };
    /// How many tasks this thread had woken when the runtime last had nothing to do.
    static IDLE_SINCE: Cell<u64> = const { Cell::new(0) };
}

/// Keeps a turn from waiting for I/O. The runtime calls this function when every task waits. If this function wakes the
/// turn, the runtime only checks for I/O and does not wait for it.
pub(super) fn runtime_is_idle() {
    TURN.with_borrow(|turn| {
        if let Some(turn) = turn {
            IDLE_SINCE.set(wakes());
            turn.wake_by_ref();
        }
    });
}

#[cfg(any(target_os = "linux", target_os = "android"))]
type Duplicate = std::os::fd::OwnedFd;
/// Elsewhere there is no [`Watch`].
#[cfg(not(any(target_os = "linux", target_os = "android")))]
type Duplicate = std::convert::Infallible;

/// An event loop that watches a driver.
pub struct Watch {
    driver: &'static Driver,
    /// Each watch has a duplicate of the descriptor. If a program has several copies of a package, one event loop has a
    /// watch for each copy, and an event loop cannot watch the same descriptor twice.
    descriptor: Duplicate,
    process: u32,
    id: LoopId,
}

impl Driver {
    /// Registers the event loop of this thread. Returns `None` if event loops cannot do the I/O on this system.
    pub fn watch(&'static self) -> Option<Watch> {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            let known = self.descriptor.as_ref()?;
            let descriptor = known.duplicate()?;
            known.alarm.watch();
            let id = self.lock().add_loop();
            Some(Watch { driver: self, descriptor, process: std::process::id(), id })
        }
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        None
    }
}

impl Watch {
    /// The descriptor to watch. Whenever it is readable, the event loop must call [`turn`](Self::turn). The event loop
    /// watches until `turn` returns false, and again after [`spawn`](Self::spawn) has returned true. The descriptor is
    /// open for as long as the watch exists.
    #[must_use]
    pub fn descriptor(&self) -> i32 {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            std::os::fd::AsRawFd::as_raw_fd(&self.descriptor)
        }
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        match self.descriptor {}
    }

    /// Adds a call, which begins at the next [`turn`](Self::turn). The event loop must call `turn` soon, even if the
    /// descriptor does not become readable. Returns whether the event loop must watch the descriptor; otherwise a
    /// thread of the SDK does the I/O.
    pub fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) -> bool {
        let (call, is_for_loops) = self.driver.begin(Some(self.id));
        self.driver.add(call, future);
        is_for_loops
    }

    /// Does all I/O that is possible without waiting, and runs the tasks that can go on. If another thread does the
    /// I/O, returns at once. Returns whether the event loop must go on watching the descriptor.
    #[expect(clippy::must_use_candidate, reason = "an event loop may go on watching, at a cost")]
    pub fn turn(&self) -> bool {
        // A forked child must not use the runtime of its parent.
        if self.process != std::process::id() {
            return true;
        }
        let driver = self.driver;
        let mut waiting = driver.lock();
        waiting.turns = waiting.turns.wrapping_add(1);
        let must_watch = waiting.must_watch(self.id);
        waiting.watch(self.id, must_watch);
        // The thread of the driver must not wait for event loops if none watches any more.
        let notify = waiting.watching.is_empty() && waiting.listens_for.is_some();
        let mut done = None;
        if waiting.is_for_loops() && !waiting.in_turn && !waiting.others_do_io() {
            waiting.in_turn = true;
            let is_late = waiting.is_late();
            drop(waiting);
            done = driver.check_until_idle(is_late);
            waiting = driver.lock();
            waiting.in_turn = false;
            waiting.checked = Instant::now();
        }
        let is_in_place = waiting.stands_in && waiting.is_for(self.id);
        drop(waiting);
        if notify {
            driver.changed.notify_one();
        }
        match done {
            Some(true) => {}
            Some(false) => driver.make_readable(),
            None => driver.leave_to_others(is_in_place),
        }
        must_watch
    }
}

impl Driver {
    /// Lets the thread that does the I/O begin the new calls. If `stands_in` is true, the driver's thread does the I/O
    /// in place of the event loop that has made this turn.
    fn leave_to_others(&'static self, stands_in: bool) {
        if stands_in {
            // The driver's thread wakes up, leaves the I/O and makes the descriptor readable. So the next turn does the
            // I/O.
            self.wanted.notify_one();
        }
        self.take_fresh_soon();
    }

    /// Runs all tasks that can go on, and checks for I/O, until there is nothing to do. Returns false if there is more
    /// to do after [`MOST_CHECKS`] checks, and `None` if another thread does the I/O.
    ///
    /// If `is_late` is true, new calls begin after the first check (see [`Waiting::is_late`](super::Waiting::is_late)).
    fn check_until_idle(&'static self, is_late: bool) -> Option<bool> {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if let Some(descriptor) = &self.descriptor {
            descriptor.alarm.set_again();
        }
        let mut checks = 0;
        let done = self.block_on(poll_fn(|context| {
            TURN.set(Some(context.waker().clone()));
            let checked = checks;
            checks += 1;
            // If another thread has entered the runtime first, this thread would wait for it. The other thread has then
            // said so, because threads do so before they enter.
            if checked == 0 && self.lock().others_do_io() {
                return Poll::Ready(None);
            }
            // Tasks that the first check has woken run before the tasks of new calls.
            let has_begun = checked == u32::from(is_late) && self.take_fresh();
            if checked == 0 || has_begun {
                return Poll::Pending;
            }
            // All tasks waited, and then the runtime checked for I/O. `wakes` counts the tasks that I/O or timers have
            // woken on this thread. Tasks that other threads have woken are in the global queue.
            let is_idle = wakes() == IDLE_SINCE.get() && self.runtime.metrics().global_queue_depth() == 0;
            if is_idle || checked >= MOST_CHECKS { Poll::Ready(Some(is_idle)) } else { Poll::Pending }
        }));
        TURN.set(None);
        done
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // If another thread of the parent held the lock at the fork, the lock stays locked in the child for ever.
        if self.process != std::process::id() {
            return;
        }
        let mut waiting = self.driver.lock();
        waiting.watch(self.id, false);
        let listens = waiting.listens_for.is_some();
        drop(waiting);
        if listens {
            self.driver.changed.notify_one();
        }
    }
}
