//! Reads lists page by page.

mod cursor;
mod token;

pub(crate) use cursor::Cursor;
pub(crate) use token::{from_token, to_token};

use cursor::DEFAULT_SIZE;

use serde::Serialize;
use serde_json::Value;

use crate::call::{Call, Spent};
use crate::error::{Error, Kind};
use crate::limit::Class;
use crate::model::{Canonical, Mended, Readable, Reader, Types};
use crate::operation::TolerantPage;
use crate::sender::Sender;

/// A row of a list, identified by its id.
pub(crate) trait Row: Readable + Send + 'static {
    fn id(&self) -> String;
}

/// A row as its canonical JSON.
pub(crate) struct CanonicalRow<T>(pub Canonical<T>);

impl<T: Row + Serialize> Readable for CanonicalRow<T> {
    fn read(from: &mut Reader<'_>, mended: &mut Mended) -> Result<Option<Self>, String> {
        Ok(Canonical::read_with(from, mended, T::id)?.map(Self))
    }

    fn workspace(&self) -> Option<i64> {
        self.0.workspace()
    }

    fn describe(types: &mut Types) -> Value {
        T::describe(types)
    }
}

impl<T: Row + Serialize> Row for CanonicalRow<T> {
    fn id(&self) -> String {
        self.0.id.clone()
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

/// Reads the page at the cursor.
pub(crate) async fn fetch<T: Row>(
    sender: &Sender,
    call: &Call,
    mut cursor: Cursor,
    spent: &mut Spent,
) -> Result<Fetched<T>, Error> {
    let call = positioned(call, &cursor);
    let (offset, _) = cursor.request();
    let page = sender.value::<TolerantPage<T>>(&call, spent).await?;
    let id = |row: &Result<T, String>| row.as_ref().map_or_else(Clone::clone, Row::id);
    let ids: Vec<String> = page.rows.iter().map(id).collect();
    let Ok(taken) = cursor.take(&ids, page.has_more) else {
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
        .filter_map(|(_, row)| row.ok())
        .collect();
    Ok(Fetched { rows, left_out, cursor: (!taken.ended).then_some(cursor) })
}

#[cfg(test)]
mod tests;
