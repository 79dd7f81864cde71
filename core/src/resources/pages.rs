//! Lists that are read page by page, as the caller asks for rows.

use std::collections::VecDeque;
use std::pin::Pin;

use futures_util::stream::{self, Stream};

use super::pending::RawAnswer;
use super::syncs::fetch_by_slug;
use crate::call::{Call, Options};
use crate::error::Error;
use crate::page::{self, Cursor, ReadRow, Row};
use crate::sender::Sender;

/// A list that is read lazily: no request is sent until you ask for the first page or row.
#[derive(Debug)]
pub struct Pages<T> {
    sender: Sender,
    call: Result<Call, Error>,
    options: Options,
    cursor: Option<Cursor>,
    row: std::marker::PhantomData<fn() -> T>,
}

#[expect(private_bounds, reason = "rows are this crate's own types")]
impl<T: Row> Pages<T> {
    pub(crate) fn new(sender: &Sender, call: Result<Call, Error>) -> Self {
        let cursor = call.as_ref().ok().map(page::start);
        Self {
            sender: sender.clone(),
            call,
            options: Options::default(),
            cursor,
            row: std::marker::PhantomData,
        }
    }

    /// Sets the options of each call that reads a page.
    #[must_use]
    pub fn with(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Reads only the first page. Returns the answer as the server wrote it, and the rows of the page.
    pub async fn raw(self) -> Result<RawAnswer<Vec<T>>, Error> {
        let call = self.call?;
        let mut spent = self.sender.account(call.subject(), &self.options, true);
        let page =
            fetch_by_slug(&self.sender, &call, page::start(&call), &mut spent, &mut ReadRow::value).await;
        RawAnswer::new(spent, page.map(|(page, _)| page.rows))
    }

    /// Reads pages until a page has new rows, and returns the new rows. Returns `None` at the end of the list. After an
    /// error, or if the future was dropped, the next call reads the same page again.
    pub async fn next_page(&mut self) -> Result<Option<Vec<T>>, Error> {
        let call = self.call.as_ref().map_err(Clone::clone)?;
        // The cursor changes only once the page has arrived, so that a dropped future skips no rows.
        while let Some(cursor) = self.cursor.clone() {
            let mut spent = self.sender.account(call.subject(), &self.options, false);
            let (page, _) =
                fetch_by_slug(&self.sender, call, cursor, &mut spent, &mut ReadRow::value).await?;
            self.cursor = page.cursor;
            if !page.rows.is_empty() {
                return Ok(Some(page.rows));
            }
        }
        Ok(None)
    }

    /// Yields every remaining row, and reads pages as needed. The stream ends after an error.
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

    /// Reads all remaining rows into memory.
    pub async fn all(mut self) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        while let Some(page) = self.next_page().await? {
            all.extend(page);
        }
        Ok(all)
    }
}
