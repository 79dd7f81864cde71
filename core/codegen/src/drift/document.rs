//! An OpenAPI document (3.0 or 3.1), as far as it is compared.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// References that refer to each other are followed no further than this.
const DEEPEST_REFERENCE: usize = 32;

/// The document.
pub(crate) struct Document(Value);

/// One operation: `GET /syncs/{syncId}`, and what the document says of it.
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

    /// Every operation.
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

    /// What a reference stands for.
    pub(crate) fn resolved<'a>(&'a self, mut schema: &'a Value) -> &'a Value {
        for _ in 0..DEEPEST_REFERENCE {
            let Some(to) = schema.get("$ref").and_then(Value::as_str) else { break };
            match to.strip_prefix('#').and_then(|pointer| self.0.pointer(pointer)) {
                Some(found) => schema = found,
                None => break,
            }
        }
        schema
    }

    /// The JSON schema of a request or a response.
    pub(crate) fn content<'a>(&'a self, holder: &'a Value) -> Option<&'a Value> {
        let content = self.resolved(holder).get("content")?.as_object()?;
        let (_, media) = content.iter().find(|(kind, _)| kind.starts_with("application/json"))?;
        media.get("schema").map(|schema| self.resolved(schema))
    }

    /// The schema of a success: the first of a union, whose others are errors.
    pub(crate) fn good<'a>(&'a self, operation: &'a Value) -> Option<&'a Value> {
        let responses = operation.get("responses")?.as_object()?;
        let (_, response) = responses.iter().find(|(status, _)| status.starts_with('2'))?;
        let schema = self.content(response)?;
        Some(self.alternatives(schema).first().copied().unwrap_or(schema))
    }

    /// The members of a union, without null.
    pub(crate) fn alternatives<'a>(&'a self, schema: &'a Value) -> Vec<&'a Value> {
        ["anyOf", "oneOf"]
            .iter()
            .flat_map(|name| list(schema, name))
            .map(|member| self.resolved(member))
            .filter(|member| member.get("type").and_then(Value::as_str) != Some("null"))
            .collect()
    }

    /// The properties of an object, those of what it is made of included, and whether each is required; a union has those of
    /// all its members, none of them required.
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
            let needed = required.iter().any(|known| known.as_str() == Some(name));
            properties.insert(name.as_str(), (self.resolved(property), needed));
        }
        properties
    }

    /// The type's name, null put aside: `string`, `number` (also for `integer`), `boolean`, `array`, `object`, or nothing
    /// where any JSON fits.
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

/// A list under a name, or an empty one.
pub(crate) fn list<'a>(of: &'a Value, name: &str) -> &'a [Value] {
    of.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The members of an object under a name.
pub(crate) fn members<'a>(of: &'a Value, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    of.get(name).and_then(Value::as_object).into_iter().flat_map(Map::iter)
}
