//! How the catalogue reads in Python.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use minijinja::{Environment, Error, ErrorKind, Value};
use serde_json::{Value as Json, json};

/// What is generated: the file, from the repository's root, and its template.
pub(crate) const FILES: &[(&str, &str)] = &[
    ("bindings-python/python/hightouch_sdk/_models.py", include_str!("../templates/python/models.py.j2")),
    ("bindings-python/python/hightouch_sdk/_names.py", include_str!("../templates/python/names.py.j2")),
    (
        "bindings-python/python/hightouch_sdk/_operations.py",
        concat!("{% set asynchronous = false %}", include_str!("../templates/python/operations.py.j2")),
    ),
    (
        "bindings-python/python/hightouch_sdk/_async_operations.py",
        concat!("{% set asynchronous = true %}", include_str!("../templates/python/operations.py.j2")),
    ),
    (
        "bindings-python/python/hightouch_sdk/_resources.py",
        concat!("{% set asynchronous = false %}", include_str!("../templates/python/resources.py.j2")),
    ),
    (
        "bindings-python/python/hightouch_sdk/_async_resources.py",
        concat!("{% set asynchronous = true %}", include_str!("../templates/python/resources.py.j2")),
    ),
];

/// Words that cannot name anything in Python.
const KEYWORDS: &[&str] = &[
    "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else",
    "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not",
    "or", "pass", "raise", "return", "try", "while", "with", "yield", "None", "True", "False",
];

/// Width of a line of prose.
const WIDTH: usize = 110;

/// Teaches an environment what the Python templates use.
pub(crate) fn register(env: &mut Environment<'_>) {
    env.add_filter("py_name", name);
    env.add_filter("py_type", |ty: &Value| spell(ty, Side::Answer));
    env.add_filter("py_arg", |ty: &Value| spell(ty, Side::Argument));
    env.add_filter("py_default", default);
    env.add_filter("py_wrap", wrap);
    env.add_filter("py_doc", doc);
    env.add_filter("py_class", class);
}

/// Types whose Python form is written by hand.
const BY_HAND: &[&str] = &["Run", "RunStep", "Meta", "Attempt", "Failure", "Json"];

/// The options that `options()` in `_door.py` knows; `raw` is what `with_raw_response` asks for.
const OPTIONS: &[&str] =
    &["timeoutMs", "deadlineMs", "maxRetries", "maxWaitMs", "priority", "headers", "raw"];

/// The catalogue with what the templates need beside it.
pub(crate) fn context(catalogue: &Json) -> Result<Json, Error> {
    if let Some(option) =
        list(catalogue, "options").iter().find(|option| !OPTIONS.contains(&text(option, "wire")))
    {
        return Err(unknown(&format!("the option {option}; teach it to `options()` in _door.py")));
    }
    let (names, tags) = types(catalogue);
    let resources = operations(catalogue)?;
    let (given, taken) = mentioned(catalogue);
    let mut context = catalogue.clone();
    let extra = json!({
        "by_hand": BY_HAND, "names": names, "tags": tags, "resources": resources, "handles": handles(&resources),
        "given": given, "taken": taken,
    });
    if let (Some(context), Json::Object(extra)) = (context.as_object_mut(), extra) {
        context.extend(extra);
    }
    Ok(context)
}

/// The names that Python exports, and the tag of each union's members.
fn types(catalogue: &Json) -> (BTreeSet<String>, BTreeMap<String, Json>) {
    let (mut names, mut tags) = (BTreeSet::new(), BTreeMap::new());
    for ty in list(catalogue, "types").iter().filter(|ty| !BY_HAND.contains(&text(ty, "name"))) {
        names.insert(text(ty, "name").to_owned());
        for variant in list(ty, "variants") {
            if let Some(of) = variant.get("type").and_then(Json::as_str) {
                tags.insert(of.to_owned(), json!({ "field": text(ty, "tag"), "tag": text(variant, "tag") }));
            } else {
                names.insert(format!("Unknown{}", text(ty, "name")));
            }
        }
    }
    (names, tags)
}

/// The types that operations give, and those that they only take.
fn mentioned(catalogue: &Json) -> (BTreeSet<&str>, BTreeSet<&str>) {
    fn collect<'a>(of: &'a Json, into: &mut BTreeSet<&'a str>) {
        match of {
            Json::Object(members) => {
                into.extend(members.get("ref").and_then(Json::as_str));
                members.values().for_each(|member| collect(member, into));
            }
            Json::Array(items) => items.iter().for_each(|item| collect(item, into)),
            _ => {}
        }
    }
    let (mut given, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for operation in list(catalogue, "operations") {
        collect(operation.get("args").unwrap_or(&Json::Null), &mut taken);
        let returns = operation.get("returns").unwrap_or(&Json::Null);
        given.extend(["page", "value"].iter().filter_map(|key| returns.get(key).and_then(Json::as_str)));
    }
    taken.retain(|name| !given.contains(name));
    (given, taken)
}

/// Operations by resource.
type Resources = BTreeMap<String, Vec<Json>>;

/// The operations by resource, each knowing what it takes by position and what it gives; `ASYNC` stands for the prefix
/// of the asynchronous classes.
fn operations(catalogue: &Json) -> Result<Resources, Error> {
    let mut resources = BTreeMap::<_, Vec<Json>>::new();
    for operation in list(catalogue, "operations") {
        let returns = operation.get("returns").unwrap_or(&Json::Null);
        let named = |key| returns.get(key).and_then(Json::as_str);
        let (form, of, gives) = match (named("page"), named("value"), named("run"), returns.get("nothing")) {
            (Some(of), ..) => ("page", of.to_owned(), format!("ASYNCListing[{of}]")),
            (_, Some(of), ..) => ("value", of.to_owned(), of.to_owned()),
            (.., Some(kind), _) => {
                let handle = format!("ASYNC{}RunHandle", class(kind));
                ("run", handle.clone(), handle)
            }
            (.., Some(_)) => ("nothing", String::new(), "None".to_owned()),
            _ => return Err(unknown(&format!("what {operation} returns"))),
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

/// The handles of runs that operations give, without their prefix.
fn handles(resources: &Resources) -> BTreeSet<&str> {
    let started = resources.values().flatten().filter(|operation| text(operation, "form") == "run");
    started.map(|operation| text(operation, "of").trim_start_matches("ASYNC")).collect()
}

fn list<'a>(of: &'a Json, key: &str) -> &'a [Json] {
    of.get(key).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(of: &'a Json, key: &str) -> &'a str {
    of.get(key).and_then(Json::as_str).unwrap_or_default()
}

fn unknown(what: &str) -> Error {
    Error::new(
        ErrorKind::InvalidOperation,
        format!("the catalogue holds what Python has no form for: {what}"),
    )
}

fn name(name: &str) -> String {
    if KEYWORDS.contains(&name) { format!("{name}_") } else { name.to_owned() }
}

/// Answers are plain containers, arguments may be any that reads like one.
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

/// What a field that is always there in an answer is when a user builds the value himself.
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

/// The expression that puts opaque JSON inside `expression` into its wrapper, or nothing where there is none.
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

/// `sync_sequences` → `SyncSequences`.
fn class(resource: &str) -> String {
    resource
        .split('_')
        .map(|word| {
            let mut letters = word.chars();
            letters
                .next()
                .map(|first| first.to_uppercase().collect::<String>() + letters.as_str())
                .unwrap_or_default()
        })
        .collect()
}

/// Prose for a docstring: double backticks, no more than a line's width beside `indent` spaces, and `lead` characters
/// before it on its first line.
fn doc(text: &str, indent: usize, hanging: Option<usize>, lead: Option<usize>) -> String {
    let text = text.replace('\\', "\\\\").replace("\"\"\"", "'''").replace('`', "``");
    let mut lines = String::new();
    let mut width = indent + lead.unwrap_or(0);
    for (index, word) in text.split_whitespace().enumerate() {
        let margin = indent + hanging.unwrap_or(0);
        if index > 0 && width + 1 + word.chars().count() > WIDTH {
            let _ = write!(lines, "\n{}", " ".repeat(margin));
            width = margin;
        } else if index > 0 {
            lines.push(' ');
            width += 1;
        }
        lines.push_str(word);
        width += word.chars().count();
    }
    lines
}
