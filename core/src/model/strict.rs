//! What a host hands over is read strictly: a misspelt or ill-typed name is an error with its path.

use serde::de::DeserializeOwned;

use crate::error::{Error, Kind};

/// What is repeated of a name that is unknown; anything longer, or with other characters, is no misspelt name.
const LONGEST_NAME: usize = 64;

fn is_plain(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '_' | '-')
}

/// Reads a JSON object; empty text counts as `{}`.
pub(crate) fn read<T: DeserializeOwned>(what: &str, text: &str, kind: Kind) -> Result<T, Error> {
    match text.trim_start() {
        "" => value(what, "{}", kind),
        // Serde would take a list for a struct, member by member.
        object if object.starts_with('{') => value(what, object, kind),
        _ => Err(Error::new(kind, format!("{what}: not a JSON object; nothing was sent"))),
    }
}

/// Reads any JSON value.
pub(crate) fn value<T: DeserializeOwned>(what: &str, text: &str, kind: Kind) -> Result<T, Error> {
    let mut from = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut from).map_err(|error| {
        let path = match error.path().to_string() {
            path if path == "." => what.to_owned(),
            path if path.chars().all(|char| is_plain(char) || matches!(char, '.' | '[' | ']')) => {
                format!("{what}.{path}")
            }
            _ => format!("{what}, under a name that is none"),
        };
        Error::new(
            kind,
            format!("{path}: {}; nothing was sent", without_values(&error.into_inner().to_string())),
        )
    })?;
    from.end()
        .map_err(|_| Error::new(kind, format!("{what}: more than one JSON value; nothing was sent")))?;
    Ok(value)
}

/// Serde quotes the text that it found in place of something else; it may be a secret.
pub(super) fn without_values(message: &str) -> String {
    let message = placeless(message);
    if let Some((name, after)) = unknown_name(message)
        && !(name.len() <= LONGEST_NAME && name.chars().all(is_plain))
    {
        return format!("an unknown name that is none, {after}");
    }
    let Some(start) = message.find("string \"") else { return without_number(message) };
    let (before, quoted) = message.split_at(start);
    let after = quoted.rfind("\", ").and_then(|end| quoted.get(end + 1..)).unwrap_or_default();
    format!("{before}a string{after}")
}

/// What `serde_json` says, without the line and column that it ends with.
pub(super) fn placeless(message: &str) -> &str {
    message.rsplit_once(" at line ").map_or(message, |(message, _)| message)
}

/// The name that serde found unknown, and what it knows; from the end, since the name may hold anything.
fn unknown_name(message: &str) -> Option<(&str, &str)> {
    let rest =
        message.strip_prefix("unknown field `").or_else(|| message.strip_prefix("unknown variant `"))?;
    let end = rest.rfind("`, expected ").or_else(|| rest.rfind("`, there are no "))?;
    Some((rest.get(..end)?, rest.get(end + "`, ".len()..)?))
}

/// A key of digits alone would come as a number. With some features of `serde_json` the number is not named, so the
/// sentence is the same for all.
fn without_number(message: &str) -> String {
    let found = message.strip_prefix("invalid type: ").and_then(|found| found.split_once(", expected "));
    match found {
        Some((found, expected))
            if ["number", "integer `", "floating point `"].iter().any(|kind| found.starts_with(kind)) =>
        {
            format!("invalid type: a number, expected {expected}")
        }
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Options;
    use crate::config::Settings;

    fn message<T: DeserializeOwned>(text: &str) -> String {
        match read::<T>("options", text, Kind::InvalidRequest) {
            Ok(_) => panic!("{text} must be refused"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_misspelt_name_is_an_error_that_names_what_is_there() {
        let message = message::<Options>(r#"{"timeoutMS": 5}"#);
        assert!(message.contains("timeoutMS") && message.contains("timeoutMs"), "{message}");
    }

    #[test]
    fn an_ill_typed_value_is_an_error_with_its_path() {
        assert!(
            message::<Options>(r#"{"headers": {"a": 7}}"#).starts_with("options.headers.a: invalid type")
        );
        assert!(message::<Options>(r#"{"timeoutMs": -1}"#).starts_with("options.timeoutMs: invalid value"));
        assert!(
            message::<Options>(r#"{"timeoutMs": null}"#).starts_with("options.timeoutMs: invalid type: null")
        );
    }

    #[test]
    fn what_was_found_in_the_wrong_place_is_not_repeated() {
        let message = message::<Settings>(r#"{"timeoutMs": "the \", key"}"#);
        assert!(!message.contains("key"), "{message}");
        assert!(message.contains("a string, expected u64"), "{message}");
        let message = super::tests::message::<Settings>(r#"{"apiKey": 123456}"#);
        assert!(!message.contains("123456") && message.contains("expected"), "{message}");
    }

    /// A key that slipped into the place of a name is no misspelt name.
    #[test]
    fn an_unknown_name_that_can_be_none_is_not_repeated() {
        let message = message::<Settings>(r#"{"a`, expected canary": 1}"#);
        assert!(!message.contains("canary") && message.contains("expected one of `apiKey`"), "{message}");
        let message = super::tests::message::<Settings>(r#"{"environment": {"the canary": 1}}"#);
        assert!(!message.contains("canary"), "{message}");
    }

    #[test]
    fn nothing_at_all_is_an_empty_object() {
        assert_eq!(read::<Options>("options", " ", Kind::InvalidRequest).ok(), Some(Options::default()));
    }
}
