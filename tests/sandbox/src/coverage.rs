//! Checks that every player played every scenario, operation, kind of error and declared answer.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Error;
use crate::document::DOCUMENT;
use crate::scenarios::scenarios;

/// One line of the coverage file: a scenario that a player played.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Played {
    pub(crate) player: String,
    pub(crate) scenario: String,
    pub(crate) operations: BTreeSet<String>,
    pub(crate) kinds: BTreeSet<String>,
    /// The answers of operations, for example `ListSync 404`.
    #[serde(default)]
    pub(crate) answers: BTreeSet<String>,
    /// How many complaints the judge has about the requests of this play. A play with complaints does not count as
    /// coverage.
    pub(crate) complaints: usize,
}

impl Played {
    /// Appends the line in one write, so that lines of several processes do not mix.
    pub(crate) fn append_to(&self, file: &Path) -> Result<(), Error> {
        let mut line = serde_json::to_string(self)?;
        line.push('\n');
        OpenOptions::new().create(true).append(true).open(file)?.write_all(line.as_bytes())?;
        Ok(())
    }
}

/// What the players must cover.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    /// The file that the sandbox wrote with `--coverage`. A missing file means that nothing was played.
    pub file: PathBuf,
    /// The folder of the scenarios.
    pub scenarios: PathBuf,
    /// The players that must play every scenario.
    pub players: Vec<String>,
    /// Operations that each player must call.
    pub operations: Vec<String>,
    /// Kinds of errors that each player must meet.
    pub kinds: Vec<String>,
    /// Answers that each player must receive, in the form that [`declared_answers`] returns.
    pub answers: Vec<String>,
}

/// Returns every answer that the document declares: `ListSync 200` is a success, `ListSync 404` an error, and
/// `CreateSync 200 validation` an error under a success status.
#[must_use]
pub fn declared_answers() -> Vec<String> {
    let mut answers = Vec::new();
    for operation in DOCUMENT.operations() {
        let (id, declared) = (&operation.id, operation.responses());
        answers.push(format!("{id} 200"));
        answers.extend(declared.errors.keys().map(|status| format!("{id} {status}")));
        answers.extend(declared.under_good.iter().map(|shape| format!("{id} 200 {shape}")));
    }
    answers
}

impl Coverage {
    /// Returns one sentence for each gap in the coverage.
    pub fn gaps(&self) -> Result<Vec<String>, Error> {
        let scenarios: BTreeMap<String, BTreeSet<String>> = scenarios(&self.scenarios)?
            .into_iter()
            .map(|(id, scenario)| (id, expected_kinds(&scenario)))
            .collect();
        let played = read(&self.file)?;
        let mut gaps = Vec::new();
        if scenarios.is_empty() {
            gaps.push(format!("{} has no scenarios.", self.scenarios.display()));
        }
        for player in &self.players {
            let own: Vec<&Played> =
                played.iter().filter(|line| line.player == *player && line.complaints == 0).collect();
            let names: BTreeSet<&str> = own.iter().map(|line| line.scenario.as_str()).collect();
            let operations: BTreeSet<&str> =
                own.iter().flat_map(|line| &line.operations).map(String::as_str).collect();
            let kinds: BTreeSet<&str> = own
                .iter()
                .flat_map(|line| line.kinds.iter().chain(scenarios.get(&line.scenario).into_iter().flatten()))
                .map(String::as_str)
                .collect();
            let answers: BTreeSet<&str> =
                own.iter().flat_map(|line| &line.answers).map(String::as_str).collect();
            let mut missing = |what: &str, wanted: &mut dyn Iterator<Item = &str>, seen: &BTreeSet<&str>| {
                for name in wanted.filter(|name| !seen.contains(name)) {
                    gaps.push(format!("{player} has not {what} {name}."));
                }
            };
            missing("played the scenario", &mut scenarios.keys().map(String::as_str), &names);
            missing("called the operation", &mut self.operations.iter().map(String::as_str), &operations);
            missing("met an error of the kind", &mut self.kinds.iter().map(String::as_str), &kinds);
            missing("been answered with", &mut self.answers.iter().map(String::as_str), &answers);
        }
        Ok(gaps)
    }
}

/// The operations and kinds of errors in a catalogue of the SDK.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Catalogue {
    /// The operations that the SDK calls.
    pub operation_ids: Vec<String>,
    /// The kinds of errors that the SDK knows.
    #[serde(deserialize_with = "names")]
    pub kinds: Vec<String>,
}

impl Catalogue {
    /// Reads `operationIds` and `kinds` from a catalogue file and ignores the rest.
    pub fn read(file: &Path) -> Result<Self, Error> {
        Ok(serde_json::from_reader(BufReader::new(File::open(file)?))?)
    }
}

fn names<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    struct Named {
        name: String,
    }
    Ok(Vec::<Named>::deserialize(deserializer)?.into_iter().map(|named| named.name).collect())
}

fn expected_kinds(scenario: &Value) -> BTreeSet<String> {
    let steps = scenario.get("steps").and_then(Value::as_array).into_iter().flatten();
    let steps = steps.flat_map(|step| match step.get("together").and_then(Value::as_array) {
        Some(together) => together.as_slice(),
        None => std::slice::from_ref(step),
    });
    steps
        .map(|step| step.pointer("/expect/error/kind"))
        .chain([scenario.pointer("/construct/error/kind")])
        .filter_map(|kind| kind?.as_str().map(str::to_owned))
        .collect()
}

fn read(file: &Path) -> Result<Vec<Played>, Error> {
    if !file.exists() {
        return Ok(Vec::new());
    }
    BufReader::new(File::open(file)?).lines().map(|line| Ok(serde_json::from_str(&line?)?)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::temporary::Folder;

    /// Creates a folder with one scenario that `node` has played.
    fn coverage(complaints: usize) -> (Coverage, Folder) {
        let folder = Folder::new("coverage");
        let step = |kind: &str| json!({"call": "syncs.list", "expect": {"error": {"kind": kind}}});
        let scenario = json!({"steps": [step("server"), {"together": [step("timeout")]}]});
        std::fs::write(folder.0.join("a-list-fails.json"), scenario.to_string()).unwrap();
        let file = folder.0.join("played.jsonl");
        let played = Played {
            player: "node".to_owned(),
            scenario: "a-list-fails".to_owned(),
            operations: BTreeSet::from(["ListSync".to_owned()]),
            kinds: BTreeSet::new(),
            answers: BTreeSet::from(["ListSync 200".to_owned()]),
            complaints,
        };
        played.append_to(&file).unwrap();
        let players = vec!["node".to_owned()];
        let coverage = Coverage { file, scenarios: folder.0.clone(), players, ..Coverage::default() };
        (coverage, folder)
    }

    #[test]
    fn a_covered_scenario_is_no_gap() {
        let (mut coverage, _folder) = coverage(0);
        coverage.operations = vec!["ListSync".to_owned()];
        coverage.kinds = vec!["server".to_owned(), "timeout".to_owned()];
        assert_eq!(coverage.gaps().unwrap(), [""; 0]);
    }

    #[test]
    fn each_gap_is_reported() {
        let (mut coverage, _folder) = coverage(0);
        coverage.players.push("swift".to_owned());
        coverage.operations = vec!["TriggerRun".to_owned()];
        coverage.kinds = vec!["tls".to_owned()];
        coverage.answers = vec!["ListSync 200".to_owned(), "ListSync 404".to_owned()];
        assert_eq!(
            coverage.gaps().unwrap(),
            [
                "node has not called the operation TriggerRun.",
                "node has not met an error of the kind tls.",
                "node has not been answered with ListSync 404.",
                "swift has not played the scenario a-list-fails.",
                "swift has not called the operation TriggerRun.",
                "swift has not met an error of the kind tls.",
                "swift has not been answered with ListSync 200.",
                "swift has not been answered with ListSync 404.",
            ]
        );
    }

    #[test]
    fn the_document_declares_a_success_errors_and_errors_under_a_good_status() {
        let declared = declared_answers();
        for answer in ["ListSync 200", "CreateSync 409", "CreateSync 200 validation", "RunFlow 200 null"] {
            assert!(declared.iter().any(|one| one == answer), "{answer}");
        }
        assert!(!declared.iter().any(|one| one == "ListSync 404"));
    }

    #[test]
    fn a_play_with_complaints_does_not_count() {
        let (coverage, _folder) = coverage(1);
        assert_eq!(coverage.gaps().unwrap(), ["node has not played the scenario a-list-fails."]);
    }

    #[test]
    fn a_catalogue_names_operations_and_kinds() {
        let text = json!({"operationIds": ["ListSync"], "kinds": [{"name": "tls", "doc": "d"}], "types": []});
        let catalogue: Catalogue = serde_json::from_value(text).unwrap();
        assert_eq!((catalogue.operation_ids, catalogue.kinds), (vec!["ListSync".into()], vec!["tls".into()]));
        assert!(serde_json::from_value::<Catalogue>(json!({"kinds": []})).is_err());
    }

    #[test]
    fn a_folder_without_scenarios_covers_nothing() {
        let (mut coverage, _folder) = coverage(0);
        coverage.scenarios = coverage.scenarios.join("none");
        std::fs::create_dir_all(&coverage.scenarios).unwrap();
        assert_eq!(coverage.gaps().unwrap().len(), 1);
    }
}
