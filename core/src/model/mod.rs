//! Reads answers tolerantly into exact types.
//!
//! A model is declared once, with [`model!`](crate::model::macros); the declaration gives the struct, its
//! reading, its canonical JSON and its entry in the catalogue.

#[macro_use]
mod choices;
mod json;
#[macro_use]
mod strictly;
#[macro_use]
mod macros;
mod other_members;
mod outgoing;
mod reader;
mod scalar;
pub(crate) mod strict;
mod timestamp;
mod types;

pub use timestamp::Timestamp;

pub(crate) use other_members::{OtherMembers, send as send_others};
pub(crate) use outgoing::{Bare, Outgoing};
pub(crate) use reader::Reader;
pub(crate) use scalar::Scalar;
pub(crate) use types::{Field, Types, Variant, prose};

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use crate::text::brief;

/// How many mended paths an answer reports at most.
const MENDED_SHOWN: usize = 64;

/// How much of a member's name a path shows: names in maps come from the server.
const NAME_KEPT: usize = 1024;

/// A type of the API, which can be read from the server's JSON.
pub(crate) trait Readable: Sized + Serialize {
    /// Reads a value. `None` if it is null or unusable; the latter is noted in `mended`.
    fn read(from: &mut Reader<'_>, mended: &mut Mended) -> Result<Option<Self>, String>;

    /// The id of the workspace that it belongs to, if it says so.
    fn workspace(&self) -> Option<i64> {
        None
    }

    /// Its type in the catalogue. A named type adds itself to `types`.
    fn describe(types: &mut Types) -> Value;
}

/// What had to be replaced or left out while an answer was read, by path.
#[derive(Debug, Default)]
pub(crate) struct Mended {
    at: Vec<PathStep>,
    paths: Vec<String>,
    /// Members of the objects being read that hold something unusable, and what: if one turns out to be required, the
    /// message says what came.
    unusable: Vec<(String, String)>,
    /// The error of the object that was read last, if it lacked a required member.
    why: Option<String>,
}

/// An item of a list that cannot be used.
pub(crate) struct LeftOut<'a> {
    /// The item as the server wrote it.
    pub text: &'a str,
    /// A sentence without its full stop.
    pub why: String,
}

#[derive(Debug)]
enum PathStep {
    Field(Cow<'static, str>),
    Index(usize),
}

impl Mended {
    pub(crate) fn enter(&mut self, field: &'static str) {
        self.at.push(PathStep::Field(Cow::Borrowed(field)));
    }

    pub(crate) fn leave(&mut self) {
        self.at.pop();
    }

    /// Notes that the value at the present path was replaced.
    pub(crate) fn note(&mut self) {
        if self.paths.len() < MENDED_SHOWN {
            let path = self.path();
            if self.paths.last() != Some(&path) {
                self.paths.push(path);
            }
        }
    }

    pub(crate) fn note_field(&mut self, field: &'static str) {
        self.enter(field);
        self.note();
        self.leave();
    }

    /// Notes that the value at the present path is not used: `came` instead of what was expected.
    pub(crate) fn note_unusable(&mut self, came: &str, expected: &str) {
        self.unusable.push((self.path(), format!("{}, which is not {expected}", brief(came, NAME_KEPT))));
        self.note();
    }

    /// How many unusable members are known; an object forgets its own when it has been read.
    pub(crate) fn unusable(&self) -> usize {
        self.unusable.len()
    }

    pub(crate) fn forget_unusable(&mut self, from: usize) {
        self.unusable.truncate(from);
    }

    /// Notes that a required member cannot be had, which makes its object useless.
    pub(crate) fn note_missing(&mut self, field: &'static str) {
        self.enter(field);
        let path = self.path();
        let came = self.unusable.iter().rev().find(|(at, _)| *at == path);
        self.why = Some(match came {
            Some((_, came)) => format!("{path} is {came}"),
            None => format!("{path} is missing or null"),
        });
        self.note();
        self.leave();
    }

    /// Reads an entry of a list or a map, in which null has no meaning.
    fn within<T: Readable>(&mut self, step: PathStep, from: &mut Reader<'_>) -> Result<Option<T>, String> {
        self.at.push(step);
        let value = T::read(from, self)?;
        if value.is_none() {
            self.note();
        }
        self.leave();
        Ok(value)
    }

    pub(crate) fn path(&self) -> String {
        let mut path = String::new();
        for step in &self.at {
            if !path.is_empty() {
                path.push('.');
            }
            match step {
                PathStep::Field(name) => path.push_str(&brief(name, NAME_KEPT)),
                PathStep::Index(index) => {
                    let _ = write!(path, "{index}");
                }
            }
        }
        path
    }

    pub(crate) fn into_paths(self) -> Vec<String> {
        self.paths
    }
}

/// Reads a whole answer.
///
/// # Errors
/// A sentence that names the path, where the JSON is broken or lacks what cannot be replaced.
pub(crate) fn read<T: Readable>(body: &[u8], mended: &mut Mended) -> Result<T, String> {
    let mut from = Reader::new(body);
    let is_null = from.is_null();
    let value = T::read(&mut from, mended)?;
    from.end()?;
    match (value, mended.why.take()) {
        (Some(value), _) => Ok(value),
        (None, Some(why)) => Err(why),
        // Hightouch's document allows null for some operations, but does not say what it means.
        (None, None) if is_null => Err("the server answered null instead of a value".to_owned()),
        (None, None) => Err("the answer is not of the documented shape".to_owned()),
    }
}

/// Gives each item of a list to `each`; false if the value is no list.
pub(crate) fn items<T: Readable>(
    from: &mut Reader<'_>,
    mended: &mut Mended,
    mut each: impl FnMut(Result<T, LeftOut<'_>>),
) -> Result<bool, String> {
    let mut index = 0;
    from.list(mended, |from, mended| {
        let start = from.start();
        mended.why = None;
        let read = mended.within(PathStep::Index(index), from)?;
        each(read.ok_or_else(|| LeftOut {
            text: from.since(start),
            why: mended.why.take().unwrap_or_else(|| format!("item {index} is not of the documented shape")),
        }));
        index += 1;
        Ok(())
    })
}

impl<T: Readable> Readable for Vec<T> {
    fn read(from: &mut Reader<'_>, mended: &mut Mended) -> Result<Option<Self>, String> {
        let mut rows = Vec::new();
        let is_list = items(from, mended, |item| rows.extend(item.ok()))?;
        Ok(is_list.then_some(rows))
    }

    fn describe(types: &mut Types) -> Value {
        serde_json::json!({ "list": T::describe(types) })
    }
}

impl<T: Readable> Readable for BTreeMap<String, T> {
    fn read(from: &mut Reader<'_>, mended: &mut Mended) -> Result<Option<Self>, String> {
        let mut entries = BTreeMap::new();
        let is_object = from.object(mended, |name, from, mended| {
            if from.replaced() {
                mended.note();
            }
            if let Some(value) = mended.within(PathStep::Field(Cow::Owned(name.to_owned())), from)? {
                entries.insert(name.to_owned(), value);
            }
            Ok(())
        })?;
        Ok(is_object.then_some(entries))
    }

    fn describe(types: &mut Types) -> Value {
        serde_json::json!({ "map": T::describe(types) })
    }
}

#[cfg(test)]
mod tests;
