//! Passes opaque JSON through the door (the core's JSON interface) as text. Some host languages need this, because
//! their JSON decoders would lose digits of large numbers.
//!
//! With the setting `jsonText`, a mark replaces each opaque value. There are two marks:
//! * `{"$json": ["…"]}`: the string holds the JSON. Used in heads, failures, arguments, and bodies with little opaque
//!   JSON.
//! * `{"$json": [12, 40]}`: the JSON is the bytes from 12 up to 40 of a text that comes with the body. Used in bodies
//!   with much opaque JSON, because this text needs no escapes.
//!
//! No typed value looks like a mark: only a map could have a member `$json`, and no map holds lists.

use std::borrow::Cow;
use std::io::Write as _;

use serde_json::value::RawValue;

use crate::error::{Error, Kind};
use crate::model::Written;

/// The start of a mark. In the JSON of a result, only marks begin with these bytes: inside a string, the quotes would
/// be escaped.
const OPEN: &str = "{\"$json\":[";
const CLOSE: &str = "]}";

/// Replaces each opaque value (JSON that the API leaves open) with a mark that holds the value's JSON as a string.
pub(super) fn marked(written: &Written) -> Vec<u8> {
    written.with(|to, part| {
        to.extend_from_slice(OPEN.as_bytes());
        // Writing cannot fail, because a vector takes every byte and the part is UTF-8.
        let _ = serde_json::to_writer(&mut *to, str::from_utf8(part).unwrap_or_default());
        to.extend_from_slice(CLOSE.as_bytes());
    })
}

/// Up to this many bytes of opaque JSON stay in the body, as escaped strings. A host reads so few bytes faster in this
/// form than as a second text.
const FEW: usize = 4096;

/// Replaces each opaque value of a body (JSON that the API leaves open) with a mark. Returns the body, and the text to
/// which the marks refer by ranges. This text is empty if the marks hold the values themselves.
pub(super) fn passed(written: Written) -> (Vec<u8>, Vec<u8>) {
    if written.opaque.is_empty() {
        return (written.text, Vec::new());
    }
    let opaque: usize = written.opaque.iter().map(ExactSizeIterator::len).sum();
    if opaque <= FEW { (marked(&written), Vec::new()) } else { split(&written) }
}

/// Replaces each opaque value with a mark that holds a range. Returns the JSON, and the text of the opaque values, to
/// which the ranges refer.
fn split(written: &Written) -> (Vec<u8>, Vec<u8>) {
    let mut texts = Vec::with_capacity(written.opaque.iter().map(ExactSizeIterator::len).sum());
    let body = written.with(|to, part| {
        let start = texts.len();
        texts.extend_from_slice(part);
        let _ = write!(to, "{OPEN}{start},{}{CLOSE}", texts.len());
    });
    (body, texts)
}

/// Replaces each mark (`{"$json":["…"]}`) in the arguments with the JSON that the mark holds.
///
/// # Errors
/// Kind `invalid_request` if a mark does not hold exactly one JSON value, because any other text could change the
/// arguments around the mark.
pub(super) fn spliced(args: &str) -> Result<Cow<'_, str>, Error> {
    if !args.contains(OPEN) {
        return Ok(Cow::Borrowed(args));
    }
    let mut whole = String::with_capacity(args.len());
    let mut rest = args;
    while let Some((before, marked)) = rest.split_once(OPEN) {
        whole.push_str(before);
        let mut from = serde_json::Deserializer::from_str(marked).into_iter::<String>();
        let read = from.next().and_then(Result::ok);
        let after = marked.get(from.byte_offset()..).and_then(|after| after.strip_prefix(CLOSE));
        let (Some(text), Some(after)) = (read, after) else { return Err(broken()) };
        serde_json::from_str::<&RawValue>(&text).map_err(|_| broken())?;
        whole.push_str(&text);
        rest = after;
    }
    whole.push_str(rest);
    Ok(Cow::Owned(whole))
}

fn broken() -> Error {
    Error::new(Kind::InvalidRequest, "a text that was passed as JSON is not valid JSON. Nothing was sent")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::json::Json;
    use crate::wire::catalogue;

    #[test]
    fn opaque_json_crosses_to_the_letter_and_back() {
        for text in [
            "1e400",
            "123456789012345678901234567890",
            "{ \"a\\u0041\" : [ 1.50 , null ] }",
            "\"]}\"",
            "null",
        ] {
            let json: Json = serde_json::from_str(text).unwrap();
            let value = std::collections::BTreeMap::from([("configuration", vec![json])]);
            let written = Written::of(&value).unwrap();
            let crossed = String::from_utf8(marked(&written)).unwrap();
            let read: Value = serde_json::from_str(&crossed).unwrap();
            assert_eq!(read, json!({ "configuration": [{ "$json": [text] }] }));
            assert_eq!(spliced(&crossed).unwrap(), format!("{{\"configuration\":[{text}]}}"));
            let mut twice = Written::from(b"[".to_vec());
            for after in [b',', b']'] {
                twice.append(&written, 0..written.text.len(), 0..written.opaque.len());
                twice.text.push(after);
            }
            let (body, texts) = split(&twice);
            let places = |from: usize| json!({ "configuration": [{ "$json": [from, from + text.len()] }] });
            assert_eq!(
                serde_json::from_slice::<Value>(&body).unwrap(),
                json!([places(0), places(text.len())])
            );
            assert_eq!(texts, [text, text].concat().as_bytes());
        }
    }

    #[test]
    fn a_body_holds_few_opaque_bytes_itself() {
        for (length, is_apart) in [(0, false), (FEW - 2, false), (FEW - 1, true)] {
            let json: Json = serde_json::from_str(&format!("\"{}\"", "x".repeat(length))).unwrap();
            let (body, texts) = passed(Written::of(&vec![json]).unwrap());
            assert_eq!(!texts.is_empty(), is_apart, "{length}");
            let read: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(read[0]["$json"].as_array().unwrap().len(), if is_apart { 2 } else { 1 });
        }
    }

    /// Inside a string, text that looks like a mark (`{"$json":["…"]}`) stays text.
    #[test]
    fn a_mark_within_a_string_is_text() {
        let args =
            json!({ "a": "{\"$json\":[\"1\"]}", "b": { "$json": ["\"{\\\"$json\\\":[\""] } }).to_string();
        assert_eq!(spliced(&args).unwrap(), r#"{"a":"{\"$json\":[\"1\"]}","b":"{\"$json\":["}"#);
    }

    /// A user's text replaces the mark `{"$json":["…"]}` in the arguments. Without a check, this text could close the
    /// object around the mark and add arguments.
    #[test]
    fn text_that_is_not_one_json_value_is_refused() {
        for text in ["", "1,2", "1}, \"full\": {\"x\": 2", "{", "tru", "NaN", "1 2"] {
            let args = json!({ "a": { "$json": [text] } }).to_string();
            assert_eq!(spliced(&args).unwrap_err().kind(), Kind::InvalidRequest, "{text}");
        }
        for args in [r#"{"a":{"$json":[1]}}"#, r#"{"a":{"$json":["1","2"]}}"#, r#"{"a":{"$json":["1"#] {
            assert_eq!(spliced(args).unwrap_err().kind(), Kind::InvalidRequest, "{args}");
        }
    }

    /// A host decodes the state of a failed run from the text of an error's `details`. There, no mark
    /// (`{"$json":["…"]}`) protects opaque JSON (JSON that the API leaves open), and the host's parser could change
    /// large numbers. So the state must hold no opaque JSON.
    #[test]
    fn the_state_of_a_run_holds_nothing_opaque() {
        let catalogue: Value = serde_json::from_str(&catalogue()).unwrap();
        let types = catalogue["types"].as_array().unwrap();
        let mut names = vec!["SyncRun".to_owned(), "SequenceRun".to_owned(), "IdentityGraphRun".to_owned()];
        let mut seen = 0;
        while let Some(name) = names.get(seen).cloned() {
            let text = types.iter().find(|of| of["name"] == name.as_str()).unwrap().to_string();
            assert!(!text.contains("\"type\":\"json\"") && !text.contains("\"shape\":\"union\""), "{name}");
            let inner = text.split("\"ref\":\"").skip(1).filter_map(|rest| rest.split('"').next());
            let more: Vec<String> =
                inner.map(ToOwned::to_owned).filter(|name| !names.contains(name)).collect();
            names.extend(more);
            seen += 1;
        }
        assert!(names.len() > 5, "{names:?}");
    }

    #[test]
    fn no_typed_value_looks_like_a_mark() {
        let catalogue: Value = serde_json::from_str(&catalogue()).unwrap();
        let text = catalogue.to_string();
        assert!(!text.contains("\"wire\":\"$json\""));
        assert!(text.contains("{\"map\":") && !text.contains("{\"map\":{\"list\":"));
    }
}
