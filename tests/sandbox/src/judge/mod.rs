//! Judges the requests of a player (the test code of one language). The requests must match the requests that the
//! scenario expects. They must also keep the standing rules, which hold in every scenario.

mod expected;
mod standing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::Error;
use crate::document::DOCUMENT;
use crate::world::{KeyName, Record, World};
use expected::{Count, Expected};
pub(crate) use standing::Rule;
use standing::violations;

/// How long the judge waits for requests to end after the client was closed.
const PATIENCE: Duration = Duration::from_secs(10);

/// A case for the judge. `tests/scenarios/README.md` explains the members of `wire`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) player: String,
    pub(crate) scenario: String,
    #[serde(default)]
    wire: Value,
    /// Kinds of errors that the player met, besides the kinds that the scenario names.
    #[serde(default)]
    pub(crate) kinds: Vec<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct Wire {
    requests: Option<Vec<Expected>>,
    requests_more: bool,
    each: Option<Expected>,
    counts: BTreeMap<String, Count>,
    keys: BTreeMap<KeyName, Count>,
    gone: Option<usize>,
    refused: usize,
    allow: BTreeSet<Rule>,
}

/// The result of a judgement. If there are no complaints, all requests were correct.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Each sentence says what was expected and what was sent instead.
    pub complaints: Vec<String>,
    /// The operations that were called.
    #[serde(skip)]
    pub operations: BTreeSet<String>,
    /// The answers that were sent: `ListSync 200`, `ListSync 404`, `CreateSync 200 validation`.
    #[serde(skip)]
    pub answers: BTreeSet<String>,
}

/// Waits until the requests of a world have ended, for 10 s at most, and judges them.
pub(crate) async fn judge(world: &Arc<World>, case: &Case) -> Result<Verdict, Error> {
    let wire = filled(&case.wire, &serde_json::to_value(&world.info)?)?;
    let wire: Wire = if wire.is_null() { Wire::default() } else { serde_json::from_value(wire)? };
    if let Some(name) = wire.counts.keys().find(|name| !DOCUMENT.knows(name)) {
        return Err(Error::mistake(format!("counts: the document has no operation {name}.")));
    }
    let given_up = Instant::now() + PATIENCE;
    let mut record = world.record();
    while record.requests.iter().any(|request| !request.has_ended()) && Instant::now() < given_up {
        sleep(Duration::from_millis(5)).await;
        record = world.record();
    }
    let operations =
        record.requests.iter().filter_map(|request| request.operation).map(str::to_owned).collect();
    let answers = record
        .requests
        .iter()
        .filter_map(|request| Some(format!("{} {}", request.operation?, request.met()?)))
        .collect();
    Ok(Verdict { complaints: complaints(&record, &wire), operations, answers })
}

fn complaints(record: &Record, wire: &Wire) -> Vec<String> {
    let mut complaints: Vec<String> = violations(record)
        .into_iter()
        .filter(|(rule, _)| !wire.allow.contains(rule))
        .map(|(rule, what)| format!("{rule}: {what}"))
        .collect();
    if record.refused > wire.refused {
        let (allowed, seen) = (wire.refused, record.refused);
        complaints.push(format!("The limit refused {seen} requests, but at most {allowed} were expected."));
    }
    if let Some(requests) = &wire.requests {
        complaints.extend(expected::in_order(requests, &record.requests, wire.requests_more));
    }
    if let Some(each) = &wire.each {
        complaints.extend(expected::each(each, &record.requests));
    }
    for (operation, count) in &wire.counts {
        let seen =
            record.requests.iter().filter(|request| request.operation == Some(operation.as_str())).count();
        complaints.extend(count.complaint(&format!("{operation} was called"), seen));
    }
    for (name, count) in &wire.keys {
        let seen = record.requests.iter().filter(|request| request.key_name == Some(*name)).count();
        complaints.extend(count.complaint(&format!("The key `{}` was sent", name.text()), seen));
    }
    let gone = record.requests.iter().filter(|request| request.gone.is_some()).count();
    if let Some(expected) = wire.gone.filter(|&expected| expected != gone) {
        complaints.push(format!(
            "The client gave up {gone} requests before their answers, but {expected} were expected."
        ));
    }
    complaints
}

/// Returns each violation of a standing rule as a sentence.
pub(crate) fn standing_violations(record: &Record) -> Vec<String> {
    violations(record).into_iter().map(|(rule, what)| format!("{rule}: {what}")).collect()
}

/// Replaces `{{name}}` and `{{keys.name}}` with members of [`WorldInfo`](crate::WorldInfo).
fn filled(wire: &Value, info: &Value) -> Result<Value, Error> {
    Ok(match wire {
        Value::String(text) => Value::String(filled_text(text, info)?),
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| filled(item, info)).collect::<Result<_, _>>()?)
        }
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, value)| Ok((name.clone(), filled(value, info)?)))
                .collect::<Result<_, Error>>()?,
        ),
        other => other.clone(),
    })
}

fn filled_text(text: &str, info: &Value) -> Result<String, Error> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, after)) = after.split_once("}}") else { break };
        let value = info.pointer(&format!("/{}", name.replace('.', "/"))).and_then(Value::as_str);
        let value = value
            .ok_or_else(|| Error::mistake(format!("the wire has the unknown placeholder {{{{{name}}}}}")))?;
        filled.push_str(before);
        filled.push_str(value);
        rest = after;
    }
    Ok(filled + rest)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::log::Request;

    fn record(requests: Vec<Request>) -> Record {
        Record { requests, allowed: 200, scale: 1.0, ..Record::default() }
    }

    fn wire(members: Value) -> Wire {
        serde_json::from_value(members).unwrap()
    }

    #[test]
    fn a_wrong_number_of_requests_is_noticed() {
        let record = record(vec![
            standing::tests::good("a", "/syncs", "ListSync"),
            standing::tests::good("b", "/syncs", "ListSync"),
        ]);
        assert_eq!(complaints(&record, &wire(json!({"counts": {"ListSync": 2}}))), [""; 0]);
        assert_eq!(
            complaints(&record, &wire(json!({"counts": {"ListSync": {"min": 1, "max": 2}}}))),
            [""; 0]
        );
        for wrong in [json!({"ListSync": 1}), json!({"ListSync": {"min": 3}}), json!({"TriggerRun": 1})] {
            assert_eq!(complaints(&record, &wire(json!({"counts": wrong}))).len(), 1, "{wrong}");
        }
    }

    #[test]
    fn a_key_that_is_sent_too_often_or_never_is_noticed() {
        let mut request = standing::tests::good("a", "/syncs", "ListSync");
        request.key_name = Some(KeyName::Second);
        let record = record(vec![request]);
        assert_eq!(complaints(&record, &wire(json!({"keys": {"second": 1, "valid": 0}}))), [""; 0]);
        for wrong in [json!({"second": 0}), json!({"valid": {"min": 1}})] {
            assert_eq!(complaints(&record, &wire(json!({"keys": wrong}))).len(), 1, "{wrong}");
        }
    }

    #[test]
    fn a_refusal_is_noticed_unless_the_scenario_expects_it() {
        let record = Record { refused: 2, ..record(Vec::new()) };
        assert_eq!(complaints(&record, &wire(json!({}))).len(), 1);
        assert_eq!(complaints(&record, &wire(json!({"refused": 1}))).len(), 1);
        assert_eq!(complaints(&record, &wire(json!({"refused": 2}))), [""; 0]);
    }

    #[test]
    fn a_client_that_should_have_gone_and_stayed_is_noticed() {
        let mut gone = standing::tests::good("a", "/syncs", "ListSync");
        (gone.answered, gone.gone) = (None, Some(Duration::from_millis(1)));
        let record = record(vec![gone]);
        assert_eq!(complaints(&record, &wire(json!({"gone": 1}))), [""; 0]);
        assert_eq!(complaints(&record, &wire(json!({"gone": 0}))).len(), 1);
        assert_eq!(complaints(&record, &wire(json!({"gone": 2}))).len(), 1);
    }

    #[test]
    fn a_waived_rule_is_silent_and_the_others_are_not() {
        let mut odd = standing::tests::good("a", "/nowhere", "ListSync");
        odd.operation = None;
        odd.headers.retain(|(name, _)| name != "accept");
        let record = record(vec![odd]);
        assert_eq!(complaints(&record, &wire(json!({}))).len(), 2);
        assert_eq!(complaints(&record, &wire(json!({"allow": ["document"]}))).len(), 1);
        assert_eq!(complaints(&record, &wire(json!({"allow": ["document", "headers"]}))), [""; 0]);
    }

    #[test]
    fn placeholders_are_replaced_and_unknown_ones_are_errors() {
        let info = json!({"apiKey": "k", "keys": {"invalid": "i"}});
        let wire = json!({"requests": [{"headers": {"authorization": "Bearer {{keys.invalid}}"}}]});
        let filled = filled(&wire, &info).unwrap();
        assert_eq!(filled["requests"][0]["headers"]["authorization"], "Bearer i");
        assert!(super::filled(&json!("{{keys.none}}"), &info).is_err());
    }
}
