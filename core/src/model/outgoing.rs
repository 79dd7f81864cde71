//! Writes values for requests as the API expects them: like canonical JSON, but without the tag `kind` that canonical
//! JSON adds to unions.

use std::collections::BTreeMap;

use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Serialize, Serializer};

use super::Timestamp;
use crate::json::{Json, JsonObject};

/// A value that a request may hold.
pub(crate) trait Outgoing {
    /// Writes the value as the API expects it.
    fn send<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error>;
}

/// Serializes a value for a request.
pub(crate) struct Bare<'a, T>(pub(crate) &'a T);

impl<T: Outgoing> Serialize for Bare<'_, T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.send(to)
    }
}

macro_rules! as_it_is {
    ($($type:ty),*) => {
        $(impl Outgoing for $type {
            fn send<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                self.serialize(to)
            }
        })*
    };
}

as_it_is!(bool, i64, u32, u64, f64, String, Timestamp, Json, JsonObject);

impl<T: Outgoing> Outgoing for Vec<T> {
    fn send<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(Some(self.len()))?;
        for item in self {
            list.serialize_element(&Bare(item))?;
        }
        list.end()
    }
}

impl<T: Outgoing> Outgoing for BTreeMap<String, T> {
    fn send<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.len()))?;
        for (name, value) in self {
            map.serialize_entry(name, &Bare(value))?;
        }
        map.end()
    }
}
