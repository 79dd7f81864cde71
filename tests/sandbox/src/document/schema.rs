//! Schemas of the document, translated to JSON Schema.

use std::sync::{Arc, OnceLock};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::text;

/// [`Schema::closed`] does not restrict the members of objects below this depth, because a schema may refer to itself.
const DEEPEST: u8 = 16;

/// A schema of the document. The schema is compiled on first use.
pub(super) struct Schema {
    pub(super) kind: String,
    source: Value,
    /// The targets of references (`$ref`), shared by all schemas.
    components: Arc<Value>,
    compiled: OnceLock<Option<Validator>>,
}

impl Schema {
    pub(super) fn new(schema: Value, components: &Arc<Value>) -> Self {
        let schema = tidy(schema);
        let kind = text(&schema, "type");
        Self { kind, source: schema, components: Arc::clone(components), compiled: OnceLock::new() }
    }

    /// Returns a copy of this schema in which objects, at every depth, allow only the members that the schema names. If
    /// the document sets `additionalProperties` for an object, that value stays. An object still allows any member if
    /// the document names no members of it, or combines schemas with `allOf`.
    pub(super) fn closed(&self) -> Self {
        Self {
            kind: self.kind.clone(),
            source: self.close(&self.source, DEEPEST),
            components: Arc::clone(&self.components),
            compiled: OnceLock::new(),
        }
    }

    fn close(&self, schema: &Value, depth: u8) -> Value {
        let Some(members) = self.resolved(schema).as_object() else { return schema.clone() };
        if depth == 0 || members.contains_key("allOf") {
            return schema.clone();
        }
        let mut members = members.clone();
        for (name, value) in &mut members {
            match (name.as_str(), value) {
                ("properties", Value::Object(properties)) => {
                    for property in properties.values_mut() {
                        *property = self.close(property, depth - 1);
                    }
                }
                ("anyOf" | "oneOf", Value::Array(variants)) => {
                    for variant in variants {
                        *variant = self.close(variant, depth - 1);
                    }
                }
                ("items", items) => *items = self.close(items, depth - 1),
                _ => {}
            }
        }
        if members.get("properties").and_then(Value::as_object).is_some_and(|named| !named.is_empty()) {
            members.entry("additionalProperties").or_insert(Value::Bool(false));
        }
        Value::Object(members)
    }

    /// Converts the text of a parameter, see [`typed`].
    pub(super) fn typed(&self, value: &str) -> Value {
        typed(&self.kind, value)
    }

    /// Converts the texts of a form, see [`typed`].
    pub(super) fn form(&self, pairs: &[(String, String)]) -> Map<String, Value> {
        let properties = self.resolved(&self.source).get("properties");
        let kind = |name: &str| {
            let property = properties.and_then(|properties| properties.get(name));
            property.map(|property| text(self.resolved(property), "type")).unwrap_or_default()
        };
        pairs.iter().map(|(name, value)| (name.clone(), typed(&kind(name), value))).collect()
    }

    fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let reference = schema.get("$ref").and_then(Value::as_str);
        let found = reference.and_then(|at| self.components.pointer(at.strip_prefix("#/components")?));
        found.unwrap_or(schema)
    }

    #[cfg(test)]
    pub(super) fn compiles(&self) -> bool {
        self.validator().is_some()
    }

    fn validator(&self) -> Option<&Validator> {
        self.compiled
            .get_or_init(|| {
                let whole = json!({"allOf": [self.source], "components": *self.components});
                jsonschema::options().should_validate_formats(true).build(&whole).ok()
            })
            .as_ref()
    }

    pub(super) fn faults(&self, value: &Value) -> Vec<(String, String)> {
        let Some(validator) = self.validator() else {
            return vec![(String::new(), "the document's schema for it cannot be compiled".to_owned())];
        };
        validator
            .iter_errors(value)
            .map(|error| (error.instance_path().to_string(), error.to_string()))
            .collect()
    }
}

/// Converts a text from a query or a form to the declared type. A text that does not have this type stays a string.
fn typed(kind: &str, value: &str) -> Value {
    match kind {
        "number" | "integer" => value.parse().map_or_else(|_| json!(value), Value::Number),
        "boolean" if value == "true" || value == "false" => Value::Bool(value == "true"),
        _ => json!(value),
    }
}

/// Converts `nullable` of `OpenAPI` 3.0 to JSON Schema, and removes defaults, because some defaults have the wrong
/// type.
pub(super) fn tidy(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(members) => {
            for value in members.values_mut() {
                *value = tidy(value.take());
            }
            if members.get("default").is_some_and(|default| !default.is_object()) {
                members.remove("default");
            }
            if members.get("nullable") == Some(&Value::Bool(true)) {
                members.remove("nullable");
                return json!({"anyOf": [Value::Object(std::mem::take(members)), {"type": "null"}]});
            }
        }
        Value::Array(items) => {
            for item in items {
                *item = tidy(item.take());
            }
        }
        _ => {}
    }
    schema
}
