//! Compares a newer OpenAPI document with the document that the SDK was written from. This module compares only facts
//! that the catalogue does not contain: the servers, the authentication, the bounds on values in requests, and
//! additional shapes of answers under a success status.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::document::{Described, Document, text};
use super::{Finding, Severity};

/// The keywords of JSON Schema for upper bounds (`UPPER`) and lower bounds (`LOWER`). A smaller upper bound or a larger
/// lower bound allows fewer values.
const UPPER: [&str; 4] = ["maxItems", "maxLength", "maxProperties", "maximum"];
const LOWER: [&str; 4] = ["minItems", "minLength", "minProperties", "minimum"];

/// How many levels of nested values are compared.
const DEEPEST_VALUE: usize = 16;

pub(crate) fn differences(document: &Document, baseline: &Document) -> Vec<Finding> {
    let mut findings = servers(document, baseline);
    findings.extend(security(document, baseline));
    let earlier: BTreeMap<&str, _> = baseline.operations().into_iter().map(|one| (one.id, one)).collect();
    for theirs in document.operations() {
        let Some(earlier) = earlier.get(theirs.id) else { continue };
        let answers = (document.beside_good(theirs.value), baseline.beside_good(earlier.value));
        findings.extend(beside_good(&format!("{} answer", theirs.id), answers.0, &answers.1));
        let earlier = Bounds::of(baseline, earlier);
        findings.extend(Bounds::of(document, &theirs).narrower_than(&earlier, theirs.id));
    }
    findings
}

fn breaking(at: &str, what: String) -> Finding {
    Finding { severity: Severity::Breaking, at: at.to_owned(), what }
}

fn new(at: &str, what: String) -> Finding {
    Finding { severity: Severity::New, at: at.to_owned(), what }
}

fn servers(document: &Document, baseline: &Document) -> Vec<Finding> {
    let (theirs, earlier) = (document.servers(), baseline.servers());
    let gone = earlier.difference(&theirs).map(|url| breaking("servers", format!("{url} is gone")));
    let added = theirs.difference(&earlier).map(|url| new("servers", format!("a new server, {url}")));
    gone.chain(added).collect()
}

/// Reports operations that do not accept a bearer token alone, because the SDK sends no other authentication. Also
/// reports new security schemes.
fn security(document: &Document, baseline: &Document) -> Vec<Finding> {
    let schemes = document.security_schemes();
    let is_bearer = |name: &str| {
        schemes.get(name).is_some_and(|scheme| {
            text(scheme, "type") == "http" && text(scheme, "scheme").eq_ignore_ascii_case("bearer")
        })
    };
    let operations = document.operations();
    let mut wanted: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for operation in &operations {
        let sets: Vec<Vec<&str>> = document
            .security(operation.value)
            .iter()
            .map(|set| set.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect())
            .collect();
        if !sets.is_empty() && !sets.iter().any(|set| set.iter().all(|name| is_bearer(name))) {
            let sets: Vec<String> = sets.iter().map(|set| set.join(" and ")).collect();
            wanted.entry(sets.join(" or ")).or_default().push(operation.id);
        }
    }
    let unmet = wanted.into_iter().map(|(schemes, ids)| {
        let all = ids.len() == operations.len();
        let by = if all { "every operation".to_owned() } else { ids.join(", ") };
        breaking("security", format!("{schemes} instead of a bearer token is wanted by {by}"))
    });
    let earlier = baseline.security_schemes();
    let added = schemes.keys().filter(|name| !earlier.contains_key(*name));
    unmet.chain(added.map(|name| new("security", format!("a new scheme, {name}")))).collect()
}

fn beside_good(at: &str, theirs: BTreeSet<String>, earlier: &BTreeSet<String>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = earlier
        .difference(&theirs)
        .map(|shape| new(at, format!("{shape} is no longer among the answers")))
        .collect();
    let added = theirs.into_iter().filter(|shape| !earlier.contains(shape));
    findings.extend(added.map(|shape| breaking(at, format!("may be {shape} now"))));
    findings
}

/// The bounds on the parameters and the body of an operation. A place in a request is written like `body.recipients[]`.
#[derive(Default)]
struct Bounds {
    /// All places of values in the request, with or without a bound.
    places: BTreeSet<String>,
    numbers: BTreeMap<(String, &'static str), f64>,
    patterns: BTreeMap<String, String>,
}

impl Bounds {
    fn of(document: &Document, operation: &Described<'_>) -> Self {
        let mut bounds = Self::default();
        for parameter in &operation.parameters {
            let at = format!("{}.{}", text(parameter, "in"), text(parameter, "name"));
            // The page size (`query.limit`) is checked in `compare.rs`, because the size that the SDK asks for is known
            // there.
            if let (Some(schema), false) = (parameter.get("schema"), at == "query.limit") {
                bounds.collect(document, at, schema, DEEPEST_VALUE);
            }
        }
        if let Some(schema) = operation.value.get("requestBody").and_then(|body| document.content(body)) {
            bounds.collect(document, "body".to_owned(), schema, DEEPEST_VALUE);
        }
        bounds
    }

    fn collect(&mut self, document: &Document, at: String, schema: &Value, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else { return };
        let schema = document.resolved(schema);
        for keyword in UPPER.into_iter().chain(LOWER) {
            if let Some(bound) = schema.get(keyword).and_then(Value::as_f64) {
                self.numbers.insert((at.clone(), keyword), bound);
            }
        }
        if let Some(pattern) = schema.get("pattern").and_then(Value::as_str) {
            self.patterns.insert(at.clone(), pattern.to_owned());
        }
        for (name, (property, _)) in document.properties(schema) {
            self.collect(document, format!("{at}.{name}"), property, depth);
        }
        for (name, mark) in [("items", "[]"), ("additionalProperties", "{}")] {
            if let Some(inner) = schema.get(name).filter(|inner| inner.is_object()) {
                self.collect(document, format!("{at}{mark}"), inner, depth);
            }
        }
        self.places.insert(at);
    }

    fn narrower_than(&self, earlier: &Self, id: &str) -> Vec<Finding> {
        let mut findings = Vec::new();
        for ((at, keyword), &bound) in &self.numbers {
            let place = format!("{id} {at}");
            let known = earlier.numbers.get(&(at.clone(), *keyword)).copied();
            let upper = UPPER.contains(keyword);
            let narrower = known.is_none_or(|known| if upper { bound < known } else { bound > known });
            if !earlier.places.contains(at) || known.is_some_and(|known| (known - bound).abs() < f64::EPSILON)
            {
                continue;
            }
            let what = format!("{keyword} is {bound} now");
            findings.push(if narrower { breaking(&place, what) } else { new(&place, what) });
        }
        for (at, pattern) in &self.patterns {
            if earlier.places.contains(at) && earlier.patterns.get(at) != Some(pattern) {
                findings.push(breaking(&format!("{id} {at}"), format!("must match {pattern} now")));
            }
        }
        findings
    }
}
