//! Members that a type does not know, kept so that a value can be written back as it was read.

use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Mended, Reader};
use crate::json::{self, Json, JsonObject};

/// The members of one object that its type does not know, while it is read.
#[derive(Default)]
pub(crate) struct OtherMembers(String);

impl OtherMembers {
    /// Reads the value of a member; one that nests too deep is left out and noted.
    pub(crate) fn read(
        &mut self,
        name: &str,
        from: &mut Reader<'_>,
        mended: &mut Mended,
    ) -> Result<(), String> {
        let value = from.raw()?.get();
        if json::check(value).is_err() {
            mended.note();
            return Ok(());
        }
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        self.0 += &Value::from(name).to_string();
        self.0.push(':');
        self.0 += value;
        Ok(())
    }

    /// All of them; nothing if there are none.
    pub(crate) fn finish(self) -> Option<JsonObject> {
        let json: Json = if self.0.is_empty() { None } else { serde_json::from_str(&(self.0 + "}")).ok() }?;
        JsonObject::try_from(json).ok()
    }
}

/// Writes the members into the object that they were read from; a name that is `known` belongs to the type itself.
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
