//! The catalogue, from which the models, methods and docs of the Python, Node.js and Swift packages are generated.

use serde_json::{Value, json};

use super::settings::{DoorOptions, DoorSettings};
use super::table::{INNER, LOOKUPS, TABLE};
use crate::error::Kind;
use crate::model::{Field, Readable, Types, Variant, prose};
use crate::operation::{Argument, Fields as _, Operation, Returns};
use crate::problem::{ProblemCategory, RunProblem};
use crate::reason::Reason;
use crate::resources::{IdentityGraphRun, SequenceRun, SyncRun};

/// The catalogue as JSON.
#[must_use]
pub fn catalogue() -> String {
    let mut types = Types::default();
    // Describes the runs of all kinds, even of a kind that no operation returns.
    SyncRun::describe(&mut types);
    SequenceRun::describe(&mut types);
    IdentityGraphRun::describe(&mut types);
    problem(&mut types);
    let operations: Vec<Value> =
        TABLE.iter().filter_map(|entry| operation(entry.operation, &mut types)).collect();
    let settings: Vec<Value> = DoorSettings::ARGUMENTS
        .iter()
        .map(|setting| {
            let mut entry = entry(setting, &mut types);
            if let Some(entry) = entry.as_object_mut() {
                entry.insert("internal".into(), setting.internal.into());
            }
            entry
        })
        .collect();
    let options: Vec<Value> = DoorOptions::ARGUMENTS
        .iter()
        .filter(|option| !option.internal)
        .map(|option| entry(option, &mut types))
        .collect();
    let kinds: Vec<Value> = Kind::ALL
        .iter()
        .map(|(name, family, doc)| json!({ "name": name, "family": family, "doc": prose(doc) }))
        .collect();
    let findings: Vec<Value> =
        Reason::ALL.iter().map(|(code, doc)| json!({ "code": code, "doc": prose(doc) })).collect();
    let inner: Vec<Value> = INNER.iter().filter_map(|inner| operation(inner, &mut types)).collect();
    let lookups: Vec<Value> =
        LOOKUPS.iter().filter_map(|entry| operation(entry.operation, &mut types)).collect();
    let all = || TABLE.iter().map(|entry| entry.operation).chain(INNER.iter().copied());
    let ids: Vec<&str> = all().map(|operation| operation.id).collect();
    let whole = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "kinds": kinds,
        "findings": findings,
        "settings": settings,
        "options": options,
        "operationIds": ids,
        "types": types.into_entries(),
        "operations": operations,
        "lookups": lookups,
        "inner": inner,
    });
    format!("{whole:#}")
}

/// Describes [`RunProblem`] here, because it is not a type of the API and has no `describe` of its own.
fn problem(types: &mut Types) {
    let fields: Vec<Field> = RunProblem::MEMBERS
        .iter()
        .map(|member| Field {
            name: member.name,
            wire: member.wire,
            presence: member.presence,
            doc: member.doc,
            of: match member.of {
                "int" => <i64 as Readable>::describe,
                "bool" => <bool as Readable>::describe,
                "string" => <String as Readable>::describe,
                _ => category,
            },
        })
        .collect();
    types.object("RunProblem", RunProblem::DOC, false, &fields);
}

fn category(types: &mut Types) -> Value {
    let values: Vec<Variant> =
        ProblemCategory::ALL.iter().map(|(wire, doc)| Variant { wire, doc, of: None }).collect();
    types.choice("ProblemCategory", ProblemCategory::DOC, true, &values)
}

fn operation(operation: &Operation, types: &mut Types) -> Option<Value> {
    let (resource, method) = operation.op.split_once('.')?;
    let returns = match operation.returns {
        Returns::Page(of) => json!({ "page": of(types).get("ref"), "size": operation.traits.page }),
        Returns::Value(of) => json!({ "value": of(types).get("ref") }),
        Returns::Nothing => json!({ "nothing": true }),
        Returns::Run(kind) | Returns::Lookup(kind) => json!({ "run": kind.as_str() }),
        Returns::Latest(kind) => json!({ "latest": kind.as_str() }),
        Returns::Inner => json!({ "inner": true }),
    };
    let ids = operation.ids.iter().map(|id| {
        let mut entry = entry(&id.argument, types);
        if let Some(members) = entry.as_object_mut() {
            members.insert("at".into(), id.at.into());
        }
        entry
    });
    let mut args: Vec<Value> = ids.collect();
    args.extend(operation.arguments.iter().map(|argument| entry(argument, types)));
    Some(json!({
        "op": operation.op,
        "resource": resource,
        "method": method,
        "operationId": operation.id,
        "http": format!("{} {}", operation.method, operation.path),
        "doc": prose(operation.doc),
        "deprecated": operation.traits.deprecated,
        "newer": operation.traits.newer,
        "args": args,
        "returns": returns,
    }))
}

fn entry(argument: &Argument, types: &mut Types) -> Value {
    json!({
        "name": argument.name.trim_end_matches('_'),
        "wire": argument.wire,
        "type": (argument.of)(types),
        "in": argument.place,
        "required": argument.required,
        "nullable": argument.nullable,
        "always": argument.always,
        "doc": prose(argument.doc),
    })
}
