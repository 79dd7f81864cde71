//! Compares the catalogue with a document, operation by operation and member by member.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::document::{Described, Document, list, text};
use super::{Finding, Severity};

/// Whether a value is part of a request or of an answer. For example, a new required member breaks a request but not an
/// answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Request,
    Answer,
}

/// Returns all differences between a document and the catalogue.
pub(crate) fn differences(document: &Document, catalogue: &Value) -> Vec<Finding> {
    let types = list(catalogue, "types").iter().map(|of| (text(of, "name"), of)).collect();
    let mut compared = Compared { document, types, findings: Vec::new() };
    let described = document.operations();
    let ours: Vec<&Value> = list(catalogue, "operations").iter().chain(list(catalogue, "inner")).collect();
    for operation in &ours {
        compared.operation(operation, &described);
    }
    for theirs in &described {
        if !ours
            .iter()
            .any(|known| text(known, "http") == theirs.http || text(known, "operationId") == theirs.id)
        {
            compared.added(theirs.id, format!("a new operation, {}", theirs.http));
        }
    }
    compared.findings
}

struct Compared<'a> {
    document: &'a Document,
    types: BTreeMap<&'a str, &'a Value>,
    findings: Vec<Finding>,
}

impl<'a> Compared<'a> {
    fn added(&mut self, at: &str, what: impl Into<String>) {
        self.findings.push(Finding { severity: Severity::New, at: at.to_owned(), what: what.into() });
    }

    fn breaking(&mut self, at: &str, what: impl Into<String>) {
        self.findings.push(Finding { severity: Severity::Breaking, at: at.to_owned(), what: what.into() });
    }

    fn operation(&mut self, ours: &'a Value, described: &[Described<'a>]) {
        let (id, http) = (text(ours, "operationId"), text(ours, "http"));
        let Some(theirs) = described.iter().find(|theirs| theirs.http == http) else {
            match described.iter().find(|theirs| theirs.id == id) {
                Some(moved) => self.breaking(id, format!("moved from {http} to {}", moved.http)),
                None if ours.get("newer") == Some(&Value::Bool(true)) => self.findings.push(Finding {
                    severity: Severity::Known,
                    at: id.to_owned(),
                    what: format!("{http} is newer than this document"),
                }),
                None => self.breaking(id, format!("gone: {http}")),
            }
            return;
        };
        if theirs.id != id && !theirs.id.is_empty() {
            self.added(id, format!("is called {} now", theirs.id));
        }
        let deprecated = theirs.value.get("deprecated") == Some(&Value::Bool(true));
        if deprecated != (ours.get("deprecated") == Some(&Value::Bool(true))) {
            self.added(id, if deprecated { "is deprecated now" } else { "is no longer deprecated" });
        }
        self.parameters(id, ours, theirs);
        self.body(id, ours, theirs);
        self.answer(id, ours, theirs);
    }

    fn parameters(&mut self, id: &str, ours: &'a Value, theirs: &Described<'a>) {
        for parameter in &theirs.parameters {
            let (place, name) = (text(parameter, "in"), text(parameter, "name"));
            // OpenAPI says to ignore header parameters with these three names.
            let ours = ["accept", "authorization", "content-type"].contains(&name.to_lowercase().as_str());
            if matches!(place, "header" | "cookie") && !ours {
                self.parameter_added(&format!("{id} {place}.{name}"), parameter);
            }
        }
        for place in ["path", "query"] {
            let known: Vec<&Value> = arguments(ours, place);
            let named = |argument: &'a Value| {
                argument.get("at").map_or(text(argument, "wire"), |at| at.as_str().unwrap_or_default())
            };
            let parameters: Vec<&Value> = theirs
                .parameters
                .iter()
                .copied()
                .filter(|parameter| text(parameter, "in") == place)
                .collect();
            for argument in &known {
                let at = format!("{id} {place}.{}", named(argument));
                match parameters.iter().find(|parameter| text(parameter, "name") == named(argument)) {
                    None => self.breaking(&at, "gone"),
                    Some(parameter) => {
                        let needed = argument.get("required") == Some(&Value::Bool(true));
                        if parameter.get("required") == Some(&Value::Bool(true)) && !needed {
                            self.breaking(&at, "is required now");
                        }
                        if let Some(schema) = parameter.get("schema") {
                            self.value(&at, argument.get("type"), schema, Way::Request);
                            self.page_size(&at, ours, schema);
                        }
                    }
                }
            }
            for parameter in parameters {
                let name = text(parameter, "name");
                if !known.iter().any(|argument| named(argument) == name) {
                    self.parameter_added(&format!("{id} {place}.{name}"), parameter);
                }
            }
        }
    }

    fn parameter_added(&mut self, at: &str, parameter: &Value) {
        if parameter.get("required") == Some(&Value::Bool(true)) {
            self.breaking(at, "a new parameter, which is required");
        } else {
            self.added(at, "a new parameter");
        }
    }

    /// Compares the page size that the SDK asks for with the default and the maximum in the document. The SDK asks for
    /// Hightouch's default, because the server may refuse a larger page.
    fn page_size(&mut self, at: &str, ours: &Value, schema: &Value) {
        let Some(ours) = ours.pointer("/returns/size").and_then(Value::as_f64) else { return };
        if !at.ends_with("query.limit") {
            return;
        }
        let schema = self.document.resolved(schema);
        let theirs = |name| schema.get(name).and_then(Value::as_f64);
        match theirs("default") {
            Some(default) if default < ours => {
                self.breaking(at, format!("the default is {default} and not {ours}"));
            }
            Some(default) if default > ours => {
                self.added(at, format!("the default is {default} and not {ours}"));
            }
            _ => {}
        }
        match theirs("maximum") {
            Some(most) if most < ours => {
                self.breaking(at, format!("at most {most} now, and {ours} are asked for"));
            }
            Some(most) => self.added(at, format!("at most {most} now")),
            None => {}
        }
    }

    fn body(&mut self, id: &str, ours: &'a Value, theirs: &Described<'a>) {
        let known = arguments(ours, "body");
        let schema = theirs.value.get("requestBody").and_then(|body| self.document.content(body));
        let properties = schema.map(|schema| self.document.properties(schema)).unwrap_or_default();
        if schema.is_none() && !known.is_empty() {
            self.breaking(&format!("{id} body"), "gone");
            return;
        }
        let known = known.into_iter().map(|argument| {
            let flag = |name| argument.get(name) == Some(&Value::Bool(true));
            (
                text(argument, "wire"),
                (argument.get("type"), flag("required") || flag("always"), flag("nullable")),
            )
        });
        self.members(&format!("{id} body"), &known.collect(), &properties, Way::Request);
    }

    fn answer(&mut self, id: &str, ours: &'a Value, theirs: &Described<'a>) {
        let returns = ours.get("returns").unwrap_or(&Value::Null);
        let at = format!("{id} answer");
        let schema = self.document.good(theirs.value);
        match (returns.get("page"), returns.get("value"), schema) {
            // The answer of an operation that starts a run must contain the run's id.
            (None, None, Some(schema))
                if returns.get("run").is_some() && !self.document.properties(schema).contains_key("id") =>
            {
                self.breaking(&format!("{at}.id"), "gone");
            }
            (None, None, _) => {}
            (_, _, None) => self.breaking(&at, "the document declares none"),
            (Some(of), _, Some(schema)) => {
                let data = self
                    .document
                    .properties(schema)
                    .get("data")
                    .map(|(data, _)| self.document.resolved(data));
                match data.and_then(|data| data.get("items")) {
                    Some(items) => self.object(&format!("{at}.data[]"), text_of(of), items, Way::Answer),
                    None => self.breaking(&at, "is no page with `data` now"),
                }
            }
            (None, Some(of), Some(schema)) => self.object(&at, text_of(of), schema, Way::Answer),
        }
    }

    /// Compares a named type of the catalogue with a schema.
    fn object(&mut self, at: &str, name: &str, schema: &'a Value, way: Way) {
        let Some(&of) = self.types.get(name) else { return };
        match text(of, "shape") {
            "enum" => self.choice(at, of, schema, way),
            "union" => self.union(at, of, schema, way),
            _ => {
                let is = |field: &Value, key| field.get(key) == Some(&Value::Bool(true));
                let known = list(of, "fields").iter().filter(|field| {
                    // The SDK keeps unknown members of an object under the name `otherMembers`; the API has no such
                    // member.
                    text(field, "wire") != "otherMembers" && !(way == Way::Request && is(field, "readOnly"))
                });
                let known = known.map(|field| {
                    let needed = match way {
                        Way::Request => is(field, "needed"),
                        Way::Answer => text(field, "presence") == "required",
                    };
                    (text(field, "wire"), (field.get("type"), needed, false))
                });
                let properties = self.document.properties(schema);
                self.members(at, &known.collect(), &properties, way);
            }
        }
    }

    fn members(
        &mut self,
        at: &str,
        ours: &BTreeMap<&'a str, (Option<&'a Value>, bool, bool)>,
        theirs: &BTreeMap<&'a str, (&'a Value, bool)>,
        way: Way,
    ) {
        for (name, (of, needed, nullable)) in ours {
            let at = format!("{at}.{name}");
            match theirs.get(name) {
                None if way == Way::Answer && !needed => {
                    self.added(&at, "gone, but the SDK does not need it");
                }
                None => self.breaking(&at, "gone"),
                Some((schema, required)) => {
                    if way == Way::Request && *required && !needed {
                        self.breaking(&at, "is required now");
                    }
                    if way == Way::Answer && *needed && !required {
                        self.breaking(&at, "may be absent now");
                    }
                    let null = self.document.may_be_null(schema);
                    if way == Way::Answer && *needed && null {
                        self.breaking(&at, "may be null now");
                    }
                    if *nullable && !null {
                        self.added(&at, "the document does not say that it may be null");
                    }
                    self.value(&at, *of, schema, way);
                }
            }
        }
        for (name, (_, required)) in theirs {
            if !ours.contains_key(name) {
                let at = format!("{at}.{name}");
                match way {
                    Way::Request if *required => self.breaking(&at, "a new member, which is required"),
                    Way::Request | Way::Answer => self.added(&at, "a new member"),
                }
            }
        }
    }

    /// Compares a type expression of the catalogue, such as `{"list": "int"}`, with a schema.
    fn value(&mut self, at: &str, of: Option<&'a Value>, schema: &'a Value, way: Way) {
        let schema = self.document.resolved(schema);
        let Some(of) = of else { return };
        if let Some(name) = of.get("ref").and_then(Value::as_str) {
            self.object(at, name, schema, way);
            return;
        }
        let kind = self.document.kind(schema);
        if let Some(inner) = of.get("list") {
            match schema.get("items") {
                Some(items) => self.value(&format!("{at}[]"), Some(inner), items, way),
                None => self.changed(at, "a list", kind),
            }
        } else if let Some(inner) = of.get("map") {
            match schema.get("additionalProperties").filter(|more| more.is_object()) {
                Some(more) => self.value(&format!("{at}{{}}"), Some(inner), more, way),
                None if kind == Some("object") => {}
                None => self.changed(at, "an object", kind),
            }
        } else {
            let fits = matches!(
                (of.as_str(), kind),
                (Some("int" | "float"), Some("number"))
                    | (Some("bool"), Some("boolean"))
                    | (Some("string" | "timestamp"), Some("string"))
                    | (Some("sync"), Some("number" | "string"))
                    | (Some("json"), _)
            );
            if !fits {
                self.changed(at, of.as_str().unwrap_or("?"), kind);
            }
        }
    }

    fn changed(&mut self, at: &str, ours: &str, theirs: Option<&str>) {
        self.breaking(at, format!("was {ours} and is {} now", theirs.unwrap_or("any JSON")));
    }

    fn choice(&mut self, at: &str, of: &'a Value, schema: &Value, way: Way) {
        let ours: BTreeSet<&str> = list(of, "values").iter().map(|value| text(value, "wire")).collect();
        let theirs: BTreeSet<&str> =
            list(self.document.resolved(schema), "enum").iter().filter_map(Value::as_str).collect();
        if theirs.is_empty() {
            match self.document.kind(schema) {
                Some("string") => {}
                kind => self.changed(at, "one of some strings", kind),
            }
            return;
        }
        for value in theirs.difference(&ours) {
            self.added(at, format!("a new value, `{value}`"));
        }
        for value in ours.difference(&theirs) {
            let what = format!("the value `{value}` is gone");
            if way == Way::Request { self.breaking(at, what) } else { self.added(at, what) }
        }
    }

    /// Compares the variants of a union with the alternatives of a schema. A variant corresponds to the first
    /// alternative that has any of the variant's members, because the variants of a union share no member.
    fn union(&mut self, at: &str, of: &'a Value, schema: &'a Value, way: Way) {
        let theirs = self.document.alternatives(schema);
        let mut met = BTreeSet::new();
        for variant in list(of, "variants") {
            let Some(name) = variant.get("type").and_then(Value::as_str) else { continue };
            let fields: BTreeSet<&str> = self
                .types
                .get(name)
                .map(|of| list(of, "fields"))
                .unwrap_or_default()
                .iter()
                .map(|field| text(field, "wire"))
                .collect();
            let same = theirs.iter().position(|alternative| {
                self.document.properties(alternative).keys().any(|known| fields.contains(known))
            });
            let at = format!("{at}<{}>", text(variant, "tag"));
            match same.and_then(|index| theirs.get(index).map(|alternative| (index, *alternative))) {
                Some((index, alternative)) => {
                    met.insert(index);
                    self.object(&at, name, alternative, way);
                }
                None => self.breaking(&at, "gone"),
            }
        }
        for (index, alternative) in theirs.iter().enumerate() {
            if !met.contains(&index) {
                let members: Vec<&str> = self.document.properties(alternative).into_keys().collect();
                self.added(at, format!("a new variant with {}", members.join(", ")));
            }
        }
    }
}

fn arguments<'a>(operation: &'a Value, place: &str) -> Vec<&'a Value> {
    list(operation, "args").iter().filter(|argument| text(argument, "in") == place).collect()
}

fn text_of(of: &Value) -> &str {
    of.as_str().unwrap_or_default()
}
