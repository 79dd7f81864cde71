//! Reads the parts of an OpenAPI document (3.0 or 3.1) that are compared with the catalogue.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// The most references that are followed in a row.
const DEEPEST_REFERENCE: usize = 32;
const UNIONS: [&str; 2] = ["anyOf", "oneOf"];

/// An OpenAPI document, as parsed JSON.
pub(crate) struct Document(Value);

/// One operation of the document, such as `GET /syncs/{syncId}`.
pub(crate) struct Described<'a> {
    pub http: String,
    pub id: &'a str,
    pub value: &'a Value,
    /// Parameters of the operation and of its path.
    pub parameters: Vec<&'a Value>,
}

impl Document {
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text)
            .map_err(|error| format!("not JSON: {error} (a document in YAML must be converted first)"))?;
        if value.get("openapi").is_none() || value.get("paths").and_then(Value::as_object).is_none() {
            return Err("no OpenAPI 3 document: it has no `openapi` or no `paths`".to_owned());
        }
        Ok(Self(value))
    }

    pub(crate) fn operations(&self) -> Vec<Described<'_>> {
        let mut operations = Vec::new();
        for (path, item) in members(&self.0, "paths") {
            let shared = list(item, "parameters");
            for (method, value) in item.as_object().into_iter().flatten() {
                if !matches!(
                    method.as_str(),
                    "get" | "put" | "post" | "patch" | "delete" | "head" | "options"
                ) {
                    continue;
                }
                let parameters =
                    shared.iter().chain(list(value, "parameters")).map(|parameter| self.resolved(parameter));
                operations.push(Described {
                    http: format!("{} {path}", method.to_uppercase()),
                    id: value.get("operationId").and_then(Value::as_str).unwrap_or_default(),
                    value,
                    parameters: parameters.collect(),
                });
            }
        }
        operations
    }

    /// Follows references and wrappers, such as an `allOf` with one part, to the schema that they stand for.
    pub(crate) fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        self.levels(schema).last().unwrap_or(schema)
    }

    /// Returns a schema, and the schemas within it that describe the same value: the target of a reference, the only
    /// part of an `allOf`, or the only alternative to null.
    fn levels<'a>(&'a self, schema: &'a Value) -> impl Iterator<Item = &'a Value> {
        std::iter::successors(Some(schema), |schema| {
            if let Some(to) = schema.get("$ref").and_then(Value::as_str) {
                return to.strip_prefix('#').and_then(|pointer| self.0.pointer(pointer));
            }
            if schema.get("properties").is_some() {
                return None;
            }
            let alternatives = non_null(schema);
            match (list(schema, "allOf"), alternatives.as_slice()) {
                ([one], []) => Some(one),
                ([], [one]) => Some(*one),
                _ => None,
            }
        })
        .take(DEEPEST_REFERENCE)
    }

    /// Whether a schema allows null, itself or through a reference or a wrapper.
    pub(crate) fn may_be_null(&self, schema: &Value) -> bool {
        self.levels(schema).any(|schema| {
            schema.get("nullable") == Some(&Value::Bool(true))
                || list(schema, "type").iter().any(|name| name == "null")
                || UNIONS.iter().any(|name| list(schema, name).iter().any(is_null))
        })
    }

    /// Returns the addresses of the API, without a slash at the end.
    pub(crate) fn servers(&self) -> BTreeSet<&str> {
        list(&self.0, "servers").iter().map(|server| text(server, "url").trim_end_matches('/')).collect()
    }

    /// Returns the ways to authenticate (`securitySchemes`), by their names.
    pub(crate) fn security_schemes(&self) -> BTreeMap<&str, &Value> {
        let components = self.0.get("components").unwrap_or(&Value::Null);
        members(components, "securitySchemes")
            .map(|(name, scheme)| (name.as_str(), self.resolved(scheme)))
            .collect()
    }

    /// Returns the authentication that an operation accepts: a list of sets of schemes. A request must satisfy one of
    /// the sets. The list is empty if the operation needs no authentication.
    pub(crate) fn security<'a>(&'a self, operation: &'a Value) -> &'a [Value] {
        list(if operation.get("security").is_some() { operation } else { &self.0 }, "security")
    }

    /// Returns the schema of the JSON body of a request or a response.
    pub(crate) fn content<'a>(&'a self, holder: &'a Value) -> Option<&'a Value> {
        let content = self.resolved(holder).get("content")?.as_object()?;
        let (_, media) = content.iter().find(|(kind, _)| kind.starts_with("application/json"))?;
        media.get("schema").map(|schema| self.resolved(schema))
    }

    /// Returns the schema of the answer under the success status. If that schema is a union, returns its first
    /// alternative that is not an error, or its first alternative if all are errors.
    pub(crate) fn good<'a>(&'a self, operation: &'a Value) -> Option<&'a Value> {
        let schema = self.answer(operation)?;
        let alternatives = self.alternatives(schema);
        let good = alternatives.iter().find(|alternative| !self.is_error(alternative));
        Some(good.or(alternatives.first()).copied().unwrap_or(schema))
    }

    /// Returns the shapes of the other answers, besides [`Self::good`], that an operation may send under its success
    /// status.
    pub(crate) fn beside_good<'a>(&'a self, operation: &'a Value) -> BTreeSet<String> {
        let Some(schema) = self.answer(operation) else { return BTreeSet::new() };
        let good = self.good(operation);
        let others = self
            .alternatives(schema)
            .into_iter()
            .filter(|one| !good.is_some_and(|good| std::ptr::eq(good, *one)));
        let null = self.may_be_null(schema).then(|| "null".to_owned());
        others.map(|one| self.shape(one)).chain(null).collect()
    }

    fn answer<'a>(&'a self, operation: &'a Value) -> Option<&'a Value> {
        let responses = operation.get("responses")?.as_object()?;
        let (_, response) = responses.iter().find(|(status, _)| status.starts_with('2'))?;
        self.content(response)
    }

    /// Whether a schema is one of the API's errors: an object with only `error`, an object with only `message` and
    /// `details`, or a string.
    fn is_error(&self, schema: &Value) -> bool {
        let names: Vec<&str> = self.properties(schema).into_keys().collect();
        matches!(names.as_slice(), ["error"] | ["details", "message"]) || self.kind(schema) == Some("string")
    }

    fn shape(&self, schema: &Value) -> String {
        let names: Vec<&str> = self.properties(schema).into_keys().collect();
        match self.kind(schema) {
            _ if !names.is_empty() => format!("an object with {}", names.join(", ")),
            Some(kind) => format!("any {kind}"),
            None => "any JSON".to_owned(),
        }
    }

    /// Returns the alternatives of a union, without null.
    pub(crate) fn alternatives<'a>(&'a self, schema: &'a Value) -> Vec<&'a Value> {
        non_null(self.resolved(schema)).into_iter().map(|member| self.resolved(member)).collect()
    }

    /// Returns the properties of an object, including those of the parts of an `allOf`, and whether each is required. A
    /// union has the properties of all its alternatives, and none of them is required.
    pub(crate) fn properties<'a>(&'a self, schema: &'a Value) -> BTreeMap<&'a str, (&'a Value, bool)> {
        let schema = self.resolved(schema);
        let mut properties = BTreeMap::new();
        for part in list(schema, "allOf") {
            properties.extend(self.properties(part));
        }
        for part in self.alternatives(schema) {
            let optional =
                self.properties(part).into_iter().map(|(name, (property, _))| (name, (property, false)));
            properties.extend(optional);
        }
        let required = list(schema, "required");
        for (name, property) in members(schema, "properties") {
            properties.insert(name.as_str(), (property, false));
        }
        for name in required.iter().filter_map(Value::as_str) {
            if let Some((_, needed)) = properties.get_mut(name) {
                *needed = true;
            }
        }
        properties
    }

    /// Returns the type of a schema, apart from null: `string`, `number` (also for `integer`), `boolean`, `array` or
    /// `object`. `None` if the schema names no type, so that any JSON fits.
    pub(crate) fn kind(&self, schema: &Value) -> Option<&'static str> {
        let schema = self.resolved(schema);
        let named = match schema.get("type") {
            Some(Value::Array(types)) => types.iter().filter_map(Value::as_str).find(|name| *name != "null"),
            other => other.and_then(Value::as_str),
        };
        match named {
            Some("string") => Some("string"),
            Some("number" | "integer") => Some("number"),
            Some("boolean") => Some("boolean"),
            Some("array") => Some("array"),
            Some("object") => Some("object"),
            _ if schema.get("properties").is_some() || schema.get("allOf").is_some() => Some("object"),
            _ => None,
        }
    }
}

/// Returns the alternatives of a union that are not null.
fn non_null(schema: &Value) -> Vec<&Value> {
    UNIONS.iter().flat_map(|name| list(schema, name)).filter(|member| !is_null(member)).collect()
}

fn is_null(schema: &Value) -> bool {
    text(schema, "type") == "null"
}

/// Returns the text of the member `name`, or an empty text.
pub(crate) fn text<'a>(of: &'a Value, name: &str) -> &'a str {
    of.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Returns the list in the member `name`, or an empty list.
pub(crate) fn list<'a>(of: &'a Value, name: &str) -> &'a [Value] {
    of.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Returns the members of the object `of[name]`. Returns none if there is no such object.
pub(crate) fn members<'a>(of: &'a Value, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    of.get(name).and_then(Value::as_object).into_iter().flat_map(Map::iter)
}
