//! Calls that no thread waits for. Their answers and notices are collected in a mailbox, from which an event loop takes
//! many at once.

use std::cell::Cell;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use hightouch_sdk::wire::{CallOutput, Cancel, Watch};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::process::driver;
use crate::wakeup::Wakeup;

thread_local! {
    /// The mailbox for which this thread does the I/O.
    static TURNING: Cell<usize> = const { Cell::new(0) };
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

/// Collects answers and notices for an event loop.
#[pyclass(frozen)]
pub(crate) struct Mailbox(Arc<Shared>);

struct Shared {
    given: Mutex<Given>,
    arrival: Condvar,
    wakeup: Wakeup,
    /// Set if the event loop of the mailbox does the I/O.
    watch: OnceLock<Option<Watch>>,
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
    #[new]
    fn new() -> PyResult<Self> {
        Ok(Self(Arc::new(Shared {
            given: Mutex::default(),
            arrival: Condvar::new(),
            wakeup: Wakeup::new()?,
            watch: OnceLock::new(),
        })))
    }

    /// Returns the file descriptor that is readable while the mailbox holds something. Returns `None` on platforms
    /// other than Unix.
    fn fileno(&self) -> Option<i32> {
        self.0.wakeup.fileno()
    }

    /// Waits up to `milliseconds` for an answer or a notice. Returns whether the mailbox holds something.
    fn wait(&self, py: Python<'_>, milliseconds: u64) -> bool {
        py.detach(|| {
            let mut given = self.0.lock();
            let limit = Duration::from_millis(milliseconds);
            given.waiting += 1;
            let waited = self.0.arrival.wait_timeout_while(given, limit, |given| given.is_empty());
            let (mut given, _) = waited.unwrap_or_else(PoisonError::into_inner);
            given.waiting -= 1;
            !given.is_empty()
        })
    }

    /// Takes all answers, as `(ticket, answer)`.
    fn drain<'py>(&self, py: Python<'py>) -> Vec<(u64, Answer<'py>)> {
        self.0.wakeup.clear();
        let outcomes = std::mem::take(&mut self.0.lock().outcomes);
        outcomes.into_iter().map(|(ticket, outcome)| (ticket, answer(py, outcome))).collect()
    }

    /// Returns the descriptor that is readable while the event loop should call [`turn`](Self::turn). Returns `None` if
    /// event loops cannot do the I/O on this system.
    fn watched(&self, py: Python<'_>) -> Option<i32> {
        let io = driver(py).ok()?;
        self.0.watch.get_or_init(|| io.watch()).as_ref().map(Watch::descriptor)
    }

    /// Does the I/O, and takes all answers as `drain` does.
    fn turn<'py>(&self, py: Python<'py>) -> Vec<(u64, Answer<'py>)> {
        if let Some(Some(watch)) = self.0.watch.get() {
            py.detach(|| {
                TURNING.set(std::ptr::from_ref(&*self.0) as usize);
                watch.turn();
                TURNING.set(0);
            });
        }
        let outcomes = std::mem::take(&mut self.0.lock().outcomes);
        outcomes.into_iter().map(|(ticket, outcome)| (ticket, answer(py, outcome))).collect()
    }

    /// Takes all notices (JSON). The notices of a call arrive before its answer.
    fn notices(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().notices)
    }
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
        // The first item of each queue wakes the event loop, even if the other queue still holds items. The event loop
        // empties the two queues in turn, so it may have emptied this queue just before.
        let first = queue.is_empty();
        queue.push(item);
        let is_awaited = given.waiting > 0;
        drop(given);
        if first {
            if is_awaited {
                self.arrival.notify_all();
            }
            if TURNING.get() != std::ptr::from_ref(self) as usize {
                self.wakeup.wake();
            }
        }
    }
}

impl Mailbox {
    pub(crate) fn watch(&self) -> Option<&Watch> {
        self.0.watch.get()?.as_ref()
    }

    pub(crate) fn delivery(&self, ticket: u64) -> Delivery {
        Delivery { shared: Arc::clone(&self.0), ticket }
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
