//! The vendor's OpenAPI document, and the validation of requests against it by JSON Schema.

mod amendments;
mod responses;
mod schema;

use std::sync::{Arc, LazyLock};

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use crate::log::{Body, Request};
use responses::Responses;
pub(crate) use responses::Shape;
use schema::{Schema, tidy};

/// The built-in document with its amendments.
pub(crate) static DOCUMENT: LazyLock<Document> = LazyLock::new(Document::read);

const SOURCE: &str = include_str!("../../openapi.json");

pub(crate) struct Document {
    operations: Vec<Operation>,
}

pub(crate) struct Operation {
    pub(crate) id: String,
    method: String,
    segments: Vec<String>,
    parameters: Vec<Parameter>,
    body: Option<RequestBody>,
    #[cfg_attr(not(test), expect(dead_code, reason = "only tests compare the sandbox's answers with it"))]
    good: Option<Schema>,
    responses: Responses,
}

struct Parameter {
    name: String,
    place: Place,
    required: bool,
    schema: Schema,
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum Place {
    Path,
    Query,
}

struct RequestBody {
    required: bool,
    schema: Schema,
    /// A copy of `schema` that allows only the members that it names.
    closed: Schema,
}

impl Document {
    fn read() -> Self {
        let mut source: Value = serde_json::from_str(SOURCE).unwrap_or_default();
        amendments::apply(&mut source);
        let components = Arc::new(tidy(source.get("components").cloned().unwrap_or_default()));
        let mut operations = Vec::new();
        for (path, methods) in members(source.get("paths")) {
            for (method, described) in members(Some(methods)) {
                if described.get("operationId").is_some() {
                    operations.push(Operation::read(path, method, described, &components));
                }
            }
        }
        Self { operations }
    }

    /// Returns the operation of a method and a path. A literal path wins over a path with placeholders.
    pub(crate) fn find(&self, method: &str, path: &str) -> Option<&Operation> {
        let segments: Vec<&str> = path.split('/').collect();
        self.operations
            .iter()
            .filter(|operation| operation.method.eq_ignore_ascii_case(method) && operation.covers(&segments))
            .max_by_key(|operation| {
                operation.segments.iter().filter(|segment| !is_placeholder(segment)).count()
            })
    }

    pub(crate) fn knows(&self, id: &str) -> bool {
        self.operation(id).is_some()
    }

    pub(crate) fn operation(&self, id: &str) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.id == id)
    }

    pub(crate) fn operations(&self) -> &[Operation] {
        &self.operations
    }
}

impl Operation {
    fn read(path: &str, method: &str, described: &Value, components: &Arc<Value>) -> Self {
        let parameters = described.get("parameters").and_then(Value::as_array).into_iter().flatten();
        let content = |holder: Option<&Value>| {
            let schema = holder?.pointer("/content/application~1json/schema")?.clone();
            Some(Schema::new(schema, components))
        };
        let request = described.get("requestBody");
        Self {
            id: text(described, "operationId"),
            method: method.to_ascii_uppercase(),
            segments: path.split('/').map(str::to_owned).collect(),
            parameters: parameters.map(|described| Parameter::read(described, components)).collect(),
            body: content(request).map(|schema| RequestBody {
                required: request.and_then(|body| body.get("required")) == Some(&Value::Bool(true)),
                closed: schema.closed(),
                schema,
            }),
            good: content(described.pointer("/responses/200")),
            responses: Responses::read(described.get("responses")),
        }
    }

    pub(crate) fn is_read(&self) -> bool {
        self.method == "GET"
    }

    #[cfg(test)]
    pub(crate) fn verb(&self) -> &str {
        &self.method
    }

    /// Returns the target (path and query) and the body of a request with these arguments.
    #[cfg(test)]
    pub(crate) fn request_with(&self, mut args: Map<String, Value>) -> (String, Map<String, Value>) {
        let mut path = self.segments.join("/");
        let mut query = form_urlencoded::Serializer::new(String::new());
        for parameter in &self.parameters {
            let Some(value) = args.remove(&parameter.name) else { continue };
            let written: Vec<String> = match &value {
                Value::Array(items) => items.iter().filter_map(crate::text::scalar).collect(),
                one => crate::text::scalar(one).into_iter().collect(),
            };
            match parameter.place {
                Place::Path => path = path.replace(&format!("{{{}}}", parameter.name), &written.concat()),
                Place::Query => {
                    query.extend_pairs(written.iter().map(|value| (&parameter.name, value)));
                }
            }
        }
        (format!("{path}?{}", query.finish()), args)
    }

    pub(crate) fn responses(&self) -> &Responses {
        &self.responses
    }

    fn covers(&self, segments: &[&str]) -> bool {
        self.segments.len() == segments.len()
            && self
                .segments
                .iter()
                .zip(segments)
                .all(|(own, given)| if is_placeholder(own) { !given.is_empty() } else { own == given })
    }

    /// Returns the decoded value of a path parameter.
    pub(crate) fn path_value(&self, path: &str, name: &str) -> Option<String> {
        let wanted = format!("{{{name}}}");
        let position = self.segments.iter().position(|segment| *segment == wanted)?;
        let raw = path.split('/').nth(position)?;
        Some(percent_decode_str(raw).decode_utf8_lossy().into_owned())
    }

    /// Returns everything in a request that the document forbids, as pairs of place and reason.
    pub(crate) fn faults(&self, request: &Request) -> Vec<(String, String)> {
        let mut faults = self.parameter_faults(request);
        if let Some(expected) = &self.body {
            expected.check(&request.body, &expected.schema, &mut faults);
        }
        faults
    }

    /// Like [`Self::faults`], but also returns parameters, members and bodies that the document does not have. The API
    /// ignores these extras, but the SDK must not send them.
    pub(crate) fn strict_faults(&self, request: &Request) -> Vec<(String, String)> {
        let mut faults = self.parameter_faults(request);
        for (name, _) in &request.query {
            if !self.parameters.iter().any(|known| known.place == Place::Query && known.name == *name) {
                faults.push((name.clone(), "the document has no such query parameter".to_owned()));
            }
        }
        match &self.body {
            Some(expected) => expected.check(&request.body, &expected.closed, &mut faults),
            None if request.body == Body::None => {}
            None => faults.push(("body".to_owned(), "the document has no body here".to_owned())),
        }
        faults
    }

    /// Returns the members of a request's body. The values of a form are converted to their declared types.
    pub(crate) fn body(&self, request: &Request) -> Map<String, Value> {
        match (&request.body, &self.body) {
            (Body::Json(Value::Object(members)), _) => members.clone(),
            (Body::Form(pairs), Some(expected)) => expected.schema.form(pairs),
            _ => Map::new(),
        }
    }

    fn parameter_faults(&self, request: &Request) -> Vec<(String, String)> {
        let mut faults = Vec::new();
        for parameter in &self.parameters {
            let given: Vec<String> = match parameter.place {
                Place::Path => self.path_value(&request.path, &parameter.name).into_iter().collect(),
                Place::Query => request
                    .query
                    .iter()
                    .filter(|(name, _)| *name == parameter.name)
                    .map(|(_, value)| value.clone())
                    .collect(),
            };
            parameter.check(&given, &mut faults);
        }
        faults
    }

    #[cfg(test)]
    pub(crate) fn faults_of_answer(&self, body: &Value) -> Vec<(String, String)> {
        self.good.as_ref().map(|schema| schema.faults(body)).unwrap_or_default()
    }
}

impl RequestBody {
    fn check(&self, body: &Body, schema: &Schema, faults: &mut Vec<(String, String)>) {
        let mut fault = |what: &str| faults.push(("body".to_owned(), what.to_owned()));
        let found = match body {
            Body::None if self.required => return fault("the document requires a body"),
            Body::None => return,
            Body::Other(_) => return fault("this is not JSON"),
            Body::Json(value) => schema.faults(value),
            Body::Form(pairs) => schema.faults(&Value::Object(self.schema.form(pairs))),
        };
        faults.extend(found.into_iter().map(|(at, what)| (format!("body{at}"), what)));
    }
}

impl Parameter {
    fn read(described: &Value, components: &Arc<Value>) -> Self {
        Self {
            name: text(described, "name"),
            place: if text(described, "in") == "path" { Place::Path } else { Place::Query },
            required: described.get("required") == Some(&Value::Bool(true)),
            schema: Schema::new(described.get("schema").cloned().unwrap_or_default(), components),
        }
    }

    fn check(&self, given: &[String], faults: &mut Vec<(String, String)>) {
        let value = match given {
            [] if self.required => {
                faults.push((self.name.clone(), "the document requires this parameter".to_owned()));
                return;
            }
            [] => return,
            many if self.schema.kind == "array" => json!(many),
            [one] => self.schema.typed(one),
            _ => {
                faults.push((self.name.clone(), "the parameter occurs more than once".to_owned()));
                return;
            }
        };
        faults.extend(self.schema.faults(&value).into_iter().map(|(_, what)| (self.name.clone(), what)));
    }
}

fn is_placeholder(segment: &str) -> bool {
    segment.starts_with('{')
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn members(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flat_map(Map::iter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(method: &str, path: &str, query: &[(&str, &str)], body: Body) -> Vec<String> {
        let request = Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.iter().map(|&(name, value)| (name.into(), value.into())).collect(),
            body,
            ..Request::default()
        };
        let Some(operation) = DOCUMENT.find(method, path) else { return vec!["no operation".to_owned()] };
        operation.strict_faults(&request).into_iter().map(|(at, what)| format!("{at}: {what}")).collect()
    }

    #[test]
    fn every_schema_of_the_document_compiles() {
        for operation in DOCUMENT.operations() {
            let schemas = operation
                .parameters
                .iter()
                .map(|parameter| &parameter.schema)
                .chain(operation.body.iter().flat_map(|body| [&body.schema, &body.closed]))
                .chain(&operation.good);
            for schema in schemas {
                assert!(schema.compiles(), "{}", operation.id);
            }
        }
    }

    #[test]
    fn a_literal_path_wins_over_one_with_a_placeholder() {
        let found = |method, path| DOCUMENT.find(method, path).map(|operation| operation.id.as_str());
        assert_eq!(found("POST", "/syncs/trigger"), Some("TriggerRunCustom"));
        assert_eq!(found("POST", "/syncs/5/trigger"), Some("TriggerRun"));
        assert_eq!(found("GET", "/sync-sequences/runs/x"), Some("GetSyncSequenceRun"));
        assert_eq!(found("PUT", "/syncs"), None);
        assert_eq!(found("GET", "/syncs/"), None);
    }

    #[test]
    fn what_the_document_allows_has_no_faults() {
        assert_eq!(faults("GET", "/syncs", &[("limit", "5.0"), ("offset", "1e2")], Body::None), [""; 0]);
        let query = [("limit", "100"), ("offset", "0"), ("orderBy", "id"), ("modelId", "3"), ("slug", "a b")];
        assert_eq!(faults("GET", "/syncs", &query, Body::None), [""; 0]);
        assert_eq!(faults("GET", "/syncs", &[("after", "2026-01-02T03:04:05.678Z")], Body::None), [""; 0]);
        assert_eq!(faults("POST", "/syncs/5/trigger", &[], Body::None), [""; 0]);
        assert_eq!(
            faults("POST", "/syncs/5/trigger", &[], Body::Json(json!({"fullResync": false}))),
            [""; 0]
        );
        assert_eq!(faults("GET", "/models", &[("tags", "a:1"), ("tags", "b:2")], Body::None), [""; 0]);
    }

    #[test]
    fn every_kind_of_fault_is_found() {
        for (method, path, query, body) in [
            ("GET", "/syncs", ("limit", "many"), Body::None),
            ("GET", "/syncs", ("limit", "5.5"), Body::None),
            ("GET", "/syncs", ("offset", "-1"), Body::None),
            ("GET", "/syncs", ("limit", ""), Body::None),
            ("GET", "/syncs", ("orderBy", "size"), Body::None),
            ("GET", "/syncs", ("after", "yesterday"), Body::None),
            ("GET", "/syncs", ("model_id", "3"), Body::None),
            ("GET", "/syncs/five/runs", ("limit", "1"), Body::None),
        ] {
            assert_eq!(faults(method, path, &[query], body).len(), 1, "{method} {path} {query:?}");
        }
        for (path, body) in [
            ("/syncs/5/trigger", json!({"fullResync": "false"})),
            ("/syncs/5/trigger", json!({"full_resync": false})),
            ("/syncs/5/trigger", json!([])),
            ("/syncs/trigger", json!({"syncId": "five"})),
            ("/syncs/trigger", json!({"syncSlug": 5})),
            ("/syncs/trigger", json!({})),
            ("/syncs/trigger", json!({"syncId": "5", "syncSlug": "orders"})),
        ] {
            assert_eq!(faults("POST", path, &[], Body::Json(body.clone())).len(), 1, "{path} {body}");
        }
        let every_day = json!({"interval": {"quantity": 1, "unit": "day"}});
        let mut body = json!({"schedule": {"type": "interval", "schedule": every_day}});
        assert_eq!(faults("PATCH", "/syncs/5", &[], Body::Json(body.clone())), [""; 0]);
        body["schedule"]["unknown"] = json!(1);
        assert_eq!(faults("PATCH", "/syncs/5", &[], Body::Json(body)).len(), 1, "an unknown nested name");
        let twice = [("limit", "1"), ("limit", "2")];
        assert_eq!(faults("GET", "/syncs", &twice, Body::None).len(), 1);
        assert_eq!(faults("GET", "/syncs", &[], Body::Json(json!({}))).len(), 1);
        assert_eq!(faults("POST", "/syncs/trigger", &[], Body::None).len(), 1);
        assert_eq!(faults("POST", "/syncs/trigger", &[], Body::Other("{".to_owned())).len(), 1);
    }
}
