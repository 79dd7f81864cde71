//! Reads all scenarios: the files of a folder, the expanded entries of its table of operations, and one scenario for
//! each recorded answer in the neighbouring folder `fixtures`.

mod fixtures;
mod repeat;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::Error;
#[cfg(test)]
pub(crate) use table::Entry;

/// Returns every scenario by its id: the files of the folder, the expanded entries of its `table`, and one scenario for
/// each answer in the folder `fixtures` beside `folder`.
pub fn scenarios(folder: &Path) -> Result<BTreeMap<String, Value>, Error> {
    let mut found = BTreeMap::new();
    for path in json_files(folder)? {
        let scenario = repeat::written_out(read(&path)?)
            .map_err(|what| Error::mistake(format!("{}: {what}", path.display())))?;
        found.insert(stem(&path), scenario);
    }
    let recorded = folder.join("../fixtures");
    let of_fixtures = fixtures::read(&recorded)?.into_iter().map(|fixture| fixture.expand(&recorded));
    let of_table = table_entries(folder)?.into_iter().map(|entry| entry.expand());
    for expanded in of_table.chain(of_fixtures) {
        let (id, scenario) = expanded?;
        if found.insert(id.clone(), scenario).is_some() {
            return Err(Error::mistake(format!("There are two scenarios with the id {id}.")));
        }
    }
    Ok(found)
}

/// Writes all scenarios of a folder to another folder, and removes all other JSON files from that folder. Returns the
/// number of scenarios.
pub fn write_scenarios(from: &Path, to: &Path) -> Result<usize, Error> {
    fs::create_dir_all(to)?;
    if fs::canonicalize(from)? == fs::canonicalize(to)? {
        return Err(Error::mistake("The two folders must not be the same.".to_owned()));
    }
    let scenarios = scenarios(from)?;
    for path in json_files(to)? {
        if !scenarios.contains_key(&stem(&path)) {
            fs::remove_file(path)?;
        }
    }
    for (id, scenario) in &scenarios {
        let text = serde_json::to_string_pretty(scenario)? + "\n";
        let path = to.join(format!("{id}.json"));
        // An unchanged file keeps its modification time, so that nothing is rebuilt.
        if fs::read_to_string(&path).ok().as_ref() != Some(&text) {
            fs::write(path, text)?;
        }
    }
    Ok(scenarios.len())
}

pub(crate) fn table_entries(folder: &Path) -> Result<Vec<table::Entry>, Error> {
    let table = folder.join("table");
    let mut entries: Vec<table::Entry> = Vec::new();
    let mut seen = BTreeSet::new();
    if table.is_dir() {
        for path in json_files(&table)? {
            entries.extend(serde_json::from_value::<Vec<table::Entry>>(read(&path)?)?);
        }
    }
    match entries.iter().find(|entry| !seen.insert(entry.operation.clone())) {
        Some(twice) => Err(Error::mistake(format!("The table has two entries for {}.", twice.operation))),
        None => Ok(entries),
    }
}

fn read(path: &Path) -> Result<Value, Error> {
    let text = fs::read_to_string(path)?;
    serde_json::from_str(&text).map_err(|error| Error::mistake(format!("{}: {error}", path.display())))
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn json_files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::document::DOCUMENT;
    use crate::temporary::Folder;

    fn own() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
    }

    #[test]
    fn every_operation_has_its_scenario() {
        let scenarios = scenarios(&own()).unwrap();
        for operation in DOCUMENT.operations() {
            assert!(scenarios.contains_key(&format!("operation-{}", operation.id)), "{}", operation.id);
        }
    }

    #[test]
    fn stale_files_go_and_others_stay() {
        let folder = Folder::new("scenarios");
        let (from, to) = (folder.0.join("from"), folder.0.join("to"));
        fs::create_dir_all(from.join("table")).unwrap();
        fs::create_dir_all(&to).unwrap();
        let entry = json!([{"operation": "GetSync", "call": "syncs.get", "args": {"sync": 1}, "expect": {}}]);
        fs::write(from.join("table/a.json"), entry.to_string()).unwrap();
        fs::write(from.join("own.json"), "{}").unwrap();
        fs::write(to.join("stale.json"), "{}").unwrap();
        fs::write(to.join("README.md"), "").unwrap();
        assert_eq!(write_scenarios(&from, &to).unwrap(), 2);
        let mut left: Vec<_> = fs::read_dir(&to)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, ["README.md", "operation-GetSync.json", "own.json"]);
        assert!(write_scenarios(&from, &from).is_err());
    }
}
