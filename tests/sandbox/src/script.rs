//! Scripted answers. They replace or change the answers of the operations.

use std::collections::BTreeMap;

use hyper::header::{HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::Value;

use crate::Error;
use crate::document::DOCUMENT;
use crate::log::Request;
use crate::text::scalar;
use crate::world::KeyName;

/// An entry of a script: an answer, which requests get the answer, and how many times the answer is used.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    #[serde(default)]
    pub(crate) when: When,
    pub(crate) answer: ScriptedAnswer,
    #[serde(default = "once")]
    pub(crate) times: u32,
}

fn once() -> u32 {
    1
}

impl Entry {
    /// Checks that the answer can be sent.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.answer.status.is_some_and(|status| !(200..600).contains(&status)) {
            return Err(Error::mistake("expected a status from 200 to 599".to_owned()));
        }
        for (name, value) in &self.answer.headers {
            if HeaderName::try_from(name).is_err() || HeaderValue::try_from(value).is_err() {
                return Err(Error::mistake(format!("the header {name} cannot be sent")));
            }
        }
        let unknown = self.when.operation.iter().flat_map(Names::all).find(|name| !DOCUMENT.knows(name));
        unknown.map_or(Ok(()), |name| Err(Error::mistake(format!("the document has no operation {name}"))))
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Names {
    One(String),
    Several(Vec<String>),
}

impl Names {
    fn all(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Several(names) => names,
        }
    }
}

/// Selects requests. A member that is left out matches every request.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct When {
    pub(crate) operation: Option<Names>,
    pub(crate) nth: Option<usize>,
    pub(crate) method: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) query: BTreeMap<String, Value>,
    pub(crate) headers: BTreeMap<String, Value>,
}

/// A scripted answer. Without a status and a body the answer of the operation is sent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is an optional flag of a scripted answer")]
pub(crate) struct ScriptedAnswer {
    pub(crate) status: Option<u16>,
    pub(crate) headers: BTreeMap<String, String>,
    #[serde(deserialize_with = "present")]
    pub(crate) body: Option<Value>,
    pub(crate) text: Option<String>,
    pub(crate) edit: Vec<Edit>,
    pub(crate) apply: bool,
    pub(crate) delay_ms: u64,
    /// If present, the server holds this request back until another request that matches `until` has been answered.
    pub(crate) until: Option<When>,
    pub(crate) hang: bool,
    pub(crate) reset: Option<Reset>,
    /// Whether the server closes the connection after this answer.
    pub(crate) close: bool,
    /// If present, the server closes the connection this many milliseconds after this answer, which does not say so.
    /// Over HTTP/2 the server would say so.
    pub(crate) close_after_ms: Option<u64>,
    /// A key that is invalid from this request on.
    pub(crate) revoke: Option<KeyName>,
    pub(crate) cut_body_at: Option<usize>,
    pub(crate) trickle: Option<Trickle>,
    pub(crate) gzip: bool,
}

/// Reads a member that is present, so that `null` is a value. By default serde would read `null` like a member that is
/// left out.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// A change to the answer of the operation. `*` in the JSON pointer selects every element.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Edit {
    pub(crate) at: String,
    #[serde(default, deserialize_with = "present")]
    pub(crate) set: Option<Value>,
    #[serde(default)]
    pub(crate) remove: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reset {
    BeforeHeaders,
    InHeaders,
    InBody,
    /// Resets the connection, which also ends every other answer on it.
    Connection,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Trickle {
    pub(crate) bytes: usize,
    pub(crate) every_ms: u64,
}

impl ScriptedAnswer {
    /// Whether the operation provides the status and the body. The script may still edit, delay, truncate or lose the
    /// answer.
    pub(crate) fn is_own(&self) -> bool {
        self.status.is_none() && self.body.is_none() && self.text.is_none()
    }

    /// Whether the client receives no answer.
    pub(crate) fn is_lost(&self) -> bool {
        self.hang || matches!(self.reset, Some(Reset::BeforeHeaders | Reset::InHeaders | Reset::Connection))
    }
}

/// The script of a world. The `times` of an entry counts down to 0 as the entry is used.
#[derive(Debug)]
pub(crate) struct Script(Vec<Entry>);

impl Script {
    pub(crate) fn new(entries: Vec<Entry>) -> Self {
        Self(entries)
    }

    /// Adds entries at the end of the script, and returns their indexes.
    pub(crate) fn add(&mut self, entries: Vec<Entry>) -> Vec<usize> {
        let first = self.0.len();
        self.0.extend(entries);
        (first..self.0.len()).collect()
    }

    /// Returns how many more requests each entry answers.
    pub(crate) fn left(&self) -> Vec<u32> {
        self.0.iter().map(|entry| entry.times).collect()
    }

    /// Returns the answer for a request, and counts one use of the entry with this answer. `nth` is the number of the
    /// request among the requests of its operation, and `nth_of_all` its number among all requests of the world.
    pub(crate) fn next(
        &mut self,
        request: &Request,
        nth: usize,
        nth_of_all: usize,
    ) -> Option<ScriptedAnswer> {
        let entry =
            self.0.iter_mut().find(|entry| entry.times > 0 && entry.when.holds(request, nth, nth_of_all))?;
        entry.times -= 1;
        Some(entry.answer.clone())
    }
}

impl When {
    /// Whether a request matches. `nth` is the number of the request among the requests of its operation, and
    /// `nth_of_all` its number among all requests of the world.
    pub(crate) fn holds(&self, request: &Request, nth: usize, nth_of_all: usize) -> bool {
        self.matches(request, if self.operation.is_some() { nth } else { nth_of_all })
    }

    fn matches(&self, request: &Request, nth: usize) -> bool {
        self.operation
            .as_ref()
            .is_none_or(|names| names.all().iter().any(|name| request.operation == Some(name.as_str())))
            && self.nth.is_none_or(|wanted| wanted == nth)
            && self.method.as_deref().is_none_or(|method| request.method == method)
            && self.path.as_deref().is_none_or(|path| request.path == path)
            && within(&self.query, &request.query, str::eq)
            && within(&self.headers, &request.headers, str::eq_ignore_ascii_case)
    }
}

/// Whether `pairs` has each name of `wanted` with its value. A wanted `null` means that the name must be absent.
/// `same` says whether two names are equal.
fn within(
    wanted: &BTreeMap<String, Value>,
    pairs: &[(String, String)],
    same: fn(&str, &str) -> bool,
) -> bool {
    wanted.iter().all(|(name, wanted)| {
        let mut values = pairs.iter().filter(|(key, _)| same(key, name));
        if wanted.is_null() {
            values.next().is_none()
        } else {
            scalar(wanted).is_some_and(|wanted| values.any(|(_, value)| *value == wanted))
        }
    })
}

impl Edit {
    pub(crate) fn apply(&self, document: &mut Value) {
        let segments: Vec<String> =
            self.at.split('/').skip(1).map(|segment| segment.replace("~1", "/").replace("~0", "~")).collect();
        self.descend(document, &segments);
    }

    fn descend(&self, value: &mut Value, segments: &[String]) {
        let Some((first, rest)) = segments.split_first() else {
            *value = self.set.clone().unwrap_or(Value::Null);
            return;
        };
        match value {
            Value::Array(items) if first == "*" => {
                for item in items {
                    self.descend(item, rest);
                }
            }
            Value::Array(items) => {
                let Ok(index) = first.parse::<usize>() else { return };
                if rest.is_empty() && self.remove && index < items.len() {
                    items.remove(index);
                } else if let Some(item) = items.get_mut(index) {
                    self.descend(item, rest);
                }
            }
            Value::Object(members) if first == "*" => {
                for member in members.values_mut() {
                    self.descend(member, rest);
                }
            }
            Value::Object(members) if rest.is_empty() && self.remove => {
                members.remove(first);
            }
            Value::Object(members) => {
                self.descend(members.entry(first.clone()).or_insert(Value::Null), rest);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(operation: &'static str, query: &[(&str, &str)]) -> Request {
        Request {
            operation: Some(operation),
            query: query.iter().map(|&(name, value)| (name.into(), value.into())).collect(),
            ..Request::default()
        }
    }

    fn script(entries: Value) -> Script {
        Script::new(serde_json::from_value(entries).unwrap())
    }

    #[test]
    fn after_an_entry_is_used_up_the_next_one_is_used() {
        let mut script = script(json!([
            {"when": {"operation": "ListSync"}, "answer": {"status": 500}, "times": 2},
            {"answer": {"status": 404}},
        ]));
        let list = request("ListSync", &[]);
        let statuses: Vec<_> =
            (1..=4).map(|n| script.next(&list, n, n).and_then(|answer| answer.status)).collect();
        assert_eq!(statuses, [Some(500), Some(500), Some(404), None]);
    }

    #[test]
    fn the_nth_request_of_an_operation_is_not_the_nth_of_all() {
        let mut script =
            script(json!([{"when": {"operation": "TriggerRun", "nth": 2}, "answer": {"status": 502}}]));
        let trigger = request("TriggerRun", &[]);
        assert!(script.next(&trigger, 1, 2).is_none());
        assert!(script.next(&trigger, 2, 5).is_some());
    }

    #[test]
    fn a_query_matches_as_a_subset_and_a_number_matches_its_text() {
        let mut script = script(json!([{"when": {"query": {"offset": 100, "slug": null}}, "answer": {}}]));
        assert!(script.next(&request("ListSync", &[("offset", "0")]), 1, 1).is_none());
        assert!(script.next(&request("ListSync", &[("offset", "100"), ("slug", "a")]), 1, 1).is_none());
        assert!(script.next(&request("ListSync", &[("offset", "100"), ("limit", "5")]), 1, 1).is_some());
    }

    #[test]
    fn an_entry_can_select_requests_by_a_header() {
        let mut script = script(json!([{"when": {"headers": {"X-Who": "a"}}, "answer": {"status": 502}}]));
        let mut other = request("TriggerRun", &[]);
        assert!(script.next(&other, 1, 1).is_none());
        other.headers = vec![("x-who".into(), "a".into())];
        assert!(script.next(&other, 2, 2).is_some());
    }

    #[test]
    fn a_body_of_null_is_a_body() {
        let answer: ScriptedAnswer = serde_json::from_value(json!({"body": null})).unwrap();
        assert!(!answer.is_own());
        assert!(ScriptedAnswer::default().is_own());
    }

    #[test]
    fn edits_set_and_remove_members_of_one_or_every_element() {
        let mut body = json!({"data": [{"id": 1, "tags": {}}, {"id": 2, "tags": {}}]});
        for edit in [
            json!({"at": "/data/*/status", "set": "odd"}),
            json!({"at": "/data/1/tags", "remove": true}),
            json!({"at": "/data/0/id", "set": null}),
        ] {
            serde_json::from_value::<Edit>(edit).unwrap().apply(&mut body);
        }
        assert_eq!(
            body,
            json!({"data": [{"id": null, "tags": {}, "status": "odd"}, {"id": 2, "status": "odd"}]})
        );
    }
}
