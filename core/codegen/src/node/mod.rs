//! Node.js: the generated files, and the filters with which the templates spell names, types and comments in
//! TypeScript.

mod opaque;

use std::fmt::Write as _;

use heck::{ToLowerCamelCase as _, ToUpperCamelCase as _};
use minijinja::{Environment, Error, ErrorKind, Value};
use serde_json::{Value as Json, json};

use crate::errors;
use crate::names::{self, Spelling};
use crate::prose::{instead, wrap};
use crate::records;

/// The generated files, as paths from the root of the repository, each with its template.
const FILES: &[(&str, &str)] = &[
    ("bindings-node/src/error-classes.ts", include_str!("../../templates/node/error-classes.ts.j2")),
    ("bindings-node/src/error-table.ts", include_str!("../../templates/node/error-table.ts.j2")),
    ("bindings-node/src/models.ts", include_str!("../../templates/node/models.ts.j2")),
    ("bindings-node/src/names.ts", include_str!("../../templates/node/names.ts.j2")),
    ("bindings-node/src/records.ts", include_str!("../../templates/node/records.ts.j2")),
    ("bindings-node/src/resources.ts", include_str!("../../templates/node/resources.ts.j2")),
    ("bindings-node/sandbox/src/methods.ts", include_str!("../../templates/node/methods.ts.j2")),
];

pub(crate) fn files(_: &Json) -> Vec<(String, String)> {
    crate::owned(FILES)
}

/// Types that are written by hand in TypeScript.
const BY_HAND: &[&str] = &["Run", "RunStep", "Meta", "Attempt", "Failure"];

/// The longest line of a comment, in characters.
const WIDTH: usize = 110;

/// Adds the filters and tests that the templates use.
pub(crate) fn register(env: &mut Environment<'_>) {
    env.add_test("by_hand", |name: String| BY_HAND.contains(&name.as_str()));
    env.add_filter("ts", |ty: Value| type_of(&ty, Side::Answer));
    env.add_filter("ts_arg", |ty: Value| type_of(&ty, Side::Argument));
    env.add_filter("column", |column: Value| column_type(&column));
    env.add_filter("columnkind", |column: Value| column_kind(&column));
    env.add_filter("columndoc", |column: Value| column_doc(&column));
    env.add_filter("declared", |ty: Value| opaque::declared(&ty));
    env.add_filter("used", |ty: Value| opaque::used(&ty));
    env.add_filter("member", |field: Value, ty: Value| member(&field, &ty));
    env.add_filter("memberdoc", |field: Value, ty: Value| member_doc(&field, &ty));
    env.add_filter("camel", |name: &str| name.to_lower_camel_case());
    env.add_filter("pascal", |name: &str| name.to_upper_camel_case());
    env.add_filter("argsname", |op: Value| args_name(&op));
    env.add_filter("positional", |op: Value| arguments(&op, true));
    env.add_filter("named", |op: Value| arguments(&op, false));
    env.add_filter("tsdoc", |text: String, indent: usize| comment(&text, indent));
    env.add_filter("methoddoc", |op: Value| method_doc(&op));
}

/// How TypeScript spells the names in docs. Kinds of errors are strings.
const SPELLING: Spelling = Spelling { member: str::to_owned, kind: str::to_owned };

/// Returns the catalogue, extended with what only these templates need. The docs in it name members and methods as
/// TypeScript does.
pub(crate) fn context(catalogue: &Json) -> Result<Json, Error> {
    let mut context = catalogue.clone();
    let invalid = |why| Error::new(ErrorKind::InvalidOperation, why);
    names::respell(&mut context, &SPELLING).map_err(invalid)?;
    let tables = records::tables(&context).map_err(invalid)?;
    let tags = tags(&context);
    opaque::mark(&mut context);
    errors::name_classes(&mut context, &[]);
    if let Some(members) = context.as_object_mut() {
        members.insert("tags".to_owned(), Json::Object(tags));
        members.insert("tables".to_owned(), tables);
    }
    Ok(context)
}

/// Maps the type of each variant of a union to the union, and to the member and the value that identify the variant.
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

/// Returns the TypeScript type of a column of a record.
fn column_type(column: &Value) -> Result<String, Error> {
    let kind = column.get_attr("type")?;
    let of = if kind.as_str() == Some("json") { "string".to_owned() } else { type_of(&kind, Side::Answer)? };
    Ok(if column.get_attr("null")?.is_true() { format!("{of} | null") } else { of })
}

/// Returns the kind of a column as text, such as `int` or `list`.
fn column_kind(column: &Value) -> Result<String, Error> {
    Ok(column.get_attr("type")?.as_str().unwrap_or("list").to_owned())
}

/// Returns the doc of a column. For a column of JSON, the doc says that the cells are text.
fn column_doc(column: &Value) -> Result<String, Error> {
    let doc = column.get_attr("doc")?.to_string();
    let json = column.get_attr("type")?.as_str() == Some("json");
    Ok(if json { format!("{doc} The cell is JSON text.") } else { doc })
}

/// Whether a type is written in an answer or in an argument. In an argument, types have the prefix `models.`, because
/// arguments are written in another module, and arrays may be read-only.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Answer,
    Argument,
}

/// Converts a type of the catalogue to TypeScript.
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
            "timestamp" if side == Side::Argument => format!("{module}Timestamp | Date"),
            "timestamp" => "Timestamp".to_owned(),
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
            // Without parentheses, `readonly` would apply to everything after it.
            let inner =
                if after == "[]" && inner.starts_with("readonly ") { format!("({inner})") } else { inner };
            return Ok(format!("{before}{inner}{after}"));
        }
    }
    Err(unknown(ty))
}

/// Whether an argument must have this field although an answer may lack it.
fn demanded(field: &Value) -> Result<bool, Error> {
    Ok(field.get_attr("needed")?.is_true() && field.get_attr("presence")?.as_str() == Some("optional"))
}

/// Returns the declaration of a field. The same type serves arguments and answers. An argument must name a demanded
/// field, so the declaration has no `?`. An answer may lack the field, so the type of the field includes `undefined`.
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
        doc += "\n\nRequired in a value that you send; may be absent in an answer.";
    }
    Ok(doc)
}

fn unknown(ty: &Value) -> Error {
    Error::new(ErrorKind::InvalidOperation, format!("no TypeScript for {ty}"))
}

/// Returns the name of the type of the named arguments: `SyncsListArgs` for `syncs.list`.
fn args_name(op: &Value) -> Result<String, Error> {
    let (resource, method) = (op.get_attr("resource")?, op.get_attr("method")?);
    Ok(format!("{resource}_{method}_args").to_upper_camel_case())
}

/// Returns the positional arguments of an operation, or the named arguments if `positional` is false. The arguments in
/// the path are positional.
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

/// Returns the doc of a method: its own text, then the HTTP request, the parameters, the result and the errors.
fn method_doc(op: &Value) -> Result<String, Error> {
    let http = op.get_attr("http")?.to_string();
    let mut doc =
        format!("{}\n\nOperation `{}`: `{http}`.", op.get_attr("doc")?, op.get_attr("operationId")?);
    for arg in arguments(op, true)? {
        let _ = write!(doc, "\n\n@param {} {}", arg.get_attr("wire")?, arg.get_attr("doc")?);
    }
    let named = arguments(op, false)?;
    if !named.is_empty() {
        let _ = write!(doc, "\n\n@param args The arguments, see {{@link {}}}.", args_name(op)?);
    }
    doc += "\n\n@param options Options of this call.";
    let _ = write!(doc, "\n\n@returns {}", returned(&op.get_attr("returns")?)?);
    // A method that returns a list sends no request itself, and so never throws.
    if !op.get_attr("returns")?.get_attr("page")?.is_true() {
        doc +=
            "\n\n@throws {@link HightouchError} if the call fails. Each kind of error has its own subclass.";
        if !http.starts_with("GET ") {
            doc += " The error is an {@link OutcomeUnknownError} if it is unknown whether the request took effect.";
        }
    }
    if op.get_attr("deprecated")?.is_true() {
        let instead = instead(&op.get_attr("doc")?.to_string());
        let _ = write!(doc, "\n\n@deprecated Hightouch has replaced this operation. {instead}.");
    }
    Ok(doc)
}

/// Describes what a method returns.
fn returned(returns: &Value) -> Result<String, Error> {
    for (key, what) in [
        (
            "page",
            "A list of {@link NAME}: `await` fetches its first page, `for await` iterates over all items. Both throw \
             {@link HightouchError} if a request fails.",
        ),
        ("value", "The {@link NAME}."),
        ("run", "A {@link NAME} for the run."),
        ("latest", "A {@link NAME} for the run; `null` if there is no run."),
    ] {
        if let Some(name) = returns.get_attr(key)?.as_str() {
            let name = if matches!(key, "run" | "latest") {
                format!("{name}_run_handle").to_upper_camel_case()
            } else {
                name.to_owned()
            };
            let what =
                if name.starts_with('I') { what.replace("A {@link", "An {@link") } else { what.to_owned() };
            return Ok(what.replace("NAME", &name));
        }
    }
    Ok("Nothing.".to_owned())
}

/// Formats a doc comment. Each line but the first is indented.
fn comment(text: &str, indent: usize) -> String {
    let text = text.trim().replace("*/", "*\\/");
    let gap = " ".repeat(indent);
    let mut lines = Vec::new();
    let mut tagged = false;
    for paragraph in text.split("\n\n") {
        // Two tags in a row, such as `@param`, have no empty line between them.
        let tag = paragraph.starts_with('@');
        if !(lines.is_empty() || tag && tagged) {
            lines.push(String::new());
        }
        tagged = tag;
        let wrapped = wrap(paragraph, WIDTH - indent - " * ".len(), "", "");
        lines.extend(wrapped.lines().map(str::to_owned));
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
}
