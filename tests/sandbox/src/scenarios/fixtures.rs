//! Turns each recorded answer into a scenario: the server answers with the text of the file, and the call must return
//! the values that the index names.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::Error;

/// One line of `tests/fixtures/index.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fixture {
    /// The answer's file, below the folder of the index.
    file: String,
    operation: String,
    call: String,
    args: Value,
    /// The status of the answer; 200 by default.
    #[serde(default = "good")]
    status: u16,
    /// The body that the request must have. The vendor shows this body beside the answer.
    sent: Option<Value>,
    expect: Value,
}

fn good() -> u16 {
    200
}

/// Returns the fixtures of a folder, or none if the folder has no index.
pub(super) fn read(folder: &Path) -> Result<Vec<Fixture>, Error> {
    let index = folder.join("index.json");
    if index.is_file() { Ok(serde_json::from_value(super::read(&index)?)?) } else { Ok(Vec::new()) }
}

impl Fixture {
    /// Returns the id of the scenario and the scenario.
    pub(super) fn expand(&self, folder: &Path) -> Result<(String, Value), Error> {
        let text = fs::read_to_string(folder.join(&self.file))?;
        let headers = json!({"content-type": "application/json"});
        let mut script =
            vec![self.scripted(1, &json!({"status": self.status, "headers": headers, "text": text}))];
        if let Some(end) = end_of_list(&text) {
            script.push(self.scripted(2, &json!({"headers": headers, "text": end})));
        }
        let mut wire = Map::from_iter([("counts".to_owned(), json!({&self.operation: script.len()}))]);
        wire.extend(self.sent.as_ref().map(|sent| ("each".to_owned(), json!({"body": sent}))));
        let scenario = json!({
            "name": format!("The answer in {} is read", self.file),
            "world": {"script": script},
            "steps": [{"call": self.call, "args": self.args, "expect": self.expect}],
            "wire": wire,
        });
        Ok((
            format!("fixture-{}", self.file.trim_end_matches(".json").replace(['/', '.', '_'], "-")),
            scenario,
        ))
    }

    fn scripted(&self, nth: usize, answer: &Value) -> Value {
        json!({"when": {"operation": self.operation, "nth": nth}, "answer": answer})
    }
}

/// Returns the page that follows the page `text`. The new page repeats the last row of `text` exactly as the server
/// wrote it, because the pages that the SDK reads overlap by a row. Returns `None` if `text` is no page, is empty or
/// says that it is the last page.
fn end_of_list(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Page<'a> {
        #[serde(borrow)]
        data: Vec<&'a RawValue>,
        has_more: Option<bool>,
    }
    let page: Page<'_> = serde_json::from_str(text).ok()?;
    let last = page.data.last().filter(|_| page.has_more != Some(false))?;
    Some(format!("{{\"data\": [{}], \"hasMore\": false}}", last.get()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn folder() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
    }

    #[test]
    fn every_answer_in_the_folder_is_in_the_index() {
        let known: BTreeSet<String> =
            read(&folder()).unwrap().into_iter().map(|fixture| fixture.file).collect();
        let mut found = BTreeSet::new();
        for group in
            fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir())
        {
            for file in fs::read_dir(&group).unwrap().map(|entry| entry.unwrap().file_name()) {
                let name =
                    format!("{}/{}", group.file_name().unwrap().to_str().unwrap(), file.to_str().unwrap());
                if !name.ends_with(".request.json") {
                    found.insert(name);
                }
            }
        }
        assert_eq!(known, found);
        assert!(known.len() >= 66, "only {} answers", known.len());
    }

    #[test]
    fn a_page_that_does_not_say_that_it_is_the_last_is_followed_by_its_last_row() {
        let end = Some(r#"{"data": [{"id" : 2}], "hasMore": false}"#.to_owned());
        assert_eq!(end_of_list(r#"{"data": [{"id" : 1}, {"id" : 2}]}"#), end);
        assert_eq!(end_of_list(r#"{"data": [{"id" : 2}], "hasMore": true}"#), end);
        assert_eq!(end_of_list(r#"{"data": [{}], "hasMore": false}"#), None);
        assert_eq!(end_of_list(r#"{"data": []}"#), None);
        assert_eq!(end_of_list(r#"{"id": 1}"#), None);
    }
}
