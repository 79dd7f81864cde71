//! Syncs of a realistic size. Most of a sync is its configuration.

use fastrand::Rng;
use serde_json::{Value, json};

use super::Seeds;
use super::rows::members;
use crate::row_store::{Key, Row};

const COLUMNS: [&str; 12] = [
    "id",
    "email",
    "first_name",
    "last_name",
    "company",
    "plan",
    "country",
    "created_at",
    "last_seen_at",
    "lifetime_value",
    "order_count",
    "is_active",
];
const FIELDS: [&str; 12] = [
    "Id",
    "Email",
    "FirstName",
    "LastName",
    "Company",
    "Plan__c",
    "Country",
    "CreatedDate",
    "LastSeen__c",
    "LTV__c",
    "Orders__c",
    "IsActive",
];

pub(super) fn sync(seeds: &Seeds, rng: &mut Rng, id: Key) -> Row {
    let columns: Vec<&str> = COLUMNS.iter().copied().filter(|_| rng.u8(0..3) > 0).collect();
    members(json!({
        "destinationId": seeds.destination_of(id),
        "modelId": seeds.model_of(id),
        "configuration": configuration(rng, id),
        "schedule": schedule(id),
        "disabled": is_disabled(id),
        "referencedColumns": columns,
        "primaryKey": "id",
        "externalSegment": if id.is_multiple_of(4) { json!({"id": format!("aud_{}", rng.u32(..))}) } else { json!({}) },
        "tags": if id.is_multiple_of(3) { json!({"team": "growth", "tier": "1"}) } else { json!({}) },
    }))
}

pub(super) fn is_disabled(id: Key) -> bool {
    id.is_multiple_of(11)
}

/// Returns the schedule of a sync. Consecutive syncs have the documented kinds of schedules in turn.
fn schedule(id: Key) -> Value {
    match id % 5 {
        0 => Value::Null,
        1 => json!({"type": "interval", "schedule": {"interval": {"unit": "hour", "quantity": 1 + id % 12}}}),
        2 => json!({"type": "cron", "schedule": {"expression": format!("{} * * * *", id % 60)}}),
        3 => json!({"type": "visual", "schedule": {"expressions": [
            {"days": {"monday": true, "thursday": true}, "time": "09:30"},
        ]}}),
        _ => json!({"type": "dbt_cloud", "schedule": {
            "account": {"id": format!("{}", 100 + id)}, "job": {"id": format!("{}", 7000 + id)},
        }}),
    }
}

fn configuration(rng: &mut Rng, id: Key) -> Value {
    let mappings: Vec<Value> = COLUMNS
        .iter()
        .zip(FIELDS)
        .take(rng.usize(6..11))
        .map(|(from, to)| json!({"from": from, "to": to, "type": "standard", "object": null}))
        .collect();
    json!({
        "mode": if id.is_multiple_of(2) { "upsert" } else { "update" },
        "object": "Contact",
        "mappings": mappings,
        "externalIdMapping": {"from": "id", "to": "External_Id__c", "type": "reference"},
        "associationMappings": [],
        "removeMode": "none",
        "customMappings": {"nested": {"threshold": 0.25, "flags": [true, false, null]}},
    })
}
