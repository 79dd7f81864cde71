//! Runs of syncs. The state of a run is a pure function of its plan and the time, so no task has to advance it.

use serde_json::{Value, json};

use crate::clock::{Clock, Millis};
use crate::settings::Plan;

/// The id of the first run that is triggered in a world. In a world with very many past runs, this id is higher,
/// because past runs have smaller ids.
pub(crate) const FIRST_RUN: u64 = 9001;

#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) id: u64,
    pub(crate) created: Millis,
    pub(crate) started: Millis,
    pub(crate) finished: Millis,
    listed: Millis,
    status: String,
    error: Option<String>,
    phases: Vec<String>,
    planned: Rows,
    successful: Rows,
    failed: Rows,
    final_ratio: f64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Rows {
    added: f64,
    changed: f64,
    removed: f64,
}

impl Rows {
    /// Reads `{"added", "changed", "removed"}` of a plan; missing members are 0.
    fn read(value: Option<&Value>) -> Option<Self> {
        let value = value?;
        let count = |name| value.get(name).and_then(Value::as_f64).unwrap_or(0.0);
        Some(Self { added: count("added"), changed: count("changed"), removed: count("removed") })
    }

    fn portion(self, ratio: f64) -> Value {
        let part = |count: f64| {
            #[expect(clippy::cast_possible_truncation, reason = "row counts are small and whole")]
            let rows = (count * ratio).floor() as i64;
            rows
        };
        json!({
            "addedCount": part(self.added),
            "changedCount": part(self.changed),
            "removedCount": part(self.removed),
        })
    }

    fn sum(self) -> f64 {
        self.added + self.changed + self.removed
    }
}

impl Run {
    /// Plans a run that is triggered at `created` and starts no earlier than `free`, the end of the previous run.
    pub(crate) fn planned(id: u64, created: Millis, free: Millis, plan: &Plan) -> Self {
        let seconds = plan.seconds.unwrap_or(20.0);
        let queued = plan.queued_seconds.unwrap_or(seconds / 10.0);
        let started = free.max(created + in_millis(queued));
        let status = plan.status.clone().unwrap_or_else(|| "success".to_owned());
        let rows = |name| Rows::read(plan.rows.as_ref().and_then(|rows| rows.get(name)));
        #[expect(clippy::cast_precision_loss, reason = "run ids are small")]
        let some = (id % 7) as f64;
        let planned =
            rows("planned").unwrap_or(Rows { added: 120.0 + some, changed: 30.0 + some, removed: some });
        let successful =
            rows("successful").unwrap_or(if status == "failed" { Rows::default() } else { planned });
        Self {
            id,
            created: created.saturating_sub(plan.created_behind_ms.unwrap_or(0)),
            started,
            finished: started + in_millis(seconds),
            listed: created.saturating_add(plan.listed_after_ms.unwrap_or(0)),
            status,
            error: plan.error.clone(),
            phases: plan
                .phases
                .clone()
                .unwrap_or_else(|| ["querying", "processing", "reporting"].map(str::to_owned).to_vec()),
            planned,
            successful,
            failed: rows("failed").unwrap_or_default(),
            final_ratio: plan.final_ratio.unwrap_or(1.0),
        }
    }

    pub(crate) fn is_listed(&self, now: Millis) -> bool {
        now >= self.listed
    }

    /// Returns the time of the start; `None` while the run is queued.
    pub(crate) fn start(&self, now: Millis) -> Option<Millis> {
        (now >= self.started).then_some(self.started)
    }

    pub(crate) fn end(&self, now: Millis) -> Option<Millis> {
        (now >= self.finished).then_some(self.finished)
    }

    pub(crate) fn status(&self, now: Millis) -> &str {
        if self.end(now).is_some() {
            return &self.status;
        }
        if self.start(now).is_none() {
            return "queued";
        }
        phase(&self.phases, self.started, self.finished, now).unwrap_or("processing")
    }

    /// Whether the run ends with a failure. A warning is not a failure.
    pub(crate) fn fails(&self) -> bool {
        matches!(self.status.as_str(), "failed" | "cancelled" | "interrupted")
    }

    /// Returns the number of rows that the query returned; `None` unless the run has succeeded.
    pub(crate) fn size(&self, now: Millis) -> Option<f64> {
        (self.end(now).is_some() && self.status == "success").then(|| self.planned.sum())
    }

    /// Returns the run as JSON. `startedAt` and `finishedAt` are null until the run starts and ends. The document
    /// forbids null for them, but the real API has returned null, too.
    pub(crate) fn show(&self, now: Millis, clock: &Clock) -> Value {
        let progress = self.progress(now);
        let over = self.end(now).is_some();
        let ratio =
            if over { self.final_ratio } else { (progress * self.final_ratio * 100.0).round() / 100.0 };
        json!({
            "id": self.id,
            "createdAt": clock.timestamp(self.created),
            "startedAt": self.start(now).map(|at| clock.timestamp(at)),
            "finishedAt": self.end(now).map(|at| clock.timestamp(at)),
            "querySize": if progress > 0.0 { self.planned.sum() } else { 0.0 },
            "status": self.status(now),
            "completionRatio": ratio,
            "plannedRows": self.planned.portion(if progress > 0.0 { 1.0 } else { 0.0 }),
            "successfulRows": self.successful.portion(progress),
            "failedRows": self.failed.portion(progress),
            "error": if over { self.error.as_deref() } else { None },
        })
    }

    fn progress(&self, now: Millis) -> f64 {
        progress(self.started, self.finished, now)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a world does not live for 2^52 ms")]
fn progress(started: Millis, finished: Millis, now: Millis) -> f64 {
    if now < started {
        return 0.0;
    }
    let length = (finished - started).max(1);
    ((now - started) as f64 / length as f64).min(1.0)
}

/// Returns the phase of a run at `now`; `None` if there are no phases. All phases take the same time.
pub(crate) fn phase(phases: &[String], started: Millis, finished: Millis, now: Millis) -> Option<&str> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "progress is between 0 and 1, phases are few"
    )]
    let step = (progress(started, finished, now) * phases.len() as f64) as usize;
    phases.get(step.min(phases.len().saturating_sub(1))).map(String::as_str)
}

/// The longest time in a plan, in milliseconds. No world lives that long, and sums of such times do not overflow.
const AGES: f64 = 1e15;

#[expect(clippy::cast_possible_truncation, reason = "clamped to a range that fits")]
pub(crate) fn in_millis(seconds: f64) -> Millis {
    (seconds * 1000.0).clamp(-AGES, AGES) as Millis
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn plan(members: Value) -> Plan {
        serde_json::from_value(members).unwrap()
    }

    #[test]
    fn a_run_goes_through_its_phases_to_its_end() {
        let run = Run::planned(9001, 0, 0, &plan(json!({"seconds": 9, "queuedSeconds": 1})));
        let seen: Vec<_> =
            [0, 1_000, 4_500, 8_000, 9_999, 10_000].map(|at| run.status(at).to_owned()).to_vec();
        assert_eq!(seen, ["queued", "querying", "processing", "reporting", "reporting", "success"]);
    }

    #[test]
    fn rows_and_ratio_grow_and_end_where_the_plan_says() {
        let rows = json!({"planned": {"added": 10}, "successful": {"added": 8}, "failed": {"added": 2}});
        let run =
            Run::planned(9001, 0, 0, &plan(json!({"rows": rows, "finalRatio": 0.54, "queuedSeconds": 0})));
        let clock = Clock::starting_now(1.0);
        let shown: Vec<_> = [0, 10_000, 20_000]
            .map(|at| {
                let run = run.show(at, &clock);
                (run["successfulRows"]["addedCount"].clone(), run["completionRatio"].clone())
            })
            .to_vec();
        assert_eq!(shown, [(json!(0), json!(0.0)), (json!(4), json!(0.27)), (json!(8), json!(0.54))]);
    }

    #[test]
    fn a_run_waits_for_the_one_before_it() {
        let first = Run::planned(9001, 0, 0, &plan(json!({"seconds": 5})));
        let second = Run::planned(9002, 100, first.finished, &plan(json!({"seconds": 5})));
        assert_eq!(second.status(first.finished - 1), "queued");
        assert_eq!(second.status(first.finished), "querying");
        assert!(second.created < second.started);
    }

    #[test]
    fn created_at_may_be_before_the_trigger() {
        let plan = Plan { created_behind_ms: Some(5_000), ..Plan::default() };
        let run = Run::planned(1, 1_000, 1_000, &plan);
        assert_eq!((run.created, run.started), (-4_000, 3_000));
    }

    #[test]
    fn a_run_may_be_listed_late() {
        let run = Run::planned(9001, 1_000, 0, &plan(json!({"listedAfterMs": 500})));
        assert!(!run.is_listed(1_499) && run.is_listed(1_500));
    }
}
