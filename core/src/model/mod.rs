//! How answers are read: tolerant of what the server sends, exact in what it gives on.
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
mod outgoing;
mod scalar;
pub(crate) mod strict;
mod timestamp;
mod types;

pub use timestamp::Timestamp;

pub(crate) use outgoing::{Bare, Outgoing, inside, variant};
pub(crate) use scalar::{Name, Scalar};
pub(crate) use types::{Field, Types, Variant, prose};

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::text::brief;

/// How many mended paths an answer reports; a page of thousands of broken rows says so once.
const MENDED_SHOWN: usize = 64;

/// How much of a member's name a path keeps: names in maps are the server's.
const NAME_KEPT: usize = 1024;

/// A type that the server's JSON is read into.
pub(crate) trait Model: Sized + Serialize {
    /// Reads a value; `None` where it is null or cannot be used (the latter is noted in `mended`).
    fn read<'de, D: Deserializer<'de>>(from: D, mended: &mut Mended) -> Result<Option<Self>, D::Error>;

    /// The id of the workspace that it belongs to, if it says so.
    fn workspace(&self) -> Option<i64> {
        None
    }

    /// Its type expression in the catalogue; enters itself there when it has a name.
    fn describe(types: &mut Types) -> Value;
}

/// What had to be replaced while an answer was read, by path.
#[derive(Debug, Default)]
pub(crate) struct Mended {
    at: Vec<Step>,
    paths: Vec<String>,
}

#[derive(Debug)]
enum Step {
    Field(Cow<'static, str>),
    Index(usize),
}

impl Mended {
    pub(crate) fn enter(&mut self, field: &'static str) {
        self.at.push(Step::Field(Cow::Borrowed(field)));
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

    pub(crate) fn path(&self) -> String {
        let mut path = String::new();
        for step in &self.at {
            if !path.is_empty() {
                path.push('.');
            }
            match step {
                Step::Field(name) => path.push_str(&brief(name, NAME_KEPT)),
                Step::Index(index) => {
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

/// Reads a `T` in place of a serde field.
pub(crate) struct Seed<'a, T>(&'a mut Mended, PhantomData<T>);

impl<'a, T> Seed<'a, T> {
    pub(crate) fn new(mended: &'a mut Mended) -> Self {
        Self(mended, PhantomData)
    }
}

impl<'de, T: Model> DeserializeSeed<'de> for Seed<'_, T> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Option<T>, D::Error> {
        T::read(from, self.0)
    }
}

/// Reads a whole answer.
///
/// # Errors
/// A sentence that names the path, where the JSON is broken or lacks what cannot be replaced.
pub(crate) fn read<T: Model>(body: &[u8], mended: &mut Mended) -> Result<T, String> {
    let mut from = serde_json::Deserializer::from_slice(body);
    let value = T::read(&mut from, mended).map_err(|error| error.to_string())?;
    from.end().map_err(|error| error.to_string())?;
    value.ok_or_else(|| "the answer is not of the documented shape".to_owned())
}

impl<T: Model> Model for Vec<T> {
    fn read<'de, D: Deserializer<'de>>(from: D, mended: &mut Mended) -> Result<Option<Self>, D::Error> {
        struct Rows<'a, T>(&'a mut Mended, PhantomData<T>);
        impl<'de, T: Model> Visitor<'de> for Rows<'_, T> {
            type Value = Option<Vec<T>>;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut rows = Vec::new();
                let mut index = 0;
                loop {
                    self.0.at.push(Step::Index(index));
                    let next = seq.next_element_seed(Seed::<T>::new(self.0))?;
                    if matches!(next, Some(None)) {
                        self.0.note();
                    }
                    self.0.leave();
                    match next {
                        Some(row) => rows.extend(row),
                        None => return Ok(Some(rows)),
                    }
                    index += 1;
                }
            }

            unusable!(bool u64 i64 f64 str unit map);
        }
        from.deserialize_any(Rows(mended, PhantomData))
    }

    fn describe(types: &mut Types) -> Value {
        serde_json::json!({ "list": T::describe(types) })
    }
}

impl<T: Model> Model for BTreeMap<String, T> {
    fn read<'de, D: Deserializer<'de>>(from: D, mended: &mut Mended) -> Result<Option<Self>, D::Error> {
        struct Entries<'a, T>(&'a mut Mended, PhantomData<T>);
        impl<'de, T: Model> Visitor<'de> for Entries<'_, T> {
            type Value = Option<BTreeMap<String, T>>;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = BTreeMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    self.0.at.push(Step::Field(Cow::Owned(name.clone())));
                    let value = map.next_value_seed(Seed::<T>::new(self.0))?;
                    if value.is_none() {
                        self.0.note();
                    }
                    self.0.leave();
                    if let Some(value) = value {
                        entries.insert(name, value);
                    }
                }
                Ok(Some(entries))
            }

            unusable!(bool u64 i64 f64 str unit seq);
        }
        from.deserialize_any(Entries(mended, PhantomData))
    }

    fn describe(types: &mut Types) -> Value {
        serde_json::json!({ "map": T::describe(types) })
    }
}

#[cfg(test)]
mod tests;
