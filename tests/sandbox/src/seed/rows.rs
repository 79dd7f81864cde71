//! The members of rows, kind by kind. [`Seeds::row`] adds the members that all kinds share: id, name, slug, workspace
//! and dates.

use fastrand::Rng;
use serde_json::{Value, json};

use super::{Head, Seeds, pick, store};
use crate::row_store::{Key, Row};

pub(crate) fn members(value: Value) -> Row {
    if let Value::Object(members) = value { members } else { Row::new() }
}

pub(super) fn source(rng: &mut Rng, key: Key) -> Row {
    members(json!({
        "type": store(key),
        "configuration": {
            "host": format!("db-{key}.example.com"),
            "port": 5432,
            "user": "hightouch",
            "database": pick(rng, &["analytics", "warehouse", "production"]),
            "options": {"ssl": true, "timeout": 30.5, "tunnel": null},
        },
    }))
}

pub(super) fn destination(rng: &mut Rng, head: &Head, key: Key) -> Row {
    members(json!({
        "type": head.slug.rsplit_once('-').map_or("", |(place, _)| place),
        "configuration": {"region": pick(rng, &["eu", "us"]), "account": format!("{}", 4000 + key), "sandbox": false},
    }))
}

/// Returns a model. Consecutive models have different kinds of queries. Every seventh model has no primary key, and
/// its `isSchema` says that it is used only as a part of other models.
pub(super) fn model(seeds: &Seeds, rng: &mut Rng, key: Key) -> Row {
    let mut row = members(json!({
        "description": if key.is_multiple_of(2) { "Who bought something" } else { "" },
        "primaryKey": if key.is_multiple_of(7) { Value::Null } else { json!("id") },
        "sourceId": 1 + key % seeds.sources.max(1),
        "tags": if key.is_multiple_of(3) { json!({"team": "growth", "tier": "1"}) } else { json!({"team": "core"}) },
        "isSchema": key.is_multiple_of(7),
    }));
    let (kind, name, query) = match key % 5 {
        0 => ("custom", "custom", json!({"query": {"base": "app1", "table": "People", "limit": null}})),
        1 => ("raw_sql", "raw", json!({"sql": "select * from users"})),
        2 => ("tabel", "table", json!({"name": "public.users"})),
        3 => ("dbt", "dbt", dbt(rng.u16(..).into())),
        _ => (
            "visual",
            "visual",
            json!({"parentId": 1, "primaryLabel": "email", "secondaryLabel": "id",
                "filter": {"conditions": [{"field": "plan", "operator": "=", "value": "pro"}]}}),
        ),
    };
    row.insert("queryType".to_owned(), json!(kind));
    row.insert(name.to_owned(), query);
    row
}

/// Returns a dbt model with everything that the server knows about it.
pub(crate) fn dbt(model: Key) -> Value {
    json!({
        "dbtUniqueId": format!("model.shop.m{model}"),
        "compiledSql": "select * from shop.users",
        "rawSql": "select * from {{ ref('users') }}",
        "database": "analytics",
        "schema": "shop",
        "name": format!("m{model}"),
        "modelId": model,
    })
}

fn event(name: &str) -> Value {
    json!({
        "type": "track",
        "name": name,
        "slug": name.to_lowercase().replace(' ', "-"),
        "version": "default",
        "onUndeclaredFields": "OMIT_FIELDS",
        "onSchemaViolation": "BLOCK_EVENT",
        "schema": {"type": "object", "properties": {"total": {"type": "number"}}, "required": ["total"]},
    })
}

fn events(head: &Head) -> Row {
    members(json!({
        "description": format!("What {} may send", head.name),
        "onUndeclaredSchema": "ALLOW_EVENT",
        "events": [event("Order Completed"), event("Cart Viewed")],
        "eventSources": [{"id": "source-web", "name": "Web"}],
    }))
}

pub(super) fn contract(head: &Head) -> Row {
    events(head)
}

pub(super) fn domain(head: &Head, key: Key) -> Row {
    let mut row = events(head);
    row.insert(
        "components".to_owned(),
        json!([{
            "id": format!("component-{key:06}-1"),
            "slug": "address",
            "name": "Address",
            "version": "default",
            "description": "Where somebody lives",
            "schema": {"type": "object", "properties": {"city": {"type": "string"}}},
            "imports": [],
        }]),
    );
    row
}

pub(super) fn flow(rng: &mut Rng, key: Key) -> Row {
    members(json!({
        "decisionEngineId": format!("engine-{}", 1 + key % 2),
        "audienceId": 1 + key % 9,
        "status": "active",
        "config": {"goal": pick(rng, &["purchase", "retention"]), "weights": {"explore": 0.1}},
    }))
}

pub(super) fn message(rng: &mut Rng, key: Key) -> Row {
    members(json!({
        "channelId": pick(rng, &["channel-email", "channel-sms"]),
        "config": {"subject": "Hello {{ name }}", "priority": key % 3},
        "tags": {"tone": pick(rng, &["warm", "brief"])},
        "guardrails": {
            "maxSendsPerUser": 3,
            "maxSendsPerUserWindowDays": 7,
            "minOtherMessagesInBetween": 1,
            "firstEligibleSendDate": "2026-01-01",
        },
        "variables": [{
            "name": "subject",
            "config": {"localizationEnabled": true, "maxSendsPerUser": 2, "maxSendsPerUserWindowDays": 30},
            "variants": [{
                "value": "Hello",
                "tags": {"tone": "warm"},
                "firstEligibleSendDate": "2026-01-01",
                "userAudienceFilter": {"country": ["de", "at"]},
                "localeValues": {"de-DE": "Hallo"},
            }],
        }],
    }))
}
