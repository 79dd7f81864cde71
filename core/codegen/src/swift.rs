//! Swift: the generated files, and the filters and values that the templates need.

mod method;
mod prose;
mod spell;

use std::collections::BTreeSet;

use heck::ToUpperCamelCase as _;
use minijinja::{Environment, Error, ErrorKind, Value};
use serde_json::{Value as Json, json};

use crate::names::{self, Spelling};
use crate::prose::instead;
use crate::{group, records};
use spell::{camel, spell_json};

const SOURCES: &str = "bindings-swift/Sources/HightouchSDK/Generated";
const TESTS: &str = "bindings-swift/Tests/HightouchSDKTests/Generated";
const TYPES: &str = include_str!("../templates/swift/types.swift.j2");
const RESOURCE: &str = include_str!("../templates/swift/resource.swift.j2");
const SHARED: &str = include_str!("../templates/swift/shared.swift.j2");

/// Returns the generated files, as paths from the root of the repository, each with its template: one file for each
/// resource, and five more.
pub(crate) fn files(catalogue: &Json) -> Vec<(String, String)> {
    let names: BTreeSet<&str> =
        list(catalogue, "operations").iter().map(|operation| text(operation, "resource")).collect();
    let resources = names.into_iter().map(|name| {
        let file = format!("{SOURCES}/{}.swift", name.to_upper_camel_case());
        (file, format!("{{% set resource = resources.{name} %}}{TYPES}{RESOURCE}"))
    });
    let others = [
        (format!("{SOURCES}/Shared.swift"), format!("{TYPES}{SHARED}")),
        (format!("{SOURCES}/Records.swift"), include_str!("../templates/swift/records.swift.j2").to_owned()),
        (
            format!("{SOURCES}/Settings.swift"),
            include_str!("../templates/swift/settings.swift.j2").to_owned(),
        ),
        (
            "bindings-swift/Sources/HightouchTesting/Generated/Methods.swift".to_owned(),
            include_str!("../templates/swift/methods.swift.j2").to_owned(),
        ),
        (
            format!("{TESTS}/Operations.swift"),
            include_str!("../templates/swift/operations.swift.j2").to_owned(),
        ),
    ];
    resources.chain(others).collect()
}

/// Settings and options that have a more specific type in Swift than in the catalogue.
const SETTING_TYPES: &[(&str, &str)] =
    &[("limit", "RateLimit"), ("limitScope", "LimitScope"), ("proxy", "Secret"), ("priority", "Priority")];

/// Settings and options that are not generated for Swift: the API key is an argument of `Hightouch.init`, and `raw` is
/// set by `withRawResponse`.
const HIDDEN: &[&str] = &["apiKey", "raw"];

/// Adds the filters that the templates use.
pub(crate) fn register(env: &mut Environment<'_>) {
    env.add_filter("swift_name", spell::name);
    env.add_filter("swift_value", spell::value);
    env.add_filter("swift_class", |name: &str| name.to_upper_camel_case());
    env.add_filter("swift_type", spell::spell);
    env.add_filter("swift_column", |of: Value| column(&of));
    env.add_filter("swift_default", spell::default);
    env.add_filter("swift_doc", prose::doc);
    env.add_filter("swift_margin", prose::margin);
    env.add_filter("swift_instead", |doc: &str| instead(doc).replace(['`', '"', '\\'], ""));
}

/// How Swift spells the names in docs. Kinds of errors are cases of an enum.
const SPELLING: Spelling = Spelling { member: |wire| camel(&label(wire)), kind: camel };

/// Returns the catalogue, extended with what only these templates need.
pub(crate) fn context(catalogue: &Json) -> Result<Json, Error> {
    let mut context = catalogue.clone();
    let invalid = |why| Error::new(ErrorKind::InvalidOperation, why);
    names::respell(&mut context, &SPELLING).map_err(invalid)?;
    let tables = records::tables(&context).map_err(invalid)?;
    let mut operations = Vec::new();
    for operation in list(&context, "operations") {
        let mut operation = operation.clone();
        let (form, arguments) = (form(&operation)?, arguments(&operation)?);
        if let Some(members) = operation.as_object_mut() {
            members.insert("form".into(), form);
            members.insert("args".into(), arguments.into());
        }
        let forms = method::forms(&operation);
        if let Some(members) = operation.as_object_mut() {
            members.insert("swift".into(), forms);
        }
        operations.push(operation);
    }
    let types: Vec<Json> = list(&context, "types").iter().cloned().map(coded).collect();
    let groups = group::by_resource(&operations, &types);
    let settings = ["settings", "options"].map(|group| (group, settings(list(&context, group))));
    if let Some(members) = context.as_object_mut() {
        members.insert("resources".into(), json!(groups.resources));
        members.insert("shared".into(), groups.shared.into());
        members.insert("tables".into(), tables);
        members.extend(settings.map(|(group, settings)| (group.into(), settings)));
    }
    Ok(context)
}

/// Returns the Swift type of a column of a record.
fn column(of: &Value) -> Result<String, Error> {
    let kind = of.get_attr("type")?;
    let spelt = if kind.as_str() == Some("json") { "String".to_owned() } else { spell::spell(&kind)? };
    Ok(if of.get_attr("null")?.is_true() { format!("{spelt}?") } else { spelt })
}

/// Adds the member `coded` to a type: whether any field has another name in Swift than in the JSON.
fn coded(mut of: Json) -> Json {
    let coded = list(&of, "fields").iter().any(|field| camel(text(field, "wire")) != text(field, "wire"));
    if let Some(members) = of.as_object_mut() {
        members.insert("coded".into(), coded.into());
    }
    of
}

/// Describes how an operation is called: what its method returns, the method of `Door` that makes the call, and the
/// type of the raw answer.
fn form(operation: &Json) -> Result<Json, Error> {
    let returns = operation.get("returns").unwrap_or(&Json::Null);
    let named = |key| returns.get(key).and_then(Json::as_str);
    let handle = |kind: &str| format!("{}RunHandle", kind.to_upper_camel_case());
    Ok(if let Some(of) = named("page") {
        json!({ "kind": "page", "type": format!("PagedSequence<{of}>"), "raw": format!("[{of}]") })
    } else if let Some(of) = named("value") {
        json!({ "kind": "value", "type": of, "raw": of })
    } else if let Some(kind) = named("run") {
        json!({ "kind": "run", "type": handle(kind), "raw": handle(kind) })
    } else if let Some(kind) = named("latest") {
        let handle = format!("{}?", handle(kind));
        json!({ "kind": "latest", "type": handle, "raw": handle })
    } else if returns.get("nothing") == Some(&Json::Bool(true)) {
        json!({ "kind": "nothing", "type": "Void", "raw": "Void" })
    } else {
        return Err(unknown(&format!("what {operation} returns")));
    })
}

/// Returns the arguments, required ones first: how each is declared, how it is passed on, and how a test creates it.
fn arguments(operation: &Json) -> Result<Vec<Json>, Error> {
    let mut arguments = list(operation, "args").to_vec();
    arguments.sort_by_key(|argument| !is(argument, "required"));
    for argument in &mut arguments {
        let (name, of) = (camel(text(argument, "wire")), spell_json(argument.get("type"))?);
        let spelt = spell::quote(&name);
        let positional = text(argument, "in") == "path";
        let (of, given, made) = match (is(argument, "required"), is(argument, "nullable")) {
            (true, false) => (of, spelt.clone(), "argument"),
            (true, true) => (format!("{of}?"), format!("Patch.setOrClear({spelt}).sent"), "nullable"),
            (false, false) => (format!("{of}? = nil"), spelt.clone(), "optional"),
            (false, true) => (format!("Patch<{of}> = .absent"), format!("{spelt}.sent"), "patch"),
        };
        let declared = format!("{}{spelt}: {of}", if positional { "_ " } else { "" });
        let made = format!(
            "{}try {made}(\"{}\")",
            if positional { String::new() } else { format!("{name}: ") },
            text(argument, "wire")
        );
        let null = if is(argument, "required") { "nil" } else { "`.null`" };
        let doc = prose::with_null(text(argument, "doc"), null);
        if let Some(members) = argument.as_object_mut() {
            members.insert("doc".into(), doc.into());
            members.insert("label".into(), if positional { "_" } else { &name }.into());
            members.insert("spelt".into(), spelt.into());
            members.insert("declared".into(), declared.into());
            members.insert("given".into(), given.into());
            members.insert("made".into(), made.into());
        }
    }
    Ok(arguments)
}

/// Returns the settings or options that Swift has. Lengths of time get the type `Duration`.
fn settings(all: &[Json]) -> Json {
    all.iter()
        .filter(|setting| !is(setting, "internal"))
        .filter(|setting| !HIDDEN.contains(&text(setting, "wire")))
        .map(|setting| {
            let mut setting = setting.clone();
            let wire = text(&setting, "wire").to_owned();
            let (time, label) = (wire.ends_with("Ms"), label(&wire));
            let known =
                SETTING_TYPES.iter().find(|(name, _)| *name == wire).map(|(_, of)| json!({ "ref": of }));
            let doc = time.then(|| prose::in_milliseconds(text(&setting, "doc")));
            if let Some(members) = setting.as_object_mut() {
                members.insert("label".into(), label.into());
                members.insert("time".into(), time.into());
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

/// Returns the name of a setting or an option in Swift. `SPELLING` also uses this function for arguments and members.
/// The function leaves their names unchanged, because none of them ends in `Ms` or contains `Url`.
fn label(wire: &str) -> String {
    wire.strip_suffix("Ms").unwrap_or(wire).replace("Url", "URL")
}

fn list<'a>(of: &'a Json, key: &str) -> &'a [Json] {
    of.get(key).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(of: &'a Json, key: &str) -> &'a str {
    of.get(key).and_then(Json::as_str).unwrap_or_default()
}

fn is(of: &Json, key: &str) -> bool {
    of.get(key) == Some(&Json::Bool(true))
}

fn unknown(what: &str) -> Error {
    Error::new(ErrorKind::InvalidOperation, format!("Swift has no form for: {what}"))
}
