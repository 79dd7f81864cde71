//! What differs between two JSON values.

use std::fmt;

use super::Json;
use super::align::{self, Pair};
use super::edit::{JsonEdit, JsonEditError};
use super::path::{JsonPath, JsonStep};
use super::show;
use super::tree::{Classes, Members, Shape, Tree};

/// What happened to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JsonChangeKind {
    /// The value exists only in the new JSON.
    Added,
    /// The value exists only in the old JSON.
    Removed,
    /// The value exists in the old and the new JSON, and differs.
    Changed,
}

/// One change of a [`JsonDiff`]. `Display` writes the change as one line, with long values shortened.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonChange {
    /// Where the value stands once all earlier changes of the diff are made. An added or changed item of a list has its
    /// index in the new list. A removed item has the index at which it stands just before its removal.
    pub path: JsonPath,
    /// The value before the change; `None` if the value is added.
    pub old: Option<Json>,
    /// The value after the change; `None` if the value is removed.
    pub new: Option<Json>,
}

impl JsonChange {
    /// What happened to the value.
    #[must_use]
    pub fn kind(&self) -> JsonChangeKind {
        match (&self.old, &self.new) {
            (None, _) => JsonChangeKind::Added,
            (_, None) => JsonChangeKind::Removed,
            _ => JsonChangeKind::Changed,
        }
    }
}

impl fmt::Display for JsonChange {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        show::change(to, self)
    }
}

/// The changes that lead from one JSON value to another, as [`Json::diff`] returns them.
///
/// `Display` writes one line for each change, without a line feed at the end. It writes nothing if the values are
/// equal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JsonDiff(Vec<JsonChange>);

impl JsonDiff {
    /// The changes, in the order in which to make them. The path of each change is valid once all earlier changes are
    /// made.
    #[must_use]
    pub fn changes(&self) -> &[JsonChange] {
        &self.0
    }

    /// Whether there are no changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the changes that lead back from the new value to the old one.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let swapped = |JsonChange { path, old, new }: &JsonChange| JsonChange {
            path: path.clone(),
            old: new.clone(),
            new: old.clone(),
        };
        Self(self.0.iter().rev().map(swapped).collect())
    }

    /// Returns a copy of `json` with the changes. All other values keep their text. `json` may differ from the old
    /// value of the diff, but not at the paths of the changes.
    ///
    /// # Errors
    /// A path does not exist, or the value at a path is not the `old` value of the change.
    pub fn apply(&self, json: &Json) -> Result<Json, JsonEditError> {
        let mut edit = json.edit();
        for change in &self.0 {
            apply(&mut edit, change)?;
        }
        edit.json()
    }
}

impl From<Vec<JsonChange>> for JsonDiff {
    fn from(changes: Vec<JsonChange>) -> Self {
        Self(changes)
    }
}

impl fmt::Display for JsonDiff {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, change) in self.0.iter().enumerate() {
            if index > 0 {
                to.write_str("\n")?;
            }
            show::change(to, change)?;
        }
        Ok(())
    }
}

fn apply(edit: &mut JsonEdit, JsonChange { path, old, new }: &JsonChange) -> Result<(), JsonEditError> {
    let conflict = |what: &str| JsonEditError::new(path.clone(), what);
    let is_index = matches!(path.steps().last(), Some(JsonStep::Index(_)));
    // If a list already has an item at the index of the new item, there is no conflict: the new item is inserted before
    // it.
    let found = if old.is_none() && is_index { None } else { edit.at(path) };
    match (old, found) {
        (Some(_), None) => return Err(conflict("the value that the change concerns does not exist")),
        (Some(old), Some(found)) if !are_equal(old, &found) => {
            return Err(conflict("the value is not the one that the change starts from"));
        }
        (None, Some(_)) => return Err(conflict("the value that the change adds exists already")),
        _ => {}
    }
    match new {
        Some(new) if old.is_none() && is_index => edit.insert(path, new)?,
        Some(new) => edit.set(path, new)?,
        None => edit.remove(path)?,
    };
    Ok(())
}

/// Whether a diff of two values would be empty.
pub(super) fn are_equal(one: &Json, other: &Json) -> bool {
    let mut classes = Classes::default();
    one.get() == other.get() || classes.tree(one.get()).class == classes.tree(other.get()).class
}

pub(super) fn diff(old: &str, new: &str) -> JsonDiff {
    let mut classes = Classes::default();
    let (old, new) = (classes.tree(old), classes.tree(new));
    let mut differ = Differ { changes: Vec::new(), path: Vec::new(), budget: align::BUDGET };
    differ.compare(&old, &new);
    JsonDiff(differ.changes)
}

struct Differ {
    changes: Vec<JsonChange>,
    path: Vec<JsonStep>,
    budget: usize,
}

impl Differ {
    fn compare(&mut self, old: &Tree<'_>, new: &Tree<'_>) {
        if old.class == new.class {
            return;
        }
        match (&old.shape, &new.shape) {
            (Shape::Object(old), Shape::Object(new)) => self.members(old, new),
            (Shape::List(old), Shape::List(new)) => self.items(old, new),
            _ => self.change(Some(old), Some(new)),
        }
    }

    fn members(&mut self, old: &Members<'_>, new: &Members<'_>) {
        let places = |members: &Members<'_>| -> std::collections::HashMap<u32, usize> {
            members.all.iter().enumerate().map(|(place, member)| (member.id, place)).collect()
        };
        let (in_old, in_new) = (places(old), places(new));
        for member in &old.all {
            let other = in_new.get(&member.id).and_then(|place| new.all.get(*place));
            self.within(JsonStep::Name(member.name.clone()), |differ| match other {
                Some(other) => differ.compare(&member.tree, &other.tree),
                None => differ.change(Some(&member.tree), None),
            });
        }
        for member in new.all.iter().filter(|member| !in_old.contains_key(&member.id)) {
            self.within(JsonStep::Name(member.name.clone()), |differ| {
                differ.change(None, Some(&member.tree));
            });
        }
    }

    fn items(&mut self, old: &[Tree<'_>], new: &[Tree<'_>]) {
        let mut place = 0;
        for pair in align::align(old, new, &mut self.budget) {
            let (from, to, step) = match pair {
                Pair::Both(from, to) => (old.get(from), new.get(to), 1),
                Pair::Old(from) => (old.get(from), None, 0),
                Pair::New(to) => (None, new.get(to), 1),
            };
            self.within(JsonStep::Index(place), |differ| match (from, to) {
                (Some(from), Some(to)) => differ.compare(from, to),
                (from, to) => differ.change(from, to),
            });
            place += step;
        }
    }

    fn within(&mut self, step: JsonStep, compare: impl FnOnce(&mut Self)) {
        self.path.push(step);
        compare(self);
        self.path.pop();
    }

    fn change(&mut self, old: Option<&Tree<'_>>, new: Option<&Tree<'_>>) {
        let json = |tree: Option<&Tree<'_>>| tree.map(|tree| Json::known(tree.text));
        let change = JsonChange { path: self.path.clone().into(), old: json(old), new: json(new) };
        self.changes.push(change);
    }
}
