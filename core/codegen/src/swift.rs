//! How the catalogue reads in Swift.

mod group;
mod method;
mod prose;
mod spell;

use minijinja::{Environment, Error, ErrorKind};
use serde_json::{Value as Json, json};

use spell::{label, spell_json};

/// The file of one resource: its methods, then its types.
macro_rules! resource {
    ($name:literal, $file:literal) => {
        (
            concat!("bindings-swift/Sources/HightouchSDK/Generated/", $file, ".swift"),
            concat!(
                "{% set resource = resources.",
                $name,
                " %}",
                include_str!("../templates/swift/types.swift.j2"),
                include_str!("../templates/swift/resource.swift.j2")
            ),
        )
    };
}

/// What is generated: the file, from the repository's folder, and its template.
pub(crate) const FILES: &[(&str, &str)] = &[
    resource!("campaigns", "Campaigns"),
    resource!("decision_engine", "DecisionEngine"),
    resource!("destinations", "Destinations"),
    resource!("event_contracts", "EventContracts"),
    resource!("event_domains", "EventDomains"),
    resource!("identity_graphs", "IdentityGraphs"),
    resource!("models", "Models"),
    resource!("sources", "Sources"),
    resource!("sync_sequences", "SyncSequences"),
    resource!("syncs", "Syncs"),
    (
        "bindings-swift/Sources/HightouchSDK/Generated/Shared.swift",
        concat!(
            include_str!("../templates/swift/types.swift.j2"),
            include_str!("../templates/swift/shared.swift.j2")
        ),
    ),
    (
        "bindings-swift/Sources/HightouchSDK/Generated/Settings.swift",
        include_str!("../templates/swift/settings.swift.j2"),
    ),
    (
        "bindings-swift/Tests/HightouchSDKTests/Generated/Operations.swift",
        include_str!("../templates/swift/operations.swift.j2"),
    ),
];

/// Settings and options that have a better Swift type than the catalogue can tell.
const TYPES: &[(&str, &str)] = &[("limit", "RateLimit"), ("proxy", "Secret"), ("priority", "Priority")];

/// Settings and options that Swift takes elsewhere (the key, in `Hightouch.init`) or does not offer.
const HIDDEN: &[&str] = &["apiKey", "raw"];

/// Teaches an environment what the Swift templates use.
pub(crate) fn register(env: &mut Environment<'_>) {
    env.add_filter("swift_name", spell::name);
    env.add_filter("swift_value", spell::value);
    env.add_filter("swift_class", |name: &str| spell::class(name));
    env.add_filter("swift_type", spell::spell);
    env.add_filter("swift_default", spell::default);
    env.add_filter("swift_doc", prose::doc);
    env.add_filter("swift_margin", prose::margin);
    env.add_filter("swift_instead", prose::instead);
}

/// The catalogue with what the templates need beside it.
pub(crate) fn context(catalogue: &Json) -> Result<Json, Error> {
    let mut operations = Vec::new();
    for operation in list(catalogue, "operations") {
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
    let types: Vec<Json> = list(catalogue, "types").iter().cloned().map(coded).collect();
    let groups = group::by_resource(&operations, &types);
    for name in groups.resources.keys() {
        let file = format!("/{}.swift", spell::class(name));
        if !FILES.iter().any(|(path, _)| path.ends_with(&file)) {
            return Err(unknown(&format!("the resource {name}, which needs a line in FILES")));
        }
    }
    let mut context = catalogue.clone();
    if let Some(members) = context.as_object_mut() {
        members.insert("resources".into(), json!(groups.resources));
        members.insert("shared".into(), groups.shared.into());
        for group in ["settings", "options"] {
            members.insert(group.into(), settings(list(catalogue, group)));
        }
    }
    Ok(context)
}

/// Notes of a type whether one of its fields has another name in Swift than on the wire.
fn coded(mut of: Json) -> Json {
    let coded = list(&of, "fields").iter().any(|field| label(text(field, "wire")) != text(field, "wire"));
    if let Some(members) = of.as_object_mut() {
        members.insert("coded".into(), coded.into());
    }
    of
}

/// What a method is like: what it gives, which method of the door makes the call, and of what type its answer is.
fn form(operation: &Json) -> Result<Json, Error> {
    let returns = operation.get("returns").unwrap_or(&Json::Null);
    let named = |key| returns.get(key).and_then(Json::as_str);
    Ok(match (named("page"), named("value"), named("run")) {
        (Some(of), _, _) => {
            json!({ "kind": "page", "type": format!("PagedSequence<{of}>"), "raw": format!("[{of}]") })
        }
        (_, Some(of), _) => json!({ "kind": "value", "type": of, "raw": of }),
        (_, _, Some(kind)) => {
            let handle = format!("{}RunHandle", spell::class(kind));
            json!({ "kind": "run", "type": handle, "raw": handle })
        }
        _ if returns.get("nothing") == Some(&Json::Bool(true)) => {
            json!({ "kind": "nothing", "type": "Void", "raw": "Void" })
        }
        _ => return Err(unknown(&format!("what {operation} returns"))),
    })
}

/// The arguments, those that must be given first: how each is declared, how it is passed on, and how a test makes it.
fn arguments(operation: &Json) -> Result<Vec<Json>, Error> {
    let mut arguments = list(operation, "args").to_vec();
    arguments.sort_by_key(|argument| !is(argument, "required"));
    for argument in &mut arguments {
        let (name, of) = (label(text(argument, "wire")), spell_json(argument.get("type"))?);
        let spelt = spell::quote(&name);
        let positional = text(argument, "in") == "path";
        let (of, given, made) = match (is(argument, "required"), is(argument, "nullable")) {
            (true, false) => (of, spelt.clone(), "argument"),
            (true, true) => (format!("{of}?"), format!("Patch({spelt}).sent"), "nullable"),
            (false, false) => (format!("{of}? = nil"), spelt.clone(), "optional"),
            (false, true) => (format!("Patch<{of}> = .absent"), format!("{spelt}.sent"), "patch"),
        };
        let declared = format!("{}{spelt}: {of}", if positional { "_ " } else { "" });
        let made = format!(
            "{}try {made}(\"{}\")",
            if positional { String::new() } else { format!("{name}: ") },
            text(argument, "wire")
        );
        if let Some(members) = argument.as_object_mut() {
            members.insert("label".into(), if positional { "_" } else { &name }.into());
            members.insert("spelt".into(), spelt.into());
            members.insert("declared".into(), declared.into());
            members.insert("given".into(), given.into());
            members.insert("made".into(), made.into());
        }
    }
    Ok(arguments)
}

/// What Swift shows of the settings or options, times as `Duration`.
fn settings(all: &[Json]) -> Json {
    all.iter()
        .filter(|setting| !is(setting, "internal"))
        .filter(|setting| !HIDDEN.contains(&text(setting, "wire")))
        .map(|setting| {
            let mut setting = setting.clone();
            let wire = text(&setting, "wire").to_owned();
            let time = wire.strip_suffix("Ms");
            let label = time.unwrap_or(&wire).replace("Url", "URL");
            let known = TYPES.iter().find(|(name, _)| *name == wire).map(|(_, of)| json!({ "ref": of }));
            let doc = time.map(|_| prose::in_milliseconds(text(&setting, "doc")));
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
    Error::new(ErrorKind::InvalidOperation, format!("the catalogue holds what Swift has no form for: {what}"))
}
