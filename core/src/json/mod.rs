//! Opaque JSON: carried as the server wrote it.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

mod equal;

use equal::equal;
pub(crate) use equal::number;

/// How deep opaque JSON may nest: what decoders, our own first, take without running out of stack.
pub(crate) const MAX_DEPTH: usize = 127;

/// JSON whose shape the API leaves open, kept as text until it is looked at; equal when the values are.
///
/// Numbers are compared exactly: `1` and `1.0` are equal, `9007199254740992` and `9007199254740993` are not.
#[derive(Clone)]
pub struct Json(Box<RawValue>);

impl Json {
    /// The text as the server wrote it.
    #[must_use]
    pub fn get(&self) -> &str {
        self.0.get()
    }

    /// The value as a tree; null where no tree can hold it, because a number in it is beyond what a double can be
    /// (`1e999`): [`get`](Self::get) has it all the same.
    #[must_use]
    pub fn value(&self) -> Value {
        serde_json::from_str(self.0.get()).unwrap_or(Value::Null)
    }

    pub(crate) fn into_raw(self) -> Box<RawValue> {
        self.0
    }

    /// What JSON there is of a value; opaque parts of it stay as they are spelt.
    pub(crate) fn of(value: &impl Serialize) -> Self {
        serde_json::value::to_raw_value(value).map_or_else(|_| Self::default(), Self)
    }

    /// The same value with every string and member name put through `change`; what it leaves alone stays as it is spelt.
    pub(crate) fn map_text(self, change: &impl Fn(&str) -> String) -> Self {
        let changed = map_text(self.get(), change);
        RawValue::from_string(changed).map_or_else(|_| Self::default(), Self)
    }

    pub(crate) fn checked(raw: Box<RawValue>) -> Result<Self, &'static str> {
        check(raw.get()).map(|()| Self(raw))
    }
}

impl Default for Json {
    fn default() -> Self {
        Self(RawValue::NULL.to_owned())
    }
}

impl From<Value> for Json {
    fn from(value: Value) -> Self {
        Self::from(&value)
    }
}

impl From<&Value> for Json {
    fn from(value: &Value) -> Self {
        Self::of(value)
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        equal(self.get(), other.get())
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.get())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::checked(Box::<RawValue>::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// A JSON object whose members the API leaves open, kept as text until it is looked at; equal when the values are.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonObject(Json);

impl JsonObject {
    /// The object as JSON of any shape.
    #[must_use]
    pub fn into_json(self) -> Json {
        self.0
    }
}

impl Default for JsonObject {
    fn default() -> Self {
        Self(Json::from(Value::Object(Map::new())))
    }
}

impl From<Map<String, Value>> for JsonObject {
    fn from(members: Map<String, Value>) -> Self {
        Self(Json::from(Value::Object(members)))
    }
}

impl TryFrom<Json> for JsonObject {
    type Error = &'static str;

    fn try_from(json: Json) -> Result<Self, Self::Error> {
        if json.get().starts_with('{') { Ok(Self(json)) } else { Err("must be a JSON object") }
    }
}

impl TryFrom<Value> for JsonObject {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        Self::try_from(Json::from(value))
    }
}

impl Serialize for JsonObject {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }
}

impl<'de> Deserialize<'de> for JsonObject {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::try_from(Json::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// Refuses what some host's decoder would stumble over later.
pub(crate) fn check(text: &str) -> Result<(), &'static str> {
    // Counting brackets costs a fraction of a scan, and nearly every value passes on the count alone.
    let brackets = text.bytes().filter(|byte| matches!(byte, b'{' | b'[')).count();
    if brackets > MAX_DEPTH && depth(text) > MAX_DEPTH {
        return Err("JSON nested deeper than 127");
    }
    if text.contains("\\u") && has_lone_surrogate(text) {
        return Err("JSON with half of a surrogate pair");
    }
    Ok(())
}

/// The deepest nesting, strings passed over.
pub(crate) fn depth(text: &str) -> usize {
    let (mut now, mut most, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                now += 1;
                most = most.max(now);
            }
            b'}' | b']' if !in_string => now = now.saturating_sub(1),
            _ => {}
        }
    }
    most
}

/// Whether an escape names half of a pair without its other half (RFC 8259 §7). The text is valid JSON.
fn has_lone_surrogate(text: &str) -> bool {
    let unit = |at: usize| text.get(at..at + 4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find('\\')) {
        let escape = at + found;
        at = escape + 2;
        if bytes.get(escape + 1) != Some(&b'u') {
            continue;
        }
        at = escape + 6;
        match unit(escape + 2) {
            Some(0xD800..=0xDBFF) => {
                let low =
                    text.get(at..at + 2) == Some("\\u") && matches!(unit(at + 2), Some(0xDC00..=0xDFFF));
                if !low {
                    return true;
                }
                at += 6;
            }
            Some(0xDC00..=0xDFFF) => return true,
            _ => {}
        }
    }
    false
}

/// The text of valid JSON with every string in it put through `change`.
fn map_text(text: &str, change: &impl Fn(&str) -> String) -> String {
    let mut mapped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, string, after)) = first_string(rest) {
        mapped.push_str(before);
        match serde_json::from_str::<String>(string) {
            Ok(read) => {
                let changed = change(&read);
                if changed == read {
                    mapped.push_str(string);
                } else {
                    mapped += &Value::from(changed).to_string();
                }
            }
            // Half of a surrogate pair: what cannot be read cannot be changed.
            Err(_) => mapped.push_str("\"\""),
        }
        rest = after;
    }
    mapped + rest
}

/// What stands before the first string, the string with its quotes, and what comes after it.
fn first_string(text: &str) -> Option<(&str, &str, &str)> {
    let start = text.find('"')?;
    let mut escaped = false;
    let length = text.get(start + 1..)?.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })?;
    let end = start + length + 2;
    Some((text.get(..start)?, text.get(start..end)?, text.get(end..)?))
}
