//! Decodes strings and numbers of JSON text, so that two spellings of the same value become equal.

use std::borrow::Cow;

/// Decodes a string of valid JSON; `token` includes the quotes. Half of a surrogate pair becomes three bytes that are
/// not UTF-8, so that strings with different halves differ.
pub(super) fn decoded(token: &str) -> Cow<'_, [u8]> {
    let inside = token.get(1..token.len().saturating_sub(1)).unwrap_or_default();
    if !inside.contains('\\') {
        return Cow::Borrowed(inside.as_bytes());
    }
    let mut bytes = Vec::with_capacity(inside.len());
    let mut rest = inside;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        let (character, length) = escape(after);
        put(&mut bytes, character);
        rest = after.get(length..).unwrap_or_default();
    }
    bytes.extend_from_slice(rest.as_bytes());
    Cow::Owned(bytes)
}

/// The code point that an escape stands for, and the length of the escape without its backslash.
fn escape(after: &str) -> (u32, usize) {
    let unit = |at: usize| after.get(at..at + 4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    match after.bytes().next() {
        Some(b'u') => match (unit(1).unwrap_or(0xFFFD), after.get(5..7)) {
            (high @ 0xD800..=0xDBFF, Some("\\u")) => match unit(7) {
                Some(low @ 0xDC00..=0xDFFF) => (0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00), 11),
                _ => (high, 5),
            },
            (unit, _) => (unit, 5),
        },
        Some(b'b') => (8, 1),
        Some(b'f') => (12, 1),
        Some(b'n') => (10, 1),
        Some(b'r') => (13, 1),
        Some(b't') => (9, 1),
        other => (other.map_or(0xFFFD, u32::from), 1),
    }
}

fn put(bytes: &mut Vec<u8>, code: u32) {
    match char::from_u32(code) {
        Some(character) => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        // Half of a surrogate pair is written like a code point of three bytes.
        None => bytes.extend([0xE0 | code >> 12, 0x80 | code >> 6 & 0x3F, 0x80 | code & 0x3F].map(low)),
    }
}

fn low(byte: u32) -> u8 {
    u8::try_from(byte & 0xFF).unwrap_or_default()
}

/// Writes a number of valid JSON in a normal form, which keeps every digit. Two numbers are equal if and only if their
/// forms are equal. A number that has an exponent of more than 30 characters keeps its spelling instead.
pub(super) fn number(text: &str) -> Cow<'_, str> {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (digits, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = [whole, fraction].concat();
    let significant = all.trim_start_matches('0');
    if significant.is_empty() {
        return Cow::Borrowed("0");
    }
    if exponent.len() > 30 {
        return Cow::Borrowed(text);
    }
    let shortest = significant.trim_end_matches('0');
    let moved = |length: usize| i128::try_from(length).unwrap_or_default();
    let exponent = exponent.parse::<i128>().unwrap_or_default() - moved(fraction.len())
        + moved(significant.len() - shortest.len());
    Cow::Owned(format!("{sign}{shortest}e{exponent}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_equal_by_value_and_differ_by_any_digit() {
        for (one, other) in [
            ("1", "1.0"),
            ("10", "1E+1"),
            ("-0", "0.000e9"),
            ("0.1000", "1e-1"),
            ("1e400", "10e399"),
            ("120.50", "1205e-1"),
            ("0e99999999999999999999999999999999999", "0"),
        ] {
            assert_eq!(number(one), number(other), "{one} {other}");
        }
        for (one, other) in [
            ("1", "-1"),
            ("1", "10"),
            ("1e400", "1e401"),
            ("12345678901234567890123", "12345678901234567890124"),
            ("0.1", "0.10000000000000000000000000001"),
            ("1e99999999999999999999999999999999999", "1e99999999999999999999999999999999998"),
        ] {
            assert_ne!(number(one), number(other), "{one} {other}");
        }
    }

    #[test]
    fn halves_of_surrogate_pairs_stay_apart() {
        assert_eq!(&*decoded(r#""\ud83d\ude00""#), "😀".as_bytes());
        assert_eq!(&*decoded(r#""\ud83d\u0041\ude00""#), b"\xed\xa0\xbdA\xed\xb8\x80");
        assert_ne!(decoded(r#""\ud83d""#), decoded(r#""\ud83e""#));
        assert_eq!(&*decoded(r#""a\/\\\"\b\f\n\r\té""#), "a/\\\"\u{8}\u{c}\n\r\té".as_bytes());
    }

    proptest! {
        #[test]
        fn strings_are_decoded_as_serde_decodes_them(text in any::<String>(), escaped in any::<bool>()) {
            let mut token = serde_json::to_string(&text).unwrap();
            if escaped {
                let escapes: Vec<_> = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
                token = format!("\"{}\"", escapes.concat());
            }
            prop_assert_eq!(&*decoded(&token), text.as_bytes());
        }
    }
}
