//! The bridge between Swift and the door, kept mechanical and in the door's own order.
//!
//! Not an API: `Sources/HightouchSDK/Door.swift` is its only caller.
// The exported glue registers symbols by name.
#![allow(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use hightouch_sdk::wire;

uniffi::setup_scaffolding!("hightouch");

/// What goes wrong at the bridge itself; a call that fails is a [`Reply`] that is not `ok`.
///
/// Every method throws it, for uniffi turns a panic in one that throws nothing into a crash of the host.
#[derive(Debug, uniffi::Error)]
pub enum BridgeError {
    /// The settings were refused: the door's failure, as JSON.
    Refused {
        /// `Failure::to_json()`.
        failure: String,
    },
}

impl std::fmt::Display for BridgeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self::Refused { failure } = self;
        f.write_str(failure)
    }
}

impl std::error::Error for BridgeError {}

/// `wire::Outcome`.
#[derive(uniffi::Record)]
pub struct Reply {
    /// Whether `head` is the meta of an answer (true) or a failure (false).
    pub ok: bool,
    /// JSON.
    pub head: String,
    /// The answer's JSON, or empty.
    pub body: Vec<u8>,
}

/// `wire::Cancel`.
#[derive(Default, uniffi::Object)]
pub struct Cancel(wire::Cancel);

#[uniffi::export]
impl Cancel {
    /// A signal that nobody has raised.
    #[uniffi::constructor]
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Raises the signal; raising it again changes nothing.
    pub fn cancel(&self) {
        // Raising wakes whoever waits, on this thread. What they do must not fall back on the
        // host, which cancels from a handler that cannot throw; the call itself reports it.
        drop(catch_unwind(AssertUnwindSafe(|| self.0.cancel())));
    }
}

/// `wire::Engine`.
#[derive(uniffi::Object)]
pub struct Engine(wire::Engine);

#[uniffi::export]
impl Engine {
    /// Reads the settings; does no I/O.
    #[uniffi::constructor]
    pub fn new(settings: &str) -> Result<Arc<Self>, BridgeError> {
        match wire::Engine::new(settings) {
            Ok(engine) => Ok(Arc::new(Self(engine))),
            Err(failure) => Err(BridgeError::Refused { failure: failure.to_json() }),
        }
    }
}

#[uniffi::export(async_runtime = "tokio")]
impl Engine {
    /// Makes one call.
    pub async fn call(
        &self,
        op: String,
        args: String,
        opts: String,
        cancel: Arc<Cancel>,
    ) -> Result<Reply, BridgeError> {
        let wire::Outcome { ok, head, body } = self.0.call(&op, &args, &opts, &cancel.0).await;
        Ok(Reply { ok, head, body })
    }
}
