//! The client behind the door, as one Python object.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hightouch_sdk::wire;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::call::{Answer, Call, Mailbox};
use crate::process::runtime;

/// How long a blocking call waits before it looks for signals such as Ctrl-C.
const SLICE: Duration = Duration::from_millis(50);
/// How long a cancelled call may take to put its connection away.
const PARTING: Duration = Duration::from_secs(1);

/// One client of one process; a forked child must make its own.
#[pyclass(frozen)]
pub(crate) struct Engine {
    door: Arc<wire::Engine>,
    pid: u32,
}

#[pymethods]
impl Engine {
    /// Reads the settings (JSON). `ValueError` carries the failure as JSON.
    #[new]
    fn new(settings: &str) -> PyResult<Self> {
        let door = wire::Engine::new(settings).map_err(|failure| PyValueError::new_err(failure.to_json()))?;
        Ok(Self { door: Arc::new(door), pid: std::process::id() })
    }

    /// Makes a call and waits for `(ok, head, body)`; a signal whose handler raises cancels it.
    fn call<'py>(&self, py: Python<'py>, op: &str, args: &str, opts: &str) -> PyResult<Answer<'py>> {
        let runtime = runtime(py)?;
        let cancel = wire::Cancel::new();
        let mut calling = pin!(self.door.call(op, args, opts, &cancel));
        let mut wait = |slice| {
            py.detach(|| runtime.block_on(async { tokio::time::timeout(slice, calling.as_mut()).await }))
        };
        loop {
            if let Ok(outcome) = wait(SLICE) {
                return Ok((outcome.ok, outcome.head, PyBytes::new(py, &outcome.body)));
            }
            if let Err(raised) = py.check_signals() {
                cancel.cancel();
                let _ = wait(PARTING);
                return Err(raised);
            }
        }
    }

    /// Starts a call whose answer arrives in `mailbox` under `ticket`.
    fn start(
        &self,
        py: Python<'_>,
        op: String,
        args: String,
        opts: String,
        mailbox: &Mailbox,
        ticket: u64,
    ) -> PyResult<Call> {
        let cancel = wire::Cancel::new();
        let (door, delivery, signal) = (Arc::clone(&self.door), mailbox.delivery(ticket), cancel.clone());
        runtime(py)?.spawn(async move { delivery.put(door.call(&op, &args, &opts, &signal).await) });
        Ok(Call(cancel))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // In a forked child the end of the engine would close the parent's TLS connections: keep it for ever.
        if self.pid != std::process::id() {
            std::mem::forget(Arc::clone(&self.door));
        }
    }
}
