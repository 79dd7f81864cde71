//! `request`: calls operations that the SDK does not know yet, with the same key, limit, retry rules and errors as
//! known operations.

use std::collections::BTreeMap;

use http::Method;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::Client;
use crate::attempt::Subject;
use crate::call::{Call, Options, Spent};
use crate::error::{Error, Kind};
use crate::json::{self, Json};
use crate::message::{Message, Segment};
use crate::sender::Answer;
use crate::transport;

impl Client {
    /// Sends a request to a path below the base URL and returns the JSON of the answer; null if the answer is empty
    /// (204).
    ///
    /// `method` is GET, HEAD, POST, PUT, PATCH or DELETE. GET and HEAD count as reads; all others count as changes.
    /// Values of `query` are strings, numbers, booleans or lists of those. A list is sent as several values
    /// with the same name.
    ///
    /// # Errors
    /// The errors of every operation. Also kind `invalid_request` if the method, the path or the query is not allowed,
    /// such as a path that could leave the API; then nothing is sent.
    pub async fn request(
        &self,
        method: &str,
        path: &str,
        query: &Map<String, Value>,
        body: Option<Value>,
        options: &Options,
    ) -> Result<Json, Error> {
        let query = query.iter().map(|(name, value)| (name.clone(), Json::from(value))).collect();
        let body = body.as_ref().map(Json::from);
        let call = any_call(method, path, &query, body)?;
        let mut spent = self.sender.account(call.subject(), options, false);
        let answer = self.request_answer(&call, &mut spent).await?;
        if answer.body.is_empty() {
            return Ok(Json::default());
        }
        serde_json::from_slice(json::without_byte_order_mark(&answer.body)).map_err(|error| {
            Error::new(Kind::Protocol, format!("the answer is not JSON that can be used: {error}"))
                .with_meta(answer.meta)
        })
    }

    pub(crate) async fn request_answer(&self, call: &Call, spent: &mut Spent) -> Result<Answer, Error> {
        let mut answer = self.sender.answer(call, spent).await?;
        if let Some(error) = answer.reported.take() {
            return Err(error);
        }
        if answer.body.is_empty() { Ok(answer) } else { self.checked_json(call, answer) }
    }

    /// Returns the answer if its body is JSON that Python, Node.js and Swift can decode.
    fn checked_json(&self, call: &Call, answer: Answer) -> Result<Answer, Error> {
        let checked = std::str::from_utf8(json::without_byte_order_mark(&answer.body))
            .map_err(|_| "it is not UTF-8".to_owned())
            .and_then(|text| {
                serde_json::from_str::<&serde_json::value::RawValue>(text).map_err(|error| error.to_string())
            })
            .and_then(|raw| json::check(raw.get()).map_err(ToOwned::to_owned));
        match checked {
            Ok(()) => Ok(answer),
            Err(why) => {
                let why = transport::no_json(&answer.body, &|text| self.sender.scrub(text)).unwrap_or(why);
                let error =
                    Error::new(Kind::Protocol, format!("the answer is not JSON that can be used: {why}"));
                Err(self.sender.unreadable(call, error, answer.meta))
            }
        }
    }
}

/// Prepares a call of an operation that the SDK does not know.
pub(crate) fn any_call(
    method: &str,
    path: &str,
    query: &BTreeMap<String, Json>,
    body: Option<Json>,
) -> Result<Call, Error> {
    Ok(Call::unknown(verb(method)?, checked(path)?, pairs(query)?, body.map(Json::into_raw)))
}

fn wrong(what: impl Into<Message>) -> Error {
    Error::new(Kind::InvalidRequest, what).at(&Subject::method("request"))
}

fn verb(method: &str) -> Result<Method, Error> {
    match method.to_ascii_uppercase().as_str() {
        "GET" => Ok(Method::GET),
        "HEAD" => Ok(Method::HEAD),
        "POST" => Ok(Method::POST),
        "PUT" => Ok(Method::PUT),
        "PATCH" => Ok(Method::PATCH),
        "DELETE" => Ok(Method::DELETE),
        _ => Err(wrong("the method must be GET, HEAD, POST, PUT, PATCH or DELETE")),
    }
}

/// Checks that a path stays below the base URL, so that the key is sent nowhere else.
fn checked(path: &str) -> Result<&str, Error> {
    if !path.starts_with('/') || path.starts_with("//") {
        return Err(wrong("the path must start with exactly one /, because it is appended to the base URL"));
    }
    // URL parsers treat percent-encoded dots as dots (WHATWG URL, "double-dot URL path segment"). A proxy may also
    // decode slashes and backslashes.
    let plain = path.to_ascii_lowercase().replace("%2e", ".").replace("%2f", "/").replace("%5c", "/");
    if plain.split(['/', '\\']).any(|segment| segment == ".." || segment == ".") {
        return Err(wrong("the path must not hold . or .. segments"));
    }
    if path.contains(['?', '#', '\\']) || path.chars().any(|char| char.is_control() || char == ' ') {
        return Err(wrong("the path must hold no query, fragment, backslash, space or control character"));
    }
    Ok(path)
}

/// The query as pairs of a name and a value. A list becomes several pairs with the same name. Numbers keep the spelling
/// of the caller.
fn pairs(query: &BTreeMap<String, Json>) -> Result<Vec<(String, String)>, Error> {
    let mut pairs = Vec::new();
    for (name, value) in query {
        match serde_json::from_str::<Vec<&RawValue>>(value.get()) {
            Ok(values) => {
                for value in values {
                    pairs.push((name.clone(), scalar(name, value.get())?));
                }
            }
            Err(_) => pairs.push((name.clone(), scalar(name, value.get())?)),
        }
    }
    Ok(pairs)
}

fn scalar(name: &str, json: &str) -> Result<String, Error> {
    let text = match json.bytes().next() {
        Some(b'"') => serde_json::from_str(json).ok(),
        Some(b'{' | b'[' | b'n') => None,
        _ => Some(json.to_owned()),
    };
    text.ok_or_else(|| {
        wrong(message![
            Message::path(vec![Segment::Member("query"), Segment::Key(name.to_owned())]),
            " must be a string, a number, a boolean or a list of those"
        ])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_could_leave_the_api_is_refused() {
        for path in [
            "",
            "syncs",
            "//evil.example/x",
            "https://evil.example",
            "/../v2",
            "/a/%2e%2E/b",
            "/a\\b",
            "/a?b=1",
            "/a b",
            "/./a",
            "/a%2f..%2Fb",
            "/a%5c..%5cb",
        ] {
            assert!(checked(path).is_err(), "{path:?}");
        }
        for path in ["/syncs", "/syncs/7/runs", "/a..b", "/%41"] {
            assert!(checked(path).is_ok(), "{path:?}");
        }
    }
}
