//! Reads what a caller passes, strictly: an unknown, missing or ill-typed member is an error that names its path.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::Timestamp;
use crate::error::{Error, Kind};
use crate::json::{Json, JsonObject};
use crate::message::{Message, Name, Segment, Style, Term};
use crate::patch::Patch;
use crate::secret::Secret;
use crate::text::nearest;

/// The longest unknown name, in bytes, that a message repeats. A longer text may be a secret and not a misspelt name.
const LONGEST_NAME: usize = 64;

/// A type that can be read from the JSON of a caller.
pub(crate) trait FromCaller: Sized {
    fn from_caller(raw: &RawValue) -> Result<Self, Invalid>;
}

/// Why a caller's value is rejected, and where the value is.
#[derive(Debug)]
pub(crate) struct Invalid {
    /// The path to the value, innermost segment first.
    path: Vec<Segment>,
    problem: Problem,
}

#[derive(Debug)]
enum Problem {
    Missing,
    /// The rest of a sentence that begins with the name of the value, such as `must be a string`.
    Wrong(Message),
    Unknown {
        given: String,
        known: Vec<&'static str>,
    },
}

/// What a caller passes as one JSON object. Error messages call its members "argument", "option" or "setting".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    Arguments,
    Options,
    Settings,
}

impl Given {
    fn one(self) -> &'static str {
        match self {
            Self::Arguments => "argument",
            Self::Options => "option",
            Self::Settings => "setting",
        }
    }

    fn kind(self) -> Kind {
        if self == Self::Settings { Kind::Config } else { Kind::InvalidRequest }
    }
}

/// Reads a JSON object; empty text counts as `{}`.
pub(crate) fn read<T: FromCaller>(given: Given, text: &str) -> Result<T, Error> {
    object(text).and_then(T::from_caller).map_err(|invalid| invalid.into_error(given))
}

fn object(text: &str) -> Result<&RawValue, Invalid> {
    let text = if text.trim_start().is_empty() { "{}" } else { text };
    match serde_json::from_str::<&RawValue>(text) {
        Ok(raw) if raw.get().starts_with('{') => Ok(raw),
        _ => Err(Invalid::wrong("must be one JSON object")),
    }
}

/// Reads an argument that was already taken out of the object of arguments. `None` stands for a missing argument.
pub(crate) fn argument<T: FromCaller>(name: &'static str, raw: Option<&RawValue>) -> Result<T, Error> {
    raw.map_or_else(|| Err(Invalid::missing()), T::from_caller)
        .map_err(|invalid| invalid.within(Segment::Member(name)).into_error(Given::Arguments))
}

/// Implements Serde's `Deserialize` for a type with [`FromCaller`].
pub(crate) fn deserialized<'de, T: FromCaller, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    let raw = Box::<RawValue>::deserialize(from)?;
    T::from_caller(&raw)
        .map_err(|invalid| D::Error::custom(invalid.message(Given::Arguments).in_style(Style::Rust)))
}

impl Invalid {
    pub(crate) fn wrong(what: impl Into<Message>) -> Self {
        Self { path: Vec::new(), problem: Problem::Wrong(what.into()) }
    }

    pub(crate) fn missing() -> Self {
        Self { path: Vec::new(), problem: Problem::Missing }
    }

    pub(crate) fn unknown(given: &str, known: impl IntoIterator<Item = Option<&'static str>>) -> Self {
        let known = known.into_iter().flatten().collect();
        Self { path: Vec::new(), problem: Problem::Unknown { given: given.to_owned(), known } }
    }

    /// The error for a string that is not one of `values`.
    pub(crate) fn unlisted(values: &[&str]) -> Self {
        Self::wrong(format!("must be one of `{}`", values.join("`, `")))
    }

    /// The error for a value of the wrong type. It names the type that was found, but not the value, because the value
    /// may be a secret.
    fn expected(what: impl Into<Message>, raw: &RawValue) -> Self {
        Self::wrong(message!["must be ", what, ", not ", found(raw)])
    }

    pub(crate) fn within(mut self, segment: Segment) -> Self {
        self.path.push(segment);
        self
    }

    fn into_error(self, given: Given) -> Error {
        Error::new(given.kind(), self.message(given))
    }

    fn message(mut self, given: Given) -> Message {
        self.path.reverse();
        let one = given.one();
        let place = |path: Vec<Segment>| {
            if path.is_empty() {
                message![format!("the {one}s")]
            } else {
                message![format!("the {one} "), Message::path(path)]
            }
        };
        match self.problem {
            Problem::Missing => message![place(self.path), " is missing. Nothing was sent."],
            Problem::Wrong(what) => message![place(self.path), " ", what, ". Nothing was sent."],
            Problem::Unknown { given, known } => {
                let shown = if is_plain(&given) { format!(" `{given}`") } else { String::new() };
                let (members, what) = if self.path.is_empty() {
                    (one, message![format!("unknown {one}{shown}; ")])
                } else {
                    let what = format!("unknown member{shown} of the {one} ");
                    ("member", message![what, Message::path(self.path), "; "])
                };
                let meant = if is_plain(&given) { nearest(&given, known.iter().copied()) } else { None };
                match meant.and_then(|meant| known.iter().find(|name| **name == meant)) {
                    Some(meant) => message![what, "did you mean ", Name(meant), "? Nothing was sent."],
                    None if known.is_empty() => {
                        message![what, format!("no {members} is expected here. Nothing was sent.")]
                    }
                    None => message![what, "known are ", Message::list(known), ". Nothing was sent."],
                }
            }
        }
    }
}

/// Whether a text looks like a misspelt name. Any other text may be a secret and is not shown.
fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    name.len() <= LONGEST_NAME && name.bytes().all(plain)
}

fn found(raw: &RawValue) -> Message {
    match raw.get().bytes().next() {
        Some(b'n') => Term::Null.into(),
        Some(b'"') => "a string".into(),
        Some(b'[') => Term::List.into(),
        Some(b'{') => "an object".into(),
        Some(b't' | b'f') => "a boolean".into(),
        _ => "a number".into(),
    }
}

fn is_number(raw: &RawValue) -> bool {
    raw.get().starts_with(|first: char| first == '-' || first.is_ascii_digit())
}

/// The members of an object, in order.
pub(crate) fn members(raw: &RawValue) -> Result<Vec<(Cow<'_, str>, &RawValue)>, Invalid> {
    struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);
    struct Collect;

    impl<'de> Visitor<'de> for Collect {
        type Value = Members<'de>;

        fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
            to.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some(member) = map.next_entry()? {
                members.push(member);
            }
            Ok(Members(members))
        }
    }

    impl<'de> Deserialize<'de> for Members<'de> {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            from.deserialize_map(Collect)
        }
    }

    if !raw.get().starts_with('{') {
        return Err(Invalid::expected("an object", raw));
    }
    serde_json::from_str::<Members<'_>>(raw.get())
        .map(|members| members.0)
        .map_err(|_| Invalid::wrong("has a member with an unpaired surrogate in its name"))
}

/// Splits a variant of a union, as a caller wrote it, into its tag and its other members. If the tag is `unknown` and
/// the variant has a member `raw`, returns the value of `raw` in place of the other members.
///
/// `by` pairs the tag of each variant with the member that only this variant has. If the caller left out the tag, that
/// member tells which tag is meant.
pub(crate) fn variant(
    raw: &RawValue,
    by: &[(&'static str, &'static str)],
) -> Result<(String, Box<RawValue>), Invalid> {
    let mut object = BTreeMap::<String, Box<RawValue>>::from_caller(raw)?;
    let tag = match object.remove("kind") {
        Some(tag) => String::from_caller(&tag).map_err(|invalid| invalid.within(Segment::Member("kind")))?,
        None => by
            .iter()
            .find(|(_, member)| object.contains_key(*member))
            .map_or_else(|| "unknown".to_owned(), |(tag, _)| (*tag).to_owned()),
    };
    if tag == "unknown"
        && let Some(raw) = object.remove("raw")
    {
        return Ok((tag, raw));
    }
    let rest = serde_json::value::to_raw_value(&object);
    rest.map(|rest| (tag, rest)).map_err(|_| Invalid::wrong("cannot be written as JSON"))
}

impl FromCaller for String {
    fn from_caller(raw: &RawValue) -> Result<Self, Invalid> {
        if !raw.get().starts_with('"') {
            return Err(Invalid::expected("a string", raw));
        }
        serde_json::from_str(raw.get())
            .map_err(|_| Invalid::wrong("must be a string without unpaired surrogates"))
    }
}

impl FromCaller for bool {
    fn from_caller(raw: &RawValue) -> Result<Self, Invalid> {
        raw.get().parse().map_err(|_| Invalid::expected(Term::Boolean, raw))
    }
}

/// Parses numbers from their text, because Serde's own parsing depends on features of `serde_json`. Any crate of the
/// same build may turn these features on.
macro_rules! numbers {
    ($($type:ty: $what:literal;)*) => {
        $(impl FromCaller for $type {
            fn from_caller(raw: &RawValue) -> Result<Self, Invalid> {
                match raw.get().parse() {
                    Ok(value) if is_number(raw) => Ok(value),
                    _ if is_number(raw) => Err(Invalid::wrong(concat!("must be ", $what))),
                    _ => Err(Invalid::expected($what, raw)),
                }
            }
        })*
    };
}

numbers! {
    i64: "a whole number";
    u64: "a whole number that is not negative";
    u32: "a whole number from 0 to 4,294,967,295";
    u16: "a whole number from 0 to 65,535";
}

impl FromCaller for f64 {
    fn from_caller(raw: &RawValue) -> Result<Self, Invalid> {
        match raw.get().parse::<f64>() {
            Ok(value) if is_number(raw) && value.is_finite() => Ok(value),
            _ if is_number(raw) => Err(Invalid::wrong("must be a number that a double can hold")),
            _ => Err(Invalid::expected("a number", raw)),
        }
    }
}

impl FromCaller for Timestamp {
    fn from_caller(raw: &RawValue) -> Result<Self, Invalid> {
        String::from_caller(raw)?.parse().map_err(|why: String| Invalid::wrong(format!("is {why}")))
    }
}

impl FromCaller for Box<RawValue> {
    fn from_caller(raw: &RawValue) -> Result<Self, Invalid> {
        Ok(raw.to_owned())
    }
}

impl FromCaller for Json {
    fn from_caller(raw: &RawValue) -> Result<Self, Invalid> {
        Self::checked(raw).map_err(|why| Invalid::wrong(format!("holds {why}")))
    }
}

impl FromCaller for JsonObject {
    fn from_caller(raw: &RawValue) -> Result<Self, Invalid> {
        Self::try_from(Json::from_caller(raw)?).map_err(Invalid::wrong)
    }
}

impl FromCaller for Secret {
    fn from_caller(raw: &RawValue) -> Result<Self, Invalid> {
        String::from_caller(raw).map(Self::from)
    }
}

impl<T: FromCaller> FromCaller for Option<T> {
    fn from_caller(raw: &RawValue) -> Result<Self, Invalid> {
        if raw.get() == "null" { Ok(None) } else { T::from_caller(raw).map(Some) }
    }
}

impl<T: FromCaller> FromCaller for Patch<T> {
    fn from_caller(raw: &RawValue) -> Result<Self, Invalid> {
        Option::from_caller(raw).map(|value| value.map_or(Self::Null, Self::Set))
    }
}

impl<T: FromCaller> FromCaller for Vec<T> {
    fn from_caller(raw: &RawValue) -> Result<Self, Invalid> {
        let items: Vec<&RawValue> =
            serde_json::from_str(raw.get()).map_err(|_| Invalid::expected(Term::List, raw))?;
        let item =
            |(index, item)| T::from_caller(item).map_err(|invalid| invalid.within(Segment::Index(index)));
        items.into_iter().enumerate().map(item).collect()
    }
}

impl<T: FromCaller> FromCaller for BTreeMap<String, T> {
    fn from_caller(raw: &RawValue) -> Result<Self, Invalid> {
        let entry = |(name, value): (Cow<'_, str>, &RawValue)| {
            let shown = || if is_plain(&name) { name.clone().into_owned() } else { "…".to_owned() };
            let value = T::from_caller(value).map_err(|invalid| invalid.within(Segment::Key(shown())))?;
            Ok((name.into_owned(), value))
        };
        members(raw)?.into_iter().map(entry).collect()
    }
}
