//! Types of the API: reads them tolerantly from the server's answers, and strictly from what callers pass.
//!
//! [`model!`](crate::model::macros) declares a type once. The declaration creates the struct, the code that reads it
//! and writes its canonical JSON, and its entry in the catalogue (`docs/catalogue.md`).

#[macro_use]
mod choices;
mod json;
#[macro_use]
mod strictly;
#[macro_use]
mod macros;
mod canonical;
mod copier;
mod other_members;
mod outgoing;
mod reader;
mod scalar;
pub(crate) mod strict;
mod timestamp;
mod types;

pub use timestamp::Timestamp;

pub(crate) use canonical::{Appended, Canonical, Written, append, canonical};
pub(crate) use copier::{Copier, Unusual};
pub(crate) use other_members::{OtherMembers, send as send_others};
pub(crate) use outgoing::{Bare, Outgoing};
pub(crate) use reader::Reader;
pub(crate) use scalar::Scalar;
pub(crate) use types::{Field, Types, Variant, prose};

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::text::brief;

/// For each answer, [`Mended`] keeps at most this many paths of values that were replaced or left out.
const MENDED_SHOWN: usize = 64;

/// A message or a path shows at most this many characters of a text from the server, such as a name in a map.
const NAME_KEPT: usize = 1024;

/// A type of the API, which can be read from the server's JSON.
pub(crate) trait Readable: Sized {
    /// Reads a value. Returns `None` if the value is null or unusable, and notes an unusable value in `mended`. The
    /// error says where the text is not JSON.
    fn read(from: &mut Reader<'_>, mended: &mut Mended) -> Result<Option<Self>, String>;

    /// Copies the JSON of a value as canonical JSON, without creating a value of this type. The error means that the
    /// value must be read instead, because it is spelt unusually or because a part of it must be replaced or left out.
    fn copy(_copier: &mut Copier<'_>) -> Result<(), Unusual> {
        Err(Unusual)
    }

    /// The id of the workspace that the value belongs to; `None` if the value does not say.
    fn workspace(&self) -> Option<i64> {
        None
    }

    /// Describes the type for the catalogue (`docs/catalogue.md`). A named type adds itself to `types` and returns a
    /// reference.
    fn describe(types: &mut Types) -> Value;
}

/// The paths of values that were replaced or left out while an answer was read.
#[derive(Debug, Default)]
pub(crate) struct Mended {
    at: Vec<PathStep>,
    paths: Vec<String>,
    /// Unusable members of the objects that are being read: the path of the member, and what the server sent. If an
    /// object requires the member, its error message quotes what the server sent.
    unusable: Vec<(String, String)>,
    /// The error of the object that was read last, if it lacked a required member.
    why: Option<String>,
}

/// A list item that cannot be used.
pub(crate) struct LeftOut<'a> {
    /// The item as the server wrote it.
    pub text: &'a str,
    /// The reason, as a sentence without its full stop.
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

    /// Notes that the value at the current path was replaced or left out.
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

    /// Notes that the value at the current path cannot be used. `came` is the text that the server sent, and `expected`
    /// describes a usable value.
    pub(crate) fn note_unusable(&mut self, came: &str, expected: &str) {
        self.unusable.push((self.path(), format!("{}, which is not {expected}", brief(came, NAME_KEPT))));
        self.note();
    }

    /// The number of unusable members noted so far. The code that reads an object takes this number before it reads.
    /// Afterwards, it passes the number to [`forget_unusable`](Self::forget_unusable), which drops the unusable members
    /// of this object.
    pub(crate) fn unusable(&self) -> usize {
        self.unusable.len()
    }

    pub(crate) fn forget_unusable(&mut self, from: usize) {
        self.unusable.truncate(from);
    }

    /// Notes that a required member is missing or unusable. The object that lacks the member cannot be used.
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

    /// Reads an entry of a list or a map. Notes a null entry as replaced or left out, because null has no meaning
    /// there.
    fn within<T>(
        &mut self,
        step: PathStep,
        from: &mut Reader<'_>,
        read: impl FnOnce(&mut Reader<'_>, &mut Self) -> Result<Option<T>, String>,
    ) -> Result<Option<T>, String> {
        self.at.push(step);
        let value = read(from, self)?;
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
/// A sentence that says why the answer cannot be used, such as where the JSON is broken or which required member is
/// missing.
pub(crate) fn read<T: Readable>(body: &[u8], mended: &mut Mended) -> Result<T, String> {
    read_with(body, mended, T::read)
}

/// Reads a whole answer with the function `read`. Fails as [`read`] does.
pub(crate) fn read_with<T>(
    body: &[u8],
    mended: &mut Mended,
    read: impl FnOnce(&mut Reader<'_>, &mut Mended) -> Result<Option<T>, String>,
) -> Result<T, String> {
    let mut from = Reader::new(body);
    let is_null = from.is_null();
    let value = read(&mut from, mended)?;
    from.end()?;
    match (value, mended.why.take()) {
        (Some(value), _) => Ok(value),
        (None, Some(why)) => Err(why),
        // Null is an error: Hightouch's OpenAPI document allows null for some operations, but does not say what null
        // means.
        (None, None) if is_null => Err("the server answered null instead of a value".to_owned()),
        (None, None) => Err("the answer does not have the structure that the API documents".to_owned()),
    }
}

/// Reads a list. Reads each item with `read`, and passes it to `each`. Returns false if the value is not a list.
pub(crate) fn items<T>(
    from: &mut Reader<'_>,
    mended: &mut Mended,
    mut read: impl FnMut(&mut Reader<'_>, &mut Mended) -> Result<Option<T>, String>,
    mut each: impl FnMut(Result<T, LeftOut<'_>>),
) -> Result<bool, String> {
    let mut index = 0;
    from.list(mended, |from, mended| {
        let start = from.start();
        mended.why = None;
        let item = mended.within(PathStep::Index(index), from, &mut read)?;
        each(item.ok_or_else(|| LeftOut {
            text: from.since(start),
            why: mended.why.take().unwrap_or_else(|| {
                format!("item {index} does not have the structure that the API documents")
            }),
        }));
        index += 1;
        Ok(())
    })
}

impl<T: Readable> Readable for Vec<T> {
    fn read(from: &mut Reader<'_>, mended: &mut Mended) -> Result<Option<Self>, String> {
        let mut rows = Vec::new();
        let is_list = items(from, mended, T::read, |item| rows.extend(item.ok()))?;
        Ok(is_list.then_some(rows))
    }

    fn copy(copier: &mut Copier<'_>) -> Result<(), Unusual> {
        copier.list(T::copy)
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
            if let Some(value) = mended.within(PathStep::Field(Cow::Owned(name.to_owned())), from, T::read)? {
                entries.insert(name.to_owned(), value);
            }
            Ok(())
        })?;
        Ok(is_object.then_some(entries))
    }

    fn copy(copier: &mut Copier<'_>) -> Result<(), Unusual> {
        let outer = copier.open()?;
        let mut last = None;
        while let Some(name) = copier.name()? {
            // In canonical JSON the names of a map are sorted and unique, so only a map with sorted and unique names
            // can be copied.
            if last.is_some_and(|last| name.text <= last) || !copier.member::<T>(&name)? {
                return Err(Unusual);
            }
            last = Some(name.text);
        }
        copier.close(outer);
        Ok(())
    }

    fn describe(types: &mut Types) -> Value {
        serde_json::json!({ "map": T::describe(types) })
    }
}

#[cfg(test)]
mod tests;
