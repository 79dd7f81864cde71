//! Opaque JSON: values that the API does not define. They keep the text that the server wrote.

mod align;
mod diff;
mod edit;
mod parts;
mod path;
pub(crate) mod scan;
mod show;
mod spelling;
mod steps;
#[cfg(test)]
mod tests;
mod tree;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

pub use diff::{JsonChange, JsonChangeKind, JsonDiff};
pub(crate) use edit::Change;
pub use edit::{JsonEdit, JsonEditError};
pub use path::{JsonPath, JsonStep};
use scan::Member;
pub(crate) use steps::{Name, Step};

/// How deep opaque JSON may nest. Deeper JSON could overflow the stack of the JSON decoder in a host's language.
pub(crate) const MAX_DEPTH: usize = 127;

/// JSON that the API does not define. It stays text until [`value`](Self::value) parses it.
///
/// Two `Json` are equal if their texts or their parsed values are equal.
#[derive(Clone)]
pub struct Json(Box<str>);

impl Json {
    /// The JSON as text. A value from the server keeps the server's spelling.
    #[must_use]
    pub fn get(&self) -> &str {
        &self.0
    }

    /// Parses the value. Returns null if the value contains a number that a double cannot hold (`1e999`) or half of a
    /// surrogate pair (`"\ud83d"`). [`get`](Self::get) returns the text even of such a value.
    #[must_use]
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.0).unwrap_or(Value::Null)
    }

    /// The value at a path, with its original text; `None` if there is no value.
    #[must_use]
    pub fn at(&self, path: impl Into<JsonPath>) -> Option<Self> {
        self.edit().at(path)
    }

    /// Returns a copy in which one value is replaced or added, as [`JsonEdit::set`] does. Everything else keeps its
    /// digits, its spacing and its order.
    ///
    /// # Errors
    /// The path does not exist.
    pub fn with(&self, path: impl Into<JsonPath>, value: impl Into<Self>) -> Result<Self, JsonEditError> {
        self.edit().set(path, value)?.json()
    }

    /// Returns a copy without one member or item. Everything else keeps its digits, its spacing and its order.
    ///
    /// # Errors
    /// The path does not exist or is empty.
    pub fn without(&self, path: impl Into<JsonPath>) -> Result<Self, JsonEditError> {
        self.edit().remove(path)?.json()
    }

    /// Starts several changes.
    ///
    /// ```
    /// use hightouch_sdk::Json;
    ///
    /// # fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let old: Json = r#"{"mode": "upsert", "mappings": [{"from": "id", "to": "Id"}]}"#.parse()?;
    /// let mut edit = old.edit();
    /// edit.set(("mappings", 0, "to"), serde_json::json!("OrderId"))?.remove("mode")?;
    /// let new = edit.json()?;
    /// assert_eq!(new.get(), r#"{"mappings": [{"from": "id", "to": "OrderId"}]}"#);
    /// let diff = old.diff(&new);
    /// assert_eq!(diff.to_string(), "- mode: \"upsert\"\n~ mappings[0].to: \"Id\" -> \"OrderId\"");
    /// assert_eq!(diff.reversed().apply(&new)?, old);
    /// # Ok(())
    /// # }
    /// # example().unwrap();
    /// ```
    #[must_use]
    pub fn edit(&self) -> JsonEdit {
        JsonEdit::of(self)
    }

    /// Finds what differs between this value and a newer one.
    ///
    /// Strings are compared by their characters, numbers by their exact value: `1e400` and `1e401` differ; `1`, `1.0`
    /// and `10e-1` are equal. Spelling and the order of members do not count. Items of lists are aligned, so that an
    /// inserted item is one change.
    #[must_use]
    pub fn diff(&self, new: &Self) -> JsonDiff {
        diff::diff(self.get(), new.get())
    }

    pub(crate) fn into_raw(self) -> Box<RawValue> {
        RawValue::from_string(self.0.into()).unwrap_or_else(|_| RawValue::NULL.to_owned())
    }

    /// Wraps a text that is known to be one JSON value, without white space around it and not nested too deep.
    pub(crate) fn known(text: &str) -> Self {
        Self(text.into())
    }

    /// Serializes a value. Any [`Json`] inside the value keeps its text.
    pub(crate) fn of(value: &impl Serialize) -> Self {
        serde_json::to_string(value).map_or_else(|_| Self::default(), |text| Self(text.into()))
    }

    /// Applies `change` to every string and member name. Everything else keeps its text.
    pub(crate) fn map_text(self, change: &impl Fn(&str) -> String) -> Self {
        Self(map_text(self.get(), change).into())
    }

    pub(crate) fn checked(raw: &RawValue) -> Result<Self, &'static str> {
        check(raw.get()).map(|()| Self::known(raw.get()))
    }
}

impl Default for Json {
    fn default() -> Self {
        Self("null".into())
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

impl From<&Json> for Json {
    fn from(json: &Json) -> Self {
        json.clone()
    }
}

impl std::str::FromStr for Json {
    type Err = serde_json::Error;

    /// Keeps the text as it is, but without white space around it.
    ///
    /// # Errors
    /// The text is not one JSON value, or nests more than 127 levels deep.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        serde_json::from_str(text)
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        let value = |json: &Self| serde_json::from_str::<Value>(json.get()).ok();
        self.get() == other.get() || value(self).is_some_and(|one| value(other) == Some(one))
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.get())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        // Parses the text once more, because `serde_json` creates a borrowed `RawValue` only by parsing.
        serde_json::from_str::<&RawValue>(&self.0).map_err(S::Error::custom)?.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::checked(&Box::<RawValue>::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// A JSON object with members that the API does not define. The object stays text and is compared like [`Json`].
#[derive(Clone, Debug, PartialEq)]
pub struct JsonObject(Json);

impl JsonObject {
    pub(crate) fn text(&self) -> &str {
        self.0.get()
    }

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

/// Returns the names of the members that are not null. Returns no names if the JSON is not an object.
pub(crate) fn members_with_values(text: &str) -> BTreeSet<Cow<'_, str>> {
    let mut names = BTreeSet::new();
    for Member { name, has_escapes, value } in scan::members(text.as_bytes()) {
        let name = String::from_utf8_lossy(name);
        let spelt_out = || serde_json::from_str(&format!("\"{name}\"")).map(Cow::Owned);
        let name = if has_escapes { spelt_out().unwrap_or(name) } else { name };
        // Of several members with the same name, the last one counts.
        if text.as_bytes().get(value) == Some(&b'n') {
            names.remove(&name);
        } else {
            names.insert(name);
        }
    }
    names
}

/// Rejects JSON that nests too deep for a host's decoder. Does not check that the text is JSON.
pub(crate) fn check(text: &str) -> Result<(), &'static str> {
    match scan::value(text.as_bytes(), 0) {
        Ok(passed) if passed.depth > MAX_DEPTH => Err("JSON nested deeper than 127"),
        _ => Ok(()),
    }
}

/// Removes the byte order mark that some servers and proxies write before an answer. RFC 8259 §8.1 allows readers to
/// ignore the mark.
pub(crate) fn without_byte_order_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

/// Replaces every unpaired half of a surrogate pair with U+FFFD (RFC 8259 §8.2). A JavaScript server writes such a half
/// if it cuts a text in the middle of an emoji. The text is valid JSON before and after.
pub(crate) fn without_halves(text: &str) -> String {
    let mut whole = text.to_owned();
    for at in halves(text) {
        // The new escape is as long as the old one, so the other positions stay valid.
        whole.replace_range(at..at + ESCAPE, "\\ufffd");
    }
    whole
}

/// The length of an escape like `\u00e9`.
const ESCAPE: usize = 6;

/// The positions of escapes that are one half of a surrogate pair without the other half.
fn halves(text: &str) -> Vec<usize> {
    let unit = |at: usize| {
        let digits = text.get(at..at + ESCAPE)?.strip_prefix("\\u")?;
        u32::from_str_radix(digits, 16).ok()
    };
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(escape) = text.get(at..).and_then(|rest| rest.find('\\')).map(|after| at + after) {
        at = match unit(escape) {
            // Skips both bytes of an escape like `\\`, because the second byte does not begin an escape.
            None => escape + 2,
            Some(0xD800..=0xDBFF) if matches!(unit(escape + ESCAPE), Some(0xDC00..=0xDFFF)) => {
                escape + 2 * ESCAPE
            }
            Some(0xD800..=0xDFFF) => {
                found.push(escape);
                escape + ESCAPE
            }
            Some(_) => escape + ESCAPE,
        };
    }
    found
}

/// Applies `change` to every string in valid JSON, names of members included.
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
            // A string with half of a surrogate pair cannot be decoded, so `change` cannot be applied to it. Such a
            // string becomes empty, because it may contain a secret that `change` would remove.
            Err(_) => mapped.push_str("\"\""),
        }
        rest = after;
    }
    mapped + rest
}

/// Splits a text at its first string: what precedes it, the string with its quotes, and what follows it.
fn first_string(text: &str) -> Option<(&str, &str, &str)> {
    let start = text.find('"')?;
    let end = scan::string(text.as_bytes(), start).ok()?.end;
    Some((text.get(..start)?, text.get(start..end)?, text.get(end..)?))
}
