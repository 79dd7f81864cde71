//! What a world is asked for. The members are explained in `tests/scenarios/README.md`.

use std::collections::BTreeMap;

use hyper::header::{HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::Error;
use crate::script::Entry;

/// The `world` of a scenario. An unknown member is an error, so that a misspelt one is not just ignored.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct WorldSettings {
    pub(crate) seed: u64,
    pub(crate) syncs: usize,
    pub(crate) slugs: Vec<String>,
    pub(crate) time_scale: f64,
    pub(crate) limit: LimitSettings,
    pub(crate) page_cap: Option<usize>,
    pub(crate) has_more: HasMore,
    pub(crate) runs: RunSettings,
    pub(crate) script: Vec<Entry>,
}

impl Default for WorldSettings {
    fn default() -> Self {
        Self {
            seed: 1,
            syncs: 3,
            slugs: Vec::new(),
            time_scale: 20.0,
            limit: LimitSettings::default(),
            page_cap: None,
            has_more: HasMore::Honest,
            runs: RunSettings::default(),
            script: Vec::new(),
        }
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct LimitSettings {
    pub(crate) requests: u32,
    pub(crate) seconds: f64,
    pub(crate) counter: CounterKind,
    pub(crate) phase: f64,
    pub(crate) retry_after: Option<u32>,
    pub(crate) stranger: Option<Stranger>,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            requests: 200,
            seconds: 10.0,
            counter: CounterKind::Exact,
            phase: 0.0,
            retry_after: None,
            stranger: None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CounterKind {
    Exact,
    Fixed,
    TwoBucket,
}

/// Somebody else's requests in the same workspace.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Stranger {
    pub(crate) per_second: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum HasMore {
    Honest,
    Omit,
    Always,
    Never,
}

impl WorldSettings {
    /// Numbers in a sensible range, and answers that can be sent: what is beyond is a mistake, said with its place.
    pub(crate) fn checked(self) -> Result<Self, Error> {
        let stranger = self.limit.stranger.map_or(1.0, |stranger| stranger.per_second);
        for (name, value, least, most) in [
            ("timeScale", self.time_scale, 0.001, 1e6),
            ("limit.seconds", self.limit.seconds, 0.001, 1e6),
            ("limit.phase", self.limit.phase, 0.0, 1.0),
            ("limit.stranger.perSecond", stranger, 0.001, 1e4),
        ] {
            if !(least..=most).contains(&value) {
                return Err(Error::mistake(format!("{name}: expected a number from {least} to {most}")));
            }
        }
        for (index, answer) in self.script.iter().map(|entry| &entry.answer).enumerate() {
            if answer.status.is_some_and(|status| !(200..600).contains(&status)) {
                return Err(Error::mistake(format!("script.{index}: expected a status from 200 to 599")));
            }
            for (name, value) in &answer.headers {
                if HeaderName::try_from(name).is_err() || HeaderValue::try_from(value).is_err() {
                    return Err(Error::mistake(format!("script.{index}: the header {name} cannot be sent")));
                }
            }
        }
        Ok(self)
    }
}

/// A plan for all runs, and other plans for single syncs.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(try_from = "Map<String, Value>")]
pub(crate) struct RunSettings {
    by_slug: BTreeMap<String, Plan>,
    plan: Plan,
}

/// By hand, since serde's `flatten` would let unknown members through.
impl TryFrom<Map<String, Value>> for RunSettings {
    type Error = serde_json::Error;

    fn try_from(mut members: Map<String, Value>) -> Result<Self, Self::Error> {
        let by_slug = members.remove("bySlug").map(serde_json::from_value).transpose()?.unwrap_or_default();
        Ok(Self { by_slug, plan: serde_json::from_value(Value::Object(members))? })
    }
}

/// How a run goes; times are the world's.
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
    pub(crate) final_ratio: Option<f64>,
    pub(crate) rival: Option<Box<Plan>>,
}

impl Plan {
    /// This plan, with whatever it leaves open taken from another.
    fn or(&self, other: &Self) -> Self {
        let (own, other) = (self.clone(), other.clone());
        Self {
            seconds: own.seconds.or(other.seconds),
            status: own.status.or(other.status),
            error: own.error.or(other.error),
            rows: own.rows.or(other.rows),
            phases: own.phases.or(other.phases),
            queued_seconds: own.queued_seconds.or(other.queued_seconds),
            listed_after_ms: own.listed_after_ms.or(other.listed_after_ms),
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_misspelt_member_is_an_error_at_every_depth() {
        for wrong in [
            json!({"sync": 3}),
            json!({"limit": {"request": 3}}),
            json!({"runs": {"second": 3}}),
            json!({"runs": {"bySlug": {"a": {"second": 3}}}}),
            json!({"script": [{"when": {"operatoin": "ListSync"}, "answer": {}}]}),
            json!({"script": [{"when": {}, "answer": {"stauts": 500}}]}),
        ] {
            assert!(serde_json::from_value::<WorldSettings>(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn numbers_and_answers_that_make_no_sense_are_errors() {
        for wrong in [
            json!({"timeScale": 0}),
            json!({"timeScale": 1e300}),
            json!({"limit": {"seconds": -1}}),
            json!({"limit": {"phase": 2}}),
            json!({"limit": {"stranger": {"perSecond": 0}}}),
            json!({"script": [{"answer": {"status": 99}}]}),
            json!({"script": [{"answer": {"headers": {"a b": "c"}}}]}),
        ] {
            let settings: WorldSettings = serde_json::from_value(wrong.clone()).unwrap();
            assert!(settings.checked().is_err(), "{wrong}");
        }
        assert!(WorldSettings::default().checked().is_ok());
    }

    #[test]
    fn a_plan_for_one_sync_is_laid_over_the_plan_for_all() {
        let runs: RunSettings = serde_json::from_value(
            json!({"seconds": 5, "status": "failed", "bySlug": {"orders": {"status": "warning"}}}),
        )
        .unwrap();
        let plan = runs.plan_for("orders");
        assert_eq!((plan.status.as_deref(), plan.seconds), (Some("warning"), Some(5.0)));
        assert_eq!(runs.plan_for("users").status.as_deref(), Some("failed"));
    }
}
