//! Canonical JSON: the form in which the core passes values of the API to Python, Node.js and Swift.

use std::io;
use std::ops::Range;

use serde::Serialize;
use serde_json::{Serializer, Value, ser::Formatter};

use super::copier::{Copied, copied};
use super::{Mended, Readable, Reader, read_with};

/// The initial capacity for the JSON of one value, in bytes. Most values fit, so they are not moved while they grow.
const USUAL_SIZE: usize = 1 << 10;

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

    /// Appends a part of other JSON: a range of its `text`, and the range of its `opaque` that belongs to the part.
    pub(crate) fn append(&mut self, from: &Self, text: Range<usize>, opaque: Range<usize>) {
        let (to, start) = (self.text.len(), text.start);
        self.text.extend_from_slice(from.text.get(text).unwrap_or_default());
        let opaque = from.opaque.get(opaque).unwrap_or_default();
        self.opaque.extend(opaque.iter().map(|part| to + part.start - start..to + part.end - start));
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

/// A value as canonical JSON.
pub(crate) struct Canonical {
    pub json: Written,
    /// The id of the workspace that the value belongs to; `None` if the value does not say.
    pub workspace: Option<i64>,
}

/// A value that was appended to canonical JSON.
pub(crate) struct Appended {
    /// The id that the caller's function returns for the value.
    pub id: String,
    pub workspace: Option<i64>,
}

/// Reads a whole answer, a `T`, as canonical JSON. Fails as [`read`](super::read) does.
pub(crate) fn canonical<T: Readable + Serialize>(
    body: &[u8],
    mended: &mut Mended,
) -> Result<Canonical, String> {
    read_with(body, mended, |from, mended| {
        let mut json = Written { text: Vec::with_capacity(USUAL_SIZE.min(body.len())), opaque: Vec::new() };
        let appended = append::<T>(from, mended, &mut json, |_| String::new())?;
        Ok(appended.map(|Appended { workspace, .. }| Canonical { json, workspace }))
    })
}

/// Reads the next value, a `T`, and appends it to `to` as canonical JSON. A value that [`Copier`](super::Copier) can
/// copy is copied, and the returned id is its member `id`. Any other value is read as a `T` and then serialized, and
/// the returned id is what the function `id` returns for the `T`.
pub(crate) fn append<T: Readable + Serialize>(
    from: &mut Reader<'_>,
    mended: &mut Mended,
    to: &mut Written,
    id: impl Fn(&T) -> String,
) -> Result<Option<Appended>, String> {
    let start = from.start();
    let (text, opaque) = (to.text.len(), to.opaque.len());
    if let Some(copied) = copied::<T>(from, to) {
        debug_assert!(
            {
                let mut json = Written::default();
                json.append(to, text..to.text.len(), opaque..to.opaque.len());
                is_what_is_read(&copied, &json, from.since(start), &id)
            },
            "{}",
            from.since(start)
        );
        return Ok(Some(Appended {
            id: copied.id.unwrap_or_default().to_owned(),
            workspace: copied.workspace,
        }));
    }
    let Some(value) = T::read(from, mended)? else { return Ok(None) };
    let json = Written::of(&value).map_err(|error| format!("a value cannot be written: {error}"))?;
    to.append(&json, 0..json.text.len(), 0..json.opaque.len());
    Ok(Some(Appended { id: id(&value), workspace: value.workspace() }))
}

/// Whether a copy equals the JSON that is written if the text is read as a `T` and then serialized. Debug builds and
/// tests check every copy.
fn is_what_is_read<T: Readable + Serialize>(
    copied: &Copied<'_>,
    json: &Written,
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
    let is_same = value(json).is_some_and(|copied| value(&written) == Some(copied));
    let id = id(&read);
    is_same
        && mended.into_paths().is_empty()
        && copied.workspace == read.workspace()
        && (id.is_empty() || copied.id == Some(id.as_str()))
}
