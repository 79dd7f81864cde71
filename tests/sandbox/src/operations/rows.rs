//! The operations that most resources share: list, get, create, update and delete.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::Reply;
use super::list::{LIMIT, page};
use crate::log::Request;
use crate::row_store::{Key, Row};
use crate::seed::Kind;
use crate::workspace::Workspace;

/// Returns the name of a kind in messages.
pub(super) fn title(kind: Kind) -> &'static str {
    match kind {
        Kind::Source => "source",
        Kind::Destination => "destination",
        Kind::Model => "model",
        Kind::Sync => "sync",
        Kind::Contract => "contract",
        Kind::Domain => "domain",
        Kind::Flow => "flow",
        Kind::Message => "message",
    }
}

pub(super) fn missing(kind: Kind, id: &str) -> Reply {
    Reply::not_found(&format!("There is no {} {id}", title(kind)))
}

pub(super) fn find(workspace: &Workspace, kind: Kind, id: &str) -> Option<Key> {
    kind.key(id).filter(|&key| workspace.has(kind, key))
}

/// Returns a list with the filters and orders that all lists share. `name` and `slug` select rows with exactly this
/// value.
pub(super) fn list(workspace: &Workspace, request: &Request, kind: Kind) -> Reply {
    list_of(workspace, request, kind, |_| true)
}

pub(super) fn list_of(
    workspace: &Workspace,
    request: &Request,
    kind: Kind,
    fits: impl Fn(Key) -> bool,
) -> Reply {
    let mut keys: Vec<Key> = workspace.keys(kind).iter().copied().filter(|&key| fits(key)).collect();
    for name in ["name", "slug"] {
        if let Some(wanted) = request.parameter(name) {
            keys.retain(|&key| workspace.column(kind, key, name) == wanted);
        }
    }
    match request.parameter("orderBy") {
        // The API accepts this order although a sync has no name. The sandbox then sorts by slug.
        Some("name") if kind == Kind::Sync => {
            keys.sort_by_cached_key(|&key| workspace.column(kind, key, "slug"));
        }
        Some(name) if name != "id" => keys.sort_by_cached_key(|&key| workspace.column(kind, key, name)),
        _ => {}
    }
    // In the document's examples, every list except the list of domains has `hasMore`, even if the document does not
    // declare this member for the list.
    page(workspace, request, (LIMIT, kind != Kind::Domain), &keys, |keys| show_all(workspace, kind, keys))
}

pub(super) fn get(workspace: &Workspace, kind: Kind, id: &str) -> Reply {
    match find(workspace, kind, id) {
        Some(key) => Reply::good(show(workspace, kind, key)),
        None => missing(kind, id),
    }
}

pub(super) fn show(workspace: &Workspace, kind: Kind, key: Key) -> Value {
    show_all(workspace, kind, &[key]).pop().unwrap_or_default()
}

fn show_all(workspace: &Workspace, kind: Kind, keys: &[Key]) -> Vec<Value> {
    let mut syncs: HashMap<Key, Vec<Key>> = HashMap::new();
    if matches!(kind, Kind::Model | Kind::Destination) {
        syncs.extend(keys.iter().map(|&key| (key, Vec::new())));
        for &sync in workspace.keys(Kind::Sync) {
            if let Some(found) = workspace.owner(sync, kind).and_then(|owner| syncs.get_mut(&owner)) {
                found.push(sync);
            }
        }
    }
    let now = workspace.clock.now();
    keys.iter()
        .map(|&key| {
            let mut row = workspace.row(kind, 0, key);
            if let Some(syncs) = syncs.get(&key) {
                row.insert("syncs".to_owned(), json!(syncs));
                if kind == Kind::Model {
                    row.insert(
                        "lastRunSize".to_owned(),
                        json!(super::models::last_size(workspace, syncs, now)),
                    );
                }
            }
            if kind == Kind::Sync {
                row.extend(super::syncs::state(
                    workspace,
                    key,
                    row.get("disabled") == Some(&json!(true)),
                    now,
                ));
            }
            Value::Object(row)
        })
        .collect()
}

pub(super) fn create(workspace: &mut Workspace, kind: Kind, mut row: Row) -> Reply {
    let slug = row.get("slug").and_then(Value::as_str).unwrap_or_default();
    if workspace.by_slug(kind, slug).is_some() {
        return Reply::conflict("slug", &format!("There is a {} {slug} already", title(kind)));
    }
    let key = workspace.rows(kind, 0).next_key();
    row.extend(constants(workspace, kind, key));
    workspace.rows(kind, 0).add(row);
    if kind == Kind::Sync {
        workspace.without_runs(key);
    }
    Reply::good(show(workspace, kind, key))
}

/// Returns the members that the server sets in a new row.
pub(super) fn constants(workspace: &Workspace, kind: Kind, key: Key) -> Row {
    let mut row = workspace.seeds.row(kind, key);
    row.retain(|name, _| name == "workspaceId" || name == "id");
    row.insert("createdAt".to_owned(), workspace.stamp());
    row.insert("updatedAt".to_owned(), workspace.stamp());
    row
}

/// Updates a row. The configuration is merged member by member; any other value of the row is replaced.
pub(super) fn update(workspace: &mut Workspace, kind: Kind, id: &str, changes: Row) -> Reply {
    let Some(key) = find(workspace, kind, id) else { return missing(kind, id) };
    let mut row = workspace.row(kind, 0, key);
    merge(&mut row, changes);
    row.insert("updatedAt".to_owned(), workspace.stamp());
    workspace.rows(kind, 0).store(key, row);
    Reply::good(show(workspace, kind, key))
}

pub(super) fn merge(row: &mut Row, changes: Row) {
    for (name, value) in changes {
        match (row.get_mut(&name), value) {
            (Some(Value::Object(kept)), Value::Object(new)) if name == "configuration" => kept.extend(new),
            (_, value) => {
                row.insert(name, value);
            }
        }
    }
}

pub(super) fn delete(workspace: &mut Workspace, kind: Kind, id: &str) -> Reply {
    let gone = kind.key(id).is_some_and(|key| workspace.rows(kind, 0).remove(key));
    if gone { Reply::nothing() } else { missing(kind, id) }
}
