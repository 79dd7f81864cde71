//! A client of the core, as a Python object.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use hightouch_sdk::wire;
use pyo3::exceptions::{PyBaseException, PyException, PyRuntimeError, PyValueError};
use pyo3::prelude::*;

use crate::call::{Answer, Call, Mailbox, answer};
use crate::process::driver;
use crate::waiter::Waiter;

/// How often a blocking call, or the creation of a client, checks for signals such as Ctrl-C.
const SLICE: Duration = Duration::from_millis(50);
/// How long to wait for the outcome of a call after its cancellation.
const CANCEL: Duration = Duration::from_secs(1);

/// A client. Only the process that opened the client may use it. A forked child must `reopen` the client.
#[pyclass(frozen)]
pub(crate) struct Engine {
    door: Arc<wire::Engine>,
    pid: u32,
}

/// The answer of a call, and the exception that a signal handler raised during the call.
type Called<'py> = (Option<Answer<'py>>, Option<Py<PyBaseException>>);

#[pymethods]
impl Engine {
    /// Creates a client from settings (JSON). If they are invalid, raises `ValueError`. The text of the error
    /// is the failure as JSON.
    #[new]
    fn new(py: Python<'_>, settings: String) -> PyResult<Self> {
        let (send, mut receive) = channel();
        // Reading a key file may block, for example on a network file system. Another thread reads the file, so that
        // this thread can detach from the interpreter and check for signals meanwhile.
        let reader = thread::Builder::new().name("hightouch-sdk-settings".to_owned()).spawn(move || {
            let _ = send.send(wire::Engine::new(&settings));
        })?;
        loop {
            let made;
            (receive, made) = py.detach(move || {
                let made = receive.recv_timeout(SLICE);
                (receive, made)
            });
            match made {
                Ok(made) => {
                    let _ = py.detach(|| reader.join());
                    return made.map(Self::of).map_err(|failure| PyValueError::new_err(failure.to_json()));
                }
                Err(RecvTimeoutError::Timeout) => py.check_signals()?,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(PyRuntimeError::new_err("The settings could not be read."));
                }
            }
        }
    }

    /// Opens a client in a forked child, with the settings and the key of the parent's client.
    fn reopen(&self) -> Self {
        Self::of(self.door.reopen())
    }

    /// Describes a call that is about to begin, as JSON.
    fn announce(&self, op: &str, args: &str) -> String {
        self.door.announce(op, args)
    }

    /// Makes a call, and calls `listener` with each notice (JSON) meanwhile. If a signal handler raises, the call is
    /// cancelled. The result then holds the exception, and the answer of the call if it arrives within [`CANCEL`]. An
    /// `Exception` of the listener is reported as unraisable; any other exception cancels the call too.
    #[pyo3(signature = (op, args, opts, listener=None))]
    fn call<'py>(
        &self,
        py: Python<'py>,
        op: &str,
        args: &str,
        opts: &str,
        listener: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Called<'py>> {
        let driver = match driver(py) {
            Ok(driver) => driver,
            Err(error) => return Ok((Some(answer(py, self.door.unstarted(op, args, &error))), None)),
        };
        let cancel = wire::Cancel::new();
        let mut notices = None;
        let mut calling: Pin<Box<dyn Future<Output = wire::CallOutput> + Send + '_>> = if listener.is_some() {
            let (told, receive) = channel();
            notices = Some(receive);
            // The receiver lives as long as the call, so sending cannot fail.
            let tell = move |notice| drop(told.send(notice));
            Box::pin(self.door.call_telling(op, args, opts, &cancel, tell))
        } else {
            Box::pin(self.door.call(op, args, opts, &cancel))
        };
        // Passes all notices to the listener. Returns an exception of the listener that is not an `Exception`: a signal
        // handler may have raised it inside the listener.
        let tell_all = || {
            let (Some(listener), Some(notices)) = (listener, &notices) else { return None };
            for notice in notices.try_iter() {
                match listener.call1((notice,)) {
                    Err(error) if !error.is_instance_of::<PyException>(py) => return Some(error),
                    Err(error) => error.write_unraisable(py, Some(listener)),
                    Ok(_) => {}
                }
            }
            None
        };
        let mut wait =
            |slice| py.detach(|| driver.run(async { tokio::time::timeout(slice, calling.as_mut()).await }));
        let process = std::process::id();
        loop {
            let ended = wait(SLICE);
            // Checks for signals before the listener is called, so that the listener does not run the signal handlers.
            let mut raised = py.check_signals().err();
            if raised.is_none() && notices.is_some() && process == std::process::id() {
                raised = tell_all();
            }
            if process != std::process::id() {
                // The call and its connection belong to the parent. This process must neither use nor close them, so
                // the future is leaked.
                std::mem::forget(calling);
                let what =
                    "A signal handler forked the process during this call, which goes on in the parent.";
                return Err(raised.unwrap_or_else(|| PyRuntimeError::new_err(what)));
            }
            if let Some(raised) = raised {
                let last = ended.ok().or_else(|| {
                    cancel.cancel();
                    wait(CANCEL).ok()
                });
                return Ok((last.map(|outcome| answer(py, outcome)), Some(raised.into_value(py))));
            }
            if let Ok(outcome) = ended {
                return Ok((Some(answer(py, outcome)), None));
            }
        }
    }

    /// Starts a call. Its answer arrives in `mailbox` under `ticket`. With `listens`, the notices of the call arrive in
    /// `mailbox` too.
    #[pyo3(signature = (op, args, opts, mailbox, ticket, listens=false))]
    #[expect(clippy::too_many_arguments, reason = "Python passes them by position")]
    fn start(
        &self,
        py: Python<'_>,
        op: String,
        args: String,
        opts: String,
        mailbox: &Mailbox,
        ticket: u64,
        listens: bool,
    ) -> Call {
        let cancel = wire::Cancel::new();
        self.spawn(py, (op, args, opts), mailbox, ticket, listens, &cancel);
        Call(cancel)
    }

    /// Starts a call that a task of `event_loop` awaits. The event loop delivers what arrives in `mailbox`. With
    /// `listens`, the notices of the call arrive there too.
    #[expect(clippy::too_many_arguments, reason = "Python passes them by position")]
    fn begin<'py>(
        &self,
        py: Python<'py>,
        op: String,
        args: String,
        opts: String,
        mailbox: &Bound<'py, Mailbox>,
        event_loop: &Bound<'py, PyAny>,
        listens: bool,
    ) -> PyResult<Bound<'py, Waiter>> {
        let cancel = wire::Cancel::new();
        let waiter = Bound::new(py, Waiter::new(cancel.clone(), event_loop.clone().unbind()))?;
        let (ticket, is_alone) = mailbox.get().expect(waiter.clone().unbind());
        let must_watch = self.spawn(py, (op, args, opts), mailbox.get(), ticket, listens, &cancel);
        if must_watch {
            Mailbox::watch_again(mailbox, event_loop).inspect_err(|_| cancel.cancel())?;
        }
        if mailbox.get().watch().is_some() {
            // A single call begins at once. If several calls are in progress, more may start before the loop goes on.
            if is_alone {
                mailbox.get().begin_now(py);
            } else {
                Mailbox::turn_soon(mailbox, event_loop).inspect_err(|_| cancel.cancel())?;
            }
        }
        Ok(waiter)
    }
}

impl Engine {
    /// Adds a call to the calls of this process. If an event loop does the I/O of the mailbox, the call begins at the
    /// next turn of the loop. Returns whether the event loop must watch the descriptor of the mailbox.
    fn spawn(
        &self,
        py: Python<'_>,
        (op, args, opts): (String, String, String),
        mailbox: &Mailbox,
        ticket: u64,
        listens: bool,
        cancel: &wire::Cancel,
    ) -> bool {
        let (door, delivery, signal) = (Arc::clone(&self.door), mailbox.delivery(ticket), cancel.clone());
        let driver = match driver(py) {
            Ok(driver) => driver,
            Err(error) => {
                delivery.put(self.door.unstarted(&op, &args, &error));
                return false;
            }
        };
        let call = async move {
            let outcome = if listens {
                let notices = delivery.clone();
                let tell = move |notice| notices.notify(notice);
                door.call_telling(&op, &args, &opts, &signal, tell).await
            } else {
                door.call(&op, &args, &opts, &signal).await
            };
            delivery.put(outcome);
        };
        if let Some(watch) = mailbox.watch() {
            return watch.spawn(call);
        }
        driver.spawn_batched(call);
        false
    }
}

impl Engine {
    fn of(door: wire::Engine) -> Self {
        Self { door: Arc::new(door), pid: std::process::id() }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // In a forked child, dropping the core's client would close the TLS connections of the parent. So the client is
        // leaked.
        if self.pid != std::process::id() {
            std::mem::forget(Arc::clone(&self.door));
        }
    }
}
