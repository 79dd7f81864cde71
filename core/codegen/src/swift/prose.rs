//! Doc comments.

use super::spell::camel;
use crate::prose::wrap;

/// The longest line.
pub(super) const WIDTH: usize = 120;

/// A doc comment, indented by `indent` spaces, without a line break at its end.
pub(super) fn doc(text: &str, indent: usize) -> String {
    prose(text, &format!("{}///", " ".repeat(indent)), 0)
}

/// A list item (`- name: text`) of a doc comment. Its later lines are indented further.
pub(super) fn margin(item: &str, indent: usize, depth: usize) -> String {
    prose(item, &format!("{}///{}", " ".repeat(indent), " ".repeat(depth)), 2)
}

/// The last sentence of the doc of a deprecated operation, which says what to use instead, for a string literal.
pub(super) fn instead(text: &str) -> String {
    let last = text.trim_end_matches('.').rsplit(['.', ';']).next().unwrap_or_default();
    last.trim().replace(['`', '"', '\\'], "")
}

/// The doc of a number of milliseconds, reworded for a duration.
pub(super) fn in_milliseconds(text: &str) -> String {
    let text = text.replace(", in milliseconds", "");
    match text.split_once(" by default") {
        Some((before, after)) if before.ends_with(|last: char| last.is_ascii_digit()) => {
            format!("{before} ms by default{after}")
        }
        _ => text,
    }
}

/// The doc of an argument that may be null, with the word for null as Swift writes it.
pub(super) fn with_null(text: &str, null: &str) -> String {
    let words = text.split(' ').map(|word| if word.eq_ignore_ascii_case("null") { null } else { word });
    words.collect::<Vec<_>>().join(" ")
}

fn prose(text: &str, prefix: &str, hanging: usize) -> String {
    wrap(&swift_names(text), WIDTH, &format!("{prefix} "), &format!("{prefix} {}", " ".repeat(hanging)))
}

/// Changes names in backticks to camelCase, as Swift writes them.
fn swift_names(text: &str) -> String {
    let parts: Vec<String> = text
        .split('`')
        .enumerate()
        .map(|(index, part)| {
            let snake = part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            if index % 2 == 1 && snake { camel(part) } else { part.to_owned() }
        })
        .collect();
    parts.join("`")
}
