//! Lists: lazy, typed iteration over offset pages.

mod cursor;
mod envelope;

use std::collections::VecDeque;
use std::pin::Pin;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::stream::{self, Stream};
use serde::{Deserialize, Serialize};

pub(crate) use cursor::Cursor;
pub(crate) use envelope::Page;

use crate::client::{Call, Client, Meta, Options};
use crate::error::{Error, Kind};
use crate::limit::Class;
use crate::model::Model;

/// A row of a list, told from others by its id.
pub(crate) trait Row: Model + Send + 'static {
    /// The id as text.
    fn id(&self) -> String;
}

/// A list that is read as it is asked for: nothing is sent before.
#[derive(Debug)]
pub struct Pages<T> {
    client: Client,
    call: Call,
    options: Options,
    cursor: Option<Cursor>,
    row: std::marker::PhantomData<fn() -> T>,
}

/// One page's rows that were not on a page before, what the call did, and whether more may follow.
pub(crate) struct Fetched<T> {
    pub rows: Vec<T>,
    pub meta: Meta,
    pub cursor: Option<Cursor>,
}

#[expect(private_bounds, reason = "rows are this crate's own types")]
impl<T: Row> Pages<T> {
    pub(crate) fn new(client: Client, call: Call, options: Options) -> Self {
        let cursor = Some(start(&call));
        Self { client, call, options: options.unraw(), cursor, row: std::marker::PhantomData }
    }

    /// The next page that brings rows; `None` at the end of the list.
    pub async fn next_page(&mut self) -> Result<Option<Vec<T>>, Error> {
        while let Some(cursor) = self.cursor.take() {
            // A page that failed can be asked for again.
            let kept = cursor.clone();
            match fetch(&self.client, &self.call, &self.options, cursor).await {
                Ok(page) => {
                    self.cursor = page.cursor;
                    if !page.rows.is_empty() {
                        return Ok(Some(page.rows));
                    }
                }
                Err(error) => {
                    self.cursor = Some(kept);
                    return Err(error);
                }
            }
        }
        Ok(None)
    }

    /// Every row, one after the other; ends after an error.
    #[must_use]
    pub fn rows(self) -> Pin<Box<dyn Stream<Item = Result<T, Error>> + Send>> {
        Box::pin(stream::unfold((Some(self), VecDeque::new()), |(pages, mut rows)| async move {
            let mut pages = pages?;
            loop {
                if let Some(row) = rows.pop_front() {
                    return Some((Ok(row), (Some(pages), rows)));
                }
                match pages.next_page().await {
                    Ok(Some(page)) => rows = page.into(),
                    Ok(None) => return None,
                    Err(error) => return Some((Err(error), (None, rows))),
                }
            }
        }))
    }

    /// Every row of the list, in memory.
    pub async fn all(mut self) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        while let Some(page) = self.next_page().await? {
            all.extend(page);
        }
        Ok(all)
    }
}

/// The cursor of a list's first call.
pub(crate) fn start(call: &Call) -> Cursor {
    let number =
        |name: &str| call.query().find(|(known, _)| *known == name).and_then(|(_, value)| value.parse().ok());
    Cursor::new(number("offset").unwrap_or(0), number("limit"))
}

/// The call at the cursor's place. After the first page it is one of many, and leaves a part of the limit to others.
pub(crate) fn positioned(call: &Call, cursor: &Cursor) -> Call {
    let mut call = if cursor.is_first() { call.clone() } else { call.clone().of_class(Class::Bulk) };
    let (offset, limit) = cursor.request();
    call.set_query("offset", offset.to_string());
    call.set_query("limit", limit.to_string());
    call
}

/// Reads one page.
pub(crate) async fn fetch<T: Row>(
    client: &Client,
    call: &Call,
    options: &Options,
    mut cursor: Cursor,
) -> Result<Fetched<T>, Error> {
    let call = positioned(call, &cursor);
    let (offset, _) = cursor.request();
    let (page, meta) = client.value::<Page<T>>(&call, options).await?;
    let ids: Vec<String> = page.data.iter().map(Row::id).collect();
    let Ok(taken) = cursor.take(&ids, page.has_more) else {
        let what = format!("the list does not advance: the page at offset {offset} repeats the one before");
        return Err(Error::new(Kind::Protocol, what).at(&call).with_meta(meta));
    };
    let mut fresh = taken.fresh.into_iter().peekable();
    let rows = page
        .data
        .into_iter()
        .enumerate()
        .filter(|(index, _)| fresh.next_if_eq(index).is_some())
        .map(|(_, row)| row)
        .collect();
    Ok(Fetched { rows, meta, cursor: (!taken.ended).then_some(cursor) })
}

/// What `next` carries across the door.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Next {
    op: String,
    query: Vec<(String, String)>,
    cursor: Cursor,
}

/// The rest of a list as an opaque text.
pub(crate) fn to_token(op: &str, call: &Call, cursor: Cursor) -> String {
    let query = call.query().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let next = Next { op: op.to_owned(), query, cursor };
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&next).unwrap_or_default())
}

/// The query and the cursor back from the text.
pub(crate) fn from_token(op: &str, token: &str) -> Result<(Vec<(String, String)>, Cursor), Error> {
    let next: Option<Next> =
        URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    match next {
        Some(next) if next.op == op && next.cursor.is_sound() => Ok((next.query, next.cursor)),
        _ => Err(Error::new(Kind::InvalidRequest, format!("next is not what a page of {op} gave"))),
    }
}

#[cfg(test)]
mod tests;
