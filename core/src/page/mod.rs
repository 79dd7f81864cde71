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

use cursor::DEFAULT_SIZE;

use crate::client::{Call, Client, Id, Meta, Options, RawAnswer, raw};
use crate::error::{Error, Kind};
use crate::limit::Class;
use crate::model::Model;
use crate::operation::Operation;

/// A row of a list, told from others by its id.
pub(crate) trait Row: Model + Send + 'static {
    /// The id as text.
    fn id(&self) -> String;
}

/// A list that is read as it is asked for: nothing is sent before.
#[derive(Debug)]
pub struct Pages<T> {
    client: Client,
    call: Result<Call, Error>,
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
    pub(crate) fn new(client: Client, call: Result<Call, Error>) -> Self {
        let cursor = call.as_ref().ok().map(start);
        Self { client, call, options: Options::default(), cursor, row: std::marker::PhantomData }
    }

    /// With options for each of its calls.
    #[must_use]
    pub fn with(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Makes the call of the first page alone and gives the answer as the server gave it.
    pub async fn raw(self) -> Result<RawAnswer, Error> {
        let call = self.call?;
        let options = Options { raw: Some(true), ..self.options };
        raw(&self.client, &positioned(&call, &start(&call)), &options).await
    }

    /// The next page that brings rows; `None` at the end of the list.
    pub async fn next_page(&mut self) -> Result<Option<Vec<T>>, Error> {
        let call = self.call.as_ref().map_err(Clone::clone)?;
        let options = self.options.clone().unraw();
        while let Some(cursor) = self.cursor.take() {
            // A page that failed can be asked for again.
            let kept = cursor.clone();
            match fetch(&self.client, call, &options, cursor).await {
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
    let usual = call.operation().map_or(DEFAULT_SIZE, |operation| operation.traits.page);
    Cursor::new(number("offset").unwrap_or(0), number("limit"), usual)
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
    ids: Vec<String>,
    query: Vec<(String, String)>,
    cursor: Cursor,
}

/// The rest of a list as an opaque text.
pub(crate) fn to_token(operation: &Operation, call: &Call, cursor: Cursor) -> String {
    let query = call.query().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let ids = call.ids().iter().map(Id::text).collect();
    let next = Next { op: operation.op.to_owned(), ids, query, cursor };
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&next).unwrap_or_default())
}

/// The call and the cursor back from the text.
pub(crate) fn from_token(operation: &'static Operation, token: &str) -> Result<(Call, Cursor), Error> {
    let next: Option<Next> =
        URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    match next {
        Some(next)
            if next.op == operation.op && next.cursor.is_sound() && next.ids.len() == operation.ids.len() =>
        {
            let ids =
                operation.ids.iter().zip(next.ids).map(|(known, text)| Id::of(known.kind, text)).collect();
            Ok((Call::new(operation, ids)?.with_query(next.query), next.cursor))
        }
        _ => {
            let what = format!("next is not what a page of {} gave", operation.op);
            Err(Error::new(Kind::InvalidRequest, what))
        }
    }
}

#[cfg(test)]
mod tests;
