//! Adds a type parameter to each type of an argument that contains opaque JSON: JSON that the API leaves open. The
//! parameter is the type of that JSON. In answers it is `Json`. In arguments it is `JsonInput`, which also accepts
//! plain values.

use std::collections::BTreeSet;

use minijinja::{Error, Value};
use serde_json::{Value as Json, json};

/// Marks each type that arguments use and that contains opaque JSON (JSON that the API leaves open) at any depth.
/// Wherever such a type is named, sets its type parameter.
pub(super) fn mark(catalogue: &mut Json) {
    let types = catalogue.get("types").cloned().unwrap_or_default();
    let mut given = BTreeSet::new();
    named(catalogue.get("operations").unwrap_or(&Json::Null), &types, &mut given);
    let opaque: BTreeSet<String> = given.into_iter().filter(|name| holds_json(name, &types)).collect();
    for operation in list_mut(catalogue, "operations") {
        for argument in list_mut(operation, "args") {
            annotate(argument, &opaque, "JsonInput");
        }
    }
    for of in list_mut(catalogue, "types") {
        let Some(name) = of.get("name").and_then(Json::as_str).map(ToOwned::to_owned) else { continue };
        if !opaque.contains(&name) {
            continue;
        }
        for field in list_mut(of, "fields") {
            annotate(field, &opaque, "Opaque");
        }
        for variant in list_mut(of, "variants") {
            let inner = variant.get("type").and_then(Json::as_str).is_some_and(|name| opaque.contains(name));
            set(variant, "opaque", inner.into());
        }
        set(of, "opaque", true.into());
    }
}

/// Returns how a type is declared: `EventSchema<Opaque = Json>`.
pub(super) fn declared(ty: &Value) -> Result<String, Error> {
    named_with(ty, "<Opaque = Json>")
}

/// Returns how a type is named within another type that has the type parameter: `EventSchema<Opaque>`.
pub(super) fn used(ty: &Value) -> Result<String, Error> {
    named_with(ty, "<Opaque>")
}

fn named_with(ty: &Value, parameter: &str) -> Result<String, Error> {
    let name = ty.get_attr("name")?;
    Ok(if ty.get_attr("opaque")?.is_true() { format!("{name}{parameter}") } else { name.to_string() })
}

/// Adds to `found` the types that `of` names, directly or through other types.
fn named(of: &Json, types: &Json, found: &mut BTreeSet<String>) {
    match of {
        Json::Array(items) => items.iter().for_each(|item| named(item, types, found)),
        Json::Object(members) => {
            for (key, value) in members {
                match value.as_str() {
                    Some(name) if matches!(key.as_str(), "ref" | "type") => {
                        if let Some(of) = find(name, types)
                            && found.insert(name.to_owned())
                        {
                            named(of, types, found);
                        }
                    }
                    // The result of an operation is not an argument.
                    _ if key == "returns" => {}
                    _ => named(value, types, found),
                }
            }
        }
        _ => {}
    }
}

/// Whether a type contains opaque JSON (JSON that the API leaves open) at any depth. Every union does, because it keeps
/// an unknown variant as JSON.
fn holds_json(name: &str, types: &Json) -> bool {
    let mut all = BTreeSet::new();
    named(&json!({ "ref": name }), types, &mut all);
    all.iter().filter_map(|name| find(name, types)).any(|of| {
        of.get("shape").and_then(Json::as_str) == Some("union")
            || of.to_string().contains("\"type\":\"json\"")
    })
}

fn find<'a>(name: &str, types: &'a Json) -> Option<&'a Json> {
    types.as_array()?.iter().find(|of| of.get("name").and_then(Json::as_str) == Some(name))
}

/// Within an argument or a field, sets the type parameter of each type that `opaque` names to `as_what`, and replaces
/// the type of opaque JSON by `as_what`.
fn annotate(of: &mut Json, opaque: &BTreeSet<String>, as_what: &str) {
    match of {
        Json::Array(items) => items.iter_mut().for_each(|item| annotate(item, opaque, as_what)),
        Json::Object(members) => {
            if members.get("type").and_then(Json::as_str) == Some("json") {
                members.insert("type".into(), json!({ "opaque": as_what }));
            }
            if members.get("ref").and_then(Json::as_str).is_some_and(|name| opaque.contains(name)) {
                members.insert("with".into(), as_what.into());
            }
            members.values_mut().for_each(|member| annotate(member, opaque, as_what));
        }
        _ => {}
    }
}

fn list_mut<'a>(of: &'a mut Json, key: &str) -> &'a mut [Json] {
    of.get_mut(key).and_then(Json::as_array_mut).map_or(&mut [], Vec::as_mut_slice)
}

fn set(of: &mut Json, key: &str, value: Json) {
    if let Some(members) = of.as_object_mut() {
        members.insert(key.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_that_go_both_ways_say_what_their_opaque_members_are() {
        let field = |wire: &str, of: Json| json!({ "wire": wire, "type": of });
        let object =
            |name: &str, fields: Vec<Json>| json!({ "name": name, "shape": "object", "fields": fields });
        let mut catalogue = json!({
            "types": [
                object("Event", vec![field("schema", json!("json"))]),
                object("Contract", vec![field("events", json!({ "list": { "ref": "Event" } })), field("x", json!("json"))]),
                object("Plain", vec![field("name", json!("string"))]),
                { "name": "Rule", "shape": "union", "variants": [{ "tag": "a", "type": "Plain" }, { "tag": "unknown" }] },
            ],
            "operations": [{
                "args": [
                    field("events", json!({ "list": { "ref": "Event" } })),
                    field("plain", json!({ "ref": "Plain" })),
                    field("rule", json!({ "ref": "Rule" })),
                    field("configuration", json!("json")),
                ],
                "returns": { "value": "Contract" },
            }],
        });
        mark(&mut catalogue);
        let types = &catalogue["types"];
        assert_eq!(types[0]["opaque"], true);
        assert_eq!(types[0]["fields"][0]["type"], json!({ "opaque": "Opaque" }));
        assert_eq!(
            types[1],
            object(
                "Contract",
                vec![field("events", json!({ "list": { "ref": "Event" } })), field("x", json!("json")),]
            )
        );
        assert_eq!((types[2].get("opaque"), &types[3]["opaque"]), (None, &json!(true)));
        let args = &catalogue["operations"][0]["args"];
        assert_eq!(args[0]["type"], json!({ "list": { "ref": "Event", "with": "JsonInput" } }));
        assert_eq!(args[1]["type"], json!({ "ref": "Plain" }));
        assert_eq!(args[2]["type"], json!({ "ref": "Rule", "with": "JsonInput" }));
        assert_eq!(args[3]["type"], json!({ "opaque": "JsonInput" }));
    }
}
