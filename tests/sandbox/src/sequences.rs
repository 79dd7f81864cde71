//! Runs of sequences. The members of a sequence run one after another. This module reads no clock: the caller passes
//! the time.

use serde_json::{Value, json};

use crate::clock::{Clock, Millis};
use crate::row_store::Key;
use crate::runs::{Run, in_millis};
use crate::settings::SequenceSettings;

#[derive(Debug, Clone)]
pub(crate) struct SequenceRun {
    pub(crate) id: String,
    pub(crate) sequence: String,
    pub(crate) started: Millis,
    pub(crate) finished: Millis,
    listed: Millis,
    status: String,
    phases: Vec<String>,
    /// The runs of the sequence's members, each with the key of its sync.
    pub(crate) members: Vec<(Key, Run)>,
}

impl SequenceRun {
    /// Plans a run that starts no earlier than `free`, the end of the previous run. `make` plans the run of a member:
    /// its arguments are the member's sync and the time at which the previous member ends. If a member fails, no
    /// further member runs.
    pub(crate) fn planned(
        id: String,
        sequence: &str,
        (created, free): (Millis, Millis),
        settings: &SequenceSettings,
        mut members: impl Iterator<Item = Key>,
        mut make: impl FnMut(Key, Millis) -> Run,
    ) -> Self {
        let started = free.max(created + in_millis(settings.queued_seconds));
        let mut runs: Vec<(Key, Run)> = Vec::new();
        let mut at = started;
        while let Some(sync) =
            (!runs.last().is_some_and(|(_, run)| run.fails())).then(|| members.next()).flatten()
        {
            let run = make(sync, at);
            at = run.finished;
            runs.push((sync, run));
        }
        let failed = runs.last().is_some_and(|(_, run)| run.fails());
        let own = if failed { "failed" } else { "done" };
        Self {
            id,
            sequence: sequence.to_owned(),
            started,
            finished: settings.seconds.map_or(at, |seconds| started + in_millis(seconds)),
            listed: created.saturating_add(settings.listed_after_ms),
            status: settings.status.clone().unwrap_or_else(|| own.to_owned()),
            phases: settings.phases.clone(),
            members: runs,
        }
    }

    pub(crate) fn is_listed(&self, now: Millis) -> bool {
        now >= self.listed
    }

    pub(crate) fn status(&self, now: Millis) -> &str {
        if now < self.started {
            return "pending";
        }
        if now >= self.finished {
            return &self.status;
        }
        crate::runs::phase(&self.phases, self.started, self.finished, now).unwrap_or("running")
    }

    /// Returns the run as JSON. `finishedAt` of a member ends with the offset `+00:00` instead of `Z`, and is null
    /// while the member runs.
    pub(crate) fn show(&self, now: Millis, clock: &Clock) -> Value {
        let members: Vec<Value> = self
            .members
            .iter()
            .filter(|(_, run)| now >= run.created)
            .map(|(sync, run)| {
                let finished = run.end(now).map(|at| clock.timestamp(at).replace('Z', "+00:00"));
                json!({"syncId": sync, "syncRunId": run.id, "status": run.status(now), "finishedAt": finished})
            })
            .collect();
        json!({"id": self.id, "status": self.status(now), "syncRuns": members})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Plan;

    fn planned(settings: Value, statuses: &[&str]) -> SequenceRun {
        let settings: SequenceSettings = serde_json::from_value(settings).unwrap();
        let mut id = 9000;
        SequenceRun::planned("seq-run-9001".to_owned(), "nightly", (0, 0), &settings, 1..=2, |sync, at| {
            id += 1;
            let index = usize::try_from(sync - 1).unwrap();
            let plan = Plan {
                seconds: Some(10.0),
                queued_seconds: Some(0.0),
                status: Some(statuses[index].to_owned()),
                ..Plan::default()
            };
            Run::planned(id, at, at, &plan)
        })
    }

    #[test]
    fn members_run_one_after_another_and_a_warning_does_not_fail_the_run() {
        let run = planned(json!({}), &["warning", "success"]);
        let clock = Clock::starting_now(1.0);
        let seen: Vec<_> = [0, 1_000, 12_000, 21_000]
            .map(|at| (run.status(at).to_owned(), run.show(at, &clock)["syncRuns"].as_array().unwrap().len()))
            .to_vec();
        let expected = [("pending", 0), ("running", 1), ("running", 2), ("done", 2)];
        assert_eq!(seen, expected.map(|(status, count)| (status.to_owned(), count)));
        let over = run.show(21_000, &clock);
        assert_eq!(over["syncRuns"][0]["status"], "warning");
        assert!(over["syncRuns"][0]["finishedAt"].as_str().unwrap().ends_with("+00:00"));
        assert_eq!(run.show(1_000, &clock)["syncRuns"][0]["finishedAt"], Value::Null);
    }

    #[test]
    fn a_member_that_fails_ends_the_run() {
        let run = planned(json!({}), &["failed", "success"]);
        assert_eq!((run.status(11_000), run.members.len()), ("failed", 1));
    }

    #[test]
    fn a_world_can_set_the_duration_the_phases_and_the_last_status_of_a_run() {
        let settings =
            json!({"seconds": 4, "status": "cancelled", "phases": ["running", "odd"], "listedAfterMs": 9});
        let run = planned(settings, &["success", "success"]);
        assert_eq!([1_000, 4_000, 5_000].map(|at| run.status(at)), ["running", "odd", "cancelled"]);
        assert!(!run.is_listed(8) && run.is_listed(9));
    }
}
