//! Canonical JSON: the form in which the core passes values of the API to Python, Node.js and Swift.

use std::io;
use std::marker::PhantomData;
use std::ops::Range;

use serde::Serialize;
use serde_json::{Serializer, Value, ser::Formatter};

use super::copier::{Copied, copied};
use super::{Mended, Readable, Reader, Types};

/// Canonical JSON, and the positions of its opaque parts: the JSON for which the API defines no structure.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written {
    pub text: Vec<u8>,
    /// The ranges of opaque JSON in `text`. They are in order and do not overlap.
    pub opaque: Vec<Range<usize>>,
}

impl Written {
    /// Serializes a value and notes the positions of its opaque parts.
    pub(crate) fn of(value: &impl Serialize) -> serde_json::Result<Self> {
        let mut marked = Vec::with_capacity(128);
        value.serialize(&mut Serializer::with_formatter(&mut marked, Marked))?;
        let mut written = Self { text: Vec::with_capacity(marked.len()), opaque: Vec::new() };
        for (index, part) in marked.split(|byte| *byte == MARK).enumerate() {
            let start = written.text.len();
            written.text.extend_from_slice(part);
            if index % 2 == 1 {
                written.opaque.push(start..written.text.len());
            }
        }
        Ok(written)
    }

    /// Returns the JSON with each opaque part replaced. `write` gets the output and the text of the part, and appends
    /// the replacement to the output.
    pub(crate) fn with(&self, mut write: impl FnMut(&mut Vec<u8>, &[u8])) -> Vec<u8> {
        let text = |from, to| self.text.get(from..to).unwrap_or_default();
        let mut with = Vec::with_capacity(self.text.len());
        let mut from = 0;
        for part in &self.opaque {
            with.extend_from_slice(text(from, part.start));
            write(&mut with, text(part.start, part.end));
            from = part.end;
        }
        with.extend_from_slice(text(from, self.text.len()));
        with
    }

    /// Joins the items into one JSON list.
    pub(crate) fn list(items: impl IntoIterator<Item = Self>) -> Self {
        let items: Vec<Self> = items.into_iter().collect();
        // A list of 100 rows is large, so growing step by step would copy it several times.
        let size = items.iter().map(|item| item.text.len() + 1).sum::<usize>() + 2;
        let mut list = Self { text: Vec::with_capacity(size), opaque: Vec::new() };
        list.text.push(b'[');
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                list.text.push(b',');
            }
            let start = list.text.len();
            list.text.extend_from_slice(&item.text);
            list.opaque.extend(item.opaque.into_iter().map(|part| start + part.start..start + part.end));
        }
        list.text.push(b']');
        list
    }
}

/// Wraps JSON without opaque parts.
impl From<Vec<u8>> for Written {
    fn from(text: Vec<u8>) -> Self {
        Self { text, opaque: Vec::new() }
    }
}

/// A byte that never occurs in UTF-8, and so not in JSON.
const MARK: u8 = 0xff;

/// A formatter that writes [`MARK`] before and after each opaque part. Only opaque JSON is serialized as a raw
/// fragment.
struct Marked;

impl Formatter for Marked {
    fn write_raw_fragment<W: ?Sized + io::Write>(&mut self, to: &mut W, fragment: &str) -> io::Result<()> {
        to.write_all(&[MARK])?;
        to.write_all(fragment.as_bytes())?;
        to.write_all(&[MARK])
    }
}

/// The canonical JSON of a `T`. A value that [`Copier`](super::Copier) can copy is copied. Any other value is read as a
/// `T` and then serialized.
pub(crate) struct Canonical<T> {
    pub json: Written,
    /// The row's id if the value is a row of a list. Nothing reads the id of any other value.
    pub id: String,
    workspace: Option<i64>,
    of: PhantomData<fn() -> T>,
}

impl<T: Readable + Serialize> Canonical<T> {
    /// Reads the next value. If the value cannot be copied, it is read as a `T`, and `id` returns the id of that `T`.
    pub(crate) fn read_with(
        from: &mut Reader<'_>,
        mended: &mut Mended,
        id: impl Fn(&T) -> String,
    ) -> Result<Option<Self>, String> {
        let start = from.start();
        if let Some(copied) = copied::<T>(from) {
            debug_assert!(is_what_is_read(&copied, from.since(start), &id), "{}", from.since(start));
            let id = copied.id.unwrap_or_default().to_owned();
            return Ok(Some(Self { json: copied.json, id, workspace: copied.workspace, of: PhantomData }));
        }
        let Some(value) = T::read(from, mended)? else { return Ok(None) };
        let json = Written::of(&value).map_err(|error| format!("a value cannot be written: {error}"))?;
        Ok(Some(Self { json, id: id(&value), workspace: value.workspace(), of: PhantomData }))
    }
}

/// Whether a copy equals the JSON that is written if the text is read as a `T` and then serialized. Debug builds and
/// tests check every copy.
fn is_what_is_read<T: Readable + Serialize>(
    copied: &Copied<'_>,
    text: &str,
    id: impl Fn(&T) -> String,
) -> bool {
    // Compares opaque JSON as text, because a `Value` cannot hold numbers like `1e999`.
    let value = |written: &Written| {
        let marked = written
            .with(|to, part| to.extend(Value::from(String::from_utf8_lossy(part)).to_string().bytes()));
        serde_json::from_slice::<Value>(&marked).ok()
    };
    let mut mended = Mended::default();
    let Ok(Some(read)) = T::read(&mut Reader::new(text.as_bytes()), &mut mended) else { return false };
    let written = Written::of(&read).unwrap_or_default();
    let is_same = value(&copied.json).is_some_and(|copied| value(&written) == Some(copied));
    let id = id(&read);
    is_same
        && mended.into_paths().is_empty()
        && copied.workspace == read.workspace()
        && (id.is_empty() || copied.id == Some(id.as_str()))
}

impl<T: Readable + Serialize> Readable for Canonical<T> {
    fn read(from: &mut Reader<'_>, mended: &mut Mended) -> Result<Option<Self>, String> {
        Self::read_with(from, mended, |_| String::new())
    }

    fn workspace(&self) -> Option<i64> {
        self.workspace
    }

    fn describe(types: &mut Types) -> Value {
        T::describe(types)
    }
}
