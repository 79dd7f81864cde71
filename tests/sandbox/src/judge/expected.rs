//! Compares the requests of a player with the requests that a scenario expects.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::log::Request;
use crate::text::{scalar, shortened};

/// An expected request. A member that is left out is not compared. `null` in `query` or `headers`, or as the `body`,
/// means that the request must lack this parameter, this header or a body. Inside `body`, `null` means absent or null.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Expected {
    operation: Option<String>,
    method: Option<String>,
    path: Option<String>,
    query: BTreeMap<String, Value>,
    headers: BTreeMap<String, Value>,
    #[serde(deserialize_with = "present")]
    body: Option<Value>,
    status: Option<u16>,
    times: Option<usize>,
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// An expected number of requests.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged)]
pub(super) enum Count {
    Exactly(usize),
    Between(Between),
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Between {
    min: usize,
    max: usize,
}

impl Default for Between {
    fn default() -> Self {
        Self { min: 0, max: usize::MAX }
    }
}

impl Count {
    /// Returns a sentence that begins with `what` if the number differs from the expected number.
    pub(super) fn complaint(self, what: &str, seen: usize) -> Option<String> {
        let (min, max) = match self {
            Self::Exactly(count) => (count, count),
            Self::Between(between) => (between.min, between.max),
        };
        let expected = match (min, max) {
            (min, max) if min == max => min.to_string(),
            (min, usize::MAX) => format!("at least {min}"),
            (min, max) => format!("{min} to {max}"),
        };
        (!(min..=max).contains(&seen))
            .then(|| format!("{what} {seen} times, but {expected} times were expected."))
    }
}

/// Compares the requests with the expected requests, one by one. With `more`, other requests may come before, between
/// and after the expected requests.
pub(super) fn in_order(expected: &[Expected], seen: &[Request], more: bool) -> Vec<String> {
    let expected: Vec<&Expected> =
        expected.iter().flat_map(|one| std::iter::repeat_n(one, one.times.unwrap_or(1))).collect();
    let mut complaints = Vec::new();
    if more {
        let mut rest = seen.iter();
        for (index, wanted) in expected.iter().enumerate() {
            if !rest.any(|request| wanted.faults(request).is_empty()) {
                complaints.push(format!(
                    "Request {} of the scenario ({}) was not found in its place among {}.",
                    index + 1,
                    wanted.title(),
                    listed(seen),
                ));
                break;
            }
        }
        return complaints;
    }
    if expected.len() != seen.len() {
        let (wanted, count) = (expected.len(), seen.len());
        complaints.push(format!("{wanted} requests were expected, and {count} came: {}.", listed(seen)));
    }
    complaints.extend(
        expected
            .iter()
            .zip(seen)
            .enumerate()
            .flat_map(|(index, (wanted, request))| wanted.complaints(index, request)),
    );
    complaints
}

/// Compares every request with the same expectation.
pub(super) fn each(wanted: &Expected, seen: &[Request]) -> Vec<String> {
    seen.iter().enumerate().flat_map(|(index, request)| wanted.complaints(index, request)).collect()
}

fn listed(requests: &[Request]) -> String {
    let titles: Vec<String> = requests
        .iter()
        .map(|request| match request.operation {
            Some(operation) => format!("{operation} {}", request.path),
            None => request.title(),
        })
        .collect();
    if titles.is_empty() { "none".to_owned() } else { shortened(&titles.join(", ")) }
}

impl Expected {
    fn title(&self) -> &str {
        self.operation.as_deref().or(self.path.as_deref()).unwrap_or("any")
    }

    fn complaints(&self, index: usize, request: &Request) -> Vec<String> {
        let title = request.title();
        let faults = self.faults(request).into_iter();
        faults.map(|fault| format!("Request {} ({title}): {fault}.", index + 1)).collect()
    }

    fn faults(&self, request: &Request) -> Vec<String> {
        let mut faults = Vec::new();
        let mut compare = |what: &str, wanted: Option<&str>, seen: Option<&str>| {
            if wanted.is_some() && wanted != seen {
                let (wanted, seen) = (wanted.unwrap_or_default(), seen.unwrap_or("none"));
                faults.push(format!("{what} should be {wanted}, and is {seen}"));
            }
        };
        compare("the operation", self.operation.as_deref(), request.operation);
        compare("the method", self.method.as_deref(), Some(&request.method));
        compare("the path", self.path.as_deref(), Some(&request.path));
        let status = |status: Option<u16>| status.map(|status| status.to_string());
        compare("the status", status(self.status).as_deref(), status(request.status).as_deref());
        for (name, wanted) in &self.query {
            let seen =
                request.query.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
            faults.extend(pairs(&format!("the query's {name}"), wanted, &seen.collect::<Vec<_>>()));
        }
        for (name, wanted) in &self.headers {
            let lower = name.to_ascii_lowercase();
            let seen: Vec<&str> = request.all(&lower).collect();
            faults.extend(pairs(&format!("the header {name}"), wanted, &seen));
        }
        if let Some(wanted) = &self.body {
            differences("body", wanted, &request.body.to_value(), &mut faults);
        }
        faults
    }
}

/// Compares the values of a query parameter or a header. A `wanted` of null means no value, and a list means exactly
/// the values in the list.
fn pairs(what: &str, wanted: &Value, seen: &[&str]) -> Option<String> {
    let expected: Vec<String> = match wanted {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().filter_map(scalar).collect(),
        one => scalar(one).into_iter().collect(),
    };
    (expected != seen).then(|| format!("{what} should be {expected:?}, and is {seen:?}"))
}

fn differences(at: &str, wanted: &Value, seen: &Value, faults: &mut Vec<String>) {
    match (wanted, seen) {
        (Value::Object(members), Value::Object(present)) => {
            for (name, wanted) in members {
                differences(
                    &format!("{at}.{name}"),
                    wanted,
                    present.get(name).unwrap_or(&Value::Null),
                    faults,
                );
            }
        }
        (Value::Array(items), Value::Array(present)) if items.len() == present.len() => {
            for (index, (wanted, seen)) in items.iter().zip(present).enumerate() {
                differences(&format!("{at}.{index}"), wanted, seen, faults);
            }
        }
        (Value::Number(wanted), Value::Number(seen)) if wanted.as_f64() == seen.as_f64() => {}
        _ if wanted == seen => {}
        _ => faults.push(format!("{at} should be {wanted}, and is {}", shortened(&seen.to_string()))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::log::Body;

    fn list(offset: &str) -> Request {
        Request {
            operation: Some("ListSync"),
            method: "GET".to_owned(),
            path: "/syncs".to_owned(),
            query: vec![("offset".to_owned(), offset.to_owned())],
            headers: vec![("authorization".to_owned(), "Bearer key".to_owned())],
            ..Request::default()
        }
    }

    fn trigger(body: Value) -> Request {
        Request {
            operation: Some("TriggerRun"),
            method: "POST".to_owned(),
            path: "/syncs/5/trigger".to_owned(),
            body: Body::Json(body),
            status: Some(200),
            ..Request::default()
        }
    }

    fn complaints(expected: Value, seen: &[Request], more: bool) -> usize {
        let expected: Vec<Expected> = serde_json::from_value(expected).unwrap();
        in_order(&expected, seen, more).len()
    }

    #[test]
    fn named_members_must_match_and_others_are_ignored() {
        let seen = [list("0"), trigger(json!({"fullResync": false, "resetCDC": false}))];
        let good = json!([
            {"operation": "ListSync", "query": {"offset": 0, "slug": null}, "body": null},
            {"path": "/syncs/5/trigger", "body": {"fullResync": false}, "status": 200},
        ]);
        assert_eq!(complaints(good, &seen, false), 0);
    }

    #[test]
    fn each_member_that_differs_is_noticed() {
        let seen = [trigger(json!({"fullResync": true}))];
        for wrong in [
            json!({"operation": "ListSync"}),
            json!({"method": "GET"}),
            json!({"path": "/syncs/6/trigger"}),
            json!({"query": {"limit": 1}}),
            json!({"headers": {"Accept": "application/json"}}),
            json!({"body": null}),
            json!({"body": {"fullResync": false}}),
            json!({"body": {"clearAndFill": false}}),
            json!({"status": 502}),
        ] {
            assert_eq!(complaints(json!([wrong]), &seen, false), 1, "{wrong}");
        }
        let absent = json!([{"query": {"offset": null}}]);
        assert_eq!(complaints(absent, &[list("0")], false), 1);
    }

    #[test]
    fn every_request_must_match_the_member_each() {
        let wanted: Expected =
            serde_json::from_value(json!({"headers": {"authorization": "Bearer key"}})).unwrap();
        assert_eq!(each(&wanted, &[list("0"), list("1")]).len(), 0);
        assert_eq!(each(&wanted, &[list("0"), trigger(json!({}))]).len(), 1);
    }

    #[test]
    fn a_request_too_many_or_too_few_is_noticed() {
        let one = json!([{"operation": "ListSync"}]);
        assert_eq!(complaints(one.clone(), &[list("0"), list("100")], false), 1);
        assert_eq!(complaints(one, &[], false), 1);
        assert_eq!(
            complaints(json!([{"operation": "ListSync", "times": 2}]), &[list("0"), list("1")], false),
            0
        );
    }

    #[test]
    fn requests_must_be_in_order_also_among_others() {
        let seen = [list("0"), list("99"), trigger(json!({})), list("0")];
        let ordered = json!([{"query": {"offset": 99}}, {"operation": "TriggerRun"}]);
        assert_eq!(complaints(ordered, &seen, true), 0);
        let reversed = json!([{"operation": "TriggerRun"}, {"query": {"offset": 99}}]);
        assert_eq!(complaints(reversed, &seen, true), 1);
    }
}
