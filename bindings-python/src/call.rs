//! Calls that no thread waits for. Their answers and notices are collected in a mailbox, from which an event loop takes
//! many at once.

use std::cell::Cell;
use std::ptr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hightouch_sdk::wire::{CallOutput, Cancel, Driver, Watch};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::process::driver;
use crate::wakeup::Wakeup;

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
#[pyclass(frozen)]
pub(crate) struct Mailbox {
    shared: Arc<Shared>,
    /// Lets an event loop do the I/O. `None` if other threads do it.
    watch: Option<Watch>,
    process: u32,
}

struct Shared {
    given: Mutex<Given>,
    arrival: Condvar,
    wakeup: Wakeup,
}

#[derive(Default)]
struct Given {
    outcomes: Vec<(u64, CallOutput)>,
    notices: Vec<String>,
    /// How many threads wait for an item. If none waits, no notification is sent, because each notification is a system
    /// call.
    waiting: usize,
}

impl Given {
    fn is_empty(&self) -> bool {
        self.outcomes.is_empty() && self.notices.is_empty()
    }
}

#[pymethods]
impl Mailbox {
    /// Creates a mailbox. With `watches`, an event loop does the I/O of the calls in this mailbox, if event loops can do
    /// that on this system.
    #[new]
    #[pyo3(signature = (watches=false))]
    fn new(py: Python<'_>, watches: bool) -> PyResult<Self> {
        Ok(Self {
            shared: Arc::new(Shared {
                given: Mutex::default(),
                arrival: Condvar::new(),
                wakeup: Wakeup::new()?,
            }),
            // Without a driver, each call of the mailbox ends with an error that says why.
            watch: if watches { driver(py).ok().and_then(Driver::watch) } else { None },
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
        std::mem::take(&mut self.shared.lock().notices)
    }

    /// Passes the answers to the futures in `pending`, by their tickets, and returns all notices. An answer without a
    /// future, or with a future that is done, is discarded.
    fn deliver(&self, pending: &Bound<'_, PyDict>) -> PyResult<Vec<String>> {
        // A forked child inherits the descriptor of its parent, and must not take the wake-ups of the parent.
        if self.is_inherited() {
            return Ok(Vec::new());
        }
        self.shared.wakeup.clear();
        self.settle(pending)
    }

    /// Does all I/O that is possible without waiting, then does the same as [`deliver`](Self::deliver).
    fn turn(&self, pending: &Bound<'_, PyDict>) -> PyResult<Vec<String>> {
        if self.is_inherited() {
            return Ok(Vec::new());
        }
        if let Some(watch) = &self.watch {
            pending.py().detach(|| {
                DELIVERS_TO.set(Arc::as_ptr(&self.shared));
                watch.turn();
                DELIVERS_TO.set(ptr::null());
            });
        }
        self.settle(pending)
    }
}

impl Mailbox {
    pub(crate) fn watch(&self) -> Option<&Watch> {
        self.watch.as_ref()
    }

    pub(crate) fn delivery(&self, ticket: u64) -> Delivery {
        Delivery { shared: Arc::clone(&self.shared), ticket }
    }

    fn is_inherited(&self) -> bool {
        self.process != std::process::id()
    }

    fn settle(&self, pending: &Bound<'_, PyDict>) -> PyResult<Vec<String>> {
        let (outcomes, notices) = {
            let mut given = self.shared.lock();
            (std::mem::take(&mut given.outcomes), std::mem::take(&mut given.notices))
        };
        let mut outcomes = outcomes.into_iter();
        let settled = outcomes.try_for_each(|(ticket, outcome)| settle(pending, ticket, outcome));
        if let Err(error) = settled {
            // A signal handler raised an exception, for example after Ctrl-C. The event loop delivers the remaining
            // answers and the notices if it goes on.
            self.shared.put_back(outcomes.collect(), notices);
            return Err(error);
        }
        Ok(notices)
    }
}

fn settle(pending: &Bound<'_, PyDict>, ticket: u64, outcome: CallOutput) -> PyResult<()> {
    let py = pending.py();
    let Some(future) = pending.get_item(ticket)? else { return Ok(()) };
    if !future.call_method0(intern!(py, "done"))?.is_truthy()? {
        future.call_method1(intern!(py, "set_result"), (answer(py, outcome),))?;
    }
    Ok(())
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Given> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an item to one of the two queues. The thread that does the I/O calls this method. That thread is not
    /// attached to the interpreter, so the method must not use the interpreter.
    fn deliver<T>(&self, queue: impl FnOnce(&mut Given) -> &mut Vec<T>, item: T) {
        let mut given = self.lock();
        let queue = queue(&mut given);
        // The first item of a queue wakes the event loop, even if the other queue holds items: the loop may have
        // emptied only one of the two queues so far.
        let first = queue.is_empty();
        queue.push(item);
        let is_awaited = given.waiting > 0;
        drop(given);
        if first {
            self.wake(is_awaited);
        }
    }

    fn put_back(&self, mut outcomes: Vec<(u64, CallOutput)>, mut notices: Vec<String>) {
        let mut given = self.lock();
        outcomes.append(&mut given.outcomes);
        notices.append(&mut given.notices);
        (given.outcomes, given.notices) = (outcomes, notices);
        let is_awaited = given.waiting > 0;
        drop(given);
        self.wake(is_awaited);
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
