//! Functions that host languages call without a client. They neither wait nor do I/O.

use std::panic::catch_unwind;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::problem::problem;
use crate::json::{Change, Json, JsonChange, JsonChangeKind, JsonDiff, JsonStep, Name, Step};

/// Calls the function `op` with arguments in JSON, and returns its result as JSON.
///
/// # Errors
/// Returns a sentence for the user if the function does not exist, its arguments are wrong, an edit or a change does
/// not fit the JSON, or the function panics.
pub fn local(op: &str, args: &str) -> Result<String, String> {
    let made = catch_unwind(|| match op {
        "json.edit" => edited(args),
        "json.diff" => diffed(args),
        "json.apply" => applied(args),
        "json.describe" => described(args),
        "run.problem" => Ok(problem(args)),
        _ => Err(format!("There is no function {op}.")),
    });
    made.unwrap_or_else(|_| Err(format!("A bug in the SDK made {op} fail. Please report it.")))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edits<'a> {
    json: Text,
    #[serde(borrow)]
    edits: Vec<Edit<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit<'a> {
    #[serde(rename = "do")]
    does: Does,
    #[serde(borrow)]
    path: Vec<&'a RawValue>,
    value: Option<Text>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Does {
    Set,
    Insert,
    Append,
    Remove,
    Rename,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Compared {
    old: Text,
    new: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Applied {
    json: Text,
    changes: Vec<Changed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    changes: Vec<Changed>,
}

#[derive(Serialize)]
struct Edited<'a> {
    json: &'a str,
}

#[derive(Serialize)]
struct Changes {
    changes: Vec<Changed>,
}

#[derive(Serialize)]
struct Lines {
    lines: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Changed {
    path: Vec<PathStep>,
    kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    old: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    new: Option<Text>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum PathStep {
    Index(usize),
    Name(String),
}

impl<'de> Deserialize<'de> for PathStep {
    /// Reads the raw text first: an untagged enum cannot read a number if any crate enables `serde_json`'s feature
    /// `arbitrary_precision`.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(from)?;
        let name = serde_json::from_str(raw.get()).map(Self::Name);
        name.or_else(|_| serde_json::from_str(raw.get()).map(Self::Index)).map_err(D::Error::custom)
    }
}

#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Added,
    Removed,
    Changed,
}

/// JSON as a string, so that no decoder of a host reads the numbers in the JSON.
#[derive(Serialize, Deserialize)]
struct Text(String);

impl Text {
    fn json(&self) -> Result<Json, String> {
        self.0.parse().map_err(|error| format!("The text is not valid JSON: {error}."))
    }
}

fn read<'a, T: Deserialize<'a>>(args: &'a str) -> Result<T, String> {
    serde_json::from_str(args).map_err(|error| format!("The arguments do not fit: {error}."))
}

fn written(value: &impl Serialize) -> Result<String, String> {
    serde_json::to_string(value).map_err(|error| format!("The result cannot be written: {error}."))
}

fn edited(args: &str) -> Result<String, String> {
    let Edits { json, edits } = read(args)?;
    let mut edit = json.json()?.edit();
    for Edit { does, path, value, name } in edits {
        let steps = path.into_iter().map(Step::read).collect::<Result<Vec<_>, _>>()?;
        let value = || value.as_ref().ok_or("The value is missing.")?.json();
        let change = match does {
            Does::Set => Change::Set(value()?),
            Does::Insert => Change::Insert(value()?),
            Does::Append => Change::Append(value()?),
            Does::Remove => Change::Remove,
            Does::Rename => Change::Rename(Name::read(name.ok_or("The name is missing.")?)?),
        };
        edit.change(&steps, change).map_err(|error| error.to_string())?;
    }
    written(&Edited { json: edit.json().map_err(|error| error.to_string())?.get() })
}

fn diffed(args: &str) -> Result<String, String> {
    let Compared { old, new } = read(args)?;
    let diff = old.json()?.diff(&new.json()?);
    written(&Changes { changes: diff.changes().iter().map(Changed::of).collect() })
}

fn applied(args: &str) -> Result<String, String> {
    let Applied { json, changes } = read(args)?;
    let json = diff(&changes)?.apply(&json.json()?);
    let json = json.map_err(|error| format!("The changes do not fit this JSON. {error}"))?;
    written(&Edited { json: json.get() })
}

fn described(args: &str) -> Result<String, String> {
    let Described { changes } = read(args)?;
    written(&Lines { lines: diff(&changes)?.changes().iter().map(ToString::to_string).collect() })
}

fn diff(changes: &[Changed]) -> Result<JsonDiff, String> {
    changes.iter().map(Changed::change).collect::<Result<Vec<_>, _>>().map(JsonDiff::from)
}

impl Changed {
    fn of(change: &JsonChange) -> Self {
        let step = |step: &JsonStep| match step {
            JsonStep::Index(index) => PathStep::Index(*index),
            JsonStep::Name(name) => PathStep::Name(name.clone()),
        };
        let text = |json: &Option<Json>| json.as_ref().map(|json| Text(json.get().to_owned()));
        Self {
            path: change.path.steps().iter().map(step).collect(),
            kind: Kind::of(change),
            old: text(&change.old),
            new: text(&change.new),
        }
    }

    fn change(&self) -> Result<JsonChange, String> {
        let step = |step: &PathStep| match step {
            PathStep::Index(index) => JsonStep::Index(*index),
            PathStep::Name(name) => JsonStep::Name(name.clone()),
        };
        let json = |text: &Option<Text>| text.as_ref().map(Text::json).transpose();
        let change = JsonChange {
            path: self.path.iter().map(step).collect::<Vec<_>>().into(),
            old: json(&self.old)?,
            new: json(&self.new)?,
        };
        let is_whole = (self.old.is_some() || self.new.is_some()) && Kind::of(&change) == self.kind;
        if is_whole { Ok(change) } else { Err("The values of a change do not fit its kind.".to_owned()) }
    }
}

impl Kind {
    fn of(change: &JsonChange) -> Self {
        match change.kind() {
            JsonChangeKind::Added => Self::Added,
            JsonChangeKind::Removed => Self::Removed,
            JsonChangeKind::Changed => Self::Changed,
        }
    }
}
