//! The operations on models that differ from the operations in `rows`.

use serde_json::json;

use super::Reply;
use super::rows::{self, list_of};
use crate::clock::Millis;
use crate::log::Request;
use crate::row_store::{Key, Row};
use crate::seed::{Kind, dbt};
use crate::workspace::{Workspace, number};

/// Lists the models that have every tag of the query, written `key:value`.
pub(super) fn list(workspace: &Workspace, request: &Request) -> Reply {
    let wanted: Vec<(&str, &str)> = request
        .query
        .iter()
        .filter(|(name, _)| name == "tags")
        .map(|(_, tag)| tag.split_once(':').unwrap_or((tag, "")))
        .collect();
    if wanted.is_empty() {
        return rows::list(workspace, request, Kind::Model);
    }
    list_of(workspace, request, Kind::Model, |key| {
        let row = workspace.row(Kind::Model, 0, key);
        wanted
            .iter()
            .all(|(name, value)| row.get("tags").and_then(|tags| tags.get(name)) == Some(&json!(value)))
    })
}

pub(super) fn create(workspace: &mut Workspace, mut row: Row) -> Reply {
    if !row.get("sourceId").and_then(number).is_some_and(|key| workspace.has(Kind::Source, key)) {
        return Reply::invalid_member("sourceId", "There is no such source");
    }
    row.insert("description".to_owned(), json!(""));
    row.insert("tags".to_owned(), json!({}));
    complete(&mut row);
    rows::create(workspace, Kind::Model, row)
}

pub(super) fn update(workspace: &mut Workspace, id: &str, mut changes: Row) -> Reply {
    complete(&mut changes);
    rows::update(workspace, Kind::Model, id, changes)
}

/// Completes a dbt query. The request contains only the id of the dbt model.
fn complete(row: &mut Row) {
    for name in ["dbt", "dbt_cloud"] {
        if let Some(query) = row.get_mut(name) {
            *query = dbt(query.get("modelId").and_then(number).unwrap_or_default());
        }
    }
}

/// Returns the number of rows of the last successful run of these syncs, or `None` if no run was successful.
pub(super) fn last_size(workspace: &Workspace, syncs: &[Key], now: Millis) -> Option<f64> {
    syncs
        .iter()
        .flat_map(|&sync| {
            workspace.runs(sync).iter().map(|run| (run.finished, run.size(now))).collect::<Vec<_>>()
        })
        .filter_map(|(at, size)| Some((at, size?)))
        .max_by_key(|(at, _)| *at)
        .map(|(_, size)| size)
}
