//! Members that a type does not know, kept so that a value can be written back as it was read.

use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde_json::Value;
use serde_json::value::RawValue;

use super::reader::Raw;
use super::{Mended, Reader};
use crate::json::{Json, JsonObject, MAX_DEPTH};

/// The members of one object that its type does not know, collected while the object is read.
#[derive(Default)]
pub(crate) struct OtherMembers(String);

impl OtherMembers {
    /// Reads the value of a member. A value that nests too deep is left out, and its path is noted in `mended`.
    pub(crate) fn read(
        &mut self,
        name: &str,
        from: &mut Reader<'_>,
        mended: &mut Mended,
    ) -> Result<(), String> {
        let value = from.raw()?;
        if !self.add(name, &value) {
            mended.note();
        }
        Ok(())
    }

    /// Adds a member. Returns false if its value nests too deep to be added.
    pub(super) fn add(&mut self, name: &str, value: &Raw<'_>) -> bool {
        // The collected members become one object, which adds a level of nesting.
        if value.depth >= MAX_DEPTH {
            return false;
        }
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        self.0 += &Value::from(name).to_string();
        self.0.push(':');
        self.0 += value.text;
        true
    }

    /// Returns the collected members as an object, or `None` if there are none.
    pub(crate) fn finish(self) -> Option<JsonObject> {
        if self.0.is_empty() { None } else { JsonObject::try_from(Json::known(&(self.0 + "}"))).ok() }
    }
}

/// Writes into an object the members that its type does not know. Skips the names in `known`, because the type writes
/// those members itself.
pub(crate) fn send<M: SerializeMap>(
    members: &JsonObject,
    known: &[&str],
    to: &mut M,
) -> Result<(), M::Error> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(members.text()).unwrap_or_default();
    members
        .iter()
        .filter(|(name, _)| !known.contains(&name.as_str()))
        .try_for_each(|(name, value)| to.serialize_entry(name, value))
}
