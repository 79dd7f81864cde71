//! Takes a JSON text apart, one value after another.
//!
//! Serde would hand numbers over as it has parsed them, and how it parses them depends on the features of `serde_json`,
//! which any crate of the same build may turn on. Here a scalar stays text until its type is known.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Deserializer;
use serde_json::value::RawValue;

use super::{Mended, Scalar};
use crate::json;

/// A place in a JSON text.
pub(crate) struct Reader<'de> {
    text: &'de [u8],
    /// The text up to the first byte that is not UTF-8, since members that nobody reads may hold such bytes.
    valid: &'de str,
    at: usize,
    /// Whether the latest string had half of a surrogate pair, which was replaced.
    replaced: bool,
}

impl<'de> Reader<'de> {
    pub(crate) fn new(text: &'de [u8]) -> Self {
        let text = json::without_byte_order_mark(text);
        let valid = match str::from_utf8(text) {
            Ok(valid) => valid,
            Err(error) => {
                str::from_utf8(text.get(..error.valid_up_to()).unwrap_or_default()).unwrap_or_default()
            }
        };
        Self { text, valid, at: 0, replaced: false }
    }

    /// Where the next value begins.
    pub(crate) fn start(&mut self) -> usize {
        self.peek();
        self.at
    }

    /// What was read since `start`, as the server wrote it.
    pub(crate) fn since(&self, start: usize) -> &'de str {
        self.valid.get(start..self.at).unwrap_or_default()
    }

    /// Whether the next value is null.
    pub(crate) fn is_null(&mut self) -> bool {
        self.peek() == Some(b'n')
    }

    /// Whether the string that was read last had half of a surrogate pair, for which U+FFFD stands now.
    pub(crate) fn replaced(&mut self) -> bool {
        std::mem::take(&mut self.replaced)
    }

    /// The text of the next value.
    ///
    /// # Errors
    /// A sentence about what is wrong with the text; as for every method here.
    pub(crate) fn raw(&mut self) -> Result<&'de RawValue, String> {
        self.next()
    }

    /// The next value if it is a scalar; a list or an object is skipped.
    pub(crate) fn scalar(&mut self) -> Result<Scalar<'de>, String> {
        self.replaced = false;
        Ok(match self.peek() {
            Some(b'"') => Scalar::Text(self.string()?),
            Some(b'0'..=b'9' | b'-') => Scalar::Number(self.number()?),
            Some(b't' | b'f') => Scalar::Bool(self.next()?),
            Some(b'n') => {
                self.skip()?;
                Scalar::Null
            }
            _ => {
                self.skip()?;
                Scalar::Compound
            }
        })
    }

    /// Skips the next value.
    pub(crate) fn skip(&mut self) -> Result<(), String> {
        self.next::<IgnoredAny>().map(|_| ())
    }

    /// Gives each member of an object to `each`, which must read its value; false where the value is no object: null,
    /// or something that is noted as mended.
    pub(crate) fn object(
        &mut self,
        mended: &mut Mended,
        mut each: impl FnMut(&str, &mut Self, &mut Mended) -> Result<(), String>,
    ) -> Result<bool, String> {
        if self.peek() != Some(b'{') {
            return self.unusable(mended);
        }
        self.at += 1;
        if self.takes(b'}') {
            return Ok(true);
        }
        loop {
            let name = self.name()?;
            self.expect(b':')?;
            each(&name, self, mended)?;
            if !self.goes_on(b'}')? {
                return Ok(true);
            }
        }
    }

    /// Calls `each` at each item of a list, which must read it; false where the value is no list, as for objects.
    pub(crate) fn list(
        &mut self,
        mended: &mut Mended,
        mut each: impl FnMut(&mut Self, &mut Mended) -> Result<(), String>,
    ) -> Result<bool, String> {
        if self.peek() != Some(b'[') {
            return self.unusable(mended);
        }
        self.at += 1;
        if self.takes(b']') {
            return Ok(true);
        }
        loop {
            each(self, mended)?;
            if !self.goes_on(b']')? {
                return Ok(true);
            }
        }
    }

    /// Checks that nothing follows.
    pub(crate) fn end(&mut self) -> Result<(), String> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.wrong("trailing characters")),
        }
    }

    fn unusable(&mut self, mended: &mut Mended) -> Result<bool, String> {
        // Null stands for absent.
        if !self.is_null() {
            mended.note();
        }
        self.skip().map(|()| false)
    }

    fn name(&mut self) -> Result<Cow<'de, str>, String> {
        if self.peek() == Some(b'"') { self.string() } else { Err(self.wrong("expected a member's name")) }
    }

    /// A string, borrowed if it has no escapes; the first byte is known to be a quote.
    fn string(&mut self) -> Result<Cow<'de, str>, String> {
        let inside = self.rest().get(1..).unwrap_or_default();
        let plain = inside.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
        match plain.and_then(|length| inside.split_at_checked(length)) {
            Some((plain, [b'"', ..])) => {
                let start = self.at + 1;
                self.at = start + plain.len() + 1;
                match self.valid.get(start..start + plain.len()) {
                    Some(plain) => Ok(Cow::Borrowed(plain)),
                    None => str::from_utf8(plain)
                        .map(Cow::Borrowed)
                        .map_err(|_| self.wrong("a string is not UTF-8")),
                }
            }
            _ => self.next().or_else(|why| self.mended_string().ok_or(why)).map(Cow::Owned),
        }
    }

    /// A string that Unicode cannot hold, because a server cut it in the middle of an emoji.
    fn mended_string(&mut self) -> Option<String> {
        let start = self.at;
        let text = self.raw().ok()?.get();
        let mended = json::has_half(text).then(|| serde_json::from_str(&json::without_halves(text)).ok())?;
        self.replaced = mended.is_some();
        if mended.is_none() {
            self.at = start;
        }
        mended
    }

    /// A number as it is written.
    fn number(&mut self) -> Result<&'de str, String> {
        let rest = self.rest();
        let length = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        match rest.split_at_checked(length) {
            // Everything but plain digits is rare, and takes the slow path that knows the whole grammar.
            Some((digits @ ([b'1'..=b'9', ..] | [b'0']), [b',' | b'}' | b']', ..])) => {
                self.at += length;
                Ok(str::from_utf8(digits).unwrap_or_default())
            }
            _ => self.raw().map(RawValue::get),
        }
    }

    fn next<T: Deserialize<'de>>(&mut self) -> Result<T, String> {
        let mut values = Deserializer::from_slice(self.rest()).into_iter();
        match values.next() {
            Some(Ok(value)) => {
                self.at += values.byte_offset();
                Ok(value)
            }
            Some(Err(error)) if !error.is_eof() => {
                Err(format!("no JSON at byte {}", self.at + offset(self.rest(), &error)))
            }
            _ => Err(self.wrong("the text ends within a value")),
        }
    }

    fn rest(&self) -> &'de [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.text.get(self.at) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn takes(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Whether another entry follows.
    fn goes_on(&mut self, end: u8) -> Result<bool, String> {
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(byte) if byte == end => {
                self.at += 1;
                Ok(false)
            }
            _ => Err(self.wrong(&format!("expected `,` or `{}`", char::from(end)))),
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), String> {
        if self.takes(byte) { Ok(()) } else { Err(self.wrong(&format!("expected `{}`", char::from(byte)))) }
    }

    fn wrong(&self, what: &str) -> String {
        format!("{what} at byte {}", self.at)
    }
}

/// Where in a text the parser stopped: it counts lines, and bytes within a line.
fn offset(text: &[u8], error: &serde_json::Error) -> usize {
    let lines = text.split_inclusive(|byte| *byte == b'\n').take(error.line().saturating_sub(1));
    lines.map(<[u8]>::len).sum::<usize>() + error.column().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use serde::de::IgnoredAny;

    use super::super::{Mended, read};
    use crate::operation::Page;
    use crate::resources::Sync;

    const PAGE: &str = r#" { "data" : [ {"id":10,"slug":"a\n","destinationId":-1.5e2,"disabled":false,"schedule":null,
        "configuration":{"x":[1]},"referencedColumns":["b",0],"tags":{"c":"d"},"novel":[{}]} , {"id":"7","slug":""} ] } "#;

    fn is_read(text: &[u8]) -> bool {
        read::<Page<Sync>>(text, &mut Mended::default()).is_ok()
    }

    /// This reader and not serde reads the structure, so it must reject what is not JSON.
    #[test]
    fn what_is_read_is_json_whichever_byte_of_it_is_changed() {
        assert!(is_read(PAGE.as_bytes()));
        let mut read = 0;
        for at in 0..PAGE.len() {
            assert!(at >= PAGE.trim_end().len() || !is_read(&PAGE.as_bytes()[..at]), "{}", &PAGE[..at]);
            for byte in b" \n\",:{}[]\\0159-.eEtnulx\x01\xff" {
                let mut changed = PAGE.as_bytes().to_vec();
                changed[at] = *byte;
                if is_read(&changed) {
                    read += 1;
                    let text = String::from_utf8_lossy(&changed);
                    assert!(serde_json::from_slice::<IgnoredAny>(&changed).is_ok(), "{text}");
                }
                changed = PAGE.as_bytes().to_vec();
                changed.insert(at, *byte);
                if is_read(&changed) {
                    read += 1;
                    let text = String::from_utf8_lossy(&changed);
                    assert!(serde_json::from_slice::<IgnoredAny>(&changed).is_ok(), "{text}");
                }
            }
        }
        assert!(read > 1000, "{read} changed texts are still read");
    }

    #[test]
    fn an_error_names_the_byte_at_which_the_text_stops_being_json() {
        let why = |text: &str| read::<Page<Sync>>(text.as_bytes(), &mut Mended::default()).err().unwrap();
        assert_eq!(why("{\"data\":\n[{\"novel\":\n[1,\n2,nul]}]}"), "no JSON at byte 29");
        assert_eq!(why("{\"data\":[{\"novel\":[1,"), "the text ends within a value at byte 18");
    }

    #[test]
    fn text_that_is_no_utf_8_harms_only_who_reads_it() {
        let with = |slug: &[u8], novel: &[u8]| {
            [&b"{\"data\":[{\"novel\":\""[..], novel, b"\",\"id\":1,\"slug\":\"", slug, b"\"}]}"].concat()
        };
        assert!(is_read(&with("é".as_bytes(), b"\xe9")));
        assert!(!is_read(&with(b"\xe9", "é".as_bytes())));
    }
}
