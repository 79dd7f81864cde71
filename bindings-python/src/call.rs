//! Calls that nobody waits for in a thread: their answers are collected where one event loop fetches many at once.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use hightouch_sdk::wire::{Cancel, Outcome};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::bell::Bell;

/// `(ok, head, body)` as the door defines them.
pub(crate) type Answer<'py> = (bool, String, Bound<'py, PyBytes>);

pub(crate) fn answer(py: Python<'_>, outcome: Outcome) -> Answer<'_> {
    (outcome.ok, outcome.head, PyBytes::new(py, &outcome.body))
}

/// A call under way.
#[pyclass(frozen)]
pub(crate) struct Call(pub(crate) Cancel);

#[pymethods]
impl Call {
    /// Tells the call to stop; its answer still arrives.
    fn cancel(&self) {
        self.0.cancel();
    }
}

/// Where answers wait for an event loop.
#[pyclass(frozen)]
pub(crate) struct Mailbox(Arc<Post>);

struct Post {
    letters: Mutex<Vec<(u64, Outcome)>>,
    arrival: Condvar,
    bell: Bell,
}

#[pymethods]
impl Mailbox {
    #[new]
    fn new() -> PyResult<Self> {
        Ok(Self(Arc::new(Post { letters: Mutex::default(), arrival: Condvar::new(), bell: Bell::new()? })))
    }

    /// The descriptor that is readable while answers wait; `None` where the system has none to offer.
    fn fileno(&self) -> Option<i32> {
        self.0.bell.fileno()
    }

    /// Waits for an answer, for at most so many milliseconds; whether one is there.
    fn wait(&self, py: Python<'_>, milliseconds: u64) -> bool {
        py.detach(|| {
            let letters = self.0.letters.lock().unwrap_or_else(PoisonError::into_inner);
            let limit = Duration::from_millis(milliseconds);
            let waited = self.0.arrival.wait_timeout_while(letters, limit, |letters| letters.is_empty());
            let (letters, _) = waited.unwrap_or_else(PoisonError::into_inner);
            !letters.is_empty()
        })
    }

    /// Everything that has arrived: `(ticket, answer)`.
    fn drain<'py>(&self, py: Python<'py>) -> Vec<(u64, Answer<'py>)> {
        self.0.bell.hush();
        let letters = std::mem::take(&mut *self.0.letters.lock().unwrap_or_else(PoisonError::into_inner));
        letters.into_iter().map(|(ticket, outcome)| (ticket, answer(py, outcome))).collect()
    }
}

impl Mailbox {
    pub(crate) fn delivery(&self, ticket: u64) -> Delivery {
        Delivery { post: Arc::clone(&self.0), ticket }
    }
}

/// The place in a mailbox for the answer of one call.
pub(crate) struct Delivery {
    post: Arc<Post>,
    ticket: u64,
}

impl Delivery {
    /// Runs on the runtime's own thread, so it must not touch the interpreter.
    pub(crate) fn put(self, outcome: Outcome) {
        let mut letters = self.post.letters.lock().unwrap_or_else(PoisonError::into_inner);
        let first = letters.is_empty();
        letters.push((self.ticket, outcome));
        drop(letters);
        if first {
            self.post.arrival.notify_all();
            self.post.bell.ring();
        }
    }
}
