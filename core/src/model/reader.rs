//! Reads a JSON text, one value after another.
//!
//! Numbers stay text until their type is known, because Serde's own parsing depends on features of `serde_json`. Any
//! crate of the same build may turn these features on.

use std::borrow::Cow;

use super::{Mended, Scalar};
use crate::json;
use crate::json::scan::{self, Stop};

/// A position in a JSON text.
pub(crate) struct Reader<'de> {
    pub(super) text: &'de [u8],
    /// The text up to the first byte that is not UTF-8. Such a byte is not an error if it is in a member that is
    /// skipped.
    pub(super) valid: &'de str,
    pub(super) at: usize,
    /// Whether half of a surrogate pair was replaced in the string that was read last.
    replaced: bool,
}

/// The text of a value, and how deep the value nests.
pub(crate) struct Raw<'de> {
    pub text: &'de str,
    /// How deep the value's lists and objects nest.
    pub depth: usize,
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

    /// Returns the position at which the next value begins.
    pub(crate) fn start(&mut self) -> usize {
        self.peek();
        self.at
    }

    /// The length of the whole text, in bytes.
    pub(crate) fn length(&self) -> usize {
        self.text.len()
    }

    /// The text that was read since `start`, as the server wrote it.
    pub(crate) fn since(&self, start: usize) -> &'de str {
        self.valid.get(start..self.at).unwrap_or_default()
    }

    pub(crate) fn is_null(&mut self) -> bool {
        self.peek() == Some(b'n')
    }

    /// Whether half of a surrogate pair was replaced by U+FFFD in the string that was read last. Resets the flag to
    /// false.
    pub(crate) fn replaced(&mut self) -> bool {
        std::mem::take(&mut self.replaced)
    }

    /// Reads the text of the next value.
    ///
    /// # Errors
    /// A sentence about what is wrong with the text. The other methods of the reader return such errors too.
    pub(crate) fn raw(&mut self) -> Result<Raw<'de>, String> {
        let start = self.start();
        let depth = self.pass()?;
        Ok(Raw { text: self.unicode(start, self.at)?, depth })
    }

    /// Reads the next value if it is a scalar. Skips a list or an object.
    pub(crate) fn scalar(&mut self) -> Result<Scalar<'de>, String> {
        self.replaced = false;
        Ok(match self.peek() {
            Some(b'"') => Scalar::Text(self.string()?),
            Some(b'0'..=b'9' | b'-') => Scalar::Number(self.number()?),
            Some(first @ (b't' | b'f')) => {
                self.pass()?;
                Scalar::Bool(first == b't')
            }
            Some(b'n') => {
                self.pass()?;
                Scalar::Null
            }
            _ => {
                self.pass()?;
                Scalar::Compound
            }
        })
    }

    /// Reads an object. Calls `each` with the name of every member; `each` must read the member's value. If the next
    /// value is not an object, returns false, and notes the path of this value in `mended` unless the value is null.
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

    /// Calls `each` for every item of a list. `each` must read the item. If the next value is not a list, returns
    /// false, and notes the path of this value in `mended` unless the value is null.
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

    /// Checks that only white space follows.
    pub(crate) fn end(&mut self) -> Result<(), String> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.wrong("trailing characters")),
        }
    }

    fn unusable(&mut self, mended: &mut Mended) -> Result<bool, String> {
        // A null value is not noted: it counts as an absent member, so nothing was replaced or left out.
        if !self.is_null() {
            mended.note();
        }
        self.pass().map(|_| false)
    }

    fn name(&mut self) -> Result<Cow<'de, str>, String> {
        if self.peek() == Some(b'"') { self.string() } else { Err(self.wrong("expected a member's name")) }
    }

    /// Reads a string, borrowed if it has no escapes. The reader must be at the opening quote.
    fn string(&mut self) -> Result<Cow<'de, str>, String> {
        let start = self.at;
        let passed = scan::string(self.text, start).map_err(|stop| self.stopped(stop))?;
        self.at = passed.end;
        if !passed.has_escapes {
            return self.unicode(start + 1, passed.end - 1).map(Cow::Borrowed);
        }
        let text = self.unicode(start, passed.end)?;
        serde_json::from_str(text).or_else(|_| self.mended_string(text)).map(Cow::Owned)
    }

    /// Reads a string with half of a surrogate pair, which a server sends if it cuts a text in the middle of an emoji.
    fn mended_string(&mut self, text: &str) -> Result<String, String> {
        self.replaced = true;
        serde_json::from_str(&json::without_halves(text)).map_err(|_| self.wrong("invalid JSON"))
    }

    /// Reads a number as text.
    fn number(&mut self) -> Result<&'de str, String> {
        let start = self.at;
        self.at = scan::number(self.text, start).map_err(|stop| self.stopped(stop))?;
        self.unicode(start, self.at)
    }

    /// Returns a part of the text; an error if the part is not UTF-8.
    fn unicode(&self, start: usize, end: usize) -> Result<&'de str, String> {
        match self.valid.get(start..end) {
            Some(part) => Ok(part),
            None => str::from_utf8(self.text.get(start..end).unwrap_or_default())
                .map_err(|_| format!("a text that is not UTF-8 begins at byte {start}")),
        }
    }

    /// Passes over the next value. Returns how deep its lists and objects nest.
    pub(crate) fn pass(&mut self) -> Result<usize, String> {
        let start = self.start();
        let passed = scan::value(self.text, start).map_err(|stop| self.stopped(stop))?;
        self.at = passed.end;
        Ok(passed.depth)
    }

    fn stopped(&self, stop: Stop) -> String {
        match stop {
            Stop::At(at) => format!("invalid JSON at byte {at}"),
            Stop::End => self.wrong("the text ends within a value"),
        }
    }

    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        self.at = scan::blank(self.text, self.at);
        self.text.get(self.at).copied()
    }

    fn takes(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Passes over a comma or the closing bracket `end`. Returns whether another entry follows.
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

#[cfg(test)]
mod tests {
    use serde::de::IgnoredAny;

    use super::super::{Mended, Readable as _, read, read_with};
    use crate::operation::{Page, TolerantPage};
    use crate::page::{Copies, copy_row};
    use crate::resources::Sync;

    const PAGE: &str = r#" { "data" : [ {"id":10,"slug":"a\n","destinationId":-1.5e2,"disabled":false,"schedule":null,
        "configuration":{"x":[1]},"referencedColumns":["b",0],"tags":{"c":"d"},"novel":[{}]} , {"id":"7","slug":""} ] } "#;

    /// Whether the text can be read as a page of syncs. Reads the text twice: as values, and as canonical rows, some of
    /// which are copied. Asserts that both succeed with the same number of rows, or that both fail.
    fn is_read(text: &[u8]) -> bool {
        let mut rows = Copies::default();
        let copied = read_with(text, &mut Mended::default(), |from, mended| {
            TolerantPage::read(from, mended, |from, mended| copy_row::<Sync>(&mut rows, from, mended))
        });
        let built = read_with(text, &mut Mended::default(), |from, mended| {
            TolerantPage::read(from, mended, Sync::read)
        });
        let shown = String::from_utf8_lossy(text);
        assert_eq!(copied.is_ok(), built.is_ok(), "{shown}");
        if let (Ok(copied), Ok(built)) = (copied, built) {
            assert_eq!(copied.rows.len(), built.rows.len(), "{shown}");
        }
        read::<Page<Sync>>(text, &mut Mended::default()).is_ok()
    }

    /// Serde does not check the structure of answers, so this reader must reject text that is not JSON.
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

    /// The copier writes some commas itself. It must not repair a text that lacks a comma, such as `{"id":1
    /// "slug":"a"}`.
    #[test]
    fn what_is_copied_is_json_whichever_byte_of_it_is_changed() {
        const ROWS: &str = r#"{"data":[{"configuration":{"x":[1,null]},"disabled":false,"externalSegment":{},"id":12,
            "lastRunAt":"2026-01-31T04:30:39.520Z","referencedColumns":["id","b"],"schedule":{"type":"interval","schedule":
            {"interval":{"quantity":2,"unit":"hour"}}},"slug":"a","tags":{"b":"1","c":"2"}},{"id":3,"slug":"b",
            "referencedColumns":[],"schedule":{"type":"x","schedule":{"novel":1,"novel":null}}}],"hasMore":false}"#;
        assert!(is_read(ROWS.as_bytes()));
        for at in 0..ROWS.len() {
            let mut without = ROWS.as_bytes().to_vec();
            without.remove(at);
            is_read(&without);
            for byte in b" \",:{}[]\\05.nu\xff" {
                let mut changed = ROWS.as_bytes().to_vec();
                changed.insert(at, *byte);
                is_read(&changed);
                changed.remove(at + 1);
                is_read(&changed);
            }
        }
    }

    #[test]
    fn an_error_names_the_byte_at_which_the_text_stops_being_json() {
        let why = |text: &str| read::<Page<Sync>>(text.as_bytes(), &mut Mended::default()).err().unwrap();
        assert_eq!(why("{\"data\":\n[{\"novel\":\n[1,\n2,nul]}]}"), "invalid JSON at byte 29");
        assert_eq!(why("{\"data\":[{\"novel\":[1,"), "the text ends within a value at byte 18");
    }

    #[test]
    fn invalid_utf_8_is_an_error_only_in_a_member_that_is_read() {
        let with = |slug: &[u8], novel: &[u8]| {
            [&b"{\"data\":[{\"novel\":\""[..], novel, b"\",\"id\":1,\"slug\":\"", slug, b"\"}]}"].concat()
        };
        assert!(is_read(&with("é".as_bytes(), b"\xe9")));
        assert!(!is_read(&with(b"\xe9", "é".as_bytes())));
    }
}
