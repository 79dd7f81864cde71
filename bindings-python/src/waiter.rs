//! Calls that tasks of asyncio await.

use std::sync::{Mutex, MutexGuard, PoisonError};

use hightouch_sdk::wire::{CallOutput, Cancel};
use pyo3::exceptions::asyncio::CancelledError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::call::{Answer, answer};

/// A call in progress that a task awaits. For a task, it is a future with one difference: an answer wakes the task at
/// once. A future of asyncio would wake the task in the next round of the event loop, and each round asks the system
/// for I/O.
#[pyclass(frozen)]
pub(crate) struct Waiter {
    stop: Cancel,
    event_loop: Py<PyAny>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    outcome: Option<CallOutput>,
    sleeper: Option<Sleeper>,
    /// The message with which the wait was cancelled, until the task hears of the cancellation.
    cancelled: Option<Py<PyAny>>,
    is_blocking: bool,
}

/// The function that wakes a task, and the context in which the task runs.
struct Sleeper {
    wake: Py<PyAny>,
    context: Option<Py<PyAny>>,
}

#[pymethods]
impl Waiter {
    /// Cancels the call. The answer still arrives, and says what happened to the request.
    fn stop(&self) {
        self.stop.cancel();
    }

    /// Takes the answer. Returns `None` if the answer has not arrived, or was taken already.
    fn answer<'py>(&self, py: Python<'py>) -> Option<Answer<'py>> {
        let outcome = self.lock().outcome.take();
        outcome.map(|outcome| answer(py, outcome))
    }

    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    /// Ends the wait once the answer has arrived. Until then, the task gets this object, and waits for it.
    fn __next__(slf: Py<Self>) -> Option<Py<Self>> {
        let mut state = slf.get().lock();
        state.is_blocking = state.outcome.is_none();
        let is_blocking = state.is_blocking;
        drop(state);
        is_blocking.then_some(slf)
    }

    // The rest is what a task needs of a future.

    #[getter(_asyncio_future_blocking)]
    fn is_blocking(&self) -> bool {
        self.lock().is_blocking
    }

    #[setter(_asyncio_future_blocking)]
    fn set_blocking(&self, is_blocking: bool) {
        self.lock().is_blocking = is_blocking;
    }

    /// Whether the wait has ended. anyio's `wait_all_tasks_blocked` calls this method of the object that a task awaits.
    fn done(&self) -> bool {
        let state = self.lock();
        state.outcome.is_some() || state.cancelled.is_some()
    }

    fn cancelled(&self) -> bool {
        self.lock().cancelled.is_some()
    }

    fn get_loop(&self, py: Python<'_>) -> Py<PyAny> {
        self.event_loop.clone_ref(py)
    }

    #[pyo3(signature = (wake, *, context=None))]
    fn add_done_callback(&self, wake: Py<PyAny>, context: Option<Py<PyAny>>) {
        self.lock().sleeper = Some(Sleeper { wake, context });
    }

    /// Ends the wait for the answer, but not the call.
    #[pyo3(signature = (msg=None))]
    fn cancel(slf: &Bound<'_, Self>, msg: Option<Py<PyAny>>) -> PyResult<bool> {
        let mut state = slf.get().lock();
        let Some(Sleeper { wake, context }) = state.sleeper.take() else { return Ok(false) };
        state.cancelled = Some(msg.unwrap_or_else(|| slf.py().None()));
        drop(state);
        wake_soon(slf, &wake, context)?;
        Ok(true)
    }

    /// Raises the error of a cancelled wait. Does not return the answer: the task takes it with
    /// [`answer`](Self::answer).
    fn result(&self, py: Python<'_>) -> PyResult<()> {
        let cancelled = self.lock().cancelled.take();
        match cancelled {
            None => Ok(()),
            Some(message) if message.is_none(py) => Err(CancelledError::new_err(())),
            Some(message) => Err(CancelledError::new_err((message,))),
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)?;
        // The lock is never held while Python code runs, so the garbage collector finds it free.
        let Ok(state) = self.state.try_lock() else { return Ok(()) };
        visit.call(&state.cancelled)?;
        if let Some(Sleeper { wake, context }) = &state.sleeper {
            visit.call(wake)?;
            visit.call(context)?;
        }
        Ok(())
    }

    fn __clear__(&self) {
        let forgotten = std::mem::take(&mut *self.lock());
        drop(forgotten);
    }
}

impl Waiter {
    pub(crate) fn new(stop: Cancel, event_loop: Py<PyAny>) -> Self {
        Self { stop, event_loop, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the answer of a call that no task awaits yet.
    pub(crate) fn keep(&self, outcome: CallOutput) {
        self.lock().outcome = Some(outcome);
    }

    /// Keeps the answer, and runs the task that awaits it. Only the event loop may call this, and only outside tasks.
    pub(crate) fn settle(slf: &Bound<'_, Self>, outcome: CallOutput) -> PyResult<()> {
        let mut state = slf.get().lock();
        state.outcome = Some(outcome);
        let sleeper = state.sleeper.take();
        drop(state);
        let Some(Sleeper { wake, context }) = sleeper else { return Ok(()) };
        let py = slf.py();
        let event_loop = slf.get().event_loop.bind(py);
        // With nest_asyncio, a task can run its event loop again while it is itself run by this loop. The inner loop
        // cannot run the present callback of the outer loop a second time, so this callback must end before the task
        // goes on.
        if event_loop.hasattr(intern!(py, "_nest_patched"))? {
            return wake_soon(slf, &wake, context);
        }
        match context {
            None => wake.call1(py, (slf,)).map(drop),
            Some(context) => context.call_method1(py, intern!(py, "run"), (wake, slf)).map(drop),
        }
    }
}

/// Wakes a task in the next round of its event loop.
fn wake_soon(waiter: &Bound<'_, Waiter>, wake: &Py<PyAny>, context: Option<Py<PyAny>>) -> PyResult<()> {
    let py = waiter.py();
    let options = PyDict::new(py);
    options.set_item(intern!(py, "context"), context)?;
    let event_loop = waiter.get().event_loop.bind(py);
    event_loop.call_method(intern!(py, "call_soon"), (wake, waiter), Some(&options)).map(drop)
}
