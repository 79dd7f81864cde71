//! Copies the JSON of an answer as canonical JSON, without creating a value of the answer's type.
//!
//! The copier knows only the usual spelling of each type. A value is [`Unusual`] if it is spelt differently, or if a
//! part of it must be replaced or left out. Such a value is not copied, but read into its type and serialized. Adjacent
//! parts are copied together, so an answer that stays unchanged is copied in one piece.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;
use std::str::FromStr;

use super::canonical::Written;
use super::other_members::OtherMembers;
use super::reader::Raw;
use super::{Readable, Reader};
use crate::json::scan::{self, Passed, PassedString, Stop};
use crate::json::{MAX_DEPTH, members_with_values};

/// The error of a value that cannot be copied and must be read instead.
#[derive(Debug)]
pub(crate) struct Unusual;

impl From<Stop> for Unusual {
    fn from(_: Stop) -> Self {
        Self
    }
}

/// The name of a member. It has no escapes, because a name with escapes is [`Unusual`].
pub(crate) struct Name<'de> {
    pub text: &'de str,
    /// The range of the name in the answer, with its quotes.
    at: Range<usize>,
}

/// The position in an answer, and the copy so far.
pub(crate) struct Copier<'de> {
    text: &'de str,
    at: usize,
    to: Vec<u8>,
    /// The part of the answer that is appended to `to` next. It grows while the parts to copy are adjacent.
    kept: Range<usize>,
    /// The ranges of opaque JSON in the copy.
    opaque: Vec<Range<usize>>,
    /// Whether the copy of the current object has a member already.
    has_members: bool,
    /// True until a member of the current object has been read from the answer.
    is_first: bool,
    /// How many nested objects are being copied.
    depth: usize,
    /// If the next object is a variant of a union: the tag of the variant, which becomes the object's member `kind`.
    kind: Option<&'static str>,
    id: Option<Range<usize>>,
    workspace: Option<i64>,
}

pub(crate) struct Copied<'de> {
    /// The value of the member `id`, without quotes.
    pub id: Option<&'de str>,
    pub workspace: Option<i64>,
}

/// Copies the next value to the end of `to`. If the value is unusual, returns `None`; then `from` stays before the
/// value, and `to` is unchanged.
pub(super) fn copied<'de, T: Readable>(from: &mut Reader<'de>, to: &mut Written) -> Option<Copied<'de>> {
    if from.valid.len() != from.text.len() {
        return None;
    }
    let (text, opaque) = (to.text.len(), to.opaque.len());
    let mut copier = Copier {
        text: from.valid,
        at: from.start(),
        to: std::mem::take(&mut to.text),
        kept: 0..0,
        opaque: std::mem::take(&mut to.opaque),
        has_members: false,
        is_first: false,
        depth: 0,
        kind: None,
        id: None,
        workspace: None,
    };
    let is_usual = T::copy(&mut copier).is_ok();
    copier.flush();
    *to = Written { text: copier.to, opaque: copier.opaque };
    if !is_usual {
        to.text.truncate(text);
        to.opaque.truncate(opaque);
        return None;
    }
    from.at = copier.at;
    let id = copier.id.and_then(|id| from.valid.get(id)).map(|id| id.trim_matches('"'));
    Some(Copied { id, workspace: copier.workspace })
}

impl<'de> Copier<'de> {
    /// The next byte that is not white space.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        self.at = scan::blank(self.bytes(), self.at);
        self.bytes().get(self.at).copied()
    }

    /// Appends text that does not come from the answer.
    pub(crate) fn add(&mut self, text: &[u8]) {
        self.flush();
        self.to.extend_from_slice(text);
    }

    /// Skips a value and leaves it out of the copy.
    pub(crate) fn pass(&mut self) -> Result<(), Unusual> {
        self.raw().map(|_| ())
    }

    /// Copies a whole number if `T` can hold it.
    pub(crate) fn whole<T: FromStr>(&mut self) -> Result<(), Unusual> {
        self.number(|spelt| spelt != "-0" && spelt.parse::<T>().is_ok())
    }

    /// Copies a number if `fits` accepts its spelling.
    pub(crate) fn number(&mut self, fits: impl FnOnce(&str) -> bool) -> Result<(), Unusual> {
        self.peek();
        let (start, end) = (self.at, scan::number(self.bytes(), self.at)?);
        if !fits(self.part(start..end)?) {
            return Err(Unusual);
        }
        self.keep(start..end);
        self.at = end;
        Ok(())
    }

    pub(crate) fn boolean(&mut self) -> Result<(), Unusual> {
        match self.peek() {
            Some(b't' | b'f') => self.value(),
            _ => Err(Unusual),
        }
    }

    /// Copies a string. Returns the text between its quotes.
    pub(crate) fn string(&mut self) -> Result<&'de str, Unusual> {
        self.peek();
        let start = self.at;
        let PassedString { end, has_escapes } = scan::string(self.bytes(), start)?;
        let inside = self.part(start + 1..end - 1)?;
        // A string with an escape like `\ud83d` is not copied: it may hold half of a surrogate pair, which must be
        // replaced.
        if has_escapes && inside.contains("\\u") {
            return Err(Unusual);
        }
        self.keep(start..end);
        self.at = end;
        Ok(inside)
    }

    /// Copies any value except null as opaque JSON.
    pub(crate) fn opaque(&mut self) -> Result<(), Unusual> {
        if self.peek() == Some(b'n') {
            return Err(Unusual);
        }
        let start = self.written();
        self.value()?;
        self.opaque.push(start..self.written());
        Ok(())
    }

    /// Copies a list. `each` copies one item.
    pub(crate) fn list(&mut self, each: impl Fn(&mut Self) -> Result<(), Unusual>) -> Result<(), Unusual> {
        self.take(b'[')?;
        if self.peek() == Some(b']') {
            return self.take(b']');
        }
        loop {
            each(self)?;
            match self.peek() {
                Some(b',') => self.take(b',')?,
                _ => return self.take(b']'),
            }
        }
    }

    /// Begins an object. Pass the returned value to [`close`](Self::close) at the end of the object.
    pub(crate) fn open(&mut self) -> Result<bool, Unusual> {
        let kind = self.kind.take();
        let outer = std::mem::replace(&mut self.has_members, kind.is_some());
        self.is_first = true;
        self.depth += 1;
        match kind {
            None => self.take(b'{')?,
            Some(kind) if self.peek() == Some(b'{') => {
                self.at += 1;
                self.add(format!(r#"{{"kind":"{kind}""#).as_bytes());
            }
            Some(_) => return Err(Unusual),
        }
        Ok(outer)
    }

    /// Passes over the name of the next member and its colon. Returns `None` at the end of the object.
    pub(crate) fn name(&mut self) -> Result<Option<Name<'de>>, Unusual> {
        let next = self.peek();
        if next == Some(b'}') {
            return Ok(None);
        }
        if !std::mem::take(&mut self.is_first) {
            if next != Some(b',') {
                return Err(Unusual);
            }
            self.at += 1;
            self.peek();
        }
        let start = self.at;
        let PassedString { end, has_escapes } = scan::string(self.bytes(), start)?;
        let text = self.part(start + 1..end - 1)?;
        self.at = end;
        if has_escapes || self.peek() != Some(b':') {
            return Err(Unusual);
        }
        self.at += 1;
        self.peek();
        Ok(Some(Name { text, at: start..end }))
    }

    /// Copies a member unless its value is null. Returns whether the member was copied.
    pub(crate) fn member<T: Readable>(&mut self, name: &Name<'de>) -> Result<bool, Unusual> {
        if self.peek() == Some(b'n') {
            self.pass()?;
            return Ok(false);
        }
        self.begin(name);
        let start = self.at;
        T::copy(self)?;
        if self.depth == 1 {
            match name.text {
                "id" if self.part(start..self.at)?.contains('\\') => return Err(Unusual),
                "id" => self.id = Some(start..self.at),
                "workspaceId" => self.workspace = self.part(start..self.at)?.parse().ok(),
                _ => {}
            }
        }
        Ok(true)
    }

    /// Adds a member that the type does not know to `others`. The method [`others`](Self::others) writes all of them at
    /// the end of the object.
    pub(crate) fn other(&mut self, name: &Name<'de>, others: &mut OtherMembers) -> Result<(), Unusual> {
        let raw = self.raw()?;
        if others.add(name.text, &raw) { Ok(()) } else { Err(Unusual) }
    }

    /// Writes the members that [`other`](Self::other) collected, at the end of the object.
    pub(crate) fn others(&mut self, others: OtherMembers) {
        let Some(others) = others.finish() else { return };
        self.add(if self.has_members { br#","otherMembers":"# } else { br#""otherMembers":"# });
        let start = self.written();
        self.add(others.text().as_bytes());
        self.opaque.push(start..self.written());
    }

    /// Ends an object. `outer` is the value that [`open`](Self::open) returned for the object.
    pub(crate) fn close(&mut self, outer: bool) {
        // The next byte is the closing brace, because `name` has returned `None`.
        self.keep(self.at..self.at + 1);
        self.at += 1;
        self.has_members = outer;
        self.is_first = false;
        self.depth -= 1;
    }

    /// Returns the names of the next value's members that are not null, without passing over the value. Returns no
    /// names if the value is not an object.
    pub(crate) fn members(&mut self) -> Result<BTreeSet<Cow<'de, str>>, Unusual> {
        self.peek();
        let start = self.at;
        let Raw { text, depth } = self.raw()?;
        self.at = start;
        // This method is called only for unions. To read a union, the core first reads it as opaque JSON, and leaves it
        // out if it nests too deep. So a union that nests too deep must not be copied either.
        if depth > MAX_DEPTH { Err(Unusual) } else { Ok(members_with_values(text)) }
    }

    /// Copies a variant of a union, and adds its tag as the member `kind`.
    pub(crate) fn variant<T: Readable>(&mut self, kind: &'static str) -> Result<(), Unusual> {
        self.kind = Some(kind);
        T::copy(self)
    }

    fn bytes(&self) -> &'de [u8] {
        self.text.as_bytes()
    }

    fn part(&self, range: Range<usize>) -> Result<&'de str, Unusual> {
        self.text.get(range).ok_or(Unusual)
    }

    /// The length of the copy so far.
    fn written(&self) -> usize {
        self.to.len() + self.kept.len()
    }

    /// Adds a part of the answer to the copy.
    fn keep(&mut self, part: Range<usize>) {
        if self.kept.end != part.start {
            self.flush();
            self.kept.start = part.start;
        }
        self.kept.end = part.end;
    }

    fn flush(&mut self) {
        self.to.extend_from_slice(self.bytes().get(self.kept.clone()).unwrap_or_default());
        self.kept.start = self.kept.end;
    }

    fn take(&mut self, sign: u8) -> Result<(), Unusual> {
        if self.peek() != Some(sign) {
            return Err(Unusual);
        }
        self.keep(self.at..self.at + 1);
        self.at += 1;
        Ok(())
    }

    /// Passes over a value and returns its text.
    fn raw(&mut self) -> Result<Raw<'de>, Unusual> {
        self.peek();
        let Passed { end, depth } = scan::value(self.bytes(), self.at)?;
        let text = self.part(self.at..end)?;
        self.at = end;
        Ok(Raw { text, depth })
    }

    /// Copies a value unchanged.
    fn value(&mut self) -> Result<(), Unusual> {
        self.peek();
        let start = self.at;
        if self.raw()?.depth > MAX_DEPTH {
            return Err(Unusual);
        }
        self.keep(start..self.at);
        Ok(())
    }

    /// Copies the name of a member with the comma before it and the colon after it. A comma or colon that does not
    /// touch the name in the answer is added instead of copied.
    fn begin(&mut self, name: &Name<'de>) {
        let mut start = name.at.start;
        if self.has_members {
            let comma = start.wrapping_sub(1);
            if self.kept.end == comma && self.bytes().get(comma) == Some(&b',') {
                start = comma;
            } else {
                self.add(b",");
            }
        }
        self.has_members = true;
        if self.at == name.at.end + 1 {
            self.keep(start..self.at);
        } else {
            self.keep(start..name.at.end);
            self.add(b":");
        }
    }
}
