//! Calls that no thread waits for. Their answers are collected in a mailbox, from which an event loop takes many at
//! once.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use hightouch_sdk::wire::{CallOutput, Cancel};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::wakeup::Wakeup;

/// `(ok, head, body)`, as the door defines them.
pub(crate) type Answer<'py> = (bool, String, Bound<'py, PyBytes>);

pub(crate) fn answer(py: Python<'_>, outcome: CallOutput) -> Answer<'_> {
    (outcome.ok, outcome.head, PyBytes::new(py, &outcome.body))
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

/// Collects answers for an event loop.
#[pyclass(frozen)]
pub(crate) struct Mailbox(Arc<Shared>);

struct Shared {
    outcomes: Mutex<Vec<(u64, CallOutput)>>,
    arrival: Condvar,
    wakeup: Wakeup,
}

#[pymethods]
impl Mailbox {
    #[new]
    fn new() -> PyResult<Self> {
        Ok(Self(Arc::new(Shared {
            outcomes: Mutex::default(),
            arrival: Condvar::new(),
            wakeup: Wakeup::new()?,
        })))
    }

    /// The file descriptor that is readable while the mailbox holds answers. `None` on platforms other than Unix.
    fn fileno(&self) -> Option<i32> {
        self.0.wakeup.fileno()
    }

    /// Waits up to `milliseconds` for an answer. Returns whether there is one.
    fn wait(&self, py: Python<'_>, milliseconds: u64) -> bool {
        py.detach(|| {
            let outcomes = self.0.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
            let limit = Duration::from_millis(milliseconds);
            let waited = self.0.arrival.wait_timeout_while(outcomes, limit, |outcomes| outcomes.is_empty());
            let (outcomes, _) = waited.unwrap_or_else(PoisonError::into_inner);
            !outcomes.is_empty()
        })
    }

    /// Takes all answers, as `(ticket, answer)`.
    fn drain<'py>(&self, py: Python<'py>) -> Vec<(u64, Answer<'py>)> {
        self.0.wakeup.clear();
        let outcomes = std::mem::take(&mut *self.0.outcomes.lock().unwrap_or_else(PoisonError::into_inner));
        outcomes.into_iter().map(|(ticket, outcome)| (ticket, answer(py, outcome))).collect()
    }
}

impl Mailbox {
    pub(crate) fn delivery(&self, ticket: u64) -> Delivery {
        Delivery { shared: Arc::clone(&self.0), ticket }
    }
}

/// The place in a mailbox for the answer of one call.
pub(crate) struct Delivery {
    shared: Arc<Shared>,
    ticket: u64,
}

impl Delivery {
    /// Delivers the answer. Runs in whichever thread does the I/O, without the GIL, so it must not use the interpreter.
    pub(crate) fn put(self, outcome: CallOutput) {
        let mut outcomes = self.shared.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        let first = outcomes.is_empty();
        outcomes.push((self.ticket, outcome));
        drop(outcomes);
        if first {
            self.shared.arrival.notify_all();
            self.shared.wakeup.wake();
        }
    }
}
