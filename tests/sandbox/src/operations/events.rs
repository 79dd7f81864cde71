//! Contracts and domains of event streams.

use serde_json::{Value, json};

use super::Reply;
use super::rows::{constants, find, merge, missing, show};
use crate::row_store::Row;
use crate::seed::Kind;
use crate::workspace::Workspace;

/// The members that the document declares in the answer to an update of a contract.
const DECLARED: [&str; 5] = ["name", "slug", "description", "onUndeclaredSchema", "events"];

/// Creates a contract or a domain. The document declares no conflict, so a name may be used twice.
pub(super) fn create(workspace: &mut Workspace, kind: Kind, mut row: Row) -> Reply {
    let key = workspace.rows(kind, 0).next_key();
    let name = row.get("name").and_then(Value::as_str).unwrap_or_default();
    let slug = json!(slug_of(name));
    row.entry("slug").or_insert(slug);
    row.entry("onUndeclaredSchema").or_insert_with(|| json!("ALLOW_EVENT"));
    row.entry("events").or_insert_with(|| json!([]));
    complete_events(&mut row);
    if kind == Kind::Domain {
        let given = row.remove("components").unwrap_or_else(|| json!([]));
        let id = kind.id(key);
        match components(&given, &[], id.as_str().unwrap_or_default()) {
            Ok(components) => row.insert("components".to_owned(), components),
            Err(reply) => return reply,
        };
    }
    row.insert("eventSources".to_owned(), json!([]));
    row.extend(constants(workspace, kind, key));
    workspace.rows(kind, 0).add(row);
    Reply::good(show(workspace, kind, key))
}

pub(super) fn update_contract(workspace: &mut Workspace, id: &str, changes: Row) -> Reply {
    let mut reply = update(workspace, Kind::Contract, id, changes);
    if let (200, Some(members)) = (reply.status, reply.body.as_object_mut()) {
        members.retain(|name, _| DECLARED.contains(&name.as_str()));
    }
    reply
}

/// Updates a domain. The given events and components replace the old events and components.
pub(super) fn update_domain(workspace: &mut Workspace, id: &str, mut changes: Row) -> Reply {
    let Some(key) = find(workspace, Kind::Domain, id) else { return missing(Kind::Domain, id) };
    if let Some(given) = changes.remove("components") {
        let row = workspace.row(Kind::Domain, 0, key);
        let known = row.get("components").and_then(Value::as_array).cloned().unwrap_or_default();
        match components(&given, &known, id) {
            Ok(components) => changes.insert("components".to_owned(), components),
            Err(reply) => return reply,
        };
    }
    update(workspace, Kind::Domain, id, changes)
}

fn update(workspace: &mut Workspace, kind: Kind, id: &str, mut changes: Row) -> Reply {
    let Some(key) = find(workspace, kind, id) else { return missing(kind, id) };
    complete_events(&mut changes);
    let mut row = workspace.row(kind, 0, key);
    merge(&mut row, changes);
    row.insert("updatedAt".to_owned(), workspace.stamp());
    workspace.rows(kind, 0).store(key, row);
    Reply::good(show(workspace, kind, key))
}

/// Adds the documented defaults of missing members to each event.
fn complete_events(row: &mut Row) {
    for event in row.get_mut("events").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(event) = event.as_object_mut() else { continue };
        let name = event.get("name").or(event.get("type")).and_then(Value::as_str).unwrap_or_default();
        let slug = json!(slug_of(name));
        event.entry("slug").or_insert(slug);
        for (name, default) in [
            ("version", "default"),
            ("onUndeclaredFields", "OMIT_FIELDS"),
            ("onSchemaViolation", "BLOCK_EVENT"),
        ] {
            event.entry(name).or_insert_with(|| json!(default));
        }
    }
}

/// Returns the given components. Missing members of a component come from the known component with the same id, or with
/// the same name and version if no id is given. A change of a component's slug is an error.
fn components(given: &Value, known: &[Value], domain: &str) -> Result<Value, Reply> {
    let mut components = Vec::new();
    for (index, component) in given.as_array().into_iter().flatten().enumerate() {
        let mut row = component.as_object().cloned().unwrap_or_default();
        let text = |row: &Row, name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
        let version = text(&row, "version").unwrap_or_else(|| "default".to_owned());
        let same = |other: &&Value| {
            text(&row, "id").map_or_else(
                || Some(&other["name"]) == row.get("name") && other["version"] == json!(version),
                |id| other["id"] == json!(id),
            )
        };
        let earlier = known.iter().find(same);
        let kept = |name: &str| earlier.and_then(|earlier| earlier.get(name)).cloned();
        if let (Some(slug), Some(kept)) = (row.get("slug"), kept("slug"))
            && *slug != kept
        {
            return Err(Reply::invalid_member("components.slug", "A slug cannot be changed"));
        }
        let name = text(&row, "name").unwrap_or_default();
        let (new_id, slug) = (
            format!("{}-{}", domain.replace("domain", "component"), known.len() + index + 1),
            slug_of(&name),
        );
        for (name, default) in [
            ("id", json!(new_id)),
            ("slug", json!(slug)),
            ("version", json!("default")),
            ("description", json!("")),
            ("imports", json!([])),
        ] {
            row.entry(name).or_insert_with(|| kept(name).unwrap_or(default));
        }
        components.push(Value::Object(row));
    }
    Ok(Value::Array(components))
}

fn slug_of(name: &str) -> String {
    let words = name.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}
