//! Tokens: the rest of a list as text. With a token, another process can continue to read the list.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::Cursor;
use crate::call::{Call, Id};
use crate::error::{Error, Kind};
use crate::message::Method;
use crate::operation::Operation;

/// The contents of a token, for decoding.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rest {
    op: String,
    ids: Vec<String>,
    query: Vec<(String, String)>,
    cursor: Cursor,
}

/// The contents of a token, for encoding.
#[derive(Serialize)]
struct Left<'a> {
    op: &'a str,
    ids: Vec<String>,
    query: Vec<(&'a str, &'a str)>,
    cursor: &'a Cursor,
}

/// Encodes the rest of a list as opaque text.
pub(crate) fn to_token(operation: &Operation, call: &Call, cursor: &Cursor) -> String {
    let ids = call.ids().iter().map(Id::text).collect();
    let next = Left { op: operation.op, ids, query: call.query().collect(), cursor };
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&next).unwrap_or_default())
}

/// Decodes a token of `operation` into the call and the cursor.
pub(crate) fn from_token(operation: &'static Operation, token: &str) -> Result<(Call, Cursor), Error> {
    let rest: Option<Rest> =
        URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    match rest {
        Some(rest)
            if rest.op == operation.op && rest.cursor.is_sound() && rest.ids.len() == operation.ids.len() =>
        {
            let ids =
                operation.ids.iter().zip(rest.ids).map(|(known, text)| Id::of(known.kind, text)).collect();
            Ok((Call::new(operation, ids)?.with_query(rest.query), rest.cursor))
        }
        _ => {
            let what =
                message!["`next` is not a token from a page of ", Method(operation.op), ". Nothing was sent"];
            Err(Error::new(Kind::InvalidRequest, what))
        }
    }
}
