//! Finds where JSON values end (RFC 8259), without decoding them.

/// Why a text is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// JSON does not allow the byte at this position.
    At(usize),
    /// The text ends within a value.
    End,
}

/// The end and the depth of a scanned value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Passed {
    /// The position after the last byte of the value.
    pub end: usize,
    /// How deep lists and objects nest in the value; 0 for a scalar.
    pub depth: usize,
}

/// The end of a scanned string, and whether the string has escapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PassedString {
    /// The position after the closing quote.
    pub end: usize,
    pub has_escapes: bool,
}

/// The position of the next byte that is not white space.
pub(crate) fn blank(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = text.get(at) {
        at += 1;
    }
    at
}

/// Passes over any white space at `start`, and then over one value.
pub(crate) fn value(text: &[u8], start: usize) -> Result<Passed, Stop> {
    let mut at = start;
    let mut open = Open::default();
    let mut depth = 0;
    loop {
        at = blank(text, at);
        match text.get(at) {
            Some(b'"') => at = string(text, at)?.end,
            Some(b'0'..=b'9' | b'-') => at = number(text, at)?,
            Some(b'{') => {
                open.push(true);
                depth = depth.max(open.count);
                at = blank(text, at + 1);
                if text.get(at) != Some(&b'}') {
                    at = name(text, at)?;
                    continue;
                }
            }
            Some(b'[') => {
                open.push(false);
                depth = depth.max(open.count);
                at = blank(text, at + 1);
                if text.get(at) != Some(&b']') {
                    continue;
                }
            }
            Some(b't') => at = literal(text, at, b"true")?,
            Some(b'f') => at = literal(text, at, b"false")?,
            Some(b'n') => at = literal(text, at, b"null")?,
            other => return Err(stopped(other, at)),
        }
        // At this point, a value has ended, or the next byte closes an empty object or list.
        loop {
            let Some(is_object) = open.innermost() else { return Ok(Passed { end: at, depth }) };
            at = blank(text, at);
            match (text.get(at), is_object) {
                (Some(b'}'), true) | (Some(b']'), false) => {
                    open.pop();
                    at += 1;
                }
                (Some(b','), true) => {
                    at = name(text, blank(text, at + 1))?;
                    break;
                }
                (Some(b','), false) => {
                    at += 1;
                    break;
                }
                (other, _) => return Err(stopped(other, at)),
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Member<'a> {
    /// The name without the quotes. Escapes are not decoded.
    pub name: &'a [u8],
    pub has_escapes: bool,
    /// The position at which the value of the member begins.
    pub value: usize,
}

/// Iterates over the members of the object at the beginning of a text. The value of a member is scanned only when the
/// next member is requested. The iterator ends early if the text is not JSON.
pub(crate) fn members(text: &[u8]) -> impl Iterator<Item = Member<'_>> {
    let mut value: Option<usize> = None;
    std::iter::from_fn(move || {
        let next = match value {
            None => byte(text, blank(text, 0), b'{'),
            Some(start) => {
                self::value(text, start).and_then(|passed| byte(text, blank(text, passed.end), b','))
            }
        };
        let start = blank(text, next.ok()?);
        let PassedString { end, has_escapes } = string(text, start).ok()?;
        let after = blank(text, byte(text, blank(text, end), b':').ok()?);
        value = Some(after);
        Some(Member { name: text.get(start + 1..end - 1)?, has_escapes, value: after })
    })
}

/// Passes over the name of a member and its colon.
fn name(text: &[u8], at: usize) -> Result<usize, Stop> {
    let colon = blank(text, string(text, at)?.end);
    byte(text, colon, b':')
}

/// Passes over the string that begins at `start`.
pub(crate) fn string(text: &[u8], start: usize) -> Result<PassedString, Stop> {
    let mut at = byte(text, start, b'"')?;
    let mut has_escapes = false;
    loop {
        at = plain(text, at);
        match text.get(at) {
            Some(b'"') => return Ok(PassedString { end: at + 1, has_escapes }),
            Some(b'\\') => at = escape(text, at + 1)?,
            other => return Err(stopped(other, at)),
        }
        has_escapes = true;
    }
}

/// The position of the next quote, backslash or control character in a string.
fn plain(text: &[u8], mut at: usize) -> usize {
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    const TOP: u64 = EACH << 7;
    // Checks eight bytes at once. In `found`, the top bit of each quote, backslash and control character is set. A
    // subtraction can wrongly set the top bits of bytes after the first such byte, so only the lowest set bit is used.
    while let Some(eight) = text.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let eight = u64::from_le_bytes(*eight);
        let below = |limit: u8, bytes: u64| bytes.wrapping_sub(EACH * u64::from(limit)) & !bytes;
        let quote = below(1, eight ^ (EACH * u64::from(b'"')));
        let backslash = below(1, eight ^ (EACH * u64::from(b'\\')));
        let found = (quote | backslash | below(0x20, eight)) & TOP;
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while let Some(byte) = text.get(at)
        && !matches!(byte, b'"' | b'\\' | 0..0x20)
    {
        at += 1;
    }
    at
}

/// Passes over an escape. `at` is the position after its backslash.
fn escape(text: &[u8], at: usize) -> Result<usize, Stop> {
    match text.get(at) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 1),
        Some(b'u') => (at + 1..at + 5).try_fold(at, |_, at| match text.get(at) {
            Some(byte) if byte.is_ascii_hexdigit() => Ok(at + 1),
            other => Err(stopped(other, at)),
        }),
        other => Err(stopped(other, at)),
    }
}

/// Passes over the number that begins at `start`.
pub(crate) fn number(text: &[u8], start: usize) -> Result<usize, Stop> {
    let digits = |from: usize| {
        let mut at = from;
        while let Some(b'0'..=b'9') = text.get(at) {
            at += 1;
        }
        if at == from { Err(stopped(text.get(at), at)) } else { Ok(at) }
    };
    let first = start + usize::from(text.get(start) == Some(&b'-'));
    let mut at = if text.get(first) == Some(&b'0') { first + 1 } else { digits(first)? };
    if text.get(at) == Some(&b'.') {
        at = digits(at + 1)?;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        at += 1 + usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
        at = digits(at)?;
    }
    Ok(at)
}

fn literal(text: &[u8], start: usize, whole: &[u8]) -> Result<usize, Stop> {
    whole.iter().try_fold(start, |at, expected| byte(text, at, *expected))
}

fn byte(text: &[u8], at: usize, expected: u8) -> Result<usize, Stop> {
    match text.get(at) {
        Some(byte) if *byte == expected => Ok(at + 1),
        other => Err(stopped(other, at)),
    }
}

fn stopped(byte: Option<&u8>, at: usize) -> Stop {
    if byte.is_some() { Stop::At(at) } else { Stop::End }
}

/// The lists and objects that are open, one bit for each: 1 for an object, 0 for a list. The lowest bit stands for the
/// innermost list or object.
#[derive(Default)]
struct Open {
    bits: u64,
    count: usize,
    /// The bits of the levels that no longer fit into `bits`. Each item holds 64 levels; the outermost levels come
    /// first.
    outer: Vec<u64>,
}

impl Open {
    fn push(&mut self, is_object: bool) {
        if self.count > 0 && self.count.is_multiple_of(64) {
            self.outer.push(self.bits);
        }
        self.bits = self.bits << 1 | u64::from(is_object);
        self.count += 1;
    }

    fn pop(&mut self) {
        self.count = self.count.saturating_sub(1);
        self.bits = if self.count > 0 && self.count.is_multiple_of(64) {
            self.outer.pop().unwrap_or_default()
        } else {
            self.bits >> 1
        };
    }

    fn innermost(&self) -> Option<bool> {
        (self.count > 0).then_some(self.bits & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::IgnoredAny;
    use serde_json::value::RawValue;

    use super::*;

    /// Scans a text that is one value with optional white space around it.
    fn whole(text: &[u8]) -> Option<Passed> {
        let passed = value(text, 0).ok()?;
        (blank(text, passed.end) == text.len()).then_some(passed)
    }

    /// How deep brackets nest. Brackets in strings do not count.
    fn counted(text: &str) -> usize {
        let (mut now, mut most, mut is_string, mut is_escaped) = (0, 0, false, false);
        for byte in text.bytes() {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => is_string = !is_string,
                b'{' | b'[' if !is_string => now += 1,
                b'}' | b']' if !is_string => now -= 1,
                _ => {}
            }
            most = most.max(now);
        }
        most
    }

    fn agrees(text: &[u8]) {
        let shown = String::from_utf8_lossy(text);
        assert_eq!(whole(text).is_some(), serde_json::from_slice::<IgnoredAny>(text).is_ok(), "{shown}");
        if let (Some(Passed { end, depth }), Ok(raw)) =
            (whole(text), serde_json::from_slice::<&RawValue>(text))
        {
            let start = blank(text, 0);
            assert_eq!(&text[start..end], raw.get().as_bytes(), "{shown}");
            assert_eq!(depth, counted(raw.get()), "{shown}");
        }
    }

    const SAMPLES: [&str; 24] = [
        "",
        " ",
        "0",
        "-0",
        "01",
        "-",
        "1.",
        "1.5e+3",
        "1e",
        "2E-9",
        "[1.]",
        "tru",
        "true",
        "nulll",
        "\"",
        "\"\\\"",
        "\"\\u00e9\"",
        "\"\\u00g9\"",
        "\"a\tb\"",
        "{}",
        "{\"a\":[{},[],{\"b\":[1,2,{\"c\":null}]}]}",
        "[1,]",
        "{\"a\":1,}",
        " [ true , { \"a\" : -1 } ] ",
    ];

    #[test]
    fn scan_and_serde_agree_whichever_byte_is_changed() {
        for sample in SAMPLES {
            agrees(sample.as_bytes());
            for at in 0..sample.len() {
                agrees(&sample.as_bytes()[..at]);
                for byte in b" \",:{}[]\\019-.eEtnu\x01\xff" {
                    let mut text = sample.as_bytes().to_vec();
                    text[at] = *byte;
                    agrees(&text);
                    text.insert(at, *byte);
                    agrees(&text);
                }
            }
        }
    }

    #[test]
    fn the_end_of_a_string_is_found_wherever_it_stands_among_eight_bytes() {
        for length in 0..40 {
            let inside = "é".repeat(length) + &"x".repeat(length % 3);
            for special in ["\"", "\\\"", "\\n", "\u{1}", "\u{7f}", "\u{80}"] {
                agrees(format!("\"{inside}{special}{inside}\"").as_bytes());
            }
        }
    }

    #[test]
    fn members_end_where_the_text_stops_being_json() {
        let names = |text: &str| -> Vec<String> {
            members(text.as_bytes()).map(|member| String::from_utf8_lossy(member.name).into_owned()).collect()
        };
        assert_eq!(names(r#" { "a" : [1, {"x": 2}] , "b\n":null,"a": tru, "c": 1 }"#), ["a", "b\\n", "a"]);
        for text in ["", "[]", "{}", "{1:2}", "{\"a\"}", "null"] {
            assert!(names(text).is_empty(), "{text}");
        }
    }

    /// Some of these texts have more than 64 levels, the number that `Open::bits` can hold. The deepest text would
    /// overflow the stack of a recursive scan.
    #[test]
    fn nesting_has_no_bound() {
        for depth in [1, 63, 64, 65, 127, 128, 129, 192, 1_000_000] {
            for [open, close] in [["[", "]"], ["{\"a\":", "}"], ["[{\"a\":", "}]"]] {
                let nested = open.repeat(depth) + "1" + &close.repeat(depth);
                let expected = depth * open.matches(['[', '{']).count();
                assert_eq!(whole(nested.as_bytes()), Some(Passed { end: nested.len(), depth: expected }));
                assert_eq!(value(&nested.as_bytes()[..nested.len() - 1], 0), Err(Stop::End));
                let crossed = nested.replacen(['}', ']'], "x", 1);
                assert_eq!(value(crossed.as_bytes(), 0), Err(Stop::At(open.len() * depth + 1)));
            }
        }
        assert_eq!(value(b"[[}", 0), Err(Stop::At(2)));
        assert_eq!(value(b"{\"a\":[1}", 0), Err(Stop::At(7)));
    }

    proptest! {
        #[test]
        fn scan_and_serde_agree_on_texts_of_json_characters(
            text in "[\\[\\]{}:,\"\\\\u0-9a-f.eE+\\- tn]{0,24}",
        ) {
            agrees(text.as_bytes());
        }

        #[test]
        fn scan_and_serde_agree_on_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..24)) {
            agrees(&bytes);
        }
    }
}
