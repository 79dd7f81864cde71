//! The newest runs of a list whose direction is not documented.

use super::state::Listed;
use crate::call::Spent;
use crate::error::Error;
use crate::operation::Page;
use crate::page::Row;
use crate::sender::Sender;

/// Pages that one look reads at most at the new end of a list.
const PAGES: u32 = 10;

/// Steps to the end of a list: 32 there and as many back, whatever the server answers.
const STEPS: u32 = 64;

/// A list of runs in the order in which they were asked for, read from its new end.
pub(super) struct Newest<'a, S> {
    sender: &'a Sender,
    parent: &'a str,
    /// The account of all its requests.
    spent: &'a mut Spent,
    /// Where the last page with rows began, once it is known that the newest stand last: lists grow.
    end: u32,
    /// Rows of a whole page, as the server gives them.
    length: u32,
    state: std::marker::PhantomData<fn() -> S>,
}

impl<'a, S: Listed> Newest<'a, S> {
    pub(super) fn new(sender: &'a Sender, parent: &'a str, spent: &'a mut Spent) -> Self {
        Self { sender, parent, spent, end: 0, length: 1, state: std::marker::PhantomData }
    }

    /// The newest runs, as far as they are `wanted`; an older page is read only where a whole newer one is wanted.
    pub(super) async fn find(&mut self, wanted: impl Fn(&S) -> bool) -> Result<Vec<S>, Error> {
        let mut page = self.page(self.end).await?;
        if page.data.is_empty() && self.end > 0 {
            self.end = 0;
            page = self.page(0).await?;
        }
        if self.end == 0 {
            self.length = rows(&page);
        }
        let head = page.data.first().and_then(Listed::created);
        let mut ascends = self.end > 0;
        if ascends || !(page.data.is_empty() || page.has_more == Some(false) || descends(&page.data)) {
            page = self.last(page).await?;
            ascends = true;
            // A first page of equal times says nothing; both ends together do.
            if page.data.last().and_then(Listed::created) < head {
                (self.end, ascends) = (0, false);
                page = self.page(0).await?;
            }
        }
        let (mut offset, mut whole) = (if ascends { self.end } else { 0 }, page.has_more == Some(false));
        let mut found = std::collections::BTreeMap::new();
        for _ in 0..PAGES {
            let oldest = if ascends { page.data.first() } else { page.data.last() };
            whole = oldest.is_none_or(|run| !wanted(run)) || (if ascends { offset == 0 } else { whole });
            found.extend(page.data.into_iter().filter(&wanted).map(|run| (run.id(), run)));
            if whole {
                break;
            }
            let length = self.length;
            offset = if ascends { offset.saturating_sub(length) } else { offset.saturating_add(length) };
            page = self.page(offset).await?;
            whole = page.has_more == Some(false);
        }
        Ok(found.into_values().collect())
    }

    /// The last page that has rows: from one that has, ever further on until there are none, then in between.
    async fn last(&mut self, from: Page<S>) -> Result<Page<S>, Error> {
        let length = self.length;
        let (mut known, mut at, mut step) = (from, self.end, length);
        let mut beyond: Option<u32> = None;
        for _ in 0..STEPS {
            if known.has_more == Some(false) {
                break;
            }
            let next = match beyond {
                None => at.saturating_add(step),
                // On the grid of pages, so that all but the last are whole.
                Some(beyond) => at + ((beyond - at) / 2).div_ceil(length) * length,
            };
            // Between the last two steps of the grid there is more where the server cut a page short.
            let next = match beyond {
                Some(beyond) if next >= beyond => at.saturating_add(rows(&known)),
                _ => next,
            };
            if next == at || beyond.is_some_and(|beyond| next >= beyond) {
                break;
            }
            let page = self.page(next).await?;
            if page.data.is_empty() {
                beyond = Some(next);
            } else if page.data.first().map(Row::id) == known.data.first().map(Row::id) {
                // The server does not mind offsets: there is but this page.
                break;
            } else {
                (known, at, step) = (page, next, step.saturating_mul(2));
            }
        }
        self.end = at;
        Ok(known)
    }

    async fn page(&mut self, offset: u32) -> Result<Page<S>, Error> {
        let call = S::newest(self.parent, offset)?;
        self.sender.value::<Page<S>>(&call, self.spent).await
    }
}

fn rows<S>(page: &Page<S>) -> u32 {
    u32::try_from(page.data.len()).unwrap_or(u32::MAX).max(1)
}

/// Whether the newest stand first.
fn descends<S: Listed>(rows: &[S]) -> bool {
    match (rows.first().and_then(Listed::created), rows.last().and_then(Listed::created)) {
        (Some(first), Some(last)) => first > last,
        _ => false,
    }
}
