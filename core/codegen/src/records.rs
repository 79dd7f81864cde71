//! Records: the flat form of values, as tables need it. Every language has the same columns, in the same order.

use std::collections::BTreeSet;

use heck::{ToLowerCamelCase as _, ToSnakeCase as _};
use serde_json::{Value as Json, json};

/// The columns that come first in the tables of some types: the type, and the column's name, kind and doc. Most values
/// do not contain these cells, so the list or the run handle that returns a value adds them.
const ABOUT: &[(&str, &str, &str, &str)] = &[
    ("SyncRun", "sync_id", "int", "Id of the sync. Null if it is not known."),
    (
        "SyncRun",
        "sync_slug",
        "string",
        "Slug of the sync. Null unless the caller named the sync by its slug.",
    ),
    ("IdentityGraphRun", "graph_id", "string", "Id of the graph. Null if it is not known."),
    ("DecisionEngineMessage", "flow_id", "string", "Id of the flow. Null if it is not known."),
];

/// Returns a table for each type that a list returns, and for `SequenceRun`: `{"type", "name", "columns": [{"name",
/// "wire", "type", "null", "doc", "path", "about", "enum", "opaque"}]}`. The `type` of a column is `int`, `float`,
/// `bool`, `string`, `timestamp`, `{"list": "int"}`, `{"list": "string"}`, or `json` (the text of any other value). The
/// `path` lists the names in JSON that lead to the cell, or to the counts that a column `…_total` adds up. The `path`
/// is empty if the value does not contain the cell.
///
/// # Errors
/// Two columns of a table have the same name.
pub(crate) fn tables(catalogue: &Json) -> Result<Json, String> {
    let mut listed = BTreeSet::new();
    for operation in list(catalogue, "operations") {
        let returns = operation.get("returns").unwrap_or(&Json::Null);
        if let Some(of) = returns.get("page").and_then(Json::as_str) {
            listed.insert(of);
        }
    }
    listed.insert("SequenceRun");
    let types = list(catalogue, "types").iter().filter(|of| listed.contains(text(of, "name")));
    types.map(|of| table(of, list(catalogue, "types"))).collect::<Result<Vec<_>, _>>().map(Json::from)
}

fn table(of: &Json, types: &[Json]) -> Result<Json, String> {
    let name = text(of, "name");
    let mut columns = Vec::new();
    let about: Vec<_> = ABOUT.iter().filter(|(of, ..)| *of == name).collect();
    for (_, column, kind, doc) in &about {
        let own = list(of, "fields").iter().find(|field| text(field, "name") == *column);
        let path: Vec<_> = own.iter().map(|field| text(field, "wire")).collect();
        columns.push(
            json!({ "name": column, "type": kind, "null": true, "about": true, "doc": doc, "path": path }),
        );
    }
    for field in list(of, "fields") {
        if about.iter().any(|(_, column, ..)| text(field, "name") == *column) {
            continue;
        }
        add_columns(field, types, &mut columns);
        if text(field, "name") == "finished_at" {
            let doc =
                "Seconds from the start of the run to its end, to the millisecond. Null until the run ends.";
            columns.push(
                json!({ "name": "duration_seconds", "type": "float", "null": true, "doc": doc, "path": [] }),
            );
        }
    }
    let mut seen = BTreeSet::new();
    for column in &mut columns {
        let column_name = text(column, "name").to_owned();
        if !seen.insert(column_name.clone()) {
            return Err(format!("{name} has two columns `{column_name}`"));
        }
        if let Some(members) = column.as_object_mut() {
            members.insert("wire".to_owned(), column_name.to_lower_camel_case().into());
            for fact in ["about", "enum", "opaque"] {
                members.entry(fact).or_insert(false.into());
            }
        }
    }
    let plural = format!("{}s", name.to_snake_case());
    Ok(json!({ "type": name, "name": plural, "columns": columns }))
}

/// Adds one column for a field, or one for each member if the field is an object of plain values. The columns of row
/// counts have short names, such as `planned_added` instead of `planned_rows_added_count`.
fn add_columns(field: &Json, types: &[Json], columns: &mut Vec<Json>) {
    let (name, wire, of) =
        (text(field, "name"), text(field, "wire"), field.get("type").unwrap_or(&Json::Null));
    let absent = text(field, "presence") == "optional";
    let referred = types.iter().find(|known| of.get("ref") == known.get("name"));
    let members = referred.map_or(&[][..], |known| list(known, "fields"));
    if members.is_empty() || members.iter().any(|member| !is_plain(&kind(member, types))) {
        columns.push(json!({
            "name": name, "type": kind(field, types), "enum": is_enum(field, types), "opaque": of == "json",
            "null": absent, "doc": field.get("doc"), "path": [wire]
        }));
        return;
    }
    let subject = text(field, "doc").split('.').next().unwrap_or_default();
    let prefix = name.trim_end_matches("_rows");
    for member in members {
        columns.push(json!({
            "name": format!("{prefix}_{}", text(member, "name").trim_end_matches("_count")),
            "type": kind(member, types),
            "null": absent || text(member, "presence") == "optional",
            "doc": format!("{subject}: {}", lower(text(member, "doc"))),
            "path": [wire, text(member, "wire")],
        }));
    }
    if name.ends_with("_rows") {
        let doc = format!("{subject}: the total of additions, changes and removals.");
        columns.push(json!({
            "name": format!("{prefix}_total"), "type": "int", "null": absent, "doc": doc, "path": [wire]
        }));
    }
}

/// Whether the type is plain: no list, no object and no JSON. If all members of a nested object are plain, each member
/// has a column.
fn is_plain(kind: &Json) -> bool {
    kind.as_str().is_some_and(|kind| kind != "json")
}

/// Returns the type of the column of a field.
fn kind(field: &Json, types: &[Json]) -> Json {
    let of = field.get("type").unwrap_or(&Json::Null);
    if of.is_string() || matches!(of.get("list").and_then(Json::as_str), Some("int" | "string")) {
        return of.clone();
    }
    if is_enum(field, types) { "string".into() } else { "json".into() }
}

fn is_enum(field: &Json, types: &[Json]) -> bool {
    let referred = field.get("type").and_then(|of| of.get("ref"));
    types.iter().any(|known| known.get("name") == referred && text(known, "shape") == "enum")
}

fn lower(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

fn list<'a>(of: &'a Json, key: &str) -> &'a [Json] {
    of.get(key).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(of: &'a Json, key: &str) -> &'a str {
    of.get(key).and_then(Json::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn field(name: &str, of: &Json, presence: &str) -> Json {
        json!({ "name": name, "wire": name.to_lower_camel_case(), "type": of, "presence": presence, "doc": "Some." })
    }

    fn catalogue(fields: &[Json]) -> Json {
        json!({
            "operations": [{ "returns": { "page": "SyncRun" } }, { "returns": { "value": "Other" } }],
            "types": [
                { "name": "SyncRun", "shape": "object", "fields": fields },
                { "name": "RowCounts", "shape": "object", "fields": [field("added_count", &json!("int"), "defaulted")] },
                { "name": "Segment", "shape": "object", "fields": [field("id", &json!("string"), "optional")] },
                { "name": "Query", "shape": "object", "fields": [field("more", &json!("json"), "optional")] },
                { "name": "Status", "shape": "enum", "values": [] },
                { "name": "Other", "shape": "object", "fields": [] },
            ],
        })
    }

    #[test]
    fn a_value_has_one_column_for_each_plain_value_in_it() {
        let tables = tables(&catalogue(&[
            field("id", &json!("int"), "required"),
            field("status", &json!({ "ref": "Status" }), "optional"),
            field("finished_at", &json!("timestamp"), "optional"),
            field("planned_rows", &json!({ "ref": "RowCounts" }), "defaulted"),
            field("segment", &json!({ "ref": "Segment" }), "optional"),
            field("query", &json!({ "ref": "Query" }), "optional"),
            field("tags", &json!({ "map": "string" }), "optional"),
            field("syncs", &json!({ "list": "int" }), "defaulted"),
        ]))
        .unwrap();
        let [table] = tables.as_array().unwrap().as_slice() else { panic!("{tables}") };
        assert_eq!((text(table, "type"), text(table, "name")), ("SyncRun", "sync_runs"));
        let told: Vec<String> = list(table, "columns")
            .iter()
            .map(|column| {
                let null = if column["null"] == true { "?" } else { "" };
                let path: Vec<&str> = list(column, "path").iter().filter_map(Json::as_str).collect();
                let kind = column["type"].as_str().map_or_else(|| column["type"].to_string(), str::to_owned);
                format!("{} {kind}{null} {}", text(column, "wire"), path.join("."))
            })
            .collect();
        assert_eq!(
            told,
            [
                "syncId int? ",
                "syncSlug string? ",
                "id int id",
                "status string? status",
                "finishedAt timestamp? finishedAt",
                "durationSeconds float? ",
                "plannedAdded int plannedRows.addedCount",
                "plannedTotal int plannedRows",
                "segmentId string? segment.id",
                "query json? query",
                "tags json? tags",
                "syncs {\"list\":\"int\"} syncs",
            ]
        );
    }

    #[test]
    fn two_columns_of_one_name_are_an_error() {
        let fields = [
            field("segment", &json!({ "ref": "Segment" }), "optional"),
            field("segment_id", &json!("int"), "optional"),
        ];
        assert!(tables(&catalogue(&fields)).unwrap_err().contains("two columns `segment_id`"));
    }
}
