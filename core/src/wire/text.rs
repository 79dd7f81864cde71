//! Opaque JSON as text, for hosts whose decoders would make a tree of it at once and lose digits on the way.
//!
//! With the setting `jsonText`, `{"$json": ["…"]}` stands for the JSON that the string holds: in answers and in failures
//! for every opaque value, in arguments wherever a host writes it. No value of ours looks like that: names of members are
//! known but in maps, and no map holds lists.

use std::borrow::Cow;
use std::io;

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;
use serde_json::value::RawValue;

use crate::error::{Error, Kind};

/// In valid JSON these bytes are what they seem wherever they stand: inside a string the quotes would be escaped.
const OPEN: &str = "{\"$json\":[";
const CLOSE: &str = "]}";

/// JSON of a value, its opaque parts as text where that is asked for.
pub(super) fn written(value: &impl Serialize, as_text: bool) -> serde_json::Result<Vec<u8>> {
    if !as_text {
        return serde_json::to_vec(value);
    }
    let mut body = Vec::with_capacity(128);
    value.serialize(&mut Serializer::with_formatter(&mut body, AsText))?;
    Ok(body)
}

/// Writes what is raw as text.
struct AsText;

impl Formatter for AsText {
    fn write_raw_fragment<W: ?Sized + io::Write>(&mut self, to: &mut W, fragment: &str) -> io::Result<()> {
        to.write_all(OPEN.as_bytes())?;
        serde_json::to_writer(&mut *to, fragment)?;
        to.write_all(CLOSE.as_bytes())
    }
}

/// Arguments with the JSON itself where a host wrote it as text.
///
/// # Errors
/// Kind `invalid_request` where such a text is not one JSON value: it must not reach beyond its place.
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
    Error::new(Kind::InvalidRequest, "what is given as the text of JSON is not JSON. Nothing was sent")
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
            let crossed = String::from_utf8(written(&value, true).unwrap()).unwrap();
            let marked: Value = serde_json::from_str(&crossed).unwrap();
            assert_eq!(marked, json!({ "configuration": [{ "$json": [text] }] }));
            assert_eq!(spliced(&crossed).unwrap(), format!("{{\"configuration\":[{text}]}}"));
        }
    }

    /// What looks like the mark inside a string is a part of the string.
    #[test]
    fn a_mark_within_a_string_is_text() {
        let args =
            json!({ "a": "{\"$json\":[\"1\"]}", "b": { "$json": ["\"{\\\"$json\\\":[\""] } }).to_string();
        assert_eq!(spliced(&args).unwrap(), r#"{"a":"{\"$json\":[\"1\"]}","b":"{\"$json\":["}"#);
    }

    /// A text that closes the object around it could add arguments that nobody gave.
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

    /// Hosts read a run that failed out of the text of `details`, in which nothing is marked.
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
    fn no_value_of_ours_looks_like_the_mark() {
        let catalogue: Value = serde_json::from_str(&catalogue()).unwrap();
        let text = catalogue.to_string();
        assert!(!text.contains("\"wire\":\"$json\""));
        assert!(text.contains("{\"map\":") && !text.contains("{\"map\":{\"list\":"));
    }
}
