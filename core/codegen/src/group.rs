//! Chooses the file of each type: the file of a resource if only this resource uses the type, or else the file of the
//! shared types.

use std::collections::{BTreeMap, BTreeSet};

use heck::ToUpperCamelCase as _;
use serde_json::{Value as Json, json};

use crate::names::{list, text};

/// The contents of the generated files.
pub(crate) struct Groups {
    /// The `name`, `operations` and `types` of each resource.
    pub(crate) resources: BTreeMap<String, Json>,
    /// Types that several resources use, and types that no resource uses.
    pub(crate) shared: Vec<Json>,
}

pub(crate) fn by_resource(operations: &[Json], types: &[Json]) -> Groups {
    let mut by_resource = BTreeMap::<&str, Vec<&Json>>::new();
    for operation in operations {
        by_resource.entry(text(operation, "resource")).or_default().push(operation);
    }
    let mut users = BTreeMap::<String, BTreeSet<&str>>::new();
    for (resource, operations) in &by_resource {
        for operation in operations {
            for name in named(operation) {
                using(&name, resource, types, &mut users);
            }
        }
    }
    let alone = |of: &Json| match users.get(text(of, "name")).map(|users| (users.len(), users.first())) {
        Some((1, Some(resource))) => Some(*resource),
        _ => None,
    };
    let resources = by_resource
        .iter()
        .map(|(resource, operations)| {
            let own: Vec<&Json> = types.iter().filter(|of| alone(of) == Some(*resource)).collect();
            let group = json!({ "name": resource, "operations": operations, "types": own });
            ((*resource).to_owned(), group)
        })
        .collect();
    Groups { resources, shared: types.iter().filter(|of| alone(of).is_none()).cloned().collect() }
}

/// Adds a resource to the users of a type, and to the users of every type that this type contains.
fn using<'a>(name: &str, resource: &'a str, types: &[Json], users: &mut BTreeMap<String, BTreeSet<&'a str>>) {
    if !users.entry(name.to_owned()).or_default().insert(resource) {
        return;
    }
    for part in types.iter().filter(|of| text(of, "name") == name).flat_map(named) {
        using(&part, resource, types, users);
    }
}

/// Returns the types that an entry of the catalogue names.
fn named(of: &Json) -> Vec<String> {
    let mut found = Vec::new();
    for part in list(of, "args").iter().chain(list(of, "fields")) {
        referred(part.get("type").unwrap_or(&Json::Null), &mut found);
    }
    found.extend(list(of, "variants").iter().map(|variant| text(variant, "type").to_owned()));
    if let Some(returns) = of.get("returns") {
        found.extend(["page", "value"].map(|key| text(returns, key).to_owned()));
        found.push(format!("{}Run", text(returns, "run").to_upper_camel_case()));
    }
    found
}

fn referred(of: &Json, found: &mut Vec<String>) {
    for (key, inner) in of.as_object().into_iter().flatten() {
        match inner.as_str() {
            Some(name) if key == "ref" => found.push(name.to_owned()),
            _ => referred(inner, found),
        }
    }
}
