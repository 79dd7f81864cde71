//! The list of types in the catalogue (`docs/catalogue.md`). Each type adds itself to the list.

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

const OTHER_MEMBERS: &str = "Members of this JSON object that this version of the SDK does not know, as the server \
                             wrote them. They are sent back with the value.";

/// Named types, in the order in which they were added.
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
            let mut fields: Vec<Value> = fields
                .iter()
                .map(|field| {
                    let presence = match field.presence {
                        "needed" | "nulled" | "shown" => "optional",
                        presence => presence,
                    };
                    json!({ "name": field.name.trim_end_matches('_'), "wire": field.wire, "type": (field.of)(types),
                        "presence": presence, "needed": sent && !matches!(field.presence, "optional" | "shown"),
                        "readOnly": field.presence == "shown", "doc": prose(field.doc) })
                })
                .collect();
            if sent {
                fields.push(json!({ "name": "other_members", "wire": "otherMembers", "type": "json",
                    "presence": "optional", "needed": false, "readOnly": false, "doc": OTHER_MEMBERS }));
            }
            json!({ "shape": "object", "sent": sent, "doc": prose(doc), "fields": fields })
        })
    }

    /// The wire names of an object's members, and whether each is required.
    pub(crate) fn members(&self, reference: &Value) -> Vec<(&str, bool)> {
        let named = |entry: &&Value| reference.get("ref").is_some_and(|name| entry.get("name") == Some(name));
        let fields = self.entries.iter().find(named).and_then(|entry| entry.get("fields"));
        let fields = fields.and_then(Value::as_array).into_iter().flatten();
        fields
            .filter_map(|field| {
                let is_required = field.get("presence").is_some_and(|presence| presence == "required");
                Some((field.get("wire")?.as_str()?, is_required))
            })
            .collect()
    }

    /// Adds a set of strings. An `open` set may also hold strings that are not listed.
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

/// Joins the lines of a doc comment to one text.
pub(crate) fn prose(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join("\n").trim().to_owned()
}
