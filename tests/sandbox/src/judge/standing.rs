//! The standing rules, which hold in every scenario. Checks a record of requests and returns a sentence for each
//! violation, without any I/O.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use crate::document::DOCUMENT;
use crate::log::{Body, Request};
use crate::text::shortened;
use crate::world::Record;

/// A standing rule. A scenario can waive a rule by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Rule {
    Document,
    Authorization,
    Headers,
    RequestId,
    UnauthorizedAgain,
    Limit,
    Spacing,
    Ended,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Document => "document",
            Self::Authorization => "authorization",
            Self::Headers => "headers",
            Self::RequestId => "request-id",
            Self::UnauthorizedAgain => "unauthorized-again",
            Self::Limit => "limit",
            Self::Spacing => "spacing",
            Self::Ended => "ended",
        })
    }
}

type Violations = Vec<(Rule, String)>;

pub(super) fn violations(record: &Record) -> Violations {
    let mut found = Violations::new();
    for request in &record.requests {
        document(request, &mut found);
        authorization(request, &mut found);
        headers(request, &mut found);
        if !request.has_ended() {
            let what =
                format!("{} has neither been answered nor been given up by its client.", request.title());
            found.push((Rule::Ended, what));
        }
    }
    request_ids(&record.requests, &mut found);
    unauthorized_again(&record.requests, &mut found);
    spacing(record, &mut found);
    if record.peak > record.allowed {
        let (peak, allowed) = (record.peak, record.allowed);
        let what = format!("{peak} requests arrived within one window, where the limit allows {allowed}.");
        found.push((Rule::Limit, what));
    }
    found
}

fn document(request: &Request, found: &mut Violations) {
    let title = request.title();
    match DOCUMENT.find(&request.method, &request.path) {
        None => found.push((Rule::Document, format!("{title} is no operation of the document."))),
        Some(operation) => found.extend(
            operation
                .strict_faults(request)
                .into_iter()
                .map(|(at, what)| (Rule::Document, format!("{title}: {at}: {}", shortened(&what)))),
        ),
    }
}

fn authorization(request: &Request, found: &mut Violations) {
    let title = request.title();
    let given: Vec<&str> = request.all("authorization").collect();
    let well_formed = matches!(given.as_slice(), [one] if one
        .strip_prefix("Bearer ")
        .is_some_and(|key| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic())));
    if !well_formed {
        let what =
            format!("{title} should carry one header \"Authorization: Bearer KEY\", and has {given:?}.");
        found.push((Rule::Authorization, what));
    }
}

fn headers(request: &Request, found: &mut Violations) {
    let title = request.title();
    let mut check = |name: &str, expected: &str, holds: &dyn Fn(&str) -> bool| {
        let given: Vec<&str> = request.all(name).collect();
        if !matches!(given.as_slice(), [one] if holds(one)) {
            found.push((Rule::Headers, format!("{title} should have {name} {expected}, and has {given:?}.")));
        }
    };
    check("accept", "application/json", &|value| {
        value.split(',').any(|kind| kind.trim() == "application/json")
    });
    check("user-agent", "beginning with hightouch-sdk/", &|value| value.starts_with("hightouch-sdk/"));
    if request.body != Body::None {
        check("content-type", "application/json", &|value| {
            value.split(';').next().is_some_and(|kind| kind.trim() == "application/json")
        });
    } else if let Some(kind) = request.header("content-type") {
        let what = format!("{title} has no body and should have no content-type, but has {kind:?}.");
        found.push((Rule::Headers, what));
    }
}

/// Each request must have an `X-Request-Id`, which only attempts of the same request may share. No attempt may follow
/// after a success. An attempt for which the script has an entry never counts as a success here, because the script may
/// break the answer.
fn request_ids(requests: &[Request], found: &mut Violations) {
    let mut known: HashMap<&str, &Request> = HashMap::new();
    for request in requests {
        let title = request.title();
        let Some(id) = request.header("x-request-id").filter(|id| !id.is_empty()) else {
            found.push((Rule::RequestId, format!("{title} should carry an X-Request-Id, and has none.")));
            continue;
        };
        let Some(earlier) = known.insert(id, request) else { continue };
        let alike = (&earlier.method, &earlier.path, &earlier.query, &earlier.body)
            == (&request.method, &request.path, &request.query, &request.body);
        let done = earlier.status.is_some_and(|status| status < 400)
            && earlier.answered.is_some()
            && !earlier.scripted;
        if !alike {
            let other = earlier.title();
            let what =
                format!("{title} and {other} share the X-Request-Id {id}, but are not the same request.");
            found.push((Rule::RequestId, what));
        } else if done {
            let what = format!("{title} was sent again under the X-Request-Id {id} after a good answer.");
            found.push((Rule::RequestId, what));
        }
    }
}

fn unauthorized_again(requests: &[Request], found: &mut Violations) {
    let mut refused: HashMap<&str, Duration> = HashMap::new();
    for request in requests {
        let Some(key) = request.key() else { continue };
        if refused.get(key).is_some_and(|&since| request.arrived > since) {
            let what = format!("{} carries a key that had been refused with 401.", request.title());
            found.push((Rule::UnauthorizedAgain, what));
        } else if let (Some(401), Some(answered)) = (request.status, request.answered) {
            refused.entry(key).or_insert(answered);
        }
    }
}

fn spacing(record: &Record, found: &mut Violations) {
    let mut closed: HashMap<&str, (Duration, u32)> = HashMap::new();
    for request in &record.requests {
        let Some(id) = request.header("x-request-id") else { continue };
        if let Some(&(answered, seconds)) = closed.get(id) {
            let earliest = answered + Duration::from_secs_f64(f64::from(seconds) / record.scale);
            if request.arrived < earliest {
                let early = (earliest.saturating_sub(request.arrived)).as_secs_f64() * record.scale;
                let title = request.title();
                let what = format!(
                    "{title} came again {early:.2} s before the {seconds} s that it was told to wait."
                );
                found.push((Rule::Spacing, what));
            }
        }
        let told: Option<u32> = request.retry_after.as_deref().and_then(|text| text.parse().ok());
        let wait = match request.status {
            Some(429) => told.or(Some(1)),
            Some(400..) => told,
            _ => None,
        };
        if let (Some(seconds), Some(answered)) = (wait, request.answered) {
            closed.insert(id, (answered, seconds));
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    /// Returns a request without violations.
    pub(in crate::judge) fn good(id: &str, path: &str, operation: &'static str) -> Request {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Request {
            operation: Some(operation),
            method: "GET".to_owned(),
            path: path.to_owned(),
            headers: vec![
                header("authorization", "Bearer key"),
                header("accept", "application/json"),
                header("user-agent", "hightouch-sdk/1.2.3 rust"),
                header("x-request-id", id),
            ],
            status: Some(200),
            arrived: Duration::from_secs(1),
            answered: Some(Duration::from_secs(2)),
            ..Request::default()
        }
    }

    fn trigger(id: &str) -> Request {
        let mut request = good(id, "/syncs/5/trigger", "TriggerRun");
        request.method = "POST".to_owned();
        request.body = Body::Json(json!({"fullResync": false}));
        request.headers.push(("content-type".to_owned(), "application/json".to_owned()));
        request
    }

    fn rules(requests: Vec<Request>) -> Vec<Rule> {
        let record = Record { requests, allowed: 200, scale: 2.0, ..Record::default() };
        violations(&record).into_iter().map(|(rule, _)| rule).collect()
    }

    fn changed(change: impl FnOnce(&mut Request)) -> Vec<Request> {
        let mut request = trigger("a");
        change(&mut request);
        vec![request]
    }

    fn set(request: &mut Request, name: &str, value: Option<&str>) {
        request.headers.retain(|(known, _)| known != name);
        request.headers.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn good_requests_break_no_rule() {
        assert_eq!(rules(vec![good("a", "/syncs", "ListSync"), trigger("b")]), []);
    }

    #[test]
    fn a_request_that_is_not_in_the_document_is_noticed() {
        assert_eq!(rules(changed(|request| request.method = "PUT".to_owned())), [Rule::Document]);
        assert_eq!(rules(changed(|request| request.path = "/sync/runs".to_owned())), [Rule::Document]);
        let unknown = ("fullResync".to_owned(), "true".to_owned());
        assert_eq!(rules(changed(|request| request.query.push(unknown))), [Rule::Document]);
        let wrong = Body::Json(json!({"fullResync": "false"}));
        assert_eq!(rules(changed(|request| request.body = wrong)), [Rule::Document]);
    }

    #[test]
    fn a_missing_or_malformed_authorization_is_noticed() {
        for wrong in
            [None, Some("bearer key"), Some("Bearer  key"), Some("Bearer "), Some("key"), Some("Bearer a b")]
        {
            assert_eq!(
                rules(changed(|request| set(request, "authorization", wrong))),
                [Rule::Authorization],
                "{wrong:?}"
            );
        }
        let twice = ("authorization".to_owned(), "Bearer key".to_owned());
        assert_eq!(rules(changed(|request| request.headers.push(twice))), [Rule::Authorization]);
    }

    #[test]
    fn missing_and_wrong_headers_are_noticed() {
        for (name, wrong) in [
            ("accept", None),
            ("accept", Some("*/*")),
            ("user-agent", None),
            ("user-agent", Some("curl/8")),
            ("content-type", None),
            ("content-type", Some("text/plain")),
        ] {
            assert_eq!(
                rules(changed(|request| set(request, name, wrong))),
                [Rule::Headers],
                "{name} {wrong:?}"
            );
        }
        let mut read = good("a", "/syncs", "ListSync");
        set(&mut read, "content-type", Some("application/json"));
        assert_eq!(rules(vec![read]), [Rule::Headers]);
    }

    #[test]
    fn a_request_id_that_is_missing_or_shared_is_noticed() {
        assert_eq!(rules(changed(|request| set(request, "x-request-id", None))), [Rule::RequestId]);
        assert_eq!(rules(vec![good("a", "/syncs", "ListSync"), trigger("a")]), [Rule::RequestId]);
        assert_eq!(rules(vec![trigger("a"), trigger("a")]), [Rule::RequestId], "again after a good answer");
    }

    #[test]
    fn attempts_of_one_request_share_their_id() {
        let mut failed = good("a", "/syncs", "ListSync");
        failed.status = Some(500);
        let mut lost = good("a", "/syncs", "ListSync");
        (lost.status, lost.answered, lost.gone) = (None, None, Some(Duration::from_secs(2)));
        let mut broken = good("a", "/syncs", "ListSync");
        broken.scripted = true;
        assert_eq!(rules(vec![failed, lost, broken, good("a", "/syncs", "ListSync")]), []);
    }

    #[test]
    fn a_key_that_was_refused_and_is_sent_again_is_noticed() {
        let refused = |id| {
            let mut request = trigger(id);
            request.status = Some(401);
            request
        };
        let mut later = trigger("b");
        later.arrived = Duration::from_secs(3);
        assert_eq!(rules(vec![refused("a"), later.clone()]), [Rule::UnauthorizedAgain]);
        let mut with_another = later.clone();
        set(&mut with_another, "authorization", Some("Bearer other"));
        assert_eq!(rules(vec![refused("a"), with_another]), []);
        let at_the_same_time = trigger("b");
        assert_eq!(rules(vec![refused("a"), at_the_same_time]), []);
    }

    #[test]
    fn a_repetition_that_comes_too_soon_is_noticed() {
        let failed = |status: u16, after: Option<&str>| {
            let mut request = trigger("a");
            (request.status, request.retry_after) = (Some(status), after.map(str::to_owned));
            request
        };
        let again = |millis| {
            let mut request = trigger("a");
            request.arrived = Duration::from_millis(millis);
            request
        };
        // A 429 without `Retry-After` asks for a pause of a second of world time. World time passes twice as fast as
        // real time, so the pause is 500 ms.
        assert_eq!(rules(vec![failed(429, None), again(2_499)]), [Rule::Spacing]);
        assert_eq!(rules(vec![failed(429, None), again(2_500)]), []);
        for status in [429, 503] {
            assert_eq!(rules(vec![failed(status, Some("4")), again(3_999)]), [Rule::Spacing]);
            assert_eq!(rules(vec![failed(status, Some("4")), again(4_000)]), []);
        }
        assert_eq!(rules(vec![failed(503, None), again(2_001)]), []);
    }

    #[test]
    fn more_than_the_limit_in_one_window_is_noticed() {
        let record = Record { peak: 201, allowed: 200, scale: 1.0, ..Record::default() };
        assert_eq!(violations(&record).into_iter().map(|(rule, _)| rule).collect::<Vec<_>>(), [Rule::Limit]);
    }

    #[test]
    fn a_request_that_never_ends_is_noticed() {
        assert_eq!(rules(changed(|request| request.answered = None)), [Rule::Ended]);
    }
}
