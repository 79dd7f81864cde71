//! Schemas of the document, as JSON Schema understands them.

use std::sync::{Arc, OnceLock};

use jsonschema::Validator;
use serde_json::{Value, json};

use super::text;

/// A schema of the document; compiled when it is first needed.
pub(super) struct Schema {
    pub(super) kind: String,
    source: Value,
    /// What it may refer to; the same for all.
    components: Arc<Value>,
    compiled: OnceLock<Option<Validator>>,
}

impl Schema {
    pub(super) fn new(schema: Value, components: &Arc<Value>) -> Self {
        let schema = tidy(schema);
        let kind = text(&schema, "type");
        Self { kind, source: schema, components: Arc::clone(components), compiled: OnceLock::new() }
    }

    /// For a request: the document does not forbid members that it does not know, but we never mean to send any.
    pub(super) fn closed(mut self) -> Self {
        let referred = text(&self.source, "$ref");
        if let Some(found) =
            referred.strip_prefix("#/components").and_then(|at| self.components.pointer(at)).cloned()
        {
            self.source = found;
        }
        if let Some(members) = self.source.as_object_mut()
            && members.contains_key("properties")
            && !members.contains_key("additionalProperties")
        {
            members.insert("additionalProperties".to_owned(), Value::Bool(false));
        }
        self
    }

    /// The text of a parameter as the JSON that the schema is about; left a string where it is not of the type.
    pub(super) fn typed(&self, value: &str) -> Value {
        let plain =
            !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit() || b"-.".contains(&byte));
        match self.kind.as_str() {
            "number" | "integer" if plain => serde_json::from_str(value).unwrap_or_else(|_| json!(value)),
            "boolean" if value == "true" || value == "false" => Value::Bool(value == "true"),
            _ => json!(value),
        }
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

/// `OpenAPI` 3.0 differs from JSON Schema in `nullable`, and this document has defaults of the wrong type.
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
