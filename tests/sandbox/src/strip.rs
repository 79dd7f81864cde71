//! Removes the prose from the vendor's document, because this project copies only facts, not sentences.

use serde_json::Value;

/// Removes descriptions, summaries, and the members `example`, `externalDocs` and `contact`. Keeps everything else.
pub fn strip(document: &mut Value) {
    match document {
        Value::Object(members) => {
            // A property may have the name `description`. Its value is a schema and not a text, so the property is
            // kept.
            members.retain(|name, value| {
                let prose = matches!(name.as_str(), "description" | "summary") && value.is_string();
                let shown = matches!(name.as_str(), "example" | "externalDocs" | "contact");
                !prose && !shown
            });
            members.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn prose_is_removed_and_a_property_called_description_stays() {
        let mut document = json!({"paths": {"/a": {"get": {"summary": "s", "description": "d", "deprecated": true}}},
            "schema": {"properties": {"description": {"type": "string", "description": "d"}}}});
        strip(&mut document);
        assert_eq!(
            document,
            json!({"paths": {"/a": {"get": {"deprecated": true}}},
                "schema": {"properties": {"description": {"type": "string"}}}})
        );
    }
}
