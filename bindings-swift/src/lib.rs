//! Exports `hightouch_sdk::wire` to Swift.
//!
//! This is not an API: `Sources/HightouchSDK/Door.swift` is its only caller.
// uniffi generates functions with fixed symbol names (`no_mangle`), which the lint counts as unsafe code.
#![allow(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use hightouch_sdk::wire;
use tokio_util::task::AbortOnDropHandle;

uniffi::setup_scaffolding!("hightouch");

/// The error that functions of the bridge throw. A call throws it only if the call ends without a reply. Otherwise, a
/// call that fails returns a [`Reply`] with `ok` false.
///
/// Every method that can panic is declared to return this error. In Swift, such a method throws if it panics, while a
/// panic in any other method crashes the process.
#[derive(Debug, uniffi::Error)]
pub enum BridgeError {
    /// No client can be created from the settings.
    Refused {
        /// The failure as JSON, as in [`Reply::head`].
        failure: String,
    },
    /// A call ended without a reply or could not be described, or [`local`] failed.
    Broken {
        /// The text of the cause.
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

/// The result of a call: `wire::CallOutput` as a record of uniffi.
#[derive(uniffi::Record)]
pub struct Reply {
    /// Whether the call succeeded.
    pub ok: bool,
    /// The head as JSON: the report of the call if it succeeded, else the failure.
    pub head: String,
    /// The value as JSON, or the bytes of a raw answer. Empty after a failure.
    pub body: Vec<u8>,
    /// The opaque JSON (JSON that the API leaves open) of the value, as texts one after another. Empty if `body`
    /// contains these texts.
    pub texts: Vec<u8>,
}

/// Calls a function of the core that needs no client, and returns the result as JSON.
#[uniffi::export]
pub fn local(op: &str, args: &str) -> Result<String, BridgeError> {
    wire::local(op, args).map_err(|why| BridgeError::Broken { why })
}

/// A signal that cancels a call: `wire::Cancel` as an object of uniffi.
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

    /// Raises the signal. Raising the signal again has no effect.
    pub fn cancel(&self) {
        // Cancelling runs the wakers of waiting tasks. If a waker panics, the panic is dropped, because Swift calls
        // this method in a cancellation handler, which cannot throw.
        drop(catch_unwind(AssertUnwindSafe(|| self.0.cancel())));
    }
}

/// A client: `wire::Engine` as an object of uniffi.
#[derive(uniffi::Object)]
pub struct Engine(Arc<wire::Engine>);

#[uniffi::export]
impl Engine {
    /// Creates a client from settings (JSON). Reads the files that the settings name, and does no other I/O.
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
    /// Describes a call that is about to begin, as JSON.
    pub fn announce(&self, op: &str, args: &str) -> Result<String, BridgeError> {
        catch_unwind(AssertUnwindSafe(|| self.0.announce(op, args)))
            .map_err(|_| BridgeError::Broken { why: "the call could not be described".to_owned() })
    }

    /// Makes one call on the thread that runs all calls. So Swift is woken once, at the end of the call. If Swift
    /// polled the call itself, every step of the call would wake Swift.
    pub async fn call(
        &self,
        op: String,
        args: String,
        opts: String,
        cancel: Arc<Cancel>,
    ) -> Result<Reply, BridgeError> {
        let output = match wire::driver() {
            Ok(io) => {
                let engine = Arc::clone(&self.0);
                let call = io.spawn(async move { engine.call(&op, &args, &opts, &cancel.0).await });
                AbortOnDropHandle::new(call).await
            }
            Err(error) => Ok(self.0.unstarted(&op, &args, &error)),
        };
        let wire::CallOutput { ok, head, body, texts } =
            output.map_err(|error| BridgeError::Broken { why: error.to_string() })?;
        Ok(Reply { ok, head, body, texts })
    }
}
