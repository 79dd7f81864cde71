//! The raw answer to a call.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::HeaderMap;

/// The answer to a raw call. Secrets are removed from the headers; the body is unchanged.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub status: u16,
    /// The headers by their lower-case names.
    pub headers: BTreeMap<String, String>,
    pub body: Bytes,
}

impl Received {
    /// Creates the answer. Applies `scrub` to the value of each header, and joins the values of a repeated header with
    /// commas (RFC 9110 §5.3).
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
