//! An answer as the server wrote it.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::HeaderMap;

/// The answer to a raw call. The key is removed from its headers; the body is untouched.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub status: u16,
    /// Headers by their lower-case names.
    pub headers: BTreeMap<String, String>,
    pub body: Bytes,
}

impl Received {
    /// Applies `scrub` to each header. The values of a repeated header are joined by commas (RFC 9110 §5.3).
    pub(crate) fn new(status: u16, from: &HeaderMap, body: Bytes, scrub: impl Fn(&str) -> String) -> Self {
        let mut headers = BTreeMap::<String, String>::new();
        for (name, value) in from {
            let value = scrub(&String::from_utf8_lossy(value.as_bytes()));
            headers
                .entry(name.as_str().to_owned())
                .and_modify(|known| {
                    known.push_str(", ");
                    known.push_str(&value);
                })
                .or_insert(value);
        }
        Self { status, headers, body }
    }
}
