//! The log of a world: its requests in the order of arrival.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::clock::Clock;
use crate::document::Shape;
use crate::world::KeyName;

/// A request and its answer. Times are real time since the world was created.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) operation: Option<&'static str>,
    pub(crate) method: String,
    /// The path relative to the base URL, as it was sent.
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The name of the key that the request carries; `None` if the world has no such key.
    pub(crate) key_name: Option<KeyName>,
    pub(crate) body: Body,
    pub(crate) arrived: Duration,
    pub(crate) status: Option<u16>,
    /// The shape of the answer's body; `None` if the body was not sent whole or is not JSON.
    pub(crate) shape: Option<Shape>,
    pub(crate) retry_after: Option<String>,
    pub(crate) answered: Option<Duration>,
    pub(crate) gone: Option<Duration>,
    /// Whether the script has an entry for this request. Such an entry may replace, change or break the answer.
    pub(crate) scripted: bool,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum Body {
    #[default]
    None,
    Json(Value),
    /// `application/x-www-form-urlencoded`, which the API reads as an object of strings.
    Form(Vec<(String, String)>),
    Other(String),
}

impl Body {
    pub(crate) fn read(bytes: &[u8], content_type: Option<&str>) -> Self {
        if bytes.is_empty() {
            return Self::None;
        }
        if content_type.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
            return Self::Form(form_urlencoded::parse(bytes).into_owned().collect());
        }
        serde_json::from_slice(bytes)
            .map_or_else(|_| Self::Other(String::from_utf8_lossy(bytes).into_owned()), Self::Json)
    }

    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::None => Value::Null,
            Self::Json(value) => value.clone(),
            Self::Form(pairs) => grouped(pairs),
            Self::Other(text) => Value::String(text.clone()),
        }
    }
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Returns all values of a header.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.answered.is_some() || self.gone.is_some()
    }

    /// Returns the key in the header `Authorization`, after `Bearer `.
    pub(crate) fn key(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }

    /// Returns the first value of a query parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Returns the answer as the coverage counts it (`404`, `200`, `200 validation`) if the answer was sent completely.
    pub(crate) fn met(&self) -> Option<String> {
        let (status, shape) = (self.status?, self.shape?);
        self.answered?;
        Some(match shape {
            _ if status >= 300 => status.to_string(),
            // 204 counts as 200, because the API may answer a deletion with either status.
            Shape::Payload | Shape::Empty => "200".to_owned(),
            other => format!("200 {other}"),
        })
    }

    /// Returns the name of the request for messages: its method and its path.
    pub(crate) fn title(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub(crate) fn to_value(&self, clock: &Clock) -> Value {
        let mut value = json!({
            "operation": self.operation,
            "method": self.method,
            "path": self.path,
            "query": grouped(&self.query),
            "body": self.body.to_value(),
            "headers": grouped(&self.headers),
            "at": clock.timestamp(clock.at(self.arrived)),
            "status": self.status,
        });
        if let (Some(gone), Some(members)) = (self.gone, value.as_object_mut()) {
            members.insert("gone_ms".into(), millis(gone));
        }
        value
    }
}

fn millis(at: Duration) -> Value {
    Value::from(u64::try_from(at.as_millis()).unwrap_or(u64::MAX))
}

/// Converts pairs to an object. A name that occurs more than once gets a list.
fn grouped(pairs: &[(String, String)]) -> Value {
    let mut members = Map::new();
    for (name, value) in pairs {
        match members.get_mut(name) {
            None => {
                members.insert(name.clone(), Value::String(value.clone()));
            }
            Some(Value::Array(values)) => values.push(Value::String(value.clone())),
            Some(single) => *single = Value::Array(vec![single.take(), Value::String(value.clone())]),
        }
    }
    Value::Object(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_that_comes_twice_is_shown_as_a_list() {
        let pairs = [("tags", "a:1"), ("limit", "5"), ("tags", "b:2")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(grouped(&pairs), json!({"tags": ["a:1", "b:2"], "limit": "5"}));
    }
}
