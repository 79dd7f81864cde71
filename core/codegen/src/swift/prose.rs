//! Formats doc comments.

use crate::prose::wrap;

/// The longest line, in characters.
pub(super) const WIDTH: usize = 120;

/// Formats a doc comment, indented by `indent` spaces, without a line break at its end.
pub(super) fn doc(text: &str, indent: usize) -> String {
    prose(text, &format!("{}///", " ".repeat(indent)), 0)
}

/// Formats a list item (`- name: text`) of a doc comment, `depth` spaces from the `///`. Each line but the first is
/// indented by two more spaces.
pub(super) fn margin(item: &str, indent: usize, depth: usize) -> String {
    prose(item, &format!("{}///{}", " ".repeat(indent), " ".repeat(depth)), 2)
}

/// Rewords the doc of a number of milliseconds for Swift, where the type is `Duration`.
pub(super) fn in_milliseconds(text: &str) -> String {
    let text = text.replace(", in milliseconds", "");
    match text.split_once(" by default") {
        Some((before, after)) if before.ends_with(|last: char| last.is_ascii_digit()) => {
            format!("{before} ms by default{after}")
        }
        _ => text,
    }
}

/// Replaces the word null in a doc by Swift's spelling, such as `nil`. The argument `null` is this spelling.
pub(super) fn with_null(text: &str, null: &str) -> String {
    let words = text.split(' ').map(|word| if word.eq_ignore_ascii_case("null") { null } else { word });
    words.collect::<Vec<_>>().join(" ")
}

fn prose(text: &str, prefix: &str, hanging: usize) -> String {
    wrap(text, WIDTH, &format!("{prefix} "), &format!("{prefix} {}", " ".repeat(hanging)))
}
