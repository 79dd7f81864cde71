//! Exports `hightouch_sdk::wire` to Swift.
//!
//! This is not an API: `Sources/HightouchSDK/Door.swift` is its only caller.
// The code that uniffi generates exports symbols by name.
#![allow(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use hightouch_sdk::wire;
use tokio_util::task::AbortOnDropHandle;

uniffi::setup_scaffolding!("hightouch");

/// An error of the bridge itself. A call that fails returns a [`Reply`] that is not `ok`.
///
/// Every method that can panic returns this error, because uniffi turns a panic in other methods into a crash.
#[derive(Debug, uniffi::Error)]
pub enum BridgeError {
    /// The settings are invalid.
    Refused {
        /// The failure as JSON.
        failure: String,
    },
    /// The thread of the calls could not be started, or a call ended without a reply.
    Broken {
        /// What the system says.
        why: String,
    },
}

impl std::fmt::Display for BridgeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::Refused { failure: text } | Self::Broken { why: text }) = self;
        f.write_str(text)
    }
}

impl std::error::Error for BridgeError {}

/// The result of a call, `wire::CallOutput`.
#[derive(uniffi::Record)]
pub struct Reply {
    /// Whether the call succeeded.
    pub ok: bool,
    /// The JSON of the call's meta, or of its failure.
    pub head: String,
    /// The JSON of the result; empty after a failure.
    pub body: Vec<u8>,
    /// The texts of the opaque JSON in the body, one after another.
    pub texts: Vec<u8>,
}

/// Cancels a call, `wire::Cancel`.
#[derive(Default, uniffi::Object)]
pub struct Cancel(wire::Cancel);

#[uniffi::export]
impl Cancel {
    /// Creates a signal that is not raised.
    #[uniffi::constructor]
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Raises the signal; raising it again changes nothing.
    pub fn cancel(&self) {
        // This runs the wakers of waiting tasks. A panic in one must not reach Swift, whose
        // cancellation handler cannot throw; the call itself reports the panic.
        drop(catch_unwind(AssertUnwindSafe(|| self.0.cancel())));
    }
}

/// A client, `wire::Engine`.
#[derive(uniffi::Object)]
pub struct Engine(Arc<wire::Engine>);

#[uniffi::export]
impl Engine {
    /// Creates a client from settings; does no I/O.
    #[uniffi::constructor]
    pub fn new(settings: &str) -> Result<Arc<Self>, BridgeError> {
        match wire::Engine::new(settings) {
            Ok(engine) => Ok(Arc::new(Self(Arc::new(engine)))),
            Err(failure) => Err(BridgeError::Refused { failure: failure.to_json() }),
        }
    }
}

#[uniffi::export]
impl Engine {
    /// Makes one call, on the thread of all calls. So Swift is woken once, at the end of the call, and not at each step.
    pub async fn call(
        &self,
        op: String,
        args: String,
        opts: String,
        cancel: Arc<Cancel>,
    ) -> Result<Reply, BridgeError> {
        let engine = Arc::clone(&self.0);
        let broken = |why: &dyn std::error::Error| BridgeError::Broken { why: why.to_string() };
        let call = wire::spawn(async move { engine.call(&op, &args, &opts, &cancel.0).await });
        let call = call.map_err(|error| broken(&error))?;
        let wire::CallOutput { ok, head, body, texts } =
            AbortOnDropHandle::new(call).await.map_err(|error| broken(&error))?;
        Ok(Reply { ok, head, body, texts })
    }
}
