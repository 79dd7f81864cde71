//! A page as the server sends it: `{"data": [...], "hasMore": ...}`.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::model::{LeftOut, Mended, Readable, Reader, Types, items};

/// One page of a list. If a row cannot be read, the whole page is an error. `has_more` is `None` if the server does not
/// send it.
#[derive(Debug)]
pub(crate) struct Page<T> {
    pub data: Vec<T>,
    pub has_more: Option<bool>,
}

/// One page of a list. A row that cannot be read does not fail the page.
#[derive(Debug)]
pub(crate) struct TolerantPage<T> {
    /// The rows. A row that cannot be read is an `Err` with a hash of the row's text, so that pages can still be
    /// compared.
    pub rows: Vec<Result<T, String>>,
    pub has_more: Option<bool>,
}

impl<T: Serialize> Serialize for Page<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.data.serialize(to)
    }
}

/// Reads a page: reads each row with `row`, passes it to `each`, and returns `hasMore`. Returns `None` if the value is
/// not a page.
#[allow(
    clippy::option_option,
    reason = "whether it is a page, and whether the page says that there are more"
)]
fn read<T>(
    from: &mut Reader<'_>,
    mended: &mut Mended,
    mut row: impl FnMut(&mut Reader<'_>, &mut Mended) -> Result<Option<T>, String>,
    mut each: impl FnMut(Result<T, LeftOut<'_>>),
) -> Result<Option<Option<bool>>, String> {
    let (mut is_list, mut is_null, mut has_more) = (false, false, None);
    from.object(mended, |name, from, mended| {
        match name {
            // The paths of replaced values start at the list that the caller gets: "3.plannedRows", not
            // "data.3.plannedRows".
            "data" => {
                is_null = from.is_null();
                is_list = items(from, mended, &mut row, &mut each)?;
            }
            "hasMore" => has_more = Readable::read(from, mended)?,
            _ => {
                from.pass()?;
            }
        }
        Ok(())
    })?;
    // Some servers write null in place of an empty list. If `data` is missing, or is null although `hasMore` is true,
    // the page is rejected, because an empty page would count as the end of the list.
    if is_null && has_more != Some(true) {
        mended.note_field("data");
        is_list = true;
    }
    Ok(is_list.then_some(has_more))
}

impl<T: Readable> Readable for Page<T> {
    fn read(from: &mut Reader<'_>, mended: &mut Mended) -> Result<Option<Self>, String> {
        let (mut data, mut why) = (Vec::new(), None);
        let page = read(from, mended, T::read, |row| match row {
            Ok(row) => data.push(row),
            Err(row) => why = why.take().or(Some(row.why)),
        })?;
        match why {
            Some(why) => Err(why),
            None => Ok(page.map(|has_more| Page { data, has_more })),
        }
    }

    fn workspace(&self) -> Option<i64> {
        self.data.first().and_then(T::workspace)
    }

    fn describe(types: &mut Types) -> Value {
        T::describe(types)
    }
}

impl<T> TolerantPage<T> {
    /// Reads a page, and each of its rows with `row`. Returns `None` if the value is not a page.
    pub(crate) fn read(
        from: &mut Reader<'_>,
        mended: &mut Mended,
        row: impl FnMut(&mut Reader<'_>, &mut Mended) -> Result<Option<T>, String>,
    ) -> Result<Option<Self>, String> {
        let mut rows = Vec::new();
        let page = read(from, mended, row, |row| {
            rows.push(row.map_err(|row: LeftOut<'_>| {
                let mut hasher = DefaultHasher::new();
                row.text.hash(&mut hasher);
                format!("?{:016x}", hasher.finish())
            }));
        })?;
        Ok(page.map(|has_more| Self { rows, has_more }))
    }
}
