//! Expands an entry of the table of operations to a scenario: the success of the operation, then every error that the
//! document declares for it. The errors are scripted in their declared shapes.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::Error;
use crate::document::{DOCUMENT, Shape};

/// An operation, how it is called, and the expected result.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) operation: String,
    /// The method of the SDK to call, as `RESOURCE.METHOD`.
    pub(crate) call: String,
    #[serde(default)]
    pub(crate) args: Value,
    #[serde(default)]
    pub(crate) world: Map<String, Value>,
    /// Steps that prepare the call.
    #[serde(default)]
    pub(crate) before: Vec<Value>,
    take: Option<String>,
    pub(crate) expect: Value,
}

/// A scripted answer and the expected error.
struct Failure {
    answer: Value,
    error: Map<String, Value>,
    /// Options of the call besides `maxRetries`.
    options: Map<String, Value>,
}

impl Entry {
    /// Returns the id of the scenario and the scenario.
    pub(super) fn expand(&self) -> Result<(String, Value), Error> {
        let id = &self.operation;
        let failures = self.failures()?;
        let mut script = Vec::new();
        let mut steps = self.before.clone();
        steps.push(self.step(&self.expect, Map::new()));
        for (index, failure) in failures.into_iter().enumerate() {
            script.push(json!({"when": {"operation": id, "nth": index + 2}, "answer": failure.answer}));
            let mut options = failure.options;
            options.insert("maxRetries".to_owned(), json!(0));
            steps.push(self.step(&json!({"error": failure.error}), options));
        }
        let calls = script.len() + 1;
        let mut world = self.world.clone();
        world.insert("script".to_owned(), Value::Array(script));
        let scenario = json!({
            "name": format!("{id} succeeds, and fails in every way that the document declares"),
            "world": world,
            "steps": steps,
            "wire": {"counts": {id: calls}},
        });
        Ok((format!("operation-{id}"), scenario))
    }

    fn step(&self, expect: &Value, options: Map<String, Value>) -> Value {
        let mut step = Map::from_iter([
            ("call".to_owned(), json!(self.call)),
            ("args".to_owned(), self.args.clone()),
            ("expect".to_owned(), expect.clone()),
        ]);
        step.extend(self.take.as_ref().map(|take| ("take".to_owned(), json!(take))));
        if !options.is_empty() {
            step.insert("opts".to_owned(), Value::Object(options));
        }
        Value::Object(step)
    }

    fn failures(&self) -> Result<Vec<Failure>, Error> {
        let operation = DOCUMENT
            .operation(&self.operation)
            .ok_or_else(|| Error::mistake(format!("The document has no operation {}.", self.operation)))?;
        let declared = operation.responses();
        let lost = |kind: &'static str| if operation.is_read() { kind } else { "outcome_unknown" };
        let mut failures = Vec::new();
        for (&status, &shape) in &declared.errors {
            let kind = match status {
                400 => "invalid_request",
                401 => "authentication",
                403 => "permission",
                404 => "not_found",
                409 => "conflict",
                422 => "validation",
                429 => "rate_limited",
                _ => lost("server"),
            };
            failures.push((status, self.failure(status, shape, kind)));
        }
        for &shape in &declared.under_good {
            let kind = match shape {
                Shape::Validation => "validation",
                Shape::Trigger => "invalid_request",
                Shape::Internal => lost("server"),
                _ => lost("protocol"),
            };
            failures.push((200, self.failure(200, shape, kind)));
        }
        // The 401 comes last, because the SDK does not send a refused key again.
        failures.sort_by_key(|(status, _)| *status == 401);
        Ok(failures.into_iter().map(|(_, failure)| failure).collect())
    }

    fn failure(&self, status: u16, shape: Shape, kind: &str) -> Failure {
        let mut error = Map::from_iter([
            ("kind".to_owned(), json!(kind)),
            ("operation".to_owned(), json!(self.call)),
            ("status".to_owned(), json!(status)),
        ]);
        let body = match shape {
            Shape::Validation => {
                let details = json!({"name": {"message": "It is odd"}});
                error.insert("details".to_owned(), details.clone());
                Some(json!({"message": "Validation failed", "details": details}))
            }
            Shape::Trigger => {
                error.insert("contains".to_owned(), json!("It is asleep"));
                Some(json!({"error": "It is asleep"}))
            }
            Shape::Internal => Some(json!("Internal Server Error")),
            Shape::Null => {
                error.remove("status");
                Some(Value::Null)
            }
            Shape::Payload | Shape::Empty => None,
        };
        let mut answer = Map::from_iter([("status".to_owned(), json!(status))]);
        answer.extend(body.map(|body| ("body".to_owned(), body)));
        let mut options = Map::new();
        if status == 429 {
            // After a 429, the SDK waits and repeats the request, whatever `maxRetries` is. With this `maxWaitMs`, the
            // call fails instead, and its error does not show the answer.
            options.insert("maxWaitMs".to_owned(), json!(1));
            error.retain(|name, _| name == "kind" || name == "operation");
        }
        Failure { answer: Value::Object(answer), error, options }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(operation: &str) -> Value {
        let entry =
            json!({"operation": operation, "call": "a.b", "args": {"a": 1}, "expect": {"value": {"id": 1}}});
        serde_json::from_value::<Entry>(entry).unwrap().expand().unwrap().1
    }

    fn kinds(operation: &str) -> Vec<String> {
        let scenario = expanded(operation);
        let steps = scenario["steps"].as_array().unwrap();
        steps
            .iter()
            .filter_map(|step| step.pointer("/expect/error/kind")?.as_str().map(str::to_owned))
            .collect()
    }

    #[test]
    fn a_read_meets_its_errors_and_the_refused_key_comes_last() {
        assert_eq!(kinds("ListFlows"), ["permission", "validation", "server", "protocol", "authentication"]);
    }

    #[test]
    fn a_write_that_may_have_happened_is_of_unknown_outcome() {
        assert_eq!(
            kinds("CreateMessage"),
            [
                "permission",
                "not_found",
                "validation",
                "outcome_unknown",
                "validation",
                "outcome_unknown",
                "outcome_unknown",
                "authentication"
            ]
        );
    }

    #[test]
    fn each_answer_is_scripted_for_the_step_that_expects_it() {
        let scenario = expanded("TriggerCampaign");
        assert_eq!(scenario["wire"], json!({"counts": {"TriggerCampaign": 8}}));
        let (script, steps) = (&scenario["world"]["script"], &scenario["steps"]);
        assert_eq!(script[0]["when"], json!({"operation": "TriggerCampaign", "nth": 2}));
        assert_eq!(script[0]["answer"], json!({"status": 400, "body": {"error": "It is asleep"}}));
        assert_eq!(steps[4]["opts"], json!({"maxRetries": 0, "maxWaitMs": 1}));
        let refused = json!({"kind": "rate_limited", "operation": "a.b"});
        assert_eq!(steps[4]["expect"]["error"], refused);
    }

    #[test]
    fn an_entry_with_an_unknown_operation_is_an_error() {
        let entry = json!({"operation": "ListThings", "call": "a.b", "expect": {}});
        assert!(serde_json::from_value::<Entry>(entry).unwrap().expand().is_err());
    }
}
