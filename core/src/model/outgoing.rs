//! How values go out: as they are, but for the tags of unions, which are ours and not the vendor's.

use std::collections::BTreeMap;

use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::{Timestamp, strict};
use crate::error::Kind;
use crate::json::{Json, JsonObject};

/// A value that a request may hold.
pub(crate) trait Outgoing {
    /// Writes it as the API wants it.
    fn send<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error>;
}

/// Serializes a value as it goes out.
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

/// A variant of a union as a caller wrote it: its tag, and its members without the tag.
///
/// The tag may be left out where one of `members` tells the variant.
pub(crate) fn variant<'de, D: Deserializer<'de>>(
    from: D,
    members: &[(&'static str, &'static str)],
) -> Result<(String, Box<RawValue>), D::Error> {
    use serde::de::Error as _;
    let mut object = BTreeMap::<String, Box<RawValue>>::deserialize(from)?;
    let tag = match object.remove("kind") {
        Some(tag) => serde_json::from_str::<String>(tag.get())
            .map_err(|_| D::Error::custom("kind must be a string"))?,
        None => members
            .iter()
            .find(|(_, member)| object.contains_key(*member))
            .map_or_else(|| "unknown".to_owned(), |(tag, _)| (*tag).to_owned()),
    };
    if tag == "unknown"
        && let Some(raw) = object.remove("raw")
    {
        return Ok((tag, raw));
    }
    serde_json::value::to_raw_value(&object).map(|rest| (tag, rest)).map_err(D::Error::custom)
}

/// Reads what is inside a union; the path within is told in the message.
pub(crate) fn inside<T: serde::de::DeserializeOwned, E: serde::de::Error>(
    tag: &str,
    raw: &RawValue,
) -> Result<T, E> {
    strict::value(tag, raw.get(), Kind::InvalidRequest).map_err(|error| {
        let what = error.what();
        E::custom(what.strip_suffix("; nothing was sent").unwrap_or(what))
    })
}
