//! Amendments of the vendor's document: corrections, missing facts, and rules of the sandbox that are stricter than the
//! document. The file `openapi.json` stays as the vendor wrote it, except for its prose.

use serde::Deserialize;
use serde_json::Value;

const SOURCE: &str = include_str!("../../amendments.json");

/// A change to one or more places of the document.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Amendment {
    /// The reason for the amendment, for readers of the file.
    #[cfg_attr(not(test), expect(dead_code, reason = "only a test reads it"))]
    why: String,
    /// A JSON pointer to the value to set; the parent of the value must exist. `-` stands for the end of a list, and
    /// `*` for every member of an object. Any other segment in a list selects the elements with this `name`.
    at: String,
    set: Value,
}

fn all() -> Vec<Amendment> {
    serde_json::from_str(SOURCE).unwrap_or_default()
}

pub(super) fn apply(document: &mut Value) {
    for amendment in all() {
        amendment.apply(document);
    }
}

impl Amendment {
    /// Changes the document. Returns the number of changed places.
    fn apply(&self, document: &mut Value) -> usize {
        let segments: Vec<String> =
            self.at.split('/').skip(1).map(|segment| segment.replace("~1", "/").replace("~0", "~")).collect();
        set(document, &segments, &self.set)
    }
}

fn set(value: &mut Value, segments: &[String], to: &Value) -> usize {
    let Some((first, rest)) = segments.split_first() else { return 0 };
    match value {
        Value::Object(members) if first == "*" => {
            members.values_mut().map(|member| set(member, rest, to)).sum()
        }
        Value::Object(members) if rest.is_empty() => {
            let changed = members.insert(first.clone(), to.clone()).as_ref() != Some(to);
            usize::from(changed)
        }
        Value::Object(members) => members.get_mut(first).map_or(0, |member| set(member, rest, to)),
        Value::Array(items) if first == "-" => {
            items.push(to.clone());
            1
        }
        Value::Array(items) => {
            let named = items.iter_mut().filter(|item| super::text(item, "name") == *first);
            named.map(|item| set(item, rest, to)).sum()
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_amendment_has_a_reason_and_changes_the_document() {
        let document: Value = serde_json::from_str(super::super::SOURCE).unwrap();
        let amendments: Vec<Amendment> = serde_json::from_str(SOURCE).unwrap();
        assert!(amendments.len() > 5);
        for amendment in amendments {
            assert!(amendment.why.len() > 20, "{}", amendment.at);
            assert!(amendment.apply(&mut document.clone()) > 0, "{} changes nothing", amendment.at);
        }
    }

    #[test]
    fn an_amendment_of_all_lists_changes_each_of_them() {
        let mut document: Value = serde_json::from_str(super::super::SOURCE).unwrap();
        let at = "/paths/*/get/parameters/limit/schema/minimum".to_owned();
        let amendment = Amendment { why: String::new(), at, set: 0.into() };
        assert_eq!((amendment.apply(&mut document), amendment.apply(&mut document)), (10, 0));
    }

    /// RFC 6901 §4: `~1` is a slash and `~0` a tilde. So `~01` is the text `~1`, and not a slash.
    #[test]
    fn escapes_in_the_place_of_an_amendment_are_decoded() {
        for (segment, name) in [("a~1b", "a/b"), ("a~0b", "a~b"), ("a~01b", "a~1b")] {
            let mut document = serde_json::json!({});
            let amendment = Amendment { why: String::new(), at: format!("/{segment}"), set: 1.into() };
            assert_eq!((amendment.apply(&mut document), &document[name]), (1, &1.into()));
        }
    }
}
