//! Where the sandbox knows more than the vendor's document, which itself stays as it came.

use serde::Deserialize;
use serde_json::Value;

const SOURCE: &str = include_str!("../../amendments.json");

/// One place of the document that is set to something else.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Amendment {
    /// Why the document is not followed here; for whoever reads the file.
    #[cfg_attr(not(test), expect(dead_code, reason = "only a test asks that each has one"))]
    why: String,
    /// A JSON pointer; what it points into is there, and `-` stands for the end of a list.
    at: String,
    set: Value,
}

fn all() -> Vec<Amendment> {
    serde_json::from_str(SOURCE).unwrap_or_default()
}

pub(super) fn apply(document: &mut Value) {
    for amendment in all() {
        let Some((parent, last)) = amendment.at.rsplit_once('/') else { continue };
        match document.pointer_mut(parent) {
            Some(Value::Object(members)) => {
                members.insert(last.replace("~1", "/"), amendment.set);
            }
            Some(Value::Array(items)) => items.push(amendment.set),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_amendment_has_a_reason_and_a_place_in_the_document() {
        let document: Value = serde_json::from_str(super::super::SOURCE).unwrap();
        let amendments: Vec<Amendment> = serde_json::from_str(SOURCE).unwrap();
        assert!(amendments.len() > 5);
        for amendment in amendments {
            assert!(amendment.why.len() > 20, "{}", amendment.at);
            let (parent, _) = amendment.at.rsplit_once('/').unwrap();
            assert!(document.pointer(parent).is_some(), "{}", amendment.at);
        }
    }

    #[test]
    fn applying_them_changes_every_place() {
        let mut document: Value = serde_json::from_str(super::super::SOURCE).unwrap();
        let before = document.clone();
        apply(&mut document);
        for amendment in all().iter().filter(|amendment| !amendment.at.ends_with('-')) {
            assert_eq!(document.pointer(&amendment.at), Some(&amendment.set));
            assert_ne!(before.pointer(&amendment.at), Some(&amendment.set), "{} is needless", amendment.at);
        }
    }
}
