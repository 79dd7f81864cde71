//! A workspace made up from a number: the same number gives the same workspace.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use crate::clock::Millis;
use crate::runs::Run;
use crate::settings::{Plan, WorldSettings};

const DAY: Millis = 86_400_000;
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
const THINGS: [&str; 8] =
    ["orders", "users", "accounts", "leads", "invoices", "events", "carts", "subscriptions"];
const PLACES: [&str; 6] = ["salesforce", "hubspot", "braze", "google-ads", "slack", "zendesk"];

/// A sync of the workspace. What depends on its runs is added when it is shown.
#[derive(Debug)]
pub(crate) struct Sync {
    pub(crate) id: u64,
    pub(crate) slug: String,
    pub(crate) model_id: u64,
    pub(crate) created: Millis,
    pub(crate) updated: Millis,
    pub(crate) disabled: bool,
    /// The members that never change.
    pub(crate) constant: Map<String, Value>,
    pub(crate) runs: Vec<Run>,
}

/// The syncs of a new world, in the order of their ids.
pub(crate) fn workspace(settings: &WorldSettings, workspace_id: u64) -> Vec<Sync> {
    let mut rng = Rng::with_seed(settings.seed);
    let mut history = 0;
    (1_u64..)
        .take(settings.syncs)
        .enumerate()
        .map(|(index, id)| sync(&mut rng, settings, workspace_id, index, id, &mut history))
        .collect()
}

fn sync(
    rng: &mut Rng,
    settings: &WorldSettings,
    workspace_id: u64,
    index: usize,
    id: u64,
    history: &mut u64,
) -> Sync {
    let slug = settings.slugs.get(index).cloned().unwrap_or_else(|| {
        format!("{}-to-{}-{id}", pick(rng, &THINGS, "things"), pick(rng, &PLACES, "somewhere"))
    });
    let created = -rng.i64(30 * DAY..300 * DAY);
    let updated = created + rng.i64(0..29 * DAY);
    let model_id = 1 + id % 7;
    let columns: Vec<&str> = COLUMNS.iter().copied().filter(|_| rng.u8(0..3) > 0).collect();
    let constant = json!({
        "id": id,
        "slug": slug,
        "workspaceId": workspace_id,
        "destinationId": 1 + id % 5,
        "modelId": model_id,
        "configuration": configuration(rng, id),
        "schedule": schedule(id),
        "referencedColumns": columns,
        "primaryKey": "id",
        "externalSegment": if id.is_multiple_of(4) { json!({"id": format!("aud_{}", rng.u32(..))}) } else { json!({}) },
        "tags": if id.is_multiple_of(3) { json!({"team": "growth", "tier": "1"}) } else { json!({}) },
    });
    let constant = if let Value::Object(members) = constant { members } else { Map::new() };
    let disabled = id.is_multiple_of(11);
    let runs = past_runs(rng, id, disabled, history);
    Sync { id, slug, model_id, created, updated, disabled, constant, runs }
}

/// Up to three runs that were over before the world began.
fn past_runs(rng: &mut Rng, sync: u64, disabled: bool, history: &mut u64) -> Vec<Run> {
    let count = if disabled { 0 } else { sync % 4 };
    let mut at = -rng.i64(2 * DAY..3 * DAY);
    (0..count)
        .map(|_| {
            *history += 1;
            at += rng.i64(3_600_000..10 * 3_600_000);
            let status = pick(rng, &["success", "success", "success", "warning", "failed"], "success");
            let plan = Plan {
                seconds: Some(f64::from(rng.u16(20..600))),
                status: Some(status.to_owned()),
                error: (status == "failed").then(|| "The destination refused the request.".to_owned()),
                ..Plan::default()
            };
            Run::planned(*history, at, at, &plan)
        })
        .collect()
}

/// All kinds that the document knows, one after another.
fn schedule(id: u64) -> Value {
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

/// Of the size that a real one has: most of a page of syncs is this.
fn configuration(rng: &mut Rng, id: u64) -> Value {
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

fn pick<'a>(rng: &mut Rng, from: &[&'a str], otherwise: &'a str) -> &'a str {
    from.get(rng.usize(..from.len())).copied().unwrap_or(otherwise)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(seed: u64, syncs: usize, slugs: &[&str]) -> Vec<Sync> {
        let slugs = slugs.iter().map(|&slug| slug.to_owned()).collect();
        workspace(&WorldSettings { seed, syncs, slugs, ..WorldSettings::default() }, 7)
    }

    #[test]
    fn the_same_seed_gives_the_same_workspace_and_another_a_different_one() {
        let texts = |seed| made(seed, 20, &[]).into_iter().map(|sync| Value::Object(sync.constant)).collect();
        let (one, again, other): (Vec<Value>, Vec<Value>, Vec<Value>) = (texts(1), texts(1), texts(2));
        assert_eq!(one, again);
        assert_ne!(one, other);
    }

    #[test]
    fn the_first_syncs_have_the_names_that_were_asked_for() {
        let slugs: Vec<_> = made(1, 3, &["orders", "users"]).into_iter().map(|sync| sync.slug).collect();
        assert_eq!(slugs.iter().take(2).collect::<Vec<_>>(), ["orders", "users"]);
        assert_eq!(slugs.len(), 3);
    }

    #[test]
    fn past_runs_are_over_when_the_world_begins_and_their_ids_are_unique() {
        let mut ids: Vec<u64> = Vec::new();
        for sync in made(3, 50, &[]) {
            for run in sync.runs {
                assert!(run.finished < 0);
                ids.push(run.id);
            }
        }
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
        assert!(count > 20);
    }
}
