//! Doc comments.

use std::fmt::Write as _;

use super::spell::camel;

/// Width of a line.
pub(super) const WIDTH: usize = 120;

/// A doc comment of `text`, `indent` spaces deep, without its last line break.
pub(super) fn doc(text: &str, indent: usize) -> String {
    prose(text, &format!("{}///", " ".repeat(indent)), 0)
}

/// The doc comment of an item of a list (`- name: text`), its further lines hanging.
pub(super) fn margin(item: &str, indent: usize, depth: usize) -> String {
    prose(item, &format!("{}///{}", " ".repeat(indent), " ".repeat(depth)), 2)
}

/// What to do instead, as a string literal holds it: the last part of the doc of what is deprecated.
pub(super) fn instead(text: &str) -> String {
    let last = text.rsplit(';').next().unwrap_or_default().trim();
    last.trim_end_matches('.').replace(['`', '"', '\\'], "")
}

/// What the catalogue says of a number of milliseconds, said of a time.
pub(super) fn in_milliseconds(text: &str) -> String {
    let text = text.replace("Milliseconds that", "Time that");
    match text.split_once(" when left out") {
        Some((before, after)) if before.ends_with(|last: char| last.is_ascii_digit()) => {
            format!("{before} ms when left out{after}")
        }
        _ => text,
    }
}

fn prose(text: &str, prefix: &str, hanging: usize) -> String {
    let text = swift_names(text);
    let mut lines = prefix.to_owned();
    let mut width = prefix.len();
    for (index, word) in text.split_whitespace().enumerate() {
        if index > 0 && width + 1 + word.chars().count() > WIDTH {
            let _ = write!(lines, "\n{prefix}{}", " ".repeat(hanging));
            width = prefix.len() + hanging;
        }
        lines.push(' ');
        lines.push_str(word);
        width += 1 + word.chars().count();
    }
    lines
}

/// Names in backticks as Swift spells them: the catalogue's texts speak of `not_found`.
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
