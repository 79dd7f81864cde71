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
