//! The one door for bindings: settings, calls and answers as JSON.
//!
//! Nothing else of this crate is theirs. No call panics and none returns a Rust error; what went wrong is data.

mod catalogue;
mod failure;
mod ops;
mod settings;
mod table;
mod text;

pub use catalogue::catalogue;
pub use failure::Failure;
pub use settings::{options, settings, with_time_scale};

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::attempt::{Meta, Received, Subject};
use crate::call::{Options, Spent};
use crate::client::Client;
use crate::diagnose::Diagnosis;
use crate::error::{Error, Kind};
use crate::message::Style;
use crate::model::strict::{self, Given};
use crate::sender::{KeySource, asking, with_signal};
use settings::{DoorOptions, DoorSettings};

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
pub struct CallOutput {
    /// Whether `head` is the meta of an answer (true) or a failure (false).
    pub ok: bool,
    /// JSON: `{"meta", "next"?, "answer"?}`, or the failure.
    pub head: String,
    /// JSON of the value, or the bytes of a raw answer; empty beside a failure.
    pub body: Vec<u8>,
}

/// What an operation of the door gives on.
pub(crate) struct Reply {
    pub meta: Meta,
    pub next: Option<String>,
    pub body: Vec<u8>,
    /// Of a raw call only.
    pub answer: Option<Answer>,
}

/// What stands beside the bytes of a raw answer.
pub(crate) struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    /// JSON of the value that the answer means.
    parsed: Result<Vec<u8>, Error>,
}

impl Reply {
    fn new(meta: Meta, body: Vec<u8>) -> Self {
        Self { meta, next: None, body, answer: None }
    }

    /// Of what holds no opaque JSON.
    fn plain(meta: Meta, value: &impl Serialize) -> Result<Self, Error> {
        written(value, false).map(|body| Self::new(meta, body))
    }

    /// Of a call that has ended with this JSON; a raw call has succeeded once its answer is there.
    fn ended(mut spent: Spent, json: Result<Vec<u8>, Error>) -> Result<Self, Error> {
        match spent.received.take() {
            None => json.map(|body| Self::new(spent.meta(), body)),
            Some(Received { status, headers, body }) => {
                let answer = Some(Answer { status, headers, parsed: json });
                Ok(Self { answer, ..Self::new(spent.meta(), body.into()) })
            }
        }
    }
}

fn written(value: &impl Serialize, json_text: bool) -> Result<Vec<u8>, Error> {
    text::written(value, json_text)
        .map_err(|error| Error::new(Kind::Internal, format!("a value cannot be written: {error}")))
}

/// One call through the door: the client, and how it is to be made.
pub(crate) struct Caller<'a> {
    pub client: &'a Client,
    pub options: Options,
    pub raw: bool,
    json_text: bool,
    self_test: bool,
}

impl Caller<'_> {
    /// The account of the call.
    fn account(&self, subject: &Subject) -> Spent {
        self.client.sender().account(subject, &self.options, self.raw)
    }

    /// The JSON of a value.
    fn json(&self, value: &impl Serialize) -> Result<Vec<u8>, Error> {
        written(value, self.json_text)
    }

    /// The reply of a call that has ended.
    fn reply(&self, spent: Spent, value: Result<impl Serialize, Error>) -> Result<Reply, Error> {
        Reply::ended(spent, value.and_then(|value| self.json(&value)))
    }
}

#[derive(Serialize)]
struct Head<'a> {
    meta: Meta,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<&'a str>,
}

/// A client behind the door.
#[derive(Debug)]
pub struct Engine {
    made: Made,
    /// How the host's language writes names.
    style: Style,
    json_text: bool,
    self_test: bool,
}

#[derive(Debug)]
enum Made {
    Client(Client),
    /// No client could be created from the settings, and what is wrong with them.
    Nothing(Diagnosis),
}

impl Engine {
    /// Creates a client from settings (JSON); does no I/O but reading the key's file, if one is named. With the setting
    /// `diagnosing`, settings from which none can be created are good for `client.diagnose`, which says why.
    ///
    /// # Errors
    /// Kind `config`, with the path of the setting.
    pub fn new(settings: &str) -> Result<Self, Failure> {
        match std::panic::catch_unwind(|| Self::made(settings)) {
            Ok(Ok(engine)) => Ok(engine),
            Ok(Err(error)) => Err(Failure::of(&error, Peek::at(settings).style())),
            Err(_) => Err(Failure::of(&defect("the settings"), Style::default())),
        }
    }

    fn made(text: &str) -> Result<Self, Error> {
        let peek = Peek::at(text);
        let (diagnosing, style) = (peek.diagnosing, peek.style());
        let nothing = |base, error: &Error| Self {
            made: Made::Nothing(Diagnosis::without_client(base, error, style)),
            style,
            json_text: false,
            self_test: false,
        };
        let asked = match strict::read::<DoorSettings>(Given::Settings, text) {
            Err(error) if diagnosing => return Ok(nothing(None, &error)),
            asked => asked?,
        };
        let (json_text, self_test) = (asked.json_text.unwrap_or(false), asked.self_test.unwrap_or(false));
        let settings = match asked.into_settings() {
            Err(error) if diagnosing => return Ok(nothing(None, &error)),
            settings => settings?,
        };
        let source = if settings.internal.key_later { KeySource::Host } else { KeySource::Nowhere };
        match Client::with_source(&settings, source) {
            Ok(client) => Ok(Self { made: Made::Client(client), style, json_text, self_test }),
            Err(error) if diagnosing => Ok(nothing(settings.known_base(), &error)),
            Err(error) => Err(error),
        }
    }

    /// An engine with the same settings and key and nothing else in common, for a forked process: nothing is read from the
    /// environment or a file again.
    #[must_use]
    pub fn reopen(&self) -> Self {
        let made = match &self.made {
            Made::Client(client) => Made::Client(client.reopened()),
            Made::Nothing(diagnosis) => Made::Nothing(diagnosis.clone()),
        };
        Self { made, ..*self }
    }

    /// Makes one call; to be polled in a tokio runtime. Cancelling, or dropping the future, ends the request under way.
    pub async fn call(&self, op: &str, args: &str, opts: &str, cancel: &Cancel) -> CallOutput {
        // Boxed: the future has some 25 kB, which every future around it would hold and copy.
        let call = Box::pin(self.cancellable(op, args, opts, cancel));
        let called = AssertUnwindSafe(call).catch_unwind().await;
        match called.unwrap_or_else(|_| Err(defect(op))) {
            Ok(reply) => {
                let head = Head { meta: reply.meta.in_style(self.style), next: reply.next.as_deref() };
                let mut head = serde_json::to_string(&head).unwrap_or_default();
                if let Some(answer) = reply.answer {
                    self.add_answer(&mut head, answer);
                }
                CallOutput { ok: true, head, body: reply.body }
            }
            Err(error) => {
                let error = self.scrubbed(ops::named(error, op));
                let head = Failure::of(&error, self.style).written(self.json_text);
                CallOutput { ok: false, head, body: Vec::new() }
            }
        }
    }

    /// Adds a member to a head. Its value is JSON already, and is not read again to be put in.
    fn add_answer(&self, head: &mut String, Answer { status, headers, parsed }: Answer) {
        let headers = serde_json::to_string(&headers).unwrap_or_default();
        let (name, json) = match parsed {
            Ok(value) => ("value", String::from_utf8(value).unwrap_or_default()),
            Err(error) => ("failure", Failure::of(&self.scrubbed(error), self.style).written(self.json_text)),
        };
        head.pop();
        let _ = write!(head, r#","answer":{{"status":{status},"headers":{headers},"{name}":{json}}}}}"#);
    }

    /// Whatever stands in it: arguments may hold the key in a wrong place.
    fn scrubbed(&self, error: Error) -> Error {
        match &self.made {
            Made::Client(client) => error.scrubbed(|text| client.sender().scrub(text)),
            Made::Nothing(_) => error,
        }
    }

    async fn cancellable(&self, op: &str, args: &str, opts: &str, cancel: &Cancel) -> Result<Reply, Error> {
        let asked: DoorOptions = strict::read(Given::Options, opts)?;
        let client = match (&self.made, op) {
            (Made::Client(client), _) => client,
            (Made::Nothing(diagnosis), "client.diagnose") => return ops::diagnosed(diagnosis),
            (Made::Nothing(_), "client.close") => {
                return Reply::plain(Meta::of(&Subject::method("close")), &());
            }
            (Made::Nothing(_), _) => {
                let what = "the client could not be created from these settings";
                return Err(Error::new(Kind::Config, what).with_hint("`diagnose` says why."));
            }
        };
        let args = if self.json_text { text::spliced(args)? } else { args.into() };
        let (raw, inside) = (asked.raw.unwrap_or(false), asked.in_key_function.unwrap_or(false));
        let options = asked.into_options()?;
        let caller = Caller { client, options, raw, json_text: self.json_text, self_test: self.self_test };
        // Boxed, since every call would otherwise hold it twice.
        let made = Box::pin(with_signal(cancel.0.clone(), ops::dispatch(&caller, op, &args)));
        let call = async { if inside { asking(made).await } else { made.await } };
        tokio::select! {
            biased;
            // First, so that a request in flight can say what is known about it. The arm below ends calls that wait
            // elsewhere.
            reply = call => reply,
            () = cancel.0.cancelled() => Err(Error::new(Kind::Cancelled, "the call was cancelled")),
        }
    }
}

/// What must be known of settings that may be wrong in any other way.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Peek {
    diagnosing: bool,
    language: String,
}

impl Peek {
    fn at(settings: &str) -> Self {
        // Serde reads the members of a struct from a list too.
        let object = settings.trim_start().starts_with('{');
        object.then(|| serde_json::from_str(settings).ok()).flatten().unwrap_or_default()
    }

    fn style(&self) -> Style {
        Style::of(&self.language)
    }
}

fn defect(what: &str) -> Error {
    Error::new(Kind::Internal, format!("a defect of the SDK was met in {what}"))
        .with_hint("Please report it with the version and what was called. The process goes on safely.")
}
