//! The one door for bindings: settings, calls and answers as JSON.
//!
//! Nothing else of this crate is theirs. No call panics and none returns a Rust error; what went wrong is data.

mod catalogue;
mod failure;
mod ops;
mod table;

pub use catalogue::catalogue;
pub use failure::Failure;

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::client::{Client, Meta, Options, with_signal};
use crate::config::Settings;
use crate::error::{Error, Kind};
use crate::model::strict;

/// Tells a call to stop; clones share one signal.
#[derive(Clone, Debug, Default)]
pub struct Cancel(CancellationToken);

impl Cancel {
    /// A signal that nobody has raised.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Raises the signal; raising it again changes nothing.
    pub fn cancel(&self) {
        self.0.cancel();
    }
}

/// What one call gave.
#[derive(Debug)]
pub struct Outcome {
    /// Whether `head` is the meta of an answer (true) or a failure (false).
    pub ok: bool,
    /// JSON: `{"meta", "next"?}`, or the failure.
    pub head: String,
    /// The answer's JSON; empty beside a failure.
    pub body: Vec<u8>,
}

/// What an operation of the door gives on.
pub(crate) struct Reply {
    pub meta: Meta,
    pub next: Option<String>,
    pub body: Vec<u8>,
}

impl Reply {
    pub(crate) fn of(meta: Meta, value: &impl Serialize) -> Result<Self, Error> {
        let body = serde_json::to_vec(value)
            .map_err(|error| Error::new(Kind::Internal, format!("a value cannot be written: {error}")))?;
        Ok(Self { meta, next: None, body })
    }
}

#[derive(Serialize)]
struct Head<'a> {
    meta: &'a Meta,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<&'a str>,
}

/// A client behind the door.
#[derive(Debug)]
pub struct Engine {
    client: Client,
}

impl Engine {
    /// Makes a client from settings (JSON); does no I/O but reading the key's file, where one is named.
    ///
    /// # Errors
    /// Kind `config`, with the path of the setting.
    pub fn new(settings: &str) -> Result<Self, Failure> {
        let made = std::panic::catch_unwind(|| {
            let settings: Settings = strict::read("settings", settings, Kind::Config)?;
            Client::new(&settings)
        });
        match made {
            Ok(Ok(client)) => Ok(Self { client }),
            Ok(Err(error)) => Err(Failure::from(&error)),
            Err(_) => Err(Failure::from(&defect("the settings"))),
        }
    }

    /// Makes one call; to be polled in a tokio runtime. Cancelling, or dropping the future, ends the request under way.
    pub async fn call(&self, op: &str, args: &str, opts: &str, cancel: &Cancel) -> Outcome {
        // Boxed: it measures some 25 kB, which every future around it would carry and copy.
        let call = Box::pin(self.cancellable(op, args, opts, cancel));
        let called = AssertUnwindSafe(call).catch_unwind().await;
        match called.unwrap_or_else(|_| Err(defect(op))) {
            Ok(reply) => {
                let head = Head { meta: &reply.meta, next: reply.next.as_deref() };
                Outcome { ok: true, head: serde_json::to_string(&head).unwrap_or_default(), body: reply.body }
            }
            Err(error) => {
                let error = error.scrubbed(|text| self.client.scrub(text));
                Outcome { ok: false, head: Failure::from(&error).to_json(), body: Vec::new() }
            }
        }
    }

    async fn cancellable(&self, op: &str, args: &str, opts: &str, cancel: &Cancel) -> Result<Reply, Error> {
        let options: Options = strict::read("options", opts, Kind::InvalidRequest)?;
        tokio::select! {
            biased;
            // First, so that a request under way says what is known of it; the arm below ends what waits elsewhere.
            reply = with_signal(cancel.0.clone(), ops::dispatch(&self.client, op, args, &options)) => reply,
            () = cancel.0.cancelled() => Err(Error::new(Kind::Cancelled, format!("{op} was cancelled"))),
        }
    }
}

fn defect(what: &str) -> Error {
    Error::new(Kind::Internal, format!("a defect of the SDK was met in {what}"))
        .with_hint("Please report it with the version and what was called; the process goes on safely.")
}
