//! Explains to a host why a run did not succeed. The host passes the run as JSON; nothing is sent.

use serde::Deserialize;

use crate::model::{self, Mended, Readable};
use crate::problem::RunProblem;
use crate::resources::{IdentityGraphRun, SequenceRun, SyncRun};

/// Members that only the runs of one kind have.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kinds<'a> {
    #[serde(borrow, default)]
    sync_runs: Option<&'a serde_json::value::RawValue>,
    #[serde(borrow, default)]
    failed_rows: Option<&'a serde_json::value::RawValue>,
}

/// Returns why a run did not succeed, as JSON; `null` if the run succeeded or has not ended, or if `run` is not a run.
/// `run` is the JSON of a run of any kind, as hosts get it.
pub(super) fn problem(run: &str) -> String {
    let kinds = serde_json::from_str::<Kinds<'_>>(run).ok();
    let problem = kinds.and_then(|kinds| match (kinds.sync_runs, kinds.failed_rows) {
        (Some(_), _) => read::<SequenceRun>(run)?.problem(),
        (None, Some(_)) => read::<SyncRun>(run)?.problem(),
        (None, None) => read::<IdentityGraphRun>(run)?.problem(),
    });
    serde_json::to_string::<Option<RunProblem>>(&problem).unwrap_or_else(|_| "null".to_owned())
}

fn read<S: Readable>(run: &str) -> Option<S> {
    model::read(run.as_bytes(), &mut Mended::default()).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn of(run: &Value) -> Value {
        serde_json::from_str(&problem(&run.to_string())).unwrap()
    }

    #[test]
    fn the_members_of_a_run_tell_its_kind() {
        let rows = json!({"addedCount": 2, "changedCount": 1, "removedCount": 0});
        let sync = json!({"id": 1, "status": "failed", "failedRows": rows, "error": "SLACK_NO_TEXT"});
        let found = of(&sync);
        assert_eq!((&found["code"], &found["rejectedRows"]), (&json!("SLACK_NO_TEXT"), &json!(3)));
        let sequence = json!({"id": "s", "status": "done", "syncRuns": [{"syncId": 1, "status": "failed"}]});
        assert_eq!(of(&sequence)["category"], "sync_run");
        let graph = json!({"id": "g", "status": "FAILURE", "error": "Query timed out"});
        assert_eq!((&of(&graph)["category"], &of(&graph)["rejectedRows"]), (&json!("timeout"), &Value::Null));
    }

    #[test]
    fn a_run_that_did_not_fail_and_what_is_no_run_have_no_problem() {
        for run in [
            json!({"id": 1, "status": "success", "failedRows": {"addedCount": 4}, "error": "timed out"}),
            json!({"id": 1, "status": "querying", "failedRows": {}}),
            json!({"id": 1, "status": "new", "failedRows": {}}),
            json!({"status": 7}),
            json!([]),
        ] {
            assert_eq!(of(&run), Value::Null, "{run}");
        }
        assert_eq!(problem("{"), "null");
    }
}
