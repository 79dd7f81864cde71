//! The one door for bindings: settings, calls and answers as JSON.
//!
//! Nothing else of this crate is theirs. No call panics and none returns a Rust error; what went wrong is data.

mod catalogue;
mod failure;
mod ops;
mod table;
mod text;

pub use catalogue::catalogue;
pub use failure::Failure;

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::client::{Client, Diagnosis, Meta, Options, with_signal};
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
    pub(crate) fn of(client: &Client, meta: Meta, value: &impl Serialize) -> Result<Self, Error> {
        Self::written(meta, value, client.config().json_text)
    }

    /// Of what may be there without a client.
    pub(crate) fn plain(meta: Meta, value: &impl Serialize) -> Result<Self, Error> {
        Self::written(meta, value, false)
    }

    fn written(meta: Meta, value: &impl Serialize, json_text: bool) -> Result<Self, Error> {
        let body = text::written(value, json_text)
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
    made: Made,
}

#[derive(Debug)]
enum Made {
    Client(Client),
    /// Settings that make no client, and what is wrong with them.
    Nothing(Diagnosis),
}

impl Engine {
    /// Makes a client from settings (JSON); does no I/O but reading the key's file, where one is named. With the setting
    /// `diagnosing`, settings that make no client are good for `client.diagnose`, which says why.
    ///
    /// # Errors
    /// Kind `config`, with the path of the setting.
    pub fn new(settings: &str) -> Result<Self, Failure> {
        let made = std::panic::catch_unwind(|| {
            let read = strict::read::<Settings>("settings", settings, Kind::Config);
            let base = read.as_ref().ok().and_then(Settings::known_base);
            match read.and_then(|settings| Client::new(&settings)) {
                Ok(client) => Ok(Made::Client(client)),
                Err(error) if diagnosing(settings) => {
                    Ok(Made::Nothing(Diagnosis::without_client(base, &error)))
                }
                Err(error) => Err(error),
            }
        });
        match made {
            Ok(Ok(made)) => Ok(Self { made }),
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
                let error = self.scrubbed(error);
                let head = Failure::from(&error).written(self.json_text());
                Outcome { ok: false, head, body: Vec::new() }
            }
        }
    }

    /// Whatever stands in it: arguments may hold the key in a wrong place.
    fn scrubbed(&self, error: Error) -> Error {
        match &self.made {
            Made::Client(client) => error.scrubbed(|text| client.scrub(text)),
            Made::Nothing(_) => error,
        }
    }

    fn json_text(&self) -> bool {
        matches!(&self.made, Made::Client(client) if client.config().json_text)
    }

    async fn cancellable(&self, op: &str, args: &str, opts: &str, cancel: &Cancel) -> Result<Reply, Error> {
        let options: Options = strict::read("options", opts, Kind::InvalidRequest)?;
        let client = match (&self.made, op) {
            (Made::Client(client), _) => client,
            (Made::Nothing(diagnosis), "client.diagnose") => return ops::diagnosed(diagnosis),
            (Made::Nothing(_), "client.close") => return Reply::plain(Meta::named(op), &()),
            (Made::Nothing(_), _) => {
                let what = format!("the settings make no client; {op} did nothing");
                return Err(Error::new(Kind::Config, what).with_hint("Their diagnosis says why."));
            }
        };
        let args = if client.config().json_text { text::spliced(args)? } else { args.into() };
        tokio::select! {
            biased;
            // First, so that a request under way says what is known of it; the arm below ends what waits elsewhere.
            reply = with_signal(cancel.0.clone(), ops::dispatch(client, op, &args, &options)) => reply,
            () = cancel.0.cancelled() => Err(Error::new(Kind::Cancelled, format!("{op} was cancelled"))),
        }
    }
}

/// Whether settings that may be wrong in any other way are to be diagnosed.
fn diagnosing(settings: &str) -> bool {
    #[derive(Deserialize)]
    struct Peek {
        diagnosing: bool,
    }
    serde_json::from_str::<Peek>(settings).is_ok_and(|peek| peek.diagnosing)
}

fn defect(what: &str) -> Error {
    Error::new(Kind::Internal, format!("a defect of the SDK was met in {what}"))
        .with_hint("Please report it with the version and what was called; the process goes on safely.")
}
