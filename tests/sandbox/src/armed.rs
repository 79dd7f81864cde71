//! What a test changes in a running world: scripted answers, how the next runs end, and the limit.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::Error;
use crate::script::Entry;
use crate::seed::Kind;
use crate::settings::{LimitSettings, Plan, RunSettings};
use crate::workspace::Workspace;
use crate::world::{Record, World};

/// A plan that a test gave to later runs, and how many runs get the plan. Without `times`, all later runs get the plan.
#[derive(Debug, Clone)]
struct ArmedPlan {
    sync: Option<u64>,
    times: Option<u32>,
    plan: Plan,
}

/// The plans that the control API (`/arm/runs`) added to a running world.
#[derive(Debug, Default)]
pub(crate) struct ArmedPlans(Vec<ArmedPlan>);

impl ArmedPlans {
    /// Returns the plan for the next run of a sync, and counts one use of the plan. Plans for a number of runs are used
    /// first, in the order in which they were added. After them, the last plan for all runs is used.
    pub(crate) fn next(&mut self, sync: u64) -> Option<Plan> {
        let applies = |armed: &ArmedPlan| armed.sync.is_none_or(|own| own == sync);
        let counted =
            self.0.iter_mut().find(|armed| applies(armed) && armed.times.is_some_and(|left| left > 0));
        if let Some(ArmedPlan { times: Some(left), plan, .. }) = counted {
            *left -= 1;
            return Some(plan.clone());
        }
        self.0
            .iter()
            .rev()
            .find(|armed| applies(armed) && armed.times.is_none())
            .map(|armed| armed.plan.clone())
    }

    /// Returns for each plan how many more runs get the plan, in the order in which the plans were added; `null` for a
    /// plan for all runs.
    pub(crate) fn left(&self) -> Value {
        self.0.iter().map(|armed| armed.times).collect::<Vec<_>>().into()
    }
}

/// The request `{"sync", "times", "plan"}`; the first two members are optional.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    sync: Option<Value>,
    times: Option<u32>,
    #[serde(default)]
    plan: Map<String, Value>,
}

/// Adds a plan for later runs. Returns the index of the plan among the added plans.
fn arm_runs(workspace: &mut Workspace, asked: Value) -> Result<usize, Error> {
    let Asked { sync, times, plan } = serde_json::from_value(asked)?;
    let plan = RunSettings::try_from(plan)?.plan_for("");
    let sync = sync.map(|named| find(workspace, &named)).transpose()?;
    workspace.armed.0.push(ArmedPlan { sync, times, plan });
    Ok(workspace.armed.0.len() - 1)
}

/// Finds a sync by its id or its slug.
fn find(workspace: &Workspace, named: &Value) -> Result<u64, Error> {
    let by_id = named.as_u64().filter(|&id| workspace.has(Kind::Sync, id));
    let by_slug = named.as_str().and_then(|slug| workspace.by_slug(Kind::Sync, slug));
    by_id.or(by_slug).ok_or_else(|| Error::mistake(format!("the world has no sync {named}")))
}

impl World {
    /// Changes the world. `what` is `script`, `runs` or `limit`. Returns the indexes of the entries or plans that were
    /// added.
    pub(crate) fn arm(&self, what: &str, asked: Value) -> Result<Value, Error> {
        let mut state = self.lock();
        match what {
            "script" => {
                let entries: Vec<Entry> = serde_json::from_value(asked)?;
                entries.iter().try_for_each(Entry::check)?;
                let first = state.script.add(entries);
                Ok(json!({"entries": first}))
            }
            "runs" => Ok(json!({"entries": [arm_runs(&mut state.workspace, asked)?]})),
            "limit" => {
                let settings: LimitSettings = serde_json::from_value(asked)?;
                settings.check()?;
                state.limit.change(settings);
                Ok(json!({"entries": []}))
            }
            other => Err(Error::NoSuchRoute(format!("what can be armed: {other}"))),
        }
    }

    pub(crate) fn log(&self) -> (Record, Value) {
        let record = self.record();
        let state = self.lock();
        let left = json!({"script": state.script.left(), "runs": state.workspace.armed.left()});
        drop(state);
        let requests: Vec<Value> =
            record.requests.iter().map(|request| request.to_value(&self.clock)).collect();
        let log = json!({"requests": requests, "refused": record.refused, "peak": record.peak, "left": left});
        (record, log)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn armed(sync: Option<u64>, times: Option<u32>, status: &str) -> ArmedPlan {
        let plan = serde_json::from_value(json!({ "status": status })).unwrap();
        ArmedPlan { sync, times, plan }
    }

    #[test]
    fn plans_for_a_number_of_runs_come_first_and_in_order() {
        let mut plans = ArmedPlans(vec![
            armed(None, None, "success"),
            armed(Some(7), Some(1), "failed"),
            armed(None, Some(1), "warning"),
            armed(Some(7), None, "cancelled"),
        ]);
        let statuses: Vec<_> = [7, 7, 7, 3]
            .map(|sync| plans.next(sync).and_then(|plan| plan.status))
            .into_iter()
            .flatten()
            .collect();
        assert_eq!(statuses, ["failed", "warning", "cancelled", "success"]);
        assert_eq!(plans.left(), json!([null, 0, 0, null]));
    }
}
