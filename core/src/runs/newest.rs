//! The newest runs of a list whose direction is not documented.

use super::state::Listed;
use crate::call::Spent;
use crate::error::Error;
use crate::operation::Page;
use crate::page::Row;
use crate::sender::Sender;

/// How many pages one look reads at most, from the newest end of a list on.
const PAGES: u32 = 10;

/// The most steps to find the end of a list: 32 forward and 32 back.
const STEPS: u32 = 64;

/// A list of runs ordered by the time of the request, read from its newest end.
pub(super) struct Newest<'a, S> {
    sender: &'a Sender,
    parent: &'a str,
    /// The account of all its requests.
    spent: &'a mut Spent,
    /// The offset of the last page with rows, once it is known that the newest runs are last.
    end: u32,
    /// The number of rows in a full page.
    length: u32,
    state: std::marker::PhantomData<fn() -> S>,
}

impl<'a, S: Listed> Newest<'a, S> {
    pub(super) fn new(sender: &'a Sender, parent: &'a str, spent: &'a mut Spent) -> Self {
        Self { sender, parent, spent, end: 0, length: 1, state: std::marker::PhantomData }
    }

    /// Returns the newest runs that are `wanted`. An older page is read only if all rows of the newer one are wanted.
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
            // A first page with equal times does not show the order; both ends together do.
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

    /// Finds the last page with rows: doubles the offset until a page is empty, then searches in between.
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
                // Aligned to pages, so that all pages but the last are full.
                Some(beyond) => at + ((beyond - at) / 2).div_ceil(length) * length,
            };
            // If the server returned short pages, there are more rows between the last two steps.
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
                // The server ignores offsets, so this page is the only one.
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

/// Whether the newest runs are first.
fn descends<S: Listed>(rows: &[S]) -> bool {
    match (rows.first().and_then(Listed::created), rows.last().and_then(Listed::created)) {
        (Some(first), Some(last)) => first > last,
        _ => false,
    }
}
