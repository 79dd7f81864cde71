//! Calls that no thread waits for. Their answers and notices are collected in a mailbox, from which an event loop takes
//! many at once.

use std::cell::Cell;
use std::collections::{HashMap, VecDeque};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hightouch_sdk::wire::{CallOutput, Cancel, Driver, Watch};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::process::driver;
use crate::waiter::Waiter;
use crate::wakeup::Wakeup;

/// How many calls in a row may get their answers in the turn that begins them. Without this bound, a task that makes
/// one such call after the other would hold up the other tasks of its event loop.
const MOST_AT_ONCE: u32 = 8;

thread_local! {
    /// The mailbox from which this thread takes all items at the end of its current turn. Until then, new items in this
    /// mailbox need not wake the event loop. Null outside of turns.
    static DELIVERS_TO: Cell<*const Shared> = const { Cell::new(ptr::null()) };
}

/// `(ok, head, body)`, as the door defines them.
pub(crate) type Answer<'py> = (bool, String, Bound<'py, PyBytes>);

pub(crate) fn answer(py: Python<'_>, outcome: CallOutput) -> Answer<'_> {
    (outcome.ok, outcome.head, PyBytes::new(py, &outcome.body))
}

/// Passes the exception `raised` to `sys.unraisablehook`, because no code can catch it. `source` is the object that
/// raised it. The bridge calls the hook, because Python code cannot create the argument of the hook.
#[pyfunction]
pub(crate) fn unraisable(py: Python<'_>, raised: Bound<'_, PyAny>, source: &Bound<'_, PyAny>) {
    PyErr::from_value(raised).write_unraisable(py, Some(source));
}

/// A call in progress.
#[pyclass(frozen)]
pub(crate) struct Call(pub(crate) Cancel);

#[pymethods]
impl Call {
    /// Cancels the call. The mailbox still receives an answer, which says what happened to the request.
    fn cancel(&self) {
        self.0.cancel();
    }
}

/// Collects answers and notices. Only the process that created the mailbox may use it.
#[pyclass(frozen, weakref)]
pub(crate) struct Mailbox {
    shared: Arc<Shared>,
    /// Lets an event loop do the I/O. `None` if other threads do it.
    watch: Option<Watch>,
    /// Whether the event loop watches the descriptor of `watch` now.
    is_watched: AtomicBool,
    /// Whether the event loop is about to do a turn that begins new calls.
    turn_is_due: AtomicBool,
    /// How many calls got their answers in the turn that began them, since the event loop last delivered something.
    at_once: AtomicU32,
    /// Is called with each notice in [`deliver`](Self::deliver) and [`turn`](Self::turn).
    tell: Option<Py<PyAny>>,
    waiters: Mutex<Waiters>,
    process: u32,
}

/// The calls that tasks of an event loop await, by their tickets.
#[derive(Default)]
struct Waiters {
    last: u64,
    by_ticket: HashMap<u64, Py<Waiter>>,
}

struct Shared {
    given: Mutex<Given>,
    arrival: Condvar,
    wakeup: Wakeup,
}

#[derive(Default)]
struct Given {
    outcomes: VecDeque<(u64, CallOutput)>,
    notices: VecDeque<String>,
    /// How many threads wait for an item. If none waits, no notification is sent, because each notification is a system
    /// call.
    waiting: usize,
}

impl Given {
    fn len(&self) -> usize {
        self.outcomes.len() + self.notices.len()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes an outcome if there is nothing else.
    fn only_outcome(&mut self) -> Option<(u64, CallOutput)> {
        if self.len() == 1 { self.outcomes.pop_front() } else { None }
    }

    /// Takes the next item. Notices come first, so that a task is woken after the notices of its call.
    fn next(&mut self) -> Option<Item> {
        let notice = self.notices.pop_front().map(Item::Notice);
        notice.or_else(|| self.outcomes.pop_front().map(|(ticket, outcome)| Item::Outcome(ticket, outcome)))
    }
}

#[pymethods]
impl Mailbox {
    /// Creates a mailbox. An event loop passes `tell`, which is called with each notice. With `watches`, the event loop
    /// does the I/O of the calls in this mailbox, if event loops can do that on this system.
    #[new]
    #[pyo3(signature = (tell=None, watches=false))]
    fn new(py: Python<'_>, tell: Option<Py<PyAny>>, watches: bool) -> PyResult<Self> {
        Ok(Self {
            shared: Arc::new(Shared {
                given: Mutex::default(),
                arrival: Condvar::new(),
                wakeup: Wakeup::new()?,
            }),
            // Without a driver, each call of the mailbox ends with an error that says why.
            watch: if watches { driver(py).ok().and_then(Driver::watch) } else { None },
            // An event loop that cannot watch the descriptor uses another mailbox.
            is_watched: AtomicBool::new(true),
            turn_is_due: AtomicBool::new(false),
            at_once: AtomicU32::new(0),
            tell,
            waiters: Mutex::default(),
            process: std::process::id(),
        })
    }

    /// Returns the file descriptor that is readable while the mailbox holds something. Returns `None` on platforms
    /// other than Unix.
    fn fileno(&self) -> Option<i32> {
        self.shared.wakeup.fileno()
    }

    /// Returns the descriptor that is readable while the event loop should call [`turn`](Self::turn). Returns `None` if
    /// other threads do the I/O.
    fn watched(&self) -> Option<i32> {
        self.watch.as_ref().map(Watch::descriptor)
    }

    /// Waits up to `milliseconds` for an answer or a notice. Returns whether the mailbox holds something.
    fn wait(&self, py: Python<'_>, milliseconds: u64) -> bool {
        py.detach(|| {
            let mut given = self.shared.lock();
            let limit = Duration::from_millis(milliseconds);
            given.waiting += 1;
            let waited = self.shared.arrival.wait_timeout_while(given, limit, |given| given.is_empty());
            let (mut given, _) = waited.unwrap_or_else(PoisonError::into_inner);
            given.waiting -= 1;
            !given.is_empty()
        })
    }

    /// Takes all answers, as `(ticket, answer)`.
    fn drain<'py>(&self, py: Python<'py>) -> Vec<(u64, Answer<'py>)> {
        self.shared.wakeup.clear();
        let outcomes = std::mem::take(&mut self.shared.lock().outcomes);
        outcomes.into_iter().map(|(ticket, outcome)| (ticket, answer(py, outcome))).collect()
    }

    /// Takes all notices (JSON). The notices of a call arrive before its answer.
    fn notices(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.lock().notices).into()
    }

    /// Passes all notices to `tell`, and all answers to the tasks that await them. An answer that no task awaits any
    /// more is discarded.
    fn deliver(&self, py: Python<'_>) -> PyResult<()> {
        // A forked child inherits the descriptor of its parent, and must not take the wake-ups of the parent.
        if self.is_inherited() {
            return Ok(());
        }
        self.shared.wakeup.clear();
        self.settle(py)
    }

    /// Does all I/O that is possible without waiting, then does the same as [`deliver`](Self::deliver). If the event
    /// loop need not watch the descriptor any more, stops watching it.
    fn turn(&self, py: Python<'_>) -> PyResult<()> {
        if self.is_inherited() {
            return Ok(());
        }
        self.turn_is_due.store(false, Ordering::Relaxed);
        let must_watch = self.do_io(py);
        // If there is something to deliver, the loop stops watching at the next turn.
        if must_watch || !self.shared.lock().is_empty() {
            return self.settle(py);
        }
        if let Some(descriptor) = self.watched()
            && self.is_watched.swap(false, Ordering::Relaxed)
        {
            let event_loop =
                py.import(intern!(py, "asyncio"))?.call_method0(intern!(py, "get_running_loop"))?;
            event_loop.call_method1(intern!(py, "remove_reader"), (descriptor,))?;
        }
        Ok(())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.tell)?;
        // The lock is never held while Python code runs, so the garbage collector finds it free.
        let Ok(waiters) = self.waiters.try_lock() else { return Ok(()) };
        waiters.by_ticket.values().try_for_each(|waiter| visit.call(waiter))
    }

    fn __clear__(&self) {
        let forgotten = std::mem::take(&mut self.waiters().by_ticket);
        drop(forgotten);
    }
}

impl Mailbox {
    pub(crate) fn watch(&self) -> Option<&Watch> {
        self.watch.as_ref()
    }

    pub(crate) fn delivery(&self, ticket: u64) -> Delivery {
        Delivery { shared: Arc::clone(&self.shared), ticket }
    }

    /// Adds a call that a task awaits. Returns its ticket, and whether it is the only one.
    pub(crate) fn expect(&self, waiter: Py<Waiter>) -> (u64, bool) {
        let mut waiters = self.waiters();
        waiters.last += 1;
        let ticket = waiters.last;
        waiters.by_ticket.insert(ticket, waiter);
        (ticket, waiters.by_ticket.len() == 1)
    }

    /// Lets the event loop do a turn soon. If several calls are added before the loop goes on, one turn begins them
    /// all.
    pub(crate) fn turn_soon(slf: &Bound<'_, Self>, event_loop: &Bound<'_, PyAny>) -> PyResult<()> {
        let is_due = &slf.get().turn_is_due;
        // A signal handler may raise during these two calls, so `turn_is_due` is set only after them.
        if !is_due.load(Ordering::Relaxed) {
            let turn = slf.getattr(intern!(slf.py(), "turn"))?;
            event_loop.call_method1(intern!(slf.py(), "call_soon"), (turn,))?;
            is_due.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Lets the event loop watch the descriptor again.
    pub(crate) fn watch_again(slf: &Bound<'_, Self>, event_loop: &Bound<'_, PyAny>) -> PyResult<()> {
        let mailbox = slf.get();
        if let Some(descriptor) = mailbox.watched()
            && !mailbox.is_watched.load(Ordering::Relaxed)
        {
            let turn = slf.getattr(intern!(slf.py(), "turn"))?;
            event_loop.call_method1(intern!(slf.py(), "add_reader"), (descriptor, turn))?;
            mailbox.is_watched.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Does a turn that begins the only call of this mailbox. If the answer is ready already, the task need not wait
    /// for the event loop.
    pub(crate) fn begin_now(&self, py: Python<'_>) {
        self.do_io(py);
        let at_once = self.at_once.load(Ordering::Relaxed);
        let outcome = if at_once < MOST_AT_ONCE { self.shared.lock().only_outcome() } else { None };
        if let Some((ticket, outcome)) = outcome {
            self.at_once.store(at_once + 1, Ordering::Relaxed);
            let waiter = self.waiters().by_ticket.remove(&ticket);
            if let Some(waiter) = waiter {
                waiter.get().keep(outcome);
            }
        }
        self.shared.wake_for_rest();
    }

    /// Does a turn. What arrives meanwhile does not wake the event loop. Returns whether the event loop must go on
    /// watching the descriptor.
    fn do_io(&self, py: Python<'_>) -> bool {
        let Some(watch) = &self.watch else { return true };
        py.detach(|| {
            DELIVERS_TO.set(Arc::as_ptr(&self.shared));
            let must_watch = watch.turn();
            DELIVERS_TO.set(ptr::null());
            must_watch
        })
    }

    fn waiters(&self) -> MutexGuard<'_, Waiters> {
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_inherited(&self) -> bool {
        self.process != std::process::id()
    }

    fn settle(&self, py: Python<'_>) -> PyResult<()> {
        // Delivers only as many items as the mailbox holds now. If a woken task makes calls, answers that arrive
        // meanwhile are left for the next round of the event loop, so that the loop goes on.
        self.at_once.store(0, Ordering::Relaxed);
        let mut count = self.shared.lock().len();
        let mut settled = Ok(());
        // If a signal handler raises, for example with Ctrl-C, or if a log filter raises, the rest is left for the next
        // round too.
        while count > 0 && settled.is_ok() {
            count -= 1;
            let next = self.shared.lock().next();
            settled = match next {
                Some(Item::Notice(notice)) => match &self.tell {
                    Some(tell) => tell.call1(py, (notice,)).map(drop),
                    None => Ok(()),
                },
                Some(Item::Outcome(ticket, outcome)) => {
                    let waiter = self.waiters().by_ticket.remove(&ticket);
                    waiter.map_or(Ok(()), |waiter| Waiter::settle(waiter.bind(py), outcome))
                }
                None => break,
            };
        }
        self.shared.wake_for_rest();
        settled
    }
}

enum Item {
    Notice(String),
    Outcome(u64, CallOutput),
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Given> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an item to one of the two queues. The thread that does the I/O calls this method. That thread is not
    /// attached to the interpreter, so the method must not use the interpreter.
    fn deliver<T>(&self, queue: impl FnOnce(&mut Given) -> &mut VecDeque<T>, item: T) {
        let mut given = self.lock();
        let queue = queue(&mut given);
        // The first item of a queue wakes the event loop, even if the other queue holds items: the loop may have
        // emptied only one of the two queues so far.
        let first = queue.is_empty();
        queue.push_back(item);
        let is_awaited = given.waiting > 0;
        drop(given);
        if first {
            self.wake(is_awaited);
        }
    }

    /// Wakes the event loop if something was not delivered.
    fn wake_for_rest(&self) {
        let given = self.lock();
        let (is_empty, is_awaited) = (given.is_empty(), given.waiting > 0);
        drop(given);
        if !is_empty {
            self.wake(is_awaited);
        }
    }

    fn wake(&self, is_awaited: bool) {
        if is_awaited {
            self.arrival.notify_all();
        }
        if !ptr::eq(DELIVERS_TO.get(), self) {
            self.wakeup.wake();
        }
    }
}

/// The place in a mailbox for the answer and the notices of one call.
#[derive(Clone)]
pub(crate) struct Delivery {
    shared: Arc<Shared>,
    ticket: u64,
}

impl Delivery {
    pub(crate) fn put(&self, outcome: CallOutput) {
        self.shared.deliver(|given| &mut given.outcomes, (self.ticket, outcome));
    }

    pub(crate) fn notify(&self, notice: String) {
        self.shared.deliver(|given| &mut given.notices, notice);
    }
}
