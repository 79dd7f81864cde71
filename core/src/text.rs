//! Helpers that quote texts, shorten texts to one line, remove secrets from texts, write lengths of time, and find the
//! nearest known name.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// [`without`] removes only pieces of base64 with at least this many characters: a shorter piece could occur by chance.
const SHORTEST_BASE64: usize = 8;
/// The most backslashes in a row that [`spellings`] reads as one escape. Each level of JSON within JSON doubles the
/// number of backslashes.
const MOST_BACKSLASHES: usize = 16;

/// Shortens a text to one line of at most `most` characters. An ellipsis marks what was cut off.
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

/// Escapes characters that would break a line, hide text or change the direction of text.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        let is_hidden = character.is_control()
            || matches!(character, '\u{ad}' | '\u{61c}' | '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
        if is_hidden {
            let _ = write!(shown, "\\u{:04x}", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Writes a text as a string literal in JSON, for a message that shows what the caller passed. Also escapes what
/// [`visible`] escapes.
pub(crate) fn quoted(text: &str) -> String {
    visible(&serde_json::Value::from(text).to_string())
}

/// Writes a length of time for people: `340 ms`, `1.0 s`, `2.5 min`.
pub(crate) fn span(time: Duration) -> String {
    // Rounds first, so that 999.9 ms becomes 1.0 s and not 1000 ms.
    match (time.as_secs_f64() * 1000.0).round() {
        millis if millis < 1000.0 => format!("{millis} ms"),
        millis if millis < 100_000.0 => format!("{:.1} s", millis / 1000.0),
        millis => format!("{:.1} min", millis / 60_000.0),
    }
}

/// Returns the known name that the user probably meant by `given`; `None` if no name is close enough.
pub(crate) fn nearest<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let bare = |name: &str| -> Vec<char> {
        name.chars().filter(char::is_ascii_alphanumeric).map(|char| char.to_ascii_lowercase()).collect()
    };
    let given = bare(given);
    let is_near = |known: &[char], distance: usize| {
        distance <= (given.len().max(known.len()) / 3).max(1) || given.len() > 2 && known.starts_with(&given)
    };
    known
        .map(|name| (bare(name), name))
        .map(|(known, name)| (distance(&given, &known), known, name))
        .filter(|(distance, known, _)| is_near(known, *distance))
        .map(|(distance, _, name)| (distance, name))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// How many characters must be inserted, removed or replaced to turn `one` into `other` (Levenshtein distance).
fn distance(one: &[char], other: &[char]) -> usize {
    let mut row: Vec<usize> = (1..=other.len()).collect();
    for (index, char) in one.iter().enumerate() {
        let (mut diagonal, mut left) = (index, index + 1);
        for (known, above) in other.iter().zip(&mut row) {
            left = (diagonal + usize::from(char != known)).min(*above + 1).min(left + 1);
            diagonal = std::mem::replace(above, left);
        }
    }
    row.last().copied().unwrap_or(one.len())
}

/// Whether a character is a control character or ends a line. U+2028 and U+2029 end a line but are not control
/// characters.
fn breaks(char: char) -> bool {
    char.is_control() || matches!(char, '\u{2028}' | '\u{2029}')
}

/// Replaces the secret by `mark` in each of these spellings: as it is, percent-encoded (RFC 3986 §2.1), escaped for
/// JSON once or several times (RFC 8259 §7), or inside base64 text (RFC 4648). Other spellings are not looked
/// for; `docs/decisions/003-spellings-of-the-key.md` says why.
pub(crate) fn without(text: &str, secret: &str, mark: &str) -> String {
    // No escaped form of the secret is shorter than the secret, so a shorter text cannot contain the secret.
    if secret.is_empty() || text.len() < secret.len() {
        return text.to_owned();
    }
    let mut clean = String::with_capacity(text.len());
    let mut kept = 0;
    let mut at = 0;
    while at < text.len() {
        // A mark from an earlier call, such as `[key]`, stays whole, even if the secret is a part of the mark.
        let marked = text
            .as_bytes()
            .get(at..)
            .filter(|rest| rest.starts_with(mark.as_bytes()))
            .map(|_| at + mark.len());
        match end_of(text.as_bytes(), at, secret.as_bytes())
            .filter(|end| marked.is_none_or(|marked| *end > marked))
        {
            // A match never ends inside a character, because its last byte is ASCII or the last byte of the secret.
            Some(end) => {
                clean.push_str(text.get(kept..at).unwrap_or_default());
                clean.push_str(mark);
                (at, kept) = (end, end);
            }
            None => at = marked.unwrap_or(at + 1),
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

/// Returns the position after the secret if the secret begins at `start`. Each byte of the secret may be escaped in
/// any way that [`spellings`] knows.
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
        // The secret may end at one position in several readings of the escapes, so duplicates are removed.
        next.sort_unstable();
        next.dedup();
        std::mem::swap(&mut ends, &mut next);
    }
    ends.into_iter().max()
}

/// Finds each form of `byte` that begins at `at`: the byte itself, percent-encoded, or escaped for JSON. Adds the
/// position after each form to `ends`.
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
            } else if matches!(byte, b'"' | b'/') && after.first() == Some(&byte) {
                ends.push(at + run + 1);
            }
            if after.starts_with(b"u00") && hex(after.get(3..5)) == Some(byte) {
                ends.push(at + run + 5);
            }
        }
        _ => {}
    }
}

fn hex(digits: Option<&[u8]>) -> Option<u8> {
    let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Returns the base64 forms of the secret. Base64 encodes groups of three bytes, so the form depends on where in a
/// group the secret begins. The characters at both ends depend on the neighbouring bytes too, and are left out.
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
        // PHP escapes slashes in JSON, and Go escapes `&`.
        let slashes = json.replace('/', "\\/").replace('&', "\\u0026");
        for form in [SECRET, json.trim_matches('"'), &twice, &percent, &units, slashes.trim_matches('"')] {
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

    /// Incident: the key was the letter `k`, and a text from which the key was removed twice contained `[[key]ey]`.
    #[test]
    fn a_text_that_is_scrubbed_twice_is_the_same_as_if_it_was_scrubbed_once() {
        let one_letter = (0x21_u8..0x7f).map(|byte| char::from(byte).to_string());
        for secret in one_letter.chain(["ke", "ey", "key", "[key]", "[key]x", SECRET].map(str::to_owned)) {
            for text in [
                format!("a {secret}{secret} b{secret}"),
                format!("[key] [{secret}] key [ke y]"),
                "k".to_owned(),
            ] {
                let once = without(&text, &secret, "[key]");
                assert_eq!(without(&once, &secret, "[key]"), once, "{secret} in {text}");
            }
        }
        assert_eq!(without("a key", "k", "[key]"), "a [key]ey");
        // A secret that contains the mark is still found.
        assert_eq!(without("a [key]x", "[key]x", "[key]"), "a [key]");
    }

    #[test]
    fn text_without_the_secret_is_unchanged() {
        for text in ["", "é%zz&;\\u00", "k/7f", "%6", "&#x;", "\\\\\\"] {
            assert_eq!(without(text, SECRET, "[key]"), text);
            assert_eq!(without(text, "", "[key]"), text);
        }
    }

    #[test]
    fn a_length_of_time_is_readable() {
        for (nanos, shown) in [
            (999_984_118, "1.0 s"),
            (0, "0 ms"),
            (50_400_000, "50 ms"),
            (30_000_000_000, "30.0 s"),
            (150_000_000_000, "2.5 min"),
        ] {
            assert_eq!(span(Duration::from_nanos(nanos)), shown);
        }
    }

    #[test]
    fn a_misspelt_name_is_nearest_to_the_one_that_was_meant() {
        let known = ["fullResync", "resetCDC", "clearAndFill", "value", "timeoutMs"];
        for (given, meant) in [
            ("full_resnyc", Some("fullResync")),
            ("full_resync", Some("fullResync")),
            ("resetCdc", Some("resetCDC")),
            ("val", Some("value")),
            ("timeout", Some("timeoutMs")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(given, known.into_iter()), meant, "{given}");
        }
    }

    #[test]
    fn a_quoted_text_keeps_every_character_and_still_hides_a_secret() {
        assert_eq!(quoted("X Team é"), "\"X Team é\"");
        assert_eq!(quoted("a\"b\\c\r\n\u{7f}\u{202e}"), r#""a\"b\\c\r\n\u007f\u202e""#);
        let clean = without(&quoted(&format!("\0{SECRET}\n")), SECRET, "[key]");
        assert_eq!(clean, r#""\u0000[key]\n""#);
    }

    #[test]
    fn a_shortened_text_is_one_line() {
        assert_eq!(brief("a\r\n b\u{2028}c\0d", 100), "a b c d");
        assert_eq!(brief("two  spaces", 100), "two  spaces");
        assert_eq!(brief("äöü", 2), "äö…");
    }
}
