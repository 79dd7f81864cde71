//! Plans of runs, sends and requests to reprocess.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

/// The plan of the runs of all syncs, and the plans that override it for single syncs.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(try_from = "Map<String, Value>")]
pub(crate) struct RunSettings {
    by_slug: BTreeMap<String, Plan>,
    plan: Plan,
}

/// This conversion is written by hand, because serde's `flatten` accepts unknown members.
impl TryFrom<Map<String, Value>> for RunSettings {
    type Error = serde_json::Error;

    fn try_from(mut members: Map<String, Value>) -> Result<Self, Self::Error> {
        let by_slug = members.remove("bySlug").map(serde_json::from_value).transpose()?.unwrap_or_default();
        Ok(Self { by_slug, plan: serde_json::from_value(Value::Object(members))? })
    }
}

/// The plan of a run: how long it takes and how it ends. Durations are in world time, which may pass faster than real
/// time.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Plan {
    pub(crate) seconds: Option<f64>,
    pub(crate) status: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) rows: Option<Value>,
    pub(crate) phases: Option<Vec<String>>,
    pub(crate) queued_seconds: Option<f64>,
    pub(crate) listed_after_ms: Option<i64>,
    /// How many milliseconds the `createdAt` of the run lies before its trigger.
    pub(crate) created_behind_ms: Option<i64>,
    pub(crate) final_ratio: Option<f64>,
    pub(crate) rival: Option<Box<Plan>>,
}

impl Plan {
    /// Returns this plan with missing members taken from `other`.
    pub(crate) fn or(&self, other: &Self) -> Self {
        let (own, other) = (self.clone(), other.clone());
        Self {
            seconds: own.seconds.or(other.seconds),
            status: own.status.or(other.status),
            error: own.error.or(other.error),
            rows: own.rows.or(other.rows),
            phases: own.phases.or(other.phases),
            queued_seconds: own.queued_seconds.or(other.queued_seconds),
            listed_after_ms: own.listed_after_ms.or(other.listed_after_ms),
            created_behind_ms: own.created_behind_ms.or(other.created_behind_ms),
            final_ratio: own.final_ratio.or(other.final_ratio),
            rival: own.rival.or(other.rival),
        }
    }
}

impl RunSettings {
    pub(crate) fn plan_for(&self, slug: &str) -> Plan {
        self.by_slug.get(slug).map_or_else(|| self.plan.clone(), |own| own.or(&self.plan))
    }
}

/// Sequences and the plan of their runs. Durations are in world time.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SequenceSettings {
    /// Whether a trigger during a run queues a further run.
    pub(crate) queueing: bool,
    /// The syncs of each sequence.
    pub(crate) members: BTreeMap<String, Vec<u64>>,
    pub(crate) seconds: Option<f64>,
    pub(crate) queued_seconds: f64,
    pub(crate) status: Option<String>,
    pub(crate) phases: Vec<String>,
    pub(crate) listed_after_ms: i64,
}

impl Default for SequenceSettings {
    fn default() -> Self {
        Self {
            queueing: true,
            members: BTreeMap::from([("nightly".to_owned(), vec![1, 2])]),
            seconds: None,
            queued_seconds: 1.0,
            status: None,
            phases: vec!["running".to_owned()],
            listed_after_ms: 0,
        }
    }
}

/// Identity graphs and the plan of their runs. Durations are in world time.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct GraphSettings {
    pub(crate) ids: Vec<String>,
    pub(crate) seconds: f64,
    pub(crate) queued_seconds: f64,
    pub(crate) status: String,
    pub(crate) error: Option<String>,
    pub(crate) phases: Vec<String>,
    pub(crate) listed_after_ms: i64,
    pub(crate) reprocessing: ReprocessingSettings,
}

impl Default for GraphSettings {
    fn default() -> Self {
        Self {
            ids: vec!["customers".to_owned()],
            seconds: 20.0,
            queued_seconds: 2.0,
            status: "SUCCESS".to_owned(),
            error: None,
            phases: vec!["PROCESSING".to_owned()],
            listed_after_ms: 0,
            reprocessing: ReprocessingSettings::default(),
        }
    }
}

/// The plan of requests to reprocess.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ReprocessingSettings {
    /// How long a request has the status `queueing`, in seconds.
    pub(crate) seconds: f64,
    /// The status of a request after `queueing`.
    pub(crate) status: String,
    pub(crate) error: Option<String>,
}

impl Default for ReprocessingSettings {
    fn default() -> Self {
        Self { seconds: 2.0, status: "queued".to_owned(), error: None }
    }
}

/// The settings of a campaign and the plan of its sends (messages to one recipient). Durations are in world time.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CampaignSettings {
    /// The variables that the template of the campaign requires.
    pub(crate) variables: Vec<String>,
    /// The time until a send reaches its last status, in seconds.
    pub(crate) seconds: f64,
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
}

impl Default for CampaignSettings {
    fn default() -> Self {
        Self { variables: Vec::new(), seconds: 5.0, status: "delivered".to_owned(), reason: None }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_plan_of_one_sync_overrides_the_plan_of_all() {
        let runs: RunSettings = serde_json::from_value(
            json!({"seconds": 5, "status": "failed", "bySlug": {"orders": {"status": "warning"}}}),
        )
        .unwrap();
        let plan = runs.plan_for("orders");
        assert_eq!((plan.status.as_deref(), plan.seconds), (Some("warning"), Some(5.0)));
        assert_eq!(runs.plan_for("users").status.as_deref(), Some("failed"));
    }
}
