//! Python: the generated files, and the filters and values that the templates need.

use std::collections::{BTreeMap, BTreeSet};

use heck::ToUpperCamelCase as _;
use minijinja::{Environment, Error, ErrorKind, Value};
use serde_json::{Value as Json, json};

use crate::names::{list, text};
use crate::prose::{instead, wrap as wrap_prose};
use crate::{errors, group};

const PACKAGE: &str = "bindings-python/python/hightouch_sdk";

/// The generated files that are not of one resource, each with its template.
const FILES: &[(&str, &str)] = &[
    ("_enums.py", include_str!("../templates/python/enums.py.j2")),
    ("_error_classes.py", include_str!("../templates/python/error_classes.py.j2")),
    ("_models/__init__.py", include_str!("../templates/python/all_models.py.j2")),
    (
        "_models/shared.py",
        concat!("{% set module = \"shared\" %}", include_str!("../templates/python/models.py.j2")),
    ),
    ("_names.py", include_str!("../templates/python/names.py.j2")),
    (
        "_resources/__init__.py",
        concat!("{% set asynchronous = false %}", include_str!("../templates/python/resources.py.j2")),
    ),
    (
        "_async_resources/__init__.py",
        concat!("{% set asynchronous = true %}", include_str!("../templates/python/resources.py.j2")),
    ),
    ("testing/_methods.py", include_str!("../templates/python/methods.py.j2")),
];

const ERROR_DOCS: &str = include_str!("../templates/python/error_classes.inc.j2");

/// The generated files of each resource. A program imports those of the resources that it uses.
const OF_RESOURCES: &[(&str, &str)] = &[
    ("_models", include_str!("../templates/python/models.py.j2")),
    (
        "_resources",
        concat!("{% set asynchronous = false %}", include_str!("../templates/python/operations.py.j2")),
    ),
    (
        "_async_resources",
        concat!("{% set asynchronous = true %}", include_str!("../templates/python/operations.py.j2")),
    ),
];

pub(crate) fn files(catalogue: &Json) -> Vec<(String, String)> {
    let names: BTreeSet<&str> =
        list(catalogue, "operations").iter().map(|operation| text(operation, "resource")).collect();
    let of_resources = names.iter().flat_map(|name| {
        OF_RESOURCES.iter().map(move |(folder, template)| {
            (format!("{PACKAGE}/{folder}/{name}.py"), format!("{{% set module = \"{name}\" %}}{template}"))
        })
    });
    let others = FILES.iter().map(|(file, template)| (format!("{PACKAGE}/{file}"), (*template).to_owned()));
    let docs = ("bindings-python/docs/error-classes.inc".to_owned(), ERROR_DOCS.to_owned());
    of_resources.chain(others).chain([docs]).collect()
}

/// Python's keywords, which cannot be names.
const KEYWORDS: &[&str] = &[
    "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else",
    "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not",
    "or", "pass", "raise", "return", "try", "while", "with", "yield", "None", "True", "False",
];

/// Kinds of errors with an unusual class name, because the usual name is taken or unclear: `PermissionError` and
/// `TimeoutError` are builtins, and `CancelledError` is a class of asyncio.
pub(crate) const CLASSES: &[(&str, &str)] = &[
    ("permission", "PermissionDeniedError"),
    ("timeout", "RequestTimeoutError"),
    ("cancelled", "CallCancelledError"),
    ("closed", "ClientClosedError"),
];

/// The longest line of prose, in characters.
const WIDTH: usize = 110;

/// Adds the filters that the templates use.
pub(crate) fn register(env: &mut Environment<'_>) {
    env.add_filter("py_name", name);
    env.add_filter("py_type", |ty: &Value| spell(ty, Side::Answer));
    env.add_filter("py_arg", argument);
    env.add_filter("py_send", send);
    env.add_filter("py_snake", snake);
    env.add_filter("py_default", default);
    env.add_filter("py_wrap", wrap);
    env.add_filter("py_doc", doc);
    env.add_filter("py_instead", |doc: &str| instead(doc));
    env.add_filter("py_import", import);
    env.add_filter("py_class", |name: &str| name.to_upper_camel_case());
}

/// Types that are written by hand in Python.
const BY_HAND: &[&str] = &["Run", "RunStep", "Meta", "Attempt", "Failure", "Json"];

/// The types of runs, which have the property `problem`.
const RUNS: &[&str] = &["SyncRun", "SequenceRun", "IdentityGraphRun"];

/// Types with a base class in `_facts.py`. The base class has the properties that are computed from the fields.
const WITH_FACTS: [&str; 4] = ["IdentityGraphRun", "RowCounts", "SequenceRun", "SyncRun"];

/// The options that `options()` in `_encoding.py` takes, and `raw`, which `with_raw_response` sets.
const OPTIONS: &[&str] =
    &["timeoutMs", "deadlineMs", "maxRetries", "maxWaitMs", "priority", "headers", "raw"];

/// Returns the catalogue, extended with what only these templates need.
pub(crate) fn context(catalogue: &Json) -> Result<Json, Error> {
    if let Some(option) =
        list(catalogue, "options").iter().find(|option| !OPTIONS.contains(&text(option, "wire")))
    {
        return Err(unknown(&format!("the option {option}; add it to `options()` in _encoding.py")));
    }
    let (names, tags) = types(catalogue);
    let resources = operations(catalogue)?;
    let mut context = catalogue.clone();
    errors::name_classes(&mut context, CLASSES);
    let extra = json!({
        "by_hand": BY_HAND, "names": names, "tags": tags, "resources": resources, "modules": modules(catalogue),
        "enums": enums(catalogue), "camel": camel(catalogue), "runs": RUNS, "with_facts": WITH_FACTS,
        "facts": WITH_FACTS.map(|name| format!("{name}Facts")),
        "builtins": { "argument": ", ValueError", "connection": ", ConnectionError", "timeout": ", TimeoutError" },
    });
    if let (Some(context), Json::Object(extra)) = (context.as_object_mut(), extra) {
        context.extend(extra);
    }
    Ok(context)
}

/// Returns the names of the types that Python exports, and the tags of the types that are variants of a union.
fn types(catalogue: &Json) -> (BTreeSet<String>, BTreeMap<String, Json>) {
    let (mut names, mut tags) = (BTreeSet::new(), BTreeMap::new());
    for ty in list(catalogue, "types") {
        names.extend(exported(ty));
        for variant in list(ty, "variants") {
            if let Some(of) = variant.get("type").and_then(Json::as_str) {
                tags.insert(of.to_owned(), json!({ "field": text(ty, "tag"), "tag": text(variant, "tag") }));
            }
        }
    }
    (names, tags)
}

/// Returns the names that Python exports for a type: its own, and the name of a union's unknown variant.
fn exported(ty: &Json) -> Vec<String> {
    let name = text(ty, "name");
    let unknown = list(ty, "variants").iter().any(|variant| variant.get("type").is_none());
    let names = [name.to_owned()].into_iter().chain(unknown.then(|| format!("Unknown{name}")));
    names.filter(|name| !BY_HAND.contains(&name.as_str())).collect()
}

fn enums(catalogue: &Json) -> BTreeSet<&str> {
    let enums = list(catalogue, "types").iter().filter(|ty| text(ty, "shape") == "enum");
    enums.map(|ty| text(ty, "name")).collect()
}

/// Returns the closed enums with values that the API writes in camelCase.
fn camel(catalogue: &Json) -> BTreeSet<&str> {
    let closed = list(catalogue, "types").iter().filter(|ty| ty.get("open") == Some(&Json::Bool(false)));
    let upper = |value: &Json| text(value, "wire").contains(char::is_uppercase);
    closed.filter(|ty| list(ty, "values").iter().any(upper)).map(|ty| text(ty, "name")).collect()
}

/// Converts a name to snake case: `createdAt` becomes `created_at`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

/// Returns the types in each module of models, and the names that the module exports.
fn modules(catalogue: &Json) -> BTreeMap<String, Json> {
    let groups = group::by_resource(list(catalogue, "operations"), list(catalogue, "types"));
    let resources = groups.resources.iter().map(|(name, group)| (name.clone(), list(group, "types")));
    let shared = ("shared".to_owned(), groups.shared.as_slice());
    let module = |types: &[Json]| {
        let others = types.iter().filter(|ty| text(ty, "shape") != "enum");
        json!({ "types": types, "names": others.flat_map(exported).collect::<BTreeSet<_>>() })
    };
    resources.chain([shared]).map(|(name, types)| (name, module(types))).collect()
}

/// Operations by resource.
type Resources = BTreeMap<String, Vec<Json>>;

/// Returns the operations by resource, each with its positional arguments and its result. `ASYNC` in the name of a
/// class stands for a prefix: `Async` for the asynchronous client, and no prefix for the blocking client.
fn operations(catalogue: &Json) -> Result<Resources, Error> {
    let mut resources = BTreeMap::<_, Vec<Json>>::new();
    for operation in list(catalogue, "operations") {
        let returns = operation.get("returns").unwrap_or(&Json::Null);
        let named = |key| returns.get(key).and_then(Json::as_str);
        let handle = |kind: &str| format!("ASYNC{}RunHandle", kind.to_upper_camel_case());
        let (form, of, gives) = if let Some(of) = named("page") {
            ("page", of.to_owned(), format!("ASYNCListing[{of}]"))
        } else if let Some(of) = named("value") {
            ("value", of.to_owned(), of.to_owned())
        } else if let Some(kind) = named("run") {
            ("run", handle(kind), handle(kind))
        } else if let Some(kind) = named("latest") {
            ("latest", handle(kind), format!("{} | None", handle(kind)))
        } else if returns.get("nothing").is_some() {
            ("nothing", String::new(), "None".to_owned())
        } else {
            return Err(unknown(&format!("what {operation} returns")));
        };
        let (positional, by_name): (Vec<_>, Vec<_>) =
            list(operation, "args").iter().partition(|argument| text(argument, "in") == "path");
        let writes = !text(operation, "http").starts_with("GET ");
        let extra = json!({
            "form": form, "of": of, "gives": gives, "positional": positional, "named": by_name, "writes": writes,
        });
        let mut operation = operation.clone();
        if let (Some(operation), Json::Object(extra)) = (operation.as_object_mut(), extra) {
            operation.extend(extra);
        }
        resources.entry(text(&operation, "resource").to_owned()).or_default().push(operation);
    }
    Ok(resources)
}

fn unknown(what: &str) -> Error {
    Error::new(ErrorKind::InvalidOperation, format!("Python has no form for: {what}"))
}

fn name(name: &str) -> String {
    if KEYWORDS.contains(&name) { format!("{name}_") } else { name.to_owned() }
}

/// Where a type is used. Answers hold lists and dicts; arguments accept any sequence or mapping.
#[derive(Clone, Copy)]
enum Side {
    Answer,
    Argument,
}

fn spell(ty: &Value, side: Side) -> Result<String, Error> {
    if let Some(plain) = ty.as_str() {
        return Ok(match (plain, side) {
            ("int", _) => "int",
            ("float", _) => "float",
            ("bool", _) => "bool",
            ("string", _) => "str",
            ("timestamp", _) => "datetime",
            ("json", Side::Answer) => "Json",
            ("json", Side::Argument) => "JsonInput",
            ("sync", _) => "int | str",
            (other, _) => return Err(unknown(&format!("the type {other}"))),
        }
        .to_owned());
    }
    let (list, map) = match side {
        Side::Answer => ("list", "dict"),
        Side::Argument => ("Sequence", "Mapping"),
    };
    match composite(ty)? {
        Composite::List(inner) => Ok(format!("{list}[{}]", spell(&inner, side)?)),
        Composite::Map(inner) => Ok(format!("{map}[str, {}]", spell(&inner, side)?)),
        Composite::Ref(to) => Ok(to),
    }
}

/// Arguments that are a number of minutes. For these, Python also accepts a `timedelta`.
const MINUTES: &[&str] = &["within"];

fn attribute(of: &Value, key: &str) -> Value {
    of.get_attr(key).unwrap_or_default()
}

/// Returns the type of an argument. Some arguments also accept a more convenient type: a `Sync` for its id, a
/// `timedelta` for minutes, and a rule or a cron expression for a schedule.
fn argument(argument: &Value) -> Result<String, Error> {
    let ty = attribute(argument, "type");
    let mut spelled = spell(&ty, Side::Argument)?;
    if ty.as_str() == Some("sync") {
        spelled.push_str(" | Sync");
    } else if MINUTES.contains(&attribute(argument, "wire").as_str().unwrap_or_default()) {
        spelled.push_str(" | timedelta");
    } else if spelled == "Schedule" {
        spelled.push_str(" | CronRule | IntervalRule | str");
    }
    Ok(spelled)
}

/// Returns the Python expression that converts an argument to the value that the core expects.
fn send(argument: &Value) -> Result<String, Error> {
    let (ty, wire) = (attribute(argument, "type"), attribute(argument, "wire"));
    let name = name(attribute(argument, "name").as_str().unwrap_or_default());
    let convert = match ty.as_str() {
        Some("json") => "json_argument",
        Some("timestamp") => "moment",
        Some("sync") => return Ok(format!("sync_id({name})")),
        _ if MINUTES.contains(&wire.as_str().unwrap_or_default()) => "minutes",
        _ if spell(&ty, Side::Argument)? == "Schedule" => return Ok(format!("schedule_of({name})")),
        _ => return Ok(name),
    };
    Ok(format!("{convert}(\"{name}\", {name})"))
}

enum Composite {
    List(Value),
    Map(Value),
    Ref(String),
}

fn composite(ty: &Value) -> Result<Composite, Error> {
    let part = |key| ty.get_attr(key).ok().filter(|value| !value.is_undefined());
    if let Some(inner) = part("list") {
        return Ok(Composite::List(inner));
    }
    if let Some(inner) = part("map") {
        return Ok(Composite::Map(inner));
    }
    part("ref")
        .and_then(|to| to.as_str().map(|to| Composite::Ref(to.to_owned())))
        .ok_or_else(|| unknown(&format!("the type {ty}")))
}

/// Returns the default of a `defaulted` field. The core adds such a field to an answer that lacks it, and users who
/// create a value may leave the field out.
fn default(ty: &Value) -> Result<String, Error> {
    Ok(match ty.as_str() {
        Some("int") => "default=0".to_owned(),
        Some("float") => "default=0.0".to_owned(),
        Some("bool") => "default=False".to_owned(),
        Some("string") => "default=\"\"".to_owned(),
        Some(other) => return Err(unknown(&format!("a default of the type {other}"))),
        None => match composite(ty)? {
            Composite::List(_) => "default=[]".to_owned(),
            Composite::Map(_) => "default={}".to_owned(),
            Composite::Ref(to) => format!("default_factory=lambda: {to}()"),
        },
    })
}

/// Returns a Python expression that wraps the opaque JSON (JSON that the API leaves open) in an `expression` of the
/// type `ty`. Returns an empty text if the type holds no opaque JSON, or is an object: an object wraps its own opaque
/// JSON.
fn wrap(ty: &Value, expression: &str) -> Result<String, Error> {
    if let Some(plain) = ty.as_str() {
        return Ok(if plain == "json" { format!("json_of({expression})") } else { String::new() });
    }
    Ok(match composite(ty)? {
        Composite::Ref(_) => String::new(),
        Composite::List(inner) => match wrap(&inner, "item")?.as_str() {
            "" => String::new(),
            item => format!("[{item} for item in {expression} or []]"),
        },
        Composite::Map(inner) => match wrap(&inner, "item")?.as_str() {
            "" => String::new(),
            item => format!("{{key: {item} for key, item in ({expression} or {{}}).items()}}"),
        },
    })
}

/// Returns the statement that imports from a module those of its `names` that `code` uses, and nothing if it uses none.
/// Each line is indented by `indent` spaces.
fn import(code: &str, module: &str, names: Vec<String>, indent: Option<usize>) -> String {
    // Every second part is a docstring. A dot belongs to a word, so that `hightouch_sdk.Sync` does not import `Sync`.
    let words = code
        .split("\"\"\"")
        .step_by(2)
        .flat_map(|part| part.split(|c: char| !matches!(c, '_' | '.') && !c.is_alphanumeric()));
    let words: BTreeSet<&str> = words.collect();
    let used: Vec<_> = names.into_iter().filter(|name| words.contains(name.as_str())).collect();
    let margin = " ".repeat(indent.unwrap_or(0));
    let line = format!("{margin}from {module} import {}\n", used.join(", "));
    match used.len() {
        0 => String::new(),
        _ if line.trim_end().chars().count() <= WIDTH => line,
        _ => format!(
            "{margin}from {module} import (\n{margin}    {},\n{margin})\n",
            used.join(&format!(",\n{margin}    "))
        ),
    }
}

/// Formats prose for a docstring, with double backticks for code. Each line is indented by `indent` spaces, and each
/// line but the first by `hanging` more spaces. `lead` is the number of characters that the template writes before the
/// text on the first line.
fn doc(text: &str, indent: usize, hanging: Option<usize>, lead: Option<usize>) -> String {
    let text = text.replace('\\', "\\\\").replace("\"\"\"", "'''").replace('`', "``");
    let first = " ".repeat(indent + lead.unwrap_or(0));
    let rest = " ".repeat(indent + hanging.unwrap_or(0));
    wrap_prose(&text, WIDTH, &first, &rest).trim_start().to_owned()
}
