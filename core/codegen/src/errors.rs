//! The names of the error classes in a language.

use heck::ToUpperCamelCase as _;
use serde_json::{Value as Json, json};

/// Adds to each kind of the catalogue its `class`, such as `NotFoundError` for `not_found`. `renamed` lists the
/// exceptions: a kind and the name of its class.
pub(crate) fn name_classes(catalogue: &mut Json, renamed: &[(&str, &str)]) {
    let kinds = catalogue.get_mut("kinds").and_then(Json::as_array_mut);
    for kind in kinds.into_iter().flatten().filter_map(Json::as_object_mut) {
        let name = kind.get("name").and_then(Json::as_str).unwrap_or_default();
        let class = match renamed.iter().find(|(kind, _)| *kind == name) {
            Some((_, class)) => (*class).to_owned(),
            None => format!("{}Error", name.to_upper_camel_case()),
        };
        kind.insert("class".to_owned(), json!(class));
    }
}
