//! The catalogue's list of types, filled by the models themselves.

use serde_json::{Map, Value, json};

/// One member of a model.
pub(crate) struct Field {
    pub name: &'static str,
    pub wire: &'static str,
    pub presence: &'static str,
    pub doc: &'static [&'static str],
    pub of: fn(&mut Types) -> Value,
}

/// One value of an enum or one variant of a union.
pub(crate) struct Variant {
    pub wire: &'static str,
    pub doc: &'static [&'static str],
    pub of: Option<fn(&mut Types) -> Value>,
}

/// Named types in the order in which they were met.
#[derive(Default)]
pub(crate) struct Types {
    known: Vec<&'static str>,
    entries: Vec<Value>,
}

impl Types {
    pub(crate) fn into_entries(self) -> Vec<Value> {
        self.entries
    }

    pub(crate) fn object(&mut self, name: &'static str, doc: &[&str], sent: bool, fields: &[Field]) -> Value {
        self.enter(name, |types| {
            let fields: Vec<Value> = fields
                .iter()
                .map(|field| {
                    let presence = if field.presence == "needed" { "optional" } else { field.presence };
                    json!({ "name": field.name.trim_end_matches('_'), "wire": field.wire, "type": (field.of)(types),
                        "presence": presence, "needed": sent && field.presence != "optional",
                        "doc": prose(field.doc) })
                })
                .collect();
            json!({ "shape": "object", "sent": sent, "doc": prose(doc), "fields": fields })
        })
    }

    /// A set of strings; an `open` one may hold others.
    pub(crate) fn choice(
        &mut self,
        name: &'static str,
        doc: &[&str],
        open: bool,
        values: &[Variant],
    ) -> Value {
        self.enter(name, |_| {
            let values: Vec<Value> = values
                .iter()
                .map(|value| json!({ "name": value.wire, "wire": value.wire, "doc": prose(value.doc) }))
                .collect();
            json!({ "shape": "enum", "open": open, "doc": prose(doc), "values": values })
        })
    }

    pub(crate) fn union(&mut self, name: &'static str, doc: &[&str], variants: &[Variant]) -> Value {
        self.enter(name, |types| {
            let variants: Vec<Value> = variants
                .iter()
                .map(|variant| {
                    let mut entry = json!({ "tag": variant.wire, "doc": prose(variant.doc) });
                    if let (Some(of), Some(entry)) = (variant.of, entry.as_object_mut()) {
                        let reference = of(types);
                        entry.insert("type".into(), reference.get("ref").cloned().unwrap_or(reference));
                    }
                    entry
                })
                .collect();
            json!({ "shape": "union", "tag": "kind", "doc": prose(doc), "variants": variants })
        })
    }

    fn enter(&mut self, name: &'static str, entry: impl FnOnce(&mut Self) -> Value) -> Value {
        if !self.known.contains(&name) {
            self.known.push(name);
            let mut whole = Map::from_iter([("name".to_owned(), Value::from(name))]);
            if let Value::Object(rest) = entry(self) {
                whole.extend(rest);
            }
            self.entries.push(Value::Object(whole));
        }
        json!({ "ref": name })
    }
}

/// Doc lines as one text.
pub(crate) fn prose(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join("\n").trim().to_owned()
}
