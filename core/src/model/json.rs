//! Reading opaque JSON.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Mended, Model, Types};
use crate::json::{Json, JsonObject};

impl Model for Json {
    fn read<'de, D: Deserializer<'de>>(from: D, mended: &mut Mended) -> Result<Option<Self>, D::Error> {
        let raw = Box::<RawValue>::deserialize(from)?;
        if raw.get() == "null" {
            return Ok(None);
        }
        Self::checked(raw).map(Some).map_err(|why| D::Error::custom(format_args!("{}: {why}", mended.path())))
    }

    fn describe(_: &mut Types) -> Value {
        Value::from("json")
    }
}

impl Model for JsonObject {
    fn read<'de, D: Deserializer<'de>>(from: D, mended: &mut Mended) -> Result<Option<Self>, D::Error> {
        let Some(json) = Json::read(from, mended)? else { return Ok(None) };
        let read = Self::try_from(json).ok();
        if read.is_none() {
            mended.note();
        }
        Ok(read)
    }

    fn describe(types: &mut Types) -> Value {
        Json::describe(types)
    }
}
