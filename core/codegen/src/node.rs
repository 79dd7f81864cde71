//! What the templates of Node ask for: names, types and comments as TypeScript writes them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use minijinja::{Environment, Error, ErrorKind, Value};
use serde_json::Value as Json;

/// What is generated: the file, from the repository's root, and its template.
pub(crate) const FILES: &[(&str, &str)] = &[
    ("bindings-node/src/models.ts", include_str!("../templates/node/models.ts.j2")),
    ("bindings-node/src/resources.ts", include_str!("../templates/node/resources.ts.j2")),
];

/// Types whose TypeScript is written by hand.
const BY_HAND: &[&str] = &["Run", "RunStep", "Meta", "Attempt", "Failure"];

/// A line of a comment is broken before this column.
const WIDTH: usize = 110;

/// Teaches an environment what the templates of Node use.
pub(crate) fn register(env: &mut Environment<'_>) {
    env.add_test("by_hand", |name: String| BY_HAND.contains(&name.as_str()));
    env.add_filter("ts", |ty: Value, prefix: Option<String>| {
        type_of(&ty, prefix.as_deref().unwrap_or_default())
    });
    env.add_filter("camel", |name: String| camel(&name));
    env.add_filter("pascal", |name: String| pascal(&name));
    env.add_filter("argsname", |op: Value| args_name(&op));
    env.add_filter("positional", |op: Value| arguments(&op, true));
    env.add_filter("named", |op: Value| arguments(&op, false));
    env.add_filter("tsdoc", |text: String, indent: usize| comment(&text, indent));
    env.add_filter("methoddoc", |op: Value| method_doc(&op));
}

/// The catalogue, its docs speaking of members by the names that they have here.
#[expect(clippy::unnecessary_wraps, reason = "the shape that all languages share")]
pub(crate) fn context(catalogue: &Json) -> Result<Json, Error> {
    let mut names = BTreeMap::new();
    gather_names(catalogue, &mut names);
    let mut context = catalogue.clone();
    rename_in_docs(&mut context, &names);
    Ok(context)
}

/// Fills `names` with `` `started_at` `` → `` `startedAt` `` for every member that has two names.
fn gather_names(value: &Json, names: &mut BTreeMap<String, String>) {
    if let (Some(name), Some(wire)) =
        (value.get("name").and_then(Json::as_str), value.get("wire").and_then(Json::as_str))
        && name != wire
    {
        names.insert(format!("`{name}`"), format!("`{wire}`"));
    }
    match value {
        Json::Array(items) => items.iter().for_each(|item| gather_names(item, names)),
        Json::Object(members) => members.values().for_each(|member| gather_names(member, names)),
        _ => {}
    }
}

fn rename_in_docs(value: &mut Json, names: &BTreeMap<String, String>) {
    match value {
        Json::Array(items) => items.iter_mut().for_each(|item| rename_in_docs(item, names)),
        Json::Object(members) => {
            if let Some(Json::String(doc)) = members.get_mut("doc") {
                *doc = names.iter().fold(std::mem::take(doc), |doc, (name, wire)| doc.replace(name, wire));
            }
            members.values_mut().for_each(|member| rename_in_docs(member, names));
        }
        _ => {}
    }
}

/// The TypeScript of a catalogue's type; `prefix` stands before the name of a declared one.
fn type_of(ty: &Value, prefix: &str) -> Result<String, Error> {
    if let Some(name) = ty.as_str() {
        return Ok(match name {
            "int" | "float" => "number".to_owned(),
            "bool" => "boolean".to_owned(),
            "string" => "string".to_owned(),
            "timestamp" => format!("{prefix}Timestamp"),
            "json" => format!("{prefix}JsonValue"),
            "sync" => format!("{prefix}SyncRef"),
            _ => return Err(unknown(ty)),
        });
    }
    if let Some(name) = ty.get_attr("ref")?.as_str() {
        return Ok(format!("{prefix}{name}"));
    }
    for (key, open, close) in [("list", "", "[]"), ("map", "Record<string, ", ">")] {
        let inner = ty.get_attr(key)?;
        if !inner.is_undefined() {
            return Ok(format!("{open}{}{close}", type_of(&inner, prefix)?));
        }
    }
    Err(unknown(ty))
}

fn unknown(ty: &Value) -> Error {
    Error::new(ErrorKind::InvalidOperation, format!("no TypeScript for {ty}"))
}

/// `sync_sequences` as `SyncSequences`.
fn pascal(name: &str) -> String {
    name.split('_')
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
        })
        .collect::<Vec<String>>()
        .concat()
}

/// `sync_sequences` as `syncSequences`.
fn camel(name: &str) -> String {
    let pascal = pascal(name);
    let mut letters = pascal.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// `SyncsListArgs` of `syncs.list`.
fn args_name(op: &Value) -> Result<String, Error> {
    let (resource, method) = (op.get_attr("resource")?, op.get_attr("method")?);
    Ok(format!("{}{}Args", pascal(&resource.to_string()), pascal(&method.to_string())))
}

/// An operation's arguments that stand by themselves (what it is about), or those that go by name.
fn arguments(op: &Value, positional: bool) -> Result<Vec<Value>, Error> {
    let mut found = Vec::new();
    for arg in op.get_attr("args")?.try_iter()? {
        let place = arg.get_attr("in")?;
        let alone = arg.get_attr("required")?.is_true() && matches!(place.as_str(), Some("path" | "client"));
        if alone == positional {
            found.push(arg);
        }
    }
    Ok(found)
}

/// A method's doc: its own, then the HTTP that it rests on and each argument that stands by itself.
fn method_doc(op: &Value) -> Result<String, Error> {
    let mut doc = format!(
        "{}\n\nOperation `{}`: `{}`.",
        op.get_attr("doc")?,
        op.get_attr("operationId")?,
        op.get_attr("http")?
    );
    for arg in arguments(op, true)? {
        let _ = write!(doc, "\n\n@param {} {}", arg.get_attr("wire")?, arg.get_attr("doc")?);
    }
    if op.get_attr("deprecated")?.is_true() {
        doc += "\n\n@deprecated";
    }
    Ok(doc)
}

/// A doc comment, its later lines indented as its first one stands in the template.
fn comment(text: &str, indent: usize) -> String {
    let text = text.trim().replace("*/", "*\\/");
    let gap = " ".repeat(indent);
    let lines = text
        .split("\n\n")
        .map(|paragraph| wrap(paragraph, WIDTH - indent - " * ".len()))
        .collect::<Vec<_>>()
        .join(&[String::new()][..]);
    match lines.as_slice() {
        [line] if line.chars().count() + indent + "/**  */".len() <= WIDTH => format!("/** {line} */"),
        _ => {
            let body: Vec<_> =
                lines.iter().map(|line| format!("{gap} * {line}").trim_end().to_owned()).collect();
            format!("/**\n{}\n{gap} */", body.join("\n"))
        }
    }
}

/// A paragraph in lines of at most `width` letters, unless a word is longer.
fn wrap(paragraph: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in paragraph.split_whitespace() {
        match lines.last_mut() {
            Some(last) if last.is_empty() => last.push_str(word),
            Some(last) if last.chars().count() + 1 + word.chars().count() <= width => {
                last.push(' ');
                last.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use minijinja::value::Serde;
    use serde_json::json;

    use super::*;

    #[test]
    fn types_nest_and_an_unknown_one_is_an_error() {
        let ts = |ty: Json| type_of(&Value::from(Serde(&ty)), "models.");
        assert_eq!(ts(json!({"list": {"map": {"ref": "Sync"}}})).unwrap(), "Record<string, models.Sync>[]");
        assert_eq!(ts(json!({"map": {"list": "int"}})).unwrap(), "Record<string, number[]>");
        assert!(ts(json!("decimal")).is_err());
        assert!(ts(json!({"set": "int"})).is_err());
    }

    #[test]
    fn a_comment_is_broken_between_words_and_cannot_be_ended_from_within() {
        assert_eq!(comment("Ends */ here.", 2), "/** Ends *\\/ here. */");
        let long = comment(&format!("{0} {0}\n{0}\n\nNext.", "word".repeat(20)), 2);
        let word = "word".repeat(20);
        assert_eq!(long, format!("/**\n   * {word}\n   * {word}\n   * {word}\n   *\n   * Next.\n   */"));
    }

    #[test]
    fn docs_speak_of_members_by_their_wire_names() {
        let catalogue = json!({"fields": [{"name": "started_at", "wire": "startedAt", "doc": "Not `a_kind`."}],
            "doc": "Before `started_at`."});
        let context = context(&catalogue).unwrap();
        assert_eq!(context["doc"], "Before `startedAt`.");
        assert_eq!(context["fields"][0]["doc"], "Not `a_kind`.");
    }
}
