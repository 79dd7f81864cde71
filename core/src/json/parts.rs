//! The members of objects and the items of lists in an edit, with the white space around them.

use std::collections::HashMap;

use super::edit::Change;
use super::steps::{Name, Step};
use super::{Json, scan};

/// A value, which stays text until one of its members or items is looked up.
#[derive(Debug)]
pub(super) enum Node {
    Text(Box<str>),
    Open(Container),
}

impl Node {
    /// Splits the value into its members or items. Returns `None` if the value is neither an object nor a list.
    pub(super) fn open(&mut self) -> Option<&mut Container> {
        if let Self::Text(text) = self {
            *self = Self::Open(Container::read(text)?);
        }
        if let Self::Open(container) = self { Some(container) } else { None }
    }

    pub(super) fn write(&self, to: &mut String) {
        match self {
            Self::Text(text) => to.push_str(text),
            Self::Open(container) => container.write(to),
        }
    }
}

/// An object or a list, with the white space around its parts (members or items).
#[derive(Debug)]
pub(super) struct Container {
    pub(super) is_object: bool,
    /// A removed member leaves a `None`, so that the indexes in `names` stay right. A removed item of a list leaves no
    /// gap.
    pub(super) parts: Vec<Option<Box<Part>>>,
    /// The index in `parts` of the member with each name. Of several members with the same name, the last one counts.
    names: HashMap<Box<[u8]>, usize>,
    /// Whether several members of the object may have the same name.
    has_doubles: bool,
    /// The white space before the first member or item.
    head: Box<str>,
    /// The white space before each new member or item, except the first.
    rest: Box<str>,
    /// The white space after the last member or item.
    tail: Box<str>,
    /// The colon between a new name and its value, with the white space around it.
    between: Box<str>,
}

#[derive(Debug)]
pub(super) struct Part {
    /// The white space before this member or item. `None` for the first one and for new ones, which use `head` or
    /// `rest` of their [`Container`].
    lead: Option<Box<str>>,
    name: Option<Name>,
    between: Box<str>,
    pub(super) node: Node,
    trail: Box<str>,
}

impl Container {
    fn read(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let is_object = match bytes.first() {
            Some(b'{') => true,
            Some(b'[') => false,
            _ => return None,
        };
        let slice = |from: usize, to: usize| -> Box<str> { text.get(from..to).unwrap_or_default().into() };
        let mut read = Self {
            is_object,
            parts: Vec::new(),
            names: HashMap::new(),
            has_doubles: false,
            head: Box::default(),
            rest: Box::default(),
            tail: Box::default(),
            between: ":".into(),
        };
        let (mut from, mut at) = (1, scan::blank(bytes, 1));
        while !matches!(bytes.get(at), Some(b'}' | b']') | None) {
            let lead = slice(from, at);
            let (mut name, mut between) = (None, Box::default());
            if is_object {
                let end = scan::string(bytes, at).ok()?.end;
                let value = scan::blank(bytes, scan::blank(bytes, end) + 1);
                name = Some(Name::token(text.get(at..end)?));
                between = slice(end, value);
                at = value;
            }
            let end = scan::value(bytes, at).ok()?.end;
            let after = scan::blank(bytes, end);
            let is_last = bytes.get(after) != Some(&b',');
            let trail = if is_last { Box::default() } else { slice(end, after) };
            match read.parts.len() {
                0 => (read.head, read.rest, read.between) = (lead.clone(), lead.clone(), between.clone()),
                1 => read.rest = lead.clone(),
                _ => {}
            }
            if let Some(name) = &name {
                let earlier = read.names.insert(name.read.clone(), read.parts.len());
                read.has_doubles |= earlier.is_some();
            }
            let lead = (!read.parts.is_empty()).then_some(lead);
            read.parts.push(Some(Box::new(Part {
                lead,
                name,
                between,
                node: Node::Text(slice(at, end)),
                trail,
            })));
            if is_last {
                read.tail = slice(end, after);
                break;
            }
            (from, at) = (after + 1, scan::blank(bytes, after + 1));
        }
        Some(read)
    }

    fn write(&self, to: &mut String) {
        to.push(if self.is_object { '{' } else { '[' });
        let mut is_first = true;
        for part in self.parts.iter().flatten() {
            if is_first {
                to.push_str(&self.head);
            } else {
                to.push(',');
                to.push_str(part.lead.as_ref().unwrap_or(&self.rest));
            }
            if let Some(name) = &part.name {
                to.push_str(&name.token);
                to.push_str(&part.between);
            }
            part.node.write(to);
            to.push_str(&part.trail);
            is_first = false;
        }
        if !is_first {
            to.push_str(&self.tail);
        }
        to.push(if self.is_object { '}' } else { ']' });
    }

    /// Returns the index of the member or item to which a step leads, or why there is none.
    pub(super) fn place(&self, step: &Step) -> Result<usize, String> {
        match step {
            Step::Name(_) if !self.is_object => Err("a list has indexes and no names".to_owned()),
            Step::Index(_) if self.is_object => Err("an object has names and no indexes".to_owned()),
            Step::Name(name) => self
                .names
                .get(&name.read)
                .copied()
                .ok_or_else(|| "there is no member of this name".to_owned()),
            Step::Index(index) if *index < self.parts.len() => Ok(*index),
            Step::Index(_) => Err("the list has no item at this index".to_owned()),
        }
    }

    pub(super) fn change(&mut self, step: &Step, change: Change) -> Result<(), String> {
        let found = self.place(step);
        match (change, step) {
            (Change::Set(value), Step::Name(name)) if self.is_object && found.is_err() => {
                self.insert(self.parts.len(), Some(name.clone()), value);
            }
            (Change::Set(value), Step::Index(index)) if !self.is_object && *index == self.parts.len() => {
                self.insert(*index, None, value);
            }
            (Change::Set(value), _) => {
                if let Some(Some(part)) = self.parts.get_mut(found?) {
                    part.node = Node::Text(value.0);
                }
            }
            (Change::Insert(value), Step::Index(index)) if !self.is_object && *index <= self.parts.len() => {
                self.insert(*index, None, value);
            }
            (Change::Insert(_), Step::Index(_)) => return Err(found.err().unwrap_or_default()),
            (Change::Insert(_), Step::Name(_)) => {
                return Err("an item can be inserted only into a list".to_owned());
            }
            (Change::Remove, Step::Index(_)) => drop(self.parts.remove(found?)),
            (Change::Remove, Step::Name(name)) => {
                found?;
                self.forget(name);
            }
            (Change::Rename(_), Step::Index(_)) => {
                return Err("only a member of an object has a name".to_owned());
            }
            (Change::Rename(to), Step::Name(name)) => self.rename(name, to, found?)?,
            (Change::Append(_), _) => {}
        }
        Ok(())
    }

    pub(super) fn insert(&mut self, place: usize, name: Option<Name>, value: Json) {
        if let Some(name) = &name {
            self.names.insert(name.read.clone(), place);
        }
        let part = Part {
            lead: None,
            name,
            between: self.between.clone(),
            node: Node::Text(value.0),
            trail: Box::default(),
        };
        self.parts.insert(place, Some(Box::new(part)));
    }

    /// Removes all members with this name.
    fn forget(&mut self, name: &Name) {
        let Some(last) = self.names.remove(&name.read) else { return };
        let from = if self.has_doubles { 0 } else { last };
        for part in self.parts.get_mut(from..=last).unwrap_or_default() {
            let own = part.as_ref().and_then(|part| part.name.as_ref());
            if own.is_some_and(|own| own.read == name.read) {
                *part = None;
            }
        }
    }

    fn rename(&mut self, from: &Name, to: Name, place: usize) -> Result<(), String> {
        if from.read == to.read {
            return Ok(());
        }
        if self.names.contains_key(&to.read) {
            return Err("the object has a member of the new name already".to_owned());
        }
        if let Some(Some(part)) = self.parts.get_mut(place) {
            part.name = Some(to.clone());
        }
        self.forget(from);
        self.names.insert(to.read, place);
        Ok(())
    }
}
