//! What the templates of Node ask for: names, types and comments as TypeScript writes them.

mod opaque;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use minijinja::{Environment, Error, ErrorKind, Value};
use serde_json::{Value as Json, json};

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
    env.add_filter("ts", |ty: Value| type_of(&ty, Side::Answer));
    env.add_filter("ts_arg", |ty: Value| type_of(&ty, Side::Argument));
    env.add_filter("declared", |ty: Value| opaque::declared(&ty));
    env.add_filter("used", |ty: Value| opaque::used(&ty));
    env.add_filter("member", |field: Value, ty: Value| member(&field, &ty));
    env.add_filter("memberdoc", |field: Value, ty: Value| member_doc(&field, &ty));
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
    let tags = tags(&context);
    opaque::mark(&mut context);
    if let Some(members) = context.as_object_mut() {
        members.insert("tags".to_owned(), Json::Object(tags));
    }
    Ok(context)
}

/// By a variant's type: its union, and the member and value that tell it there.
fn tags(catalogue: &Json) -> serde_json::Map<String, Json> {
    let list = |of: &Json, key: &str| of.get(key).and_then(Json::as_array).cloned().unwrap_or_default();
    let mut tags = serde_json::Map::new();
    for union in list(catalogue, "types") {
        for variant in list(&union, "variants") {
            if let Some(of) = variant.get("type").and_then(Json::as_str) {
                let tag = json!({"union": union.get("name"), "member": union.get("tag"), "value": variant.get("tag")});
                tags.insert(of.to_owned(), tag);
            }
        }
    }
    tags
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

/// Where a type stands: answers are plain containers in the module of the types, arguments may be read-only ones and are
/// named from another module.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Answer,
    Argument,
}

/// The TypeScript of a catalogue's type.
fn type_of(ty: &Value, side: Side) -> Result<String, Error> {
    let (module, open) = match side {
        Side::Answer => ("", ""),
        Side::Argument => ("models.", "readonly "),
    };
    if let Some(name) = ty.as_str() {
        return Ok(match name {
            "int" | "float" => "number".to_owned(),
            "bool" => "boolean".to_owned(),
            "string" => "string".to_owned(),
            "timestamp" => format!("{module}Timestamp"),
            "json" => "Json".to_owned(),
            "sync" => format!("{module}SyncRef"),
            _ => return Err(unknown(ty)),
        });
    }
    if let Some(name) = ty.get_attr("ref")?.as_str() {
        let with = ty.get_attr("with")?;
        return Ok(match with.as_str() {
            Some(with) => format!("{module}{name}<{with}>"),
            None => format!("{module}{name}"),
        });
    }
    if let Some(name) = ty.get_attr("opaque")?.as_str() {
        return Ok(name.to_owned());
    }
    for (key, before, after) in [("list", open, "[]"), ("map", "Record<string, ", ">")] {
        let inner = ty.get_attr(key)?;
        if !inner.is_undefined() {
            let inner = type_of(&inner, side)?;
            // `readonly` binds to the whole that follows it.
            let inner =
                if after == "[]" && inner.starts_with("readonly ") { format!("({inner})") } else { inner };
            return Ok(format!("{before}{inner}{after}"));
        }
    }
    Err(unknown(ty))
}

/// Whether whoever builds the value must give this field, though an answer may lack it.
fn demanded(field: &Value) -> Result<bool, Error> {
    Ok(field.get_attr("needed")?.is_true() && field.get_attr("presence")?.as_str() == Some("optional"))
}

/// A field as it is declared. A demanded one has no `?`: whoever builds the value must name it, and whoever reads it
/// still sees that it may be absent, so that one type serves both ways.
fn member(field: &Value, ty: &Value) -> Result<String, Error> {
    let (wire, of) = (field.get_attr("wire")?, type_of(&field.get_attr("type")?, Side::Answer)?);
    Ok(if demanded(field)? {
        format!("{wire}: {of} | undefined")
    } else if field.get_attr("presence")?.as_str() != Some("optional") {
        format!("{wire}: {of}")
    } else if ty.get_attr("sent")?.is_true() {
        format!("{wire}?: {of} | undefined")
    } else {
        format!("{wire}?: {of}")
    })
}

fn member_doc(field: &Value, ty: &Value) -> Result<String, Error> {
    let mut doc = field.get_attr("doc")?.to_string();
    if ty.get_attr("sent")?.is_true() && demanded(field)? {
        doc += "\n\nTo be given by whoever builds the value; only an answer may lack it.";
    }
    Ok(doc)
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
        let alone = arg.get_attr("required")?.is_true() && place.as_str() == Some("path");
        if alone == positional {
            found.push(arg);
        }
    }
    Ok(found)
}

/// A method's doc: its own, then the HTTP that it rests on, its parameters, what it gives and how it fails.
fn method_doc(op: &Value) -> Result<String, Error> {
    let http = op.get_attr("http")?.to_string();
    let mut doc =
        format!("{}\n\nOperation `{}`: `{http}`.", op.get_attr("doc")?, op.get_attr("operationId")?);
    for arg in arguments(op, true)? {
        let _ = write!(doc, "\n\n@param {} {}", arg.get_attr("wire")?, arg.get_attr("doc")?);
    }
    let named = arguments(op, false)?;
    if !named.is_empty() {
        doc += "\n\n@param args By name, see {@link ";
        doc += &args_name(op)?;
        doc += "}.";
    }
    doc += "\n\n@param options What holds for this call alone.";
    let _ = write!(doc, "\n\n@returns {}", given_back(&op.get_attr("returns")?)?);
    doc += "\n\n@throws {@link HightouchError} in the class of its kind.";
    if !http.starts_with("GET ") {
        doc += " {@link OutcomeUnknownError} where it may have happened.";
    }
    if op.get_attr("deprecated")?.is_true() {
        doc += "\n\n@deprecated The vendor has replaced it.";
    }
    Ok(doc)
}

/// What a method gives, in words.
fn given_back(returns: &Value) -> Result<String, Error> {
    for (key, what) in [
        ("page", "A list of {@link NAME}: awaited its first page, iterated all of it."),
        ("value", "The {@link NAME}."),
        ("run", "The run's handle, {@link NAME}."),
    ] {
        if let Some(name) = returns.get_attr(key)?.as_str() {
            let name = if key == "run" { format!("{}RunHandle", pascal(name)) } else { name.to_owned() };
            return Ok(what.replace("NAME", &name));
        }
    }
    Ok("Nothing.".to_owned())
}

/// A doc comment, its later lines indented as its first one stands in the template.
fn comment(text: &str, indent: usize) -> String {
    let text = text.trim().replace("*/", "*\\/");
    let gap = " ".repeat(indent);
    let mut lines = Vec::new();
    let mut tagged = false;
    for paragraph in text.split("\n\n") {
        // Tags follow each other without a gap.
        let tag = paragraph.starts_with('@');
        if !(lines.is_empty() || tag && tagged) {
            lines.push(String::new());
        }
        tagged = tag;
        lines.extend(wrap(paragraph, WIDTH - indent - " * ".len()));
    }
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

    use super::*;

    #[test]
    fn types_nest_and_an_unknown_one_is_an_error() {
        let ts = |ty: Json, side| type_of(&Value::from(Serde(&ty)), side);
        let (listed, mapped) =
            (json!({"list": {"map": {"ref": "Sync"}}}), json!({"map": {"list": {"list": "int"}}}));
        assert_eq!(ts(listed.clone(), Side::Answer).unwrap(), "Record<string, Sync>[]");
        assert_eq!(ts(listed, Side::Argument).unwrap(), "readonly Record<string, models.Sync>[]");
        assert_eq!(ts(mapped.clone(), Side::Answer).unwrap(), "Record<string, number[][]>");
        assert_eq!(ts(mapped, Side::Argument).unwrap(), "Record<string, readonly (readonly number[])[]>");
        assert!(ts(json!("decimal"), Side::Answer).is_err());
        assert!(ts(json!({"set": "int"}), Side::Answer).is_err());
    }

    #[test]
    fn a_field_that_builders_must_give_is_named_by_them_and_may_be_absent_for_readers() {
        let field = |presence: &str, needed: bool, sent: bool| {
            let field =
                json!({"wire": "a", "type": "int", "presence": presence, "needed": needed, "doc": "An a."});
            let ty = json!({ "sent": sent });
            let (field, ty) = (Value::from(Serde(&field)), Value::from(Serde(&ty)));
            (member(&field, &ty).unwrap(), member_doc(&field, &ty).unwrap().lines().count())
        };
        assert_eq!(field("required", false, false), ("a: number".to_owned(), 1));
        assert_eq!(field("defaulted", true, true), ("a: number".to_owned(), 1));
        assert_eq!(field("optional", false, false), ("a?: number".to_owned(), 1));
        assert_eq!(field("optional", false, true), ("a?: number | undefined".to_owned(), 1));
        assert_eq!(field("optional", true, true), ("a: number | undefined".to_owned(), 3));
    }

    #[test]
    fn a_comment_is_broken_between_words_and_cannot_be_ended_from_within() {
        assert_eq!(comment("Ends */ here.", 2), "/** Ends *\\/ here. */");
        let long = comment(&format!("{0} {0}\n{0}\n\nNext.", "word".repeat(20)), 2);
        let word = "word".repeat(20);
        assert_eq!(long, format!("/**\n   * {word}\n   * {word}\n   * {word}\n   *\n   * Next.\n   */"));
        assert_eq!(comment("A.\n\n@a b\n\n@c d", 0), "/**\n * A.\n *\n * @a b\n * @c d\n */");
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
