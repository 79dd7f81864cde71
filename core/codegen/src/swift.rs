//! How the catalogue reads in Swift.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use minijinja::{Environment, Error, ErrorKind, Value};
use serde_json::{Value as Json, json};

/// What is generated: the file, from the repository's folder, and its template.
pub(crate) const FILES: &[(&str, &str)] = &[
    (
        "bindings-swift/Sources/HightouchSDK/Generated/Models.swift",
        include_str!("../templates/swift/models.swift.j2"),
    ),
    (
        "bindings-swift/Sources/HightouchSDK/Generated/Resources.swift",
        include_str!("../templates/swift/resources.swift.j2"),
    ),
    (
        "bindings-swift/Sources/HightouchSDK/Generated/Settings.swift",
        include_str!("../templates/swift/settings.swift.j2"),
    ),
];

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

/// Settings and options that have a better Swift type than the catalogue can tell.
const TYPES: &[(&str, &str)] = &[("limit", "RateLimit"), ("proxy", "Secret"), ("priority", "Priority")];

/// Settings and options that Swift takes elsewhere (the key, in `Hightouch.init`) or does not offer.
const HIDDEN: &[&str] = &["apiKey", "raw"];

/// Width of a line.
const WIDTH: usize = 120;

/// Teaches an environment what the Swift templates use.
pub(crate) fn register(env: &mut Environment<'_>) {
    env.add_filter("swift_name", |name: &str| quote(&camel(name)));
    env.add_filter("swift_class", |name: &str| capital(&camel(name)));
    env.add_filter("swift_type", spell);
    env.add_filter("swift_default", default);
    env.add_filter("swift_doc", doc);
    env.add_filter("swift_margin", margin);
}

/// The catalogue with what the templates need beside it.
pub(crate) fn context(catalogue: &Json) -> Result<Json, Error> {
    let mut resources = BTreeMap::<String, Vec<Json>>::new();
    for operation in list(catalogue, "operations") {
        let mut operation = operation.clone();
        let (form, arguments) = (form(&operation)?, arguments(&operation));
        if let Some(members) = operation.as_object_mut() {
            members.insert("form".into(), form);
            members.insert("args".into(), arguments);
        }
        resources.entry(text(&operation, "resource").to_owned()).or_default().push(operation);
    }
    let mut context = catalogue.clone();
    if let Some(members) = context.as_object_mut() {
        members.insert("resources".into(), json!(resources));
        for group in ["settings", "options"] {
            members.insert(group.into(), settings(list(catalogue, group)));
        }
    }
    Ok(context)
}

/// What a method is like: whether it is a list, what it returns and how that is made from the door's answer.
fn form(operation: &Json) -> Result<Json, Error> {
    let returns = operation.get("returns").unwrap_or(&Json::Null);
    let named = |key| returns.get(key).and_then(Json::as_str);
    match (named("page"), named("value"), named("run")) {
        (Some(of), _, _) => Ok(json!({ "kind": "page", "type": format!("PagedSequence<{of}>") })),
        (_, Some(of), _) => Ok(json!({ "kind": "value", "type": of })),
        (_, _, Some(kind)) => {
            Ok(json!({ "kind": "run", "type": format!("{}RunHandle", capital(&camel(kind))) }))
        }
        _ => Err(unknown(&format!("what {operation} returns"))),
    }
}

/// The arguments, those that must be given first; the first of these says what it is by its type.
fn arguments(operation: &Json) -> Json {
    let mut arguments = list(operation, "args").to_vec();
    arguments.sort_by_key(|argument| argument.get("required") != Some(&Json::Bool(true)));
    for (index, argument) in arguments.iter_mut().enumerate() {
        let subject = index == 0
            && argument.get("required") == Some(&Json::Bool(true))
            && (text(argument, "in") == "path" || text(argument, "type") == "sync");
        if let Some(members) = argument.as_object_mut() {
            members.insert("subject".into(), subject.into());
        }
    }
    arguments.into()
}

/// What Swift shows of the settings or options, times as `Duration`.
fn settings(all: &[Json]) -> Json {
    all.iter()
        .filter(|setting| setting.get("internal") != Some(&Json::Bool(true)))
        .filter(|setting| !HIDDEN.contains(&text(setting, "wire")))
        .map(|setting| {
            let mut setting = setting.clone();
            let wire = text(&setting, "wire").to_owned();
            let time = wire.strip_suffix("Ms");
            let label = time.unwrap_or(&wire).replace("Url", "URL");
            let known = TYPES.iter().find(|(name, _)| *name == wire).map(|(_, of)| json!({ "ref": of }));
            let doc = time.map(|_| in_milliseconds(text(&setting, "doc")));
            if let Some(members) = setting.as_object_mut() {
                members.insert("label".into(), label.into());
                members.insert("time".into(), time.is_some().into());
                if let Some(doc) = doc {
                    members.insert("doc".into(), doc.into());
                    members.insert("type".into(), json!({ "ref": "Duration" }));
                }
                if let Some(known) = known {
                    members.insert("type".into(), known);
                }
            }
            setting
        })
        .collect()
}

/// What the catalogue says of a number of milliseconds, said of a time.
fn in_milliseconds(text: &str) -> String {
    let text = text.replace("Milliseconds that", "Time that");
    match text.split_once(" when left out") {
        Some((before, after)) if before.ends_with(|last: char| last.is_ascii_digit()) => {
            format!("{before} ms when left out{after}")
        }
        _ => text,
    }
}

fn list<'a>(of: &'a Json, key: &str) -> &'a [Json] {
    of.get(key).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(of: &'a Json, key: &str) -> &'a str {
    of.get(key).and_then(Json::as_str).unwrap_or_default()
}

fn unknown(what: &str) -> Error {
    Error::new(ErrorKind::InvalidOperation, format!("the catalogue holds what Swift has no form for: {what}"))
}

/// `not_found` → `notFound`; what has no underscore stays as it is.
fn camel(name: &str) -> String {
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

fn quote(name: &str) -> String {
    if KEYWORDS.contains(&name) { format!("`{name}`") } else { name.to_owned() }
}

fn spell(of: &Value) -> Result<String, Error> {
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
fn default(of: &Value) -> Result<String, Error> {
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

/// A doc comment of `text`, `indent` spaces deep, without its last line break.
fn doc(text: &str, indent: usize) -> String {
    prose(text, &format!("{}///", " ".repeat(indent)), 0)
}

/// The doc comment of an item of a list (`- name: text`), its further lines hanging.
fn margin(item: &str, indent: usize, depth: usize) -> String {
    prose(item, &format!("{}///{}", " ".repeat(indent), " ".repeat(depth)), 2)
}

fn prose(text: &str, prefix: &str, hanging: usize) -> String {
    let text = swift_names(text);
    let mut lines = prefix.to_owned();
    let mut width = prefix.len();
    for (index, word) in text.split_whitespace().enumerate() {
        if index > 0 && width + 1 + word.chars().count() > WIDTH {
            let _ = write!(lines, "\n{prefix}{}", " ".repeat(hanging));
            width = prefix.len() + hanging;
        }
        lines.push(' ');
        lines.push_str(word);
        width += 1 + word.chars().count();
    }
    lines
}

/// Names in backticks as Swift spells them: the catalogue's texts speak of `not_found`.
fn swift_names(text: &str) -> String {
    let parts: Vec<String> = text
        .split('`')
        .enumerate()
        .map(|(index, part)| {
            let snake = part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            if index % 2 == 1 && snake { camel(part) } else { part.to_owned() }
        })
        .collect();
    parts.join("`")
}
