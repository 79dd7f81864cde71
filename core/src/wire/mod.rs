//! The door: the interface of this crate for other languages. Settings, calls and answers cross the door as JSON. The
//! bridges (native modules of the packages) use nothing else of this crate.
//!
//! No call panics or returns a Rust error. A failure crosses the door as data.

mod announce;
mod batches;
mod catalogue;
mod driver;
mod failure;
mod local;
mod ops;
mod problem;
mod settings;
mod table;
mod text;

pub use catalogue::catalogue;
pub use driver::{Driver, Watch, driver};
pub use failure::Failure;
pub use local::local;
pub use settings::{options, settings, with_time_scale};

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::attempt::{Meta, Received, Subject};
use crate::call::{Options, Spent};
use crate::client::Client;
use crate::descriptors;
use crate::diagnose::Diagnosis;
use crate::error::{Error, Kind};
use crate::message::Style;
use crate::model::Written;
use crate::model::strict::{self, Given};
use crate::sender::{KeySource, Listener, asking, with_listener, with_signal};
use crate::transport::out_of_descriptors;
use batches::Batches;
use settings::{DoorOptions, DoorSettings};

/// Cancels a call. Clones share one signal.
#[derive(Clone, Debug, Default)]
pub struct Cancel(CancellationToken);

impl Cancel {
    /// Creates a signal that is not raised.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Raises the signal. Raising the signal again has no effect.
    pub fn cancel(&self) {
        self.0.cancel();
    }
}

/// The result of one call.
#[derive(Debug)]
pub struct CallOutput {
    /// Whether the call succeeded. `head` holds the report of the call (its meta) after a success, and the failure
    /// otherwise.
    pub ok: bool,
    /// JSON: `{"meta", "next"?, "sync"?, "answer"?}` if the call succeeded, otherwise the failure.
    pub head: String,
    /// The value as JSON, or the bytes of a raw answer; empty if the call failed.
    pub body: Vec<u8>,
    /// The opaque JSON values of the body, one after another. Marks in the body give the range of each value in this
    /// text. Empty if the body itself holds the values, which it always does without the setting `jsonText`.
    pub texts: Vec<u8>,
}

/// The result of an operation, before it is written as a [`CallOutput`].
pub(crate) struct Reply {
    pub meta: Meta,
    pub next: Option<String>,
    /// The id of the sync, if the answer is a page of a list in which all rows belong to one sync.
    pub sync: Option<i64>,
    pub body: Written,
    /// Present only for a call with the option `raw`.
    pub answer: Option<Answer>,
}

/// A raw answer without its bytes, which are the body of the [`Reply`].
pub(crate) struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    /// The value as JSON, or the error that the answer reports.
    parsed: Result<Written, Error>,
}

impl Reply {
    fn new(meta: Meta, body: impl Into<Written>) -> Self {
        Self { meta, next: None, sync: None, body: body.into(), answer: None }
    }

    /// Creates a reply from a value without opaque JSON.
    fn plain(meta: Meta, value: &impl Serialize) -> Result<Self, Error> {
        written(value).map(|body| Self::new(meta, body))
    }

    /// Creates the reply of a call that has ended. A call with the option `raw` succeeds once its answer has arrived,
    /// so an error in `json` becomes a part of the reply.
    fn ended(mut spent: Spent, json: Result<Written, Error>) -> Result<Self, Error> {
        match spent.received.take() {
            None => json.map(|body| Self::new(spent.meta(), body)),
            Some(Received { status, headers, body }) => {
                let answer = Some(Answer { status, headers, parsed: json });
                Ok(Self { answer, ..Self::new(spent.meta(), Vec::from(body)) })
            }
        }
    }
}

fn written(value: &impl Serialize) -> Result<Written, Error> {
    Written::of(value)
        .map_err(|error| Error::new(Kind::Internal, format!("a value cannot be written: {error}")))
}

/// The client and the options of one call from a host language.
pub(crate) struct Caller<'a> {
    pub client: &'a Client,
    pub options: Options,
    pub raw: bool,
    batches: &'a Batches,
    style: Style,
    self_test: bool,
}

impl Caller<'_> {
    fn account(&self, subject: &Subject) -> Spent {
        self.client.sender().account(subject, &self.options, self.raw)
    }
}

/// The initial capacity, in bytes, of the buffer for a head: the JSON that says how a call went. Most heads fit, so the
/// buffer seldom grows.
const HEAD_SIZE: usize = 512;

#[derive(Serialize)]
struct Head<'a> {
    meta: Meta,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sync: Option<i64>,
}

/// A client as a host language uses it: its settings, calls and answers are JSON.
#[derive(Debug)]
pub struct Engine {
    made: Made,
    /// The spelling of names in the host's language.
    style: Style,
    json_text: bool,
    self_test: bool,
    batches: Batches,
}

#[derive(Debug)]
enum Made {
    Client(Client),
    /// No client could be created from the settings. The diagnosis says why.
    Nothing(Diagnosis),
}

impl Engine {
    /// Creates a client from settings (JSON). The only I/O is reading the key file and the certificate file, if the
    /// settings name them. With the setting `diagnosing`, settings from which no client can be created are accepted
    /// too. Then `client.diagnose` says what is wrong with the settings, and every other call except `client.close`
    /// fails.
    ///
    /// # Errors
    /// Kind `config` if a setting is wrong or a file cannot be read; the message names the setting. Kind `internal`
    /// after a panic.
    pub fn new(settings: &str) -> Result<Self, Failure> {
        match std::panic::catch_unwind(|| Self::made(settings)) {
            Ok(Ok(engine)) => Ok(engine),
            Ok(Err(error)) => Err(Failure::of(&error, Peek::at(settings).style())),
            Err(_) => Err(Failure::of(&defect("reading the settings"), Style::default())),
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
            batches: Batches::default(),
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
            Ok(client) => Ok(Self {
                made: Made::Client(client),
                style,
                json_text,
                self_test,
                batches: Batches::default(),
            }),
            Err(error) if diagnosing => Ok(nothing(settings.known_base(), &error)),
            Err(error) => Err(error),
        }
    }

    /// Creates an engine for a forked process. The new engine has the settings and the key of this engine, and shares
    /// nothing else with it. The environment and files are not read again.
    #[must_use]
    pub fn reopen(&self) -> Self {
        let made = match &self.made {
            Made::Client(client) => Made::Client(client.reopened()),
            Made::Nothing(diagnosis) => Made::Nothing(diagnosis.clone()),
        };
        let Self { style, json_text, self_test, .. } = *self;
        Self { made, style, json_text, self_test, batches: Batches::default() }
    }

    /// Makes one call as [`call`](Self::call) does, and passes its notices to `tell` meanwhile. A notice is JSON: it
    /// says what has happened to the call, with a text for people. `tell` must return at once.
    pub async fn call_telling(
        &self,
        op: &str,
        args: &str,
        opts: &str,
        cancel: &Cancel,
        tell: impl Fn(String) + Send + Sync + 'static,
    ) -> CallOutput {
        let style = self.style;
        let listener: Listener = Arc::new(move |notice| tell(notice.to_json(style)));
        with_listener(listener, self.call(op, args, opts, cancel)).await
    }

    /// Makes one call. The future must be polled in a tokio runtime. Cancelling the call or dropping the future ends
    /// the request in flight.
    pub async fn call(&self, op: &str, args: &str, opts: &str, cancel: &Cancel) -> CallOutput {
        // The future has about 25 kB. Without the box, every future around it would hold and copy these bytes.
        let call = Box::pin(self.cancellable(op, args, opts, cancel));
        let called = AssertUnwindSafe(call).catch_unwind().await;
        match called.unwrap_or_else(|_| Err(defect(op))) {
            Ok(reply) => {
                let head = Head {
                    meta: reply.meta.in_style(self.style),
                    next: reply.next.as_deref(),
                    sync: reply.sync,
                };
                let mut text = Vec::with_capacity(HEAD_SIZE);
                let written = serde_json::to_writer(&mut text, &head).ok();
                let mut head = written.and_then(|()| String::from_utf8(text).ok()).unwrap_or_default();
                if let Some(answer) = reply.answer {
                    self.add_answer(&mut head, answer);
                }
                let (body, texts) =
                    if self.json_text { text::passed(reply.body) } else { (reply.body.text, Vec::new()) };
                CallOutput { ok: true, head, body, texts }
            }
            Err(error) => self.failed(op, error),
        }
    }

    /// The output of a call that could not begin, because no thread or no runtime could be started for it.
    #[must_use]
    pub fn unstarted(&self, op: &str, args: &str, error: &io::Error) -> CallOutput {
        let error = if descriptors::ran_out(error) {
            out_of_descriptors()
        } else {
            Error::new(Kind::Internal, format!("the thread that makes calls could not be started: {error}"))
        };
        self.failed(op, error.at(&self.subject(op, args)))
    }

    fn failed(&self, op: &str, error: Error) -> CallOutput {
        let error = self.scrubbed(ops::named(error, op));
        let head = Failure::of(&error, self.style).written(self.json_text);
        CallOutput { ok: false, head, body: Vec::new(), texts: Vec::new() }
    }

    /// Appends the member `answer` to the text of a head. The value is JSON already, so it is not parsed again.
    fn add_answer(&self, head: &mut String, Answer { status, headers, parsed }: Answer) {
        let headers = serde_json::to_string(&headers).unwrap_or_default();
        let (name, json) = match parsed {
            Ok(value) => {
                let value = if self.json_text { text::marked(&value) } else { value.text };
                ("value", String::from_utf8(value).unwrap_or_default())
            }
            Err(error) => ("failure", Failure::of(&self.scrubbed(error), self.style).written(self.json_text)),
        };
        head.pop();
        let _ = write!(head, r#","answer":{{"status":{status},"headers":{headers},"{name}":{json}}}}}"#);
    }

    /// Removes the API key from an error. The error may quote an argument, and a caller may have passed the API key as
    /// that argument.
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
        let (style, self_test) = (self.style, self.self_test);
        let caller = Caller { client, options, raw, batches: &self.batches, style, self_test };
        // Without the box, both branches of the `if` below would hold the whole future.
        let made = Box::pin(ops::dispatch(&caller, op, &args));
        with_signal(cancel.0.clone(), async { if inside { asking(made).await } else { made.await } }).await
    }
}

/// The settings that are needed even if the other settings are invalid.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Peek {
    diagnosing: bool,
    language: String,
}

impl Peek {
    fn at(settings: &str) -> Self {
        // Serde would read a struct from a JSON list too, but settings must be an object.
        let object = settings.trim_start().starts_with('{');
        object.then(|| serde_json::from_str(settings).ok()).flatten().unwrap_or_default()
    }

    fn style(&self) -> Style {
        Style::of(&self.language)
    }
}

fn defect(what: &str) -> Error {
    Error::new(Kind::Internal, format!("a bug in the SDK made {what} fail"))
        .with_hint("Please report the bug with the version of the SDK and the call that failed. The process can go on safely.")
}
