//! Names and types in Swift.

use heck::ToLowerCamelCase as _;
use minijinja::value::Serde;
use minijinja::{Error, Value};
use serde_json::Value as Json;

use super::unknown;

/// Swift's keywords. They can be names only in backticks.
const KEYWORDS: &[&str] = &[
    "as",
    "associatedtype",
    "break",
    "case",
    "catch",
    "class",
    "continue",
    "default",
    "defer",
    "deinit",
    "do",
    "else",
    "enum",
    "extension",
    "fallthrough",
    "false",
    "fileprivate",
    "for",
    "func",
    "guard",
    "if",
    "import",
    "in",
    "init",
    "inout",
    "internal",
    "is",
    "let",
    "nil",
    "operator",
    "precedencegroup",
    "private",
    "protocol",
    "public",
    "repeat",
    "rethrows",
    "return",
    "self",
    "static",
    "struct",
    "subscript",
    "super",
    "switch",
    "throw",
    "throws",
    "true",
    "try",
    "typealias",
    "var",
    "where",
    "while",
];

/// Converts a name to camelCase, without backticks: `not_found` becomes `notFound`. A name without underscores, such as
/// `resetCDC`, stays unchanged.
pub(super) fn camel(name: &str) -> String {
    if name.contains('_') { name.to_lower_camel_case() } else { name.to_owned() }
}

/// Converts a name to camelCase, in backticks if the result is a keyword.
pub(super) fn name(name: &str) -> String {
    quote(&camel(name))
}

/// Returns the name of a value of an enumeration, in camelCase. The API writes some values in capitals, such as
/// `ALLOW_EVENT`.
pub(super) fn value(value: &str) -> String {
    quote(&value.to_lower_camel_case())
}

pub(super) fn quote(name: &str) -> String {
    if KEYWORDS.contains(&name) { format!("`{name}`") } else { name.to_owned() }
}

pub(super) fn spell_json(of: Option<&Json>) -> Result<String, Error> {
    spell(&Value::from(Serde(of.unwrap_or(&Json::Null))))
}

/// Converts a type of the catalogue to Swift.
pub(super) fn spell(of: &Value) -> Result<String, Error> {
    Ok(match of.as_str() {
        Some("int") => "Int".to_owned(),
        Some("float") => "Double".to_owned(),
        Some("bool") => "Bool".to_owned(),
        Some("string") => "String".to_owned(),
        Some("timestamp") => "Date".to_owned(),
        Some("json") => "JSONValue".to_owned(),
        Some("sync") => "SyncReference".to_owned(),
        Some(other) => return Err(unknown(&format!("the type {other}"))),
        None => match composite(of)? {
            Composite::List(inner) => format!("[{}]", spell(&inner)?),
            Composite::Map(inner) => format!("[String: {}]", spell(&inner)?),
            Composite::Ref(to) => to,
        },
    })
}

/// Returns the default of a `defaulted` field. The core adds such a field to an answer that lacks it, and users who
/// create a value may leave the field out.
pub(super) fn default(of: &Value) -> Result<String, Error> {
    Ok(match of.as_str() {
        Some("int" | "float") => "0".to_owned(),
        Some("bool") => "false".to_owned(),
        Some("string") => "\"\"".to_owned(),
        Some(other) => return Err(unknown(&format!("a default of the type {other}"))),
        None => match composite(of)? {
            Composite::List(_) => "[]".to_owned(),
            Composite::Map(_) => "[:]".to_owned(),
            Composite::Ref(to) => format!("{to}()"),
        },
    })
}

enum Composite {
    List(Value),
    Map(Value),
    Ref(String),
}

fn composite(of: &Value) -> Result<Composite, Error> {
    let part = |key| of.get_attr(key).ok().filter(|part| !part.is_undefined());
    if let Some(inner) = part("list") {
        return Ok(Composite::List(inner));
    }
    if let Some(inner) = part("map") {
        return Ok(Composite::Map(inner));
    }
    part("ref")
        .and_then(|to| to.as_str().map(|to| Composite::Ref(to.to_owned())))
        .ok_or_else(|| unknown(&format!("the type {of}")))
}
