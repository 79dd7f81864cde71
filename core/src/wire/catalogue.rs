//! The catalogue: what hosts generate their models, methods and docs from.

use serde_json::{Value, json};

use crate::client::Options;
use crate::config::{INTERNAL_SETTINGS, Settings};
use crate::error::Kind;
use crate::model::{Model as _, Types, prose};
use crate::operation::Returns;
use crate::resources::{Argument, OPERATIONS, Sync, SyncRun};

/// The catalogue as JSON.
#[must_use]
pub fn catalogue() -> String {
    let mut types = Types::default();
    Sync::describe(&mut types);
    SyncRun::describe(&mut types);
    let operations: Vec<Value> = OPERATIONS
        .iter()
        .filter_map(|operation| {
            let returns = match operation.returns {
                Returns::Page(of) => json!({ "page": of }),
                Returns::Run(kind) => json!({ "run": kind }),
                Returns::Inner => return None,
            };
            let (resource, method) = operation.op.split_once('.')?;
            Some(json!({
                "op": operation.op,
                "resource": resource,
                "method": method,
                "operationId": operation.id,
                "http": format!("{} {}", operation.method, operation.path),
                "doc": operation.doc,
                "deprecated": false,
                "args": operation.arguments.iter().flat_map(|arguments| arguments.iter())
                    .map(|argument| entry(argument, &mut types)).collect::<Vec<_>>(),
                "returns": returns,
            }))
        })
        .collect();
    let settings: Vec<Value> = Settings::ARGUMENTS
        .iter()
        .map(|setting| {
            let mut entry = entry(setting, &mut types);
            if let Some(entry) = entry.as_object_mut() {
                entry.insert("internal".into(), INTERNAL_SETTINGS.contains(&setting.wire).into());
            }
            entry
        })
        .collect();
    let options: Vec<Value> = Options::ARGUMENTS.iter().map(|option| entry(option, &mut types)).collect();
    let kinds: Vec<Value> =
        Kind::ALL.iter().map(|(name, doc)| json!({ "name": name, "doc": prose(doc) })).collect();
    let ids: Vec<&str> = OPERATIONS.iter().map(|operation| operation.id).collect();
    let whole = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "kinds": kinds,
        "settings": settings,
        "options": options,
        "operationIds": ids,
        "types": types.into_entries(),
        "operations": operations,
    });
    format!("{whole:#}")
}

fn entry(argument: &Argument, types: &mut Types) -> Value {
    json!({
        "name": argument.name,
        "wire": argument.wire,
        "type": (argument.of)(types),
        "in": argument.place,
        "required": argument.required,
        "doc": prose(argument.doc),
    })
}
