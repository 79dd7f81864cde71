//! Runs of identity graphs and requests to reprocess. This module reads no clock: the caller passes the time.

use serde_json::{Map, Value, json};

use crate::clock::{Clock, Millis};
use crate::runs::{in_millis, phase};
use crate::settings::GraphSettings;

#[derive(Debug, Clone)]
pub(crate) struct GraphRun {
    pub(crate) id: String,
    pub(crate) graph: String,
    pub(crate) created: Millis,
    started: Millis,
    pub(crate) finished: Millis,
    listed: Millis,
    full: bool,
    status: String,
    error: Option<String>,
    phases: Vec<String>,
    /// The number of the run. The run's statistics are computed from this number, so that two runs differ.
    number: u64,
}

impl GraphRun {
    /// Plans a run that starts no earlier than `free`, the end of the previous run.
    pub(crate) fn planned(
        (id, number): (String, u64),
        graph: &str,
        (created, free): (Millis, Millis),
        full: bool,
        settings: &GraphSettings,
    ) -> Self {
        let started = free.max(created + in_millis(settings.queued_seconds));
        Self {
            id,
            graph: graph.to_owned(),
            created,
            started,
            finished: started + in_millis(settings.seconds),
            listed: created.saturating_add(settings.listed_after_ms),
            full,
            status: settings.status.clone(),
            error: settings.error.clone(),
            phases: settings.phases.clone(),
            number,
        }
    }

    /// Returns the `number`th of `count` runs that ended before the world was created, an hour apart. If `number` is
    /// above `count`, the run has the times of the last run.
    pub(crate) fn past(graph: &str, number: u64, count: usize) -> Self {
        const HOUR: Millis = 3_600_000;
        let ago = Millis::try_from((count as u64).saturating_sub(number) + 1).unwrap_or(1);
        let settings = GraphSettings { queued_seconds: 0.0, ..GraphSettings::default() };
        let created = -ago * HOUR;
        Self::planned((format!("idr-run-{number}"), number), graph, (created, created), false, &settings)
    }

    pub(crate) fn is_listed(&self, now: Millis) -> bool {
        now >= self.listed
    }

    /// Returns the time of the start; `None` while the run is queued.
    pub(crate) fn start(&self, now: Millis) -> Option<Millis> {
        (now >= self.started).then_some(self.started)
    }

    /// Returns the time of the end if the run has succeeded or failed, otherwise `None`. The API shows no end of a
    /// cancelled run.
    pub(crate) fn end(&self, now: Millis) -> Option<Millis> {
        let told = matches!(self.status.as_str(), "SUCCESS" | "FAILURE");
        (now >= self.finished && told).then_some(self.finished)
    }

    /// Returns the time at which this run reprocessed a request that was queued at `queued`; `None` if the run did not
    /// reprocess the request.
    fn handled(&self, queued: Millis, now: Millis) -> Option<Millis> {
        (self.status == "SUCCESS" && self.started >= queued && now >= self.finished).then_some(self.finished)
    }

    fn status(&self, now: Millis) -> &str {
        if now >= self.finished {
            &self.status
        } else if now < self.started {
            "QUEUED"
        } else {
            phase(&self.phases, self.started, self.finished, now).unwrap_or("PROCESSING")
        }
    }

    /// Returns the run as JSON, without members that have no value yet.
    pub(crate) fn show(&self, now: Millis, clock: &Clock) -> Value {
        let status = self.status(now);
        let mut row = Map::from_iter([
            ("id".to_owned(), json!(self.id)),
            ("graphId".to_owned(), json!(self.graph)),
            ("status".to_owned(), json!(status)),
            ("fullRerun".to_owned(), json!(self.full)),
            ("createdAt".to_owned(), json!(clock.timestamp(self.created))),
        ]);
        let over = now >= self.finished;
        let figures = (over && status == "SUCCESS").then(|| self.stats());
        for (name, value) in [
            ("startedAt", self.start(now).map(|at| json!(clock.timestamp(at)))),
            ("finishedAt", self.end(now).map(|at| json!(clock.timestamp(at)))),
            ("error", self.error.as_ref().filter(|_| over).map(|error| json!(error))),
            ("stats", figures),
        ] {
            row.extend(value.map(|value| (name.to_owned(), value)));
        }
        Value::Object(row)
    }

    fn stats(&self) -> Value {
        let some = self.number % 100;
        let figures = |profiles: u64| json!({"numSourceRows": 5000 + some, "numNewUniqueProfiles": 10 + some, "numUniqueProfiles": profiles});
        json!({"deterministic": figures(1200), "probabilistic-strict": figures(1100), "probabilistic-loose": figures(900)})
    }
}

/// A request to reprocess identifiers of a graph.
#[derive(Debug, Clone)]
pub(crate) struct Reprocessing {
    pub(crate) graph: String,
    pub(crate) queued: Millis,
    /// The status from the time in the field `queued` on. If this status is `"queued"`, it lasts until a run
    /// reprocesses the request.
    pub(crate) status: String,
    pub(crate) error: Option<String>,
}

impl Reprocessing {
    /// Returns the request as JSON, with null for members that have no value yet.
    pub(crate) fn show<'a>(
        &self,
        runs: impl Iterator<Item = &'a GraphRun>,
        now: Millis,
        clock: &Clock,
    ) -> Value {
        let queued = now >= self.queued && self.status == "queued";
        let handled = queued
            .then(|| {
                runs.filter(|run| run.graph == self.graph)
                    .find_map(|run| Some((run, run.handled(self.queued, now)?)))
            })
            .flatten();
        let status = match (now < self.queued, handled) {
            (true, _) => "queueing",
            (_, Some(_)) => "reprocessed",
            _ => &self.status,
        };
        json!({
            "status": status,
            "queuedAt": queued.then(|| clock.timestamp(self.queued)),
            "reprocessedAt": handled.map(|(_, at)| clock.timestamp(at)),
            "reprocessedRunId": handled.map(|(run, _)| &run.id),
            "error": self.error.as_ref().filter(|_| now >= self.queued),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(settings: Value) -> GraphRun {
        let settings: GraphSettings = serde_json::from_value(settings).unwrap();
        GraphRun::planned(("idr-run-9001".to_owned(), 9001), "customers", (0, 0), true, &settings)
    }

    #[test]
    fn members_without_a_value_yet_are_left_out() {
        let clock = Clock::starting_now(1.0);
        let run = run(json!({"seconds": 10, "queuedSeconds": 1}));
        let has = |at, names: [&str; 3]| names.map(|name| run.show(at, &clock).get(name).is_some());
        let names = ["startedAt", "finishedAt", "stats"];
        assert_eq!(has(0, names), [false, false, false]);
        assert_eq!(has(1_000, names), [true, false, false]);
        assert_eq!(has(11_000, names), [true, true, true]);
        assert_eq!([0, 1_000, 11_000].map(|at| run.status(at)), ["QUEUED", "PROCESSING", "SUCCESS"]);
    }

    #[test]
    fn a_failed_run_has_an_error_and_no_statistics_and_a_cancelled_run_has_no_end() {
        let clock = Clock::starting_now(1.0);
        let failed = run(json!({"status": "FAILURE", "error": "no rows"})).show(30_000, &clock);
        assert_eq!((&failed["error"], failed.get("stats")), (&json!("no rows"), None));
        let cancelled = run(json!({"status": "CANCELLED"})).show(30_000, &clock);
        assert_eq!((&cancelled["status"], cancelled.get("finishedAt")), (&json!("CANCELLED"), None));
    }

    #[test]
    fn a_past_run_with_a_number_above_the_count_has_ended_too() {
        assert!(
            [3, 4, 9].map(|number| GraphRun::past("customers", number, 3)).iter().all(|run| run.finished < 0)
        );
    }

    #[test]
    fn the_next_run_after_queueing_reprocesses_the_request() {
        let clock = Clock::starting_now(1.0);
        let request = |status: &str| Reprocessing {
            graph: "customers".to_owned(),
            queued: 2_000,
            status: status.to_owned(),
            error: None,
        };
        let before = GraphRun::past("customers", 3, 3);
        let next = GraphRun::planned(
            ("idr-run-9001".to_owned(), 9001),
            "customers",
            (3_000, 0),
            false,
            &GraphSettings::default(),
        );
        let status = |at| request("queued").show([&before, &next].into_iter(), at, &clock)["status"].clone();
        assert_eq!([0, 2_000, 25_000].map(status), ["queueing", "queued", "reprocessed"]);
        let done = request("queued").show([&next].into_iter(), 25_000, &clock);
        assert_eq!((&done["reprocessedRunId"], &done["error"]), (&json!("idr-run-9001"), &Value::Null));
        assert_eq!(request("failed").show([&next].into_iter(), 25_000, &clock)["status"], "failed");
    }
}
