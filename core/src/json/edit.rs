//! Changes values in JSON text. Everything else keeps its digits, its spacing and its order.

use std::error::Error;
use std::fmt;

use super::parts::Node;
use super::path::JsonPath;
use super::steps::{Name, Step};
use super::{Json, MAX_DEPTH, check};

/// Why JSON could not be changed: the path at which the change failed, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonEditError {
    path: JsonPath,
    why: String,
}

impl JsonEditError {
    pub(super) fn new(path: JsonPath, why: impl Into<String>) -> Self {
        Self { path, why: why.into() }
    }

    /// The path at which the change failed.
    #[must_use]
    pub fn path(&self) -> &JsonPath {
        &self.path
    }
}

impl fmt::Display for JsonEditError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}: {}.", self.path, self.why)
    }
}

impl Error for JsonEditError {}

/// An editable copy of a [`Json`]. Values that are not changed keep their text, and the members keep their order.
///
/// A change that fails changes nothing.
#[derive(Debug)]
pub struct JsonEdit {
    root: Node,
}

impl JsonEdit {
    pub(super) fn of(json: &Json) -> Self {
        Self { root: Node::Text(json.get().into()) }
    }

    /// Returns the value at a path, with all changes so far; `None` if there is no value.
    #[must_use]
    pub fn at(&mut self, path: impl Into<JsonPath>) -> Option<Json> {
        let steps = Step::of(&path.into());
        let node = self.node(&steps).ok()?;
        let mut text = String::new();
        node.write(&mut text);
        Some(Json::known(&text))
    }

    /// Replaces the value at a path. If the path ends with a name that the object lacks, adds the member at the end of
    /// the object. If the path ends with an index that is the length of the list, adds the item at the end.
    ///
    /// # Errors
    /// The path does not exist.
    pub fn set(
        &mut self,
        path: impl Into<JsonPath>,
        value: impl Into<Json>,
    ) -> Result<&mut Self, JsonEditError> {
        self.change(&Step::of(&path.into()), Change::Set(value.into()))
    }

    /// Inserts an item into a list. The path ends with the index that the item gets; this index may be the length of
    /// the list.
    ///
    /// # Errors
    /// The path does not exist, or its last step is not an index of a list.
    pub fn insert(
        &mut self,
        path: impl Into<JsonPath>,
        value: impl Into<Json>,
    ) -> Result<&mut Self, JsonEditError> {
        self.change(&Step::of(&path.into()), Change::Insert(value.into()))
    }

    /// Adds an item at the end of the list at a path.
    ///
    /// # Errors
    /// The path does not exist, or the value at the path is not a list.
    pub fn append(
        &mut self,
        path: impl Into<JsonPath>,
        value: impl Into<Json>,
    ) -> Result<&mut Self, JsonEditError> {
        self.change(&Step::of(&path.into()), Change::Append(value.into()))
    }

    /// Removes a member of an object or an item of a list.
    ///
    /// # Errors
    /// The path does not exist or is empty.
    pub fn remove(&mut self, path: impl Into<JsonPath>) -> Result<&mut Self, JsonEditError> {
        self.change(&Step::of(&path.into()), Change::Remove)
    }

    /// Gives a member another name. The member keeps its value and its place in the object.
    ///
    /// # Errors
    /// The path does not exist, its last step is not a name, or the object already has a member with the new name.
    pub fn rename(
        &mut self,
        path: impl Into<JsonPath>,
        name: impl Into<String>,
    ) -> Result<&mut Self, JsonEditError> {
        self.change(&Step::of(&path.into()), Change::Rename(Name::of(&name.into())))
    }

    /// Returns the changed copy.
    ///
    /// # Errors
    /// The copy nests more than 127 levels deep.
    pub fn json(&self) -> Result<Json, JsonEditError> {
        let mut text = String::new();
        self.root.write(&mut text);
        check(&text).map_err(|why| JsonEditError::new(JsonPath::default(), why))?;
        Ok(Json(text.into()))
    }

    pub(crate) fn change(&mut self, steps: &[Step], change: Change) -> Result<&mut Self, JsonEditError> {
        if let Change::Append(value) = change {
            let node = self.node(steps)?;
            return match node.open() {
                Some(list) if !list.is_object => {
                    list.insert(list.parts.len(), None, value);
                    Ok(self)
                }
                _ => Err(failed(steps, "this is not a list")),
            };
        }
        let Some((last, way)) = steps.split_last() else {
            let Change::Set(value) = change else { return Err(failed(steps, "the path is empty")) };
            self.root = Node::Text(value.0);
            return Ok(self);
        };
        let container =
            self.node(way)?.open().ok_or_else(|| failed(way, "this is neither an object nor a list"))?;
        container.change(last, change).map_err(|why| failed(steps, why))?;
        Ok(self)
    }

    fn node(&mut self, steps: &[Step]) -> Result<&mut Node, JsonEditError> {
        let mut node = &mut self.root;
        for (depth, step) in steps.iter().enumerate() {
            let way = steps.get(..depth).unwrap_or_default();
            if depth >= MAX_DEPTH {
                return Err(failed(steps, "the path has more than 127 steps"));
            }
            let container = node.open().ok_or_else(|| failed(way, "this is neither an object nor a list"))?;
            let here = || steps.get(..=depth).unwrap_or_default();
            let place = container.place(step).map_err(|why| failed(here(), why))?;
            let part = container.parts.get_mut(place).and_then(Option::as_mut);
            node = &mut part.ok_or_else(|| failed(here(), "there is no such value"))?.node;
        }
        Ok(node)
    }
}

fn failed(steps: &[Step], why: impl Into<String>) -> JsonEditError {
    JsonEditError::new(steps.iter().map(Step::shown).collect::<Vec<_>>().into(), why)
}

pub(crate) enum Change {
    Set(Json),
    Insert(Json),
    Append(Json),
    Remove,
    Rename(Name),
}
