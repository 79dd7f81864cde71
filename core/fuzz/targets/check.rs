//! Checks that hold for every result of the door, the JSON interface that the packages of all languages use.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hightouch_sdk::wire::{CallOutput, catalogue};
use serde_json::Value;
use serde_json::value::RawValue;

use super::KEY;

/// The longest message, in characters. It contains at most 400 characters of a text that the server sent.
const LONGEST_LINE: usize = 1500;
/// The largest failure, in bytes. The core cuts the details of a failure at 16 KiB. Escaping can make the details six
/// times as long.
const LARGEST_HEAD: usize = 256 << 10;

pub fn percent(text: &str) -> String {
    text.bytes()
        .map(
            |byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            },
        )
        .collect()
}

pub fn base64(text: &str) -> String {
    STANDARD.encode(text)
}

pub fn base64url(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// Returns the parsed catalogue.
pub fn known() -> &'static Value {
    static KNOWN: OnceLock<Value> = OnceLock::new();
    KNOWN.get_or_init(|| serde_json::from_str(&catalogue()).unwrap())
}

fn kinds() -> &'static BTreeSet<String> {
    static KINDS: OnceLock<BTreeSet<String>> = OnceLock::new();
    KINDS.get_or_init(|| {
        let kinds = known()["kinds"].as_array().unwrap();
        kinds.iter().map(|kind| kind["name"].as_str().unwrap().to_owned()).collect()
    })
}

/// Panics if the text contains the key in any form.
pub fn without_the_key(text: &str) {
    static FORMS: OnceLock<Vec<String>> = OnceLock::new();
    let forms = FORMS.get_or_init(|| {
        let quoted = serde_json::to_string(KEY).unwrap().trim_matches('"').to_owned();
        let twice = serde_json::to_string(&quoted).unwrap().trim_matches('"').to_owned();
        // The base64 form of the key depends on the offset of the key within a group of three bytes. The first and the
        // last characters of the form depend on the neighbouring bytes too, so the check leaves them out.
        let within = (0..3).map(|before| {
            let between = |neighbour: u8| {
                STANDARD.encode([&vec![neighbour; before], KEY.as_bytes(), &[neighbour; 2]].concat())
            };
            let (zeros, ones) = (between(0), between(0xff));
            zeros
                .chars()
                .zip(ones.chars())
                .filter(|(zero, one)| zero == one && *zero != '=')
                .map(|(same, _)| same)
                .collect()
        });
        [KEY.to_owned(), quoted, twice, percent(KEY), percent(KEY).to_lowercase()]
            .into_iter()
            .chain(within)
            .collect()
    });
    for form in forms {
        assert!(!text.contains(form.as_str()), "the text contains the key as {form:?}: {text}");
    }
}

/// Panics unless the text is one line of bounded length without control characters.
fn line(what: &str, text: &str) {
    assert!(!text.is_empty(), "{what} is empty");
    assert!(text.chars().count() <= LONGEST_LINE, "{what} has {} characters: {text}", text.chars().count());
    assert!(
        !text.chars().any(|char| char.is_control() || matches!(char, '\u{2028}' | '\u{2029}')),
        "{what} is more than a line: {text:?}"
    );
}

/// Returns the result that the call would have without the option `raw`; `None` if the call was not raw.
fn meaning(outcome: &CallOutput) -> Option<CallOutput> {
    type Members = BTreeMap<String, Box<RawValue>>;
    // Parses one level at a time, because the value may nest too deep for a `Value`.
    let mut head: Members = serde_json::from_str(&outcome.head).expect("a head is JSON");
    let mut answer: Members = serde_json::from_str(head.remove("answer")?.get()).unwrap();
    let (value, failure) = (answer.remove("value"), answer.remove("failure"));
    without_the_key(&serde_json::to_string(&answer).unwrap());
    assert!(value.is_some() != failure.is_some(), "an answer means a value or a failure");
    let head = failure.as_ref().map_or_else(|| serde_json::to_string(&head).unwrap(), ToString::to_string);
    Some(CallOutput {
        ok: failure.is_none(),
        head,
        body: value.map_or(Vec::new(), |value| value.get().into()),
        texts: Vec::new(),
    })
}

/// The checked result of a call.
pub struct Given {
    pub ok: bool,
    pub head: Value,
    pub body: Vec<u8>,
}

impl Given {
    pub fn of(outcome: CallOutput) -> Self {
        let outcome = meaning(&outcome).unwrap_or(outcome);
        without_the_key(&outcome.head);
        let head = readable(outcome.head.as_bytes());
        if outcome.ok {
            meta(&head["meta"]);
        } else {
            assert!(outcome.body.is_empty(), "a failure has no body");
            failure(&head, &outcome.head);
        }
        Self { ok: outcome.ok, head, body: outcome.body }
    }

    /// Returns the value in the body, with null for a number that a `Value` cannot hold.
    pub fn value(&self) -> Value {
        readable(&self.body)
    }
}

/// Reads JSON. Opaque JSON, which the API leaves open, may contain a number that no `Value` can hold, such as `1e999`.
/// Such a number becomes null.
fn readable(json: &[u8]) -> Value {
    let raw: &RawValue =
        serde_json::from_slice(json).unwrap_or_else(|error| panic!("the text is not JSON: {error}"));
    within(raw)
}

fn within(raw: &RawValue) -> Value {
    let text = raw.get();
    serde_json::from_str(text).unwrap_or_else(|_| match text.as_bytes().first() {
        Some(b'{') => {
            let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text).unwrap_or_default();
            members.into_iter().map(|(name, value)| (name, within(&value))).collect()
        }
        Some(b'[') => {
            let items: Vec<Box<RawValue>> = serde_json::from_str(text).unwrap_or_default();
            items.iter().map(|item| within(item)).collect()
        }
        _ => Value::Null,
    })
}

/// Panics unless the failure has a one-line message, a known kind other than `internal`, and a bounded size.
pub fn failure(head: &Value, text: &str) {
    let kind = head["kind"].as_str().unwrap_or_default();
    assert!(kinds().contains(kind) && kind != "internal", "the kind is {kind:?}: {text}");
    assert!(text.len() <= LARGEST_HEAD, "a failure of {} bytes", text.len());
    line("the message", head["message"].as_str().unwrap());
    for name in ["hint", "operation", "operationId", "resource"] {
        if let Some(text) = head[name].as_str() {
            line(name, text);
        }
    }
    for cause in head["causes"].as_array().unwrap() {
        line("a cause", cause.as_str().unwrap());
    }
    assert!(head["retryAfterMs"].as_u64().unwrap_or(0) <= 1 << 53);
    if head["meta"].is_object() {
        meta(&head["meta"]);
    }
}

/// Checks the description of a call that begins.
pub fn announcement(text: &str) {
    without_the_key(text);
    let announced: Value = serde_json::from_str(text).expect("an announcement is JSON");
    assert_eq!(announced["callId"].as_str().unwrap().len(), 32);
    named(&announced);
}

fn named(call: &Value) {
    line("the operation", call["operation"].as_str().unwrap());
    for (what, name) in [("what it was called on", "resource"), ("the sync", "sync")] {
        if let Some(text) = call[name].as_str() {
            line(what, text);
        }
    }
}

fn meta(meta: &Value) {
    named(meta);
    assert_eq!(meta["requestId"].as_str().unwrap().len(), 32);
    let mended = meta["mended"].as_array().unwrap();
    assert!(mended.len() <= 64, "{} mended paths", mended.len());
    for path in mended {
        let path = path.as_str().unwrap();
        if !path.is_empty() {
            line("a mended path", path);
        }
    }
}
