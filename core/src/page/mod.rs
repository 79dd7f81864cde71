//! Reads lists page by page.

mod copies;
mod cursor;
mod token;

pub(crate) use copies::{Copies, CopyRow, copy_row};
pub(crate) use cursor::Cursor;
pub(crate) use token::{from_token, to_token};

use cursor::DEFAULT_SIZE;

use crate::call::{Call, Spent};
use crate::error::{Error, Kind};
use crate::limit::Class;
use crate::model::{Mended, Readable, Reader, read_with};
use crate::operation::TolerantPage;
use crate::sender::{AnswerReader, Sender, kept};

/// A row of a list, identified by its id.
pub(crate) trait Row: Readable + Send + 'static {
    fn id(&self) -> String;
}

/// A row that was read from a page. `row` is the value, or the position of its copy in `Copies`.
pub(crate) struct ReadRow<R> {
    id: String,
    workspace: Option<i64>,
    row: R,
}

impl<T: Row> ReadRow<T> {
    /// Reads the next row as a value.
    pub(crate) fn value(from: &mut Reader<'_>, mended: &mut Mended) -> Result<Option<Self>, String> {
        let row = T::read(from, mended)?;
        Ok(row.map(|row| Self { id: row.id(), workspace: row.workspace(), row }))
    }
}

/// Reads the next row of a page. Returns `None` if the row is unusable.
pub(crate) type RowReader<'a, R> =
    dyn FnMut(&mut Reader<'_>, &mut Mended) -> Result<Option<ReadRow<R>>, String> + Send + 'a;

/// Reads a page with a [`RowReader`].
struct PageReader<'a, 'b, R> {
    row: &'a mut RowReader<'b, R>,
    page: Option<TolerantPage<ReadRow<R>>>,
}

impl<R: Send> AnswerReader for PageReader<'_, '_, R> {
    fn read(&mut self, body: &[u8], mended: &mut Mended) -> Result<Option<i64>, String> {
        let read =
            |from: &mut Reader<'_>, mended: &mut Mended| TolerantPage::read(from, mended, &mut *self.row);
        let page = self.page.insert(read_with(body, mended, read)?);
        Ok(page.rows.iter().flatten().next().and_then(|row| row.workspace))
    }
}

/// The new rows of a page, and the cursor for the next page. If the list has ended, `cursor` is `None`.
pub(crate) struct Fetched<T> {
    pub rows: Vec<T>,
    /// Whether a row of the page could not be read and is missing from `rows`.
    pub left_out: bool,
    pub cursor: Option<Cursor>,
}

/// The cursor for the first page of a list, from the arguments `offset` and `limit` of the call.
pub(crate) fn start(call: &Call) -> Cursor {
    let number =
        |name: &str| call.query().find(|(known, _)| *known == name).and_then(|(_, value)| value.parse().ok());
    let usual = call.operation().map_or(DEFAULT_SIZE, |operation| operation.traits.page);
    Cursor::new(number("offset").unwrap_or(0), number("limit"), usual)
}

/// The call for the page at the cursor. Pages after the first have the priority `bulk`.
pub(crate) fn positioned(call: &Call, cursor: &Cursor) -> Call {
    let mut call = if cursor.is_first() { call.clone() } else { call.clone().of_class(Class::Bulk) };
    let (offset, limit) = cursor.request();
    call.set_query("offset", offset.to_string());
    call.set_query("limit", limit.to_string());
    call
}

/// Reads the page at the cursor, each row with `row`.
pub(crate) async fn fetch<R: Send>(
    sender: &Sender,
    call: &Call,
    mut cursor: Cursor,
    spent: &mut Spent,
    row: &mut RowReader<'_, R>,
) -> Result<Fetched<R>, Error> {
    let call = positioned(call, &cursor);
    let (offset, _) = cursor.request();
    let mut reader = PageReader { row, page: None };
    sender.read_into(&mut reader, &call, spent).await?;
    let mut page = kept(reader.page)?;
    let id = |row: &mut Result<ReadRow<R>, String>| {
        std::mem::take(row.as_mut().map_or_else(|id| id, |row| &mut row.id))
    };
    let ids: Vec<String> = page.rows.iter_mut().map(id).collect();
    let Ok(taken) = cursor.take(ids, page.has_more) else {
        let what = format!("the list does not advance: the page at offset {offset} repeats the one before");
        let error = Error::new(Kind::Protocol, what).with_meta(spent.meta());
        return Err(sender.error_at(&call, error));
    };
    let mut fresh = taken.fresh.into_iter().peekable();
    let left_out = page.rows.iter().any(Result::is_err);
    let rows = page
        .rows
        .into_iter()
        .enumerate()
        .filter(|(index, _)| fresh.next_if_eq(index).is_some())
        .filter_map(|(_, row)| row.ok().map(|row| row.row))
        .collect();
    Ok(Fetched { rows, left_out, cursor: (!taken.ended).then_some(cursor) })
}

#[cfg(test)]
mod tests;
