//! Reads opaque JSON from answers.

use serde_json::Value;

use super::{Copier, Mended, Readable, Reader, Types, Unusual};
use crate::json::{Json, JsonObject, MAX_DEPTH};

impl Readable for Json {
    fn read(from: &mut Reader<'_>, mended: &mut Mended) -> Result<Option<Self>, String> {
        let raw = from.raw()?;
        if raw.text == "null" {
            return Ok(None);
        }
        if raw.depth > MAX_DEPTH {
            mended.note();
            return Ok(None);
        }
        Ok(Some(Self::known(raw.text)))
    }

    fn copy(copier: &mut Copier<'_>) -> Result<(), Unusual> {
        copier.opaque()
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

    fn copy(copier: &mut Copier<'_>) -> Result<(), Unusual> {
        if copier.peek() == Some(b'{') { copier.opaque() } else { Err(Unusual) }
    }

    fn describe(types: &mut Types) -> Value {
        Json::describe(types)
    }
}
