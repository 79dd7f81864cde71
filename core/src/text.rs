//! Text that came from outside: as one line, and without secrets however they were quoted on the way.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// The shortest piece of base64 that is looked for; a shorter one is found by chance.
const SHORTEST_BASE64: usize = 8;
/// The most backslashes in a row that quoting JSON within JSON has made.
const MOST_BACKSLASHES: usize = 16;

/// Text as one line of at most `most` characters.
pub(crate) fn brief(text: &str, most: usize) -> String {
    let line = if text.chars().any(breaks) {
        let words = text.split(|char: char| char.is_whitespace() || breaks(char));
        Cow::Owned(words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "))
    } else {
        Cow::Borrowed(text)
    };
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line.into_owned(),
    }
}

/// Whether a character ends a line or is none to be seen; some that do are not control characters to Unicode.
fn breaks(char: char) -> bool {
    char.is_control() || matches!(char, '\u{2028}' | '\u{2029}')
}

/// The text with `mark` wherever the secret stood: as it is, percent-encoded (RFC 3986 §2.1), escaped for JSON (RFC 8259
/// §7, once or several times over) or HTML, or a part of something in base64 (RFC 4648).
pub(crate) fn without(text: &str, secret: &str, mark: &str) -> String {
    if secret.is_empty() {
        return text.to_owned();
    }
    let mut clean = String::with_capacity(text.len());
    let mut kept = 0;
    let mut at = 0;
    while at < text.len() {
        match end_of(text.as_bytes(), at, secret.as_bytes()) {
            // It cannot end within a character: it is ASCII there, or byte for byte the secret.
            Some(end) => {
                clean.push_str(text.get(kept..at).unwrap_or_default());
                clean.push_str(mark);
                (at, kept) = (end, end);
            }
            None => at += 1,
        }
    }
    clean.push_str(text.get(kept..).unwrap_or_default());
    for piece in in_base64(secret) {
        if clean.contains(&piece) {
            clean = clean.replace(&piece, mark);
        }
    }
    clean
}

/// Where the secret ends that begins at `start`, each of its bytes quoted in any way.
fn end_of(text: &[u8], start: usize, secret: &[u8]) -> Option<usize> {
    let (first, rest) = secret.split_first()?;
    let mut ends = Vec::new();
    spellings(text, start, *first, &mut ends);
    let mut next = Vec::new();
    for byte in rest {
        if ends.is_empty() {
            return None;
        }
        for at in ends.drain(..) {
            spellings(text, at, *byte, &mut next);
        }
        // Runs of backslashes can be divided in many ways that come to the same.
        next.sort_unstable();
        next.dedup();
        std::mem::swap(&mut ends, &mut next);
    }
    ends.into_iter().max()
}

/// Where what stands at `at` ends, for each way in which it may be `byte`.
fn spellings(text: &[u8], at: usize, byte: u8, ends: &mut Vec<usize>) {
    let Some(here) = text.get(at) else { return };
    if *here == byte {
        ends.push(at + 1);
    }
    let rest = text.get(at + 1..).unwrap_or_default();
    match here {
        b'%' if hex(rest.get(..2)) == Some(byte) => ends.push(at + 3),
        b'\\' => {
            let run = text.iter().skip(at).take(MOST_BACKSLASHES).take_while(|byte| **byte == b'\\').count();
            let after = text.get(at + run..).unwrap_or_default();
            if byte == b'\\' {
                ends.extend((2..=run).map(|length| at + length));
            } else if matches!(byte, b'"' | b'/' | b'\'') && after.first() == Some(&byte) {
                ends.push(at + run + 1);
            }
            if after.starts_with(b"u00") && hex(after.get(3..5)) == Some(byte) {
                ends.push(at + run + 5);
            }
        }
        b'&' => {
            let name = rest.iter().take(8).position(|byte| *byte == b';').and_then(|end| rest.get(..end));
            if let Some(name) = name
                && entity(name) == Some(byte)
            {
                ends.push(at + name.len() + 2);
            }
        }
        _ => {}
    }
}

fn hex(digits: Option<&[u8]>) -> Option<u8> {
    let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// What an HTML character reference stands for.
fn entity(name: &[u8]) -> Option<u8> {
    match name {
        b"amp" => Some(b'&'),
        b"lt" => Some(b'<'),
        b"gt" => Some(b'>'),
        b"quot" => Some(b'"'),
        b"apos" => Some(b'\''),
        [b'#', b'x' | b'X', digits @ ..] => u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok(),
        [b'#', digits @ ..] => std::str::from_utf8(digits).ok()?.parse().ok(),
        _ => None,
    }
}

/// What base64 makes of the secret wherever it begins within a group of three bytes, without the ends, which mix with
/// what stands beside it.
fn in_base64(secret: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    for before in 0..3 {
        let mut bytes = vec![0; before];
        bytes.extend_from_slice(secret.as_bytes());
        let whole = (before * 8).div_ceil(6)..bytes.len() * 8 / 6;
        for encoded in [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
            let piece = encoded.get(whole.clone()).unwrap_or_default();
            if piece.len() >= SHORTEST_BASE64 && !pieces.iter().any(|known| known == piece) {
                pieces.push(piece.to_owned());
            }
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    const SECRET: &str = r#"k/7f+"\q%<&'=9z"#;

    #[test]
    fn a_secret_is_found_however_it_was_quoted() {
        let json = serde_json::to_string(SECRET).unwrap();
        let twice = serde_json::to_string(&json).unwrap();
        let percent: String = SECRET.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat();
        let units: String = SECRET.bytes().map(|byte| format!("\\u{byte:04X}")).collect::<Vec<_>>().concat();
        let html =
            SECRET.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;").replace('\'', "&#39;");
        for form in [SECRET, json.trim_matches('"'), &twice, &percent, &units, &html] {
            let clean = without(&format!("a {form} b {form}"), SECRET, "[key]");
            assert_eq!(clean.matches("[key]").count(), 2, "{form} became {clean}");
            assert!(!clean.contains("7f"), "{clean}");
        }
    }

    #[test]
    fn a_secret_is_found_in_base64_wherever_it_begins() {
        for before in ["", "Bearer ", "u:", "ab"] {
            let encoded = STANDARD.encode(format!("{before}{SECRET} and more"));
            let clean = without(&encoded, SECRET, "[key]");
            assert!(clean.contains("[key]"), "{encoded} became {clean}");
        }
    }

    #[test]
    fn what_is_no_secret_stays_as_it_is() {
        for text in ["", "é%zz&;\\u00", "k/7f", "%6", "&#x;", "\\\\\\"] {
            assert_eq!(without(text, SECRET, "[key]"), text);
            assert_eq!(without(text, "", "[key]"), text);
        }
    }

    #[test]
    fn what_is_brief_is_one_line() {
        assert_eq!(brief("a\r\n b\u{2028}c\0d", 100), "a b c d");
        assert_eq!(brief("two  spaces", 100), "two  spaces");
        assert_eq!(brief("äöü", 2), "äö…");
    }
}
