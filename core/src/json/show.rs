//! Writes changes as text for people: one line for each change, the same in every language.

use std::fmt;

use super::diff::JsonChange;
use super::path::JsonStep;
use crate::text::visible;

/// A line shows at most this many characters of a value or a name.
const LONGEST: usize = 60;
/// How many equal characters a line shows before the first difference of two long values.
const BEFORE: usize = 12;
const CUT: &str = "...";

pub(super) fn path(to: &mut impl fmt::Write, steps: &[JsonStep]) -> fmt::Result {
    if steps.is_empty() {
        return to.write_str("(the whole value)");
    }
    for (depth, step) in steps.iter().enumerate() {
        match step {
            JsonStep::Index(index) => write!(to, "[{index}]")?,
            JsonStep::Name(name) if is_plain(name) => {
                write!(to, "{}{name}", if depth == 0 { "" } else { "." })?;
            }
            JsonStep::Name(name) => {
                let quoted = serde_json::to_string(name).map_err(|_| fmt::Error)?;
                write!(to, "[{}]", shortened(&visible(&quoted)))?;
            }
        }
    }
    Ok(())
}

fn is_plain(name: &str) -> bool {
    let starts = name.starts_with(|first: char| first.is_alphabetic() || matches!(first, '_' | '$'));
    let of_word = |character: char| character.is_alphanumeric() || matches!(character, '_' | '$' | '-');
    starts && name.chars().all(of_word) && name.chars().nth(LONGEST).is_none()
}

/// Writes a change as one line: `~ mappings[0].to: "Email__c" -> "Email"`. The line of an added value begins with `+`,
/// that of a removed value with `-`.
pub(super) fn change(to: &mut impl fmt::Write, change: &JsonChange) -> fmt::Result {
    let text = |json: &Option<super::Json>| json.as_ref().map(|json| visible(&compact(json.get())));
    let (old, new) = (text(&change.old), text(&change.new));
    to.write_str(match (&old, &new) {
        (None, _) => "+ ",
        (_, None) => "- ",
        _ => "~ ",
    })?;
    path(to, change.path.steps())?;
    match (old, new) {
        (Some(old), Some(new)) => {
            let (old, new) = beside(&old, &new);
            write!(to, ": {old} -> {new}")
        }
        (old, new) => write!(to, ": {}", shortened(&old.or(new).unwrap_or_default())),
    }
}

/// Shortens two values so that their first difference stays visible.
fn beside(old: &str, new: &str) -> (String, String) {
    if old.chars().nth(LONGEST).is_none() && new.chars().nth(LONGEST).is_none() {
        return (old.to_owned(), new.to_owned());
    }
    let same = old.chars().zip(new.chars()).take_while(|(one, other)| one == other).count();
    let skipped = same.saturating_sub(BEFORE);
    if skipped <= CUT.len() {
        return (shortened(old), shortened(new));
    }
    let cut = |text: &str| format!("{CUT}{}", shortened(&text.chars().skip(skipped).collect::<String>()));
    (cut(old), cut(new))
}

fn shortened(text: &str) -> String {
    if text.chars().nth(LONGEST).is_none() {
        return text.to_owned();
    }
    text.chars().take(LONGEST - CUT.len()).chain(CUT.chars()).collect()
}

/// Removes the white space between the parts of valid JSON.
fn compact(json: &str) -> String {
    let (mut is_string, mut is_escaped) = (false, false);
    json.chars()
        .filter(|character| {
            if is_escaped {
                is_escaped = false;
            } else if is_string && *character == '\\' {
                is_escaped = true;
            } else if *character == '"' {
                is_string = !is_string;
            }
            is_string || !matches!(character, ' ' | '\n' | '\r' | '\t')
        })
        .collect()
}
