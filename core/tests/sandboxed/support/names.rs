//! Replaces the placeholders of a scenario.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// The values for placeholders.
pub struct Names<'a> {
    pub sandbox: &'a Value,
    pub world: &'a Value,
    pub saved: HashMap<String, Value>,
}

impl Names<'_> {
    /// Replaces the placeholders in all strings of a value.
    pub fn fill(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(items) => items.iter().map(|item| self.fill(item)).collect(),
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| (name.clone(), self.fill(value)))
                .collect::<Map<_, _>>()
                .into(),
            other => other.clone(),
        }
    }

    fn text(&self, text: &str) -> Value {
        if let Some(name) = text.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"))
            && !name.contains("{{")
        {
            return self.named(name);
        }
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").expect("a placeholder ends in }}");
            filled.push_str(before);
            filled.push_str(&match self.named(name) {
                Value::String(text) => text,
                other => other.to_string(),
            });
            rest = after;
        }
        filled.push_str(rest);
        filled.into()
    }

    fn named(&self, name: &str) -> Value {
        let within = |value: &Value, path: &str| {
            path.split('.').fold(value.clone(), |value, part| value[part].clone())
        };
        let known = name.split_once('.').and_then(|(first, rest)| Some(within(self.saved.get(first)?, rest)));
        known
            .or_else(|| Some(within(self.world, name)).filter(|value| !value.is_null()))
            .unwrap_or_else(|| within(self.sandbox, name))
    }
}
