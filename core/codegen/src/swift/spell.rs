//! Names and types.

use minijinja::value::Serde;
use minijinja::{Error, Value};
use serde_json::Value as Json;

use super::unknown;

/// Words that stand for themselves only in backticks.
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

/// A name of the catalogue or of the wire as Swift writes it, without backticks.
pub(super) fn label(name: &str) -> String {
    camel(name)
}

/// A name of the catalogue or of the wire as Swift writes it.
pub(super) fn name(name: &str) -> String {
    quote(&camel(name))
}

/// The name of an enumeration's value; `ALLOW_EVENT` shouts on the wire alone.
pub(super) fn value(value: &str) -> String {
    let shouts = !value.bytes().any(|byte| byte.is_ascii_lowercase());
    quote(&camel(&if shouts { value.to_ascii_lowercase() } else { value.to_owned() }))
}

/// `sync_sequences` → `SyncSequences`.
pub(super) fn class(name: &str) -> String {
    capital(&camel(name))
}

/// `not_found` → `notFound`; what has no underscore stays as it is.
pub(super) fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| name + &capital(word))
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().collect::<String>() + letters.as_str())
        .unwrap_or_default()
}

pub(super) fn quote(name: &str) -> String {
    if KEYWORDS.contains(&name) { format!("`{name}`") } else { name.to_owned() }
}

pub(super) fn spell_json(of: Option<&Json>) -> Result<String, Error> {
    spell(&Value::from(Serde(of.unwrap_or(&Json::Null))))
}

/// A type of the catalogue.
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

/// What a field that is always there in an answer is when a user makes the value.
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
