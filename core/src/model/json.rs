//! Reading opaque JSON.

use serde_json::Value;

use super::{Mended, Readable, Reader, Types};
use crate::json::{Json, JsonObject};

impl Readable for Json {
    fn read(from: &mut Reader<'_>, mended: &mut Mended) -> Result<Option<Self>, String> {
        let raw = from.raw()?;
        if raw.get() == "null" {
            return Ok(None);
        }
        let read = Self::checked(raw.to_owned()).ok();
        if read.is_none() {
            mended.note();
        }
        Ok(read)
    }

    fn describe(_: &mut Types) -> Value {
        Value::from("json")
    }
}

impl Readable for JsonObject {
    fn read(from: &mut Reader<'_>, mended: &mut Mended) -> Result<Option<Self>, String> {
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
