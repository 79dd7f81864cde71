//! Reads the newest runs of a list. The API does not document whether the newest runs come first or last.

use std::cmp::Ordering;

use super::state::Listed;
use crate::call::Spent;
use crate::error::Error;
use crate::operation::Page;
use crate::page::Row;
use crate::sender::Sender;

/// One search takes runs from at most this many pages, beginning at the newest end of the list.
const PAGES: u32 = 10;

/// The most pages that are read to find the end of a list. Offsets have 32 bits, so the search doubles its step at most
/// 32 times, and then halves the remaining distance at most 32 times.
const STEPS: u32 = 64;

/// A list of runs ordered by the time of the request, read from its newest end.
pub(super) struct Newest<'a, S> {
    sender: &'a Sender,
    parent: &'a str,
    /// What all requests for this list have used so far.
    spent: &'a mut Spent,
    /// The offset of the last page with rows, if the newest runs are known to be at the end of the list; 0 otherwise.
    end: u32,
    /// The number of rows in a full page.
    length: u32,
    state: std::marker::PhantomData<fn() -> S>,
}

impl<'a, S: Listed> Newest<'a, S> {
    pub(super) fn new(sender: &'a Sender, parent: &'a str, spent: &'a mut Spent) -> Self {
        Self { sender, parent, spent, end: 0, length: 1, state: std::marker::PhantomData }
    }

    /// Reads the page with the newest runs. Returns the page, and whether the newest runs are certainly at the end of
    /// the list.
    async fn front(&mut self) -> Result<(Page<S>, bool), Error> {
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
            // If all times on the first page are equal, the order shows only in the times at both ends of the list.
            if page.data.last().and_then(Listed::created) < head {
                (self.end, ascends) = (0, false);
                page = self.page(0).await?;
            }
        }
        Ok((page, ascends))
    }

    /// Returns the run that was requested last. If several runs were requested at that time, returns the run with the
    /// largest id.
    pub(super) async fn latest(&mut self) -> Result<Option<S>, Error> {
        let (page, _) = self.front().await?;
        // Ids of runs of syncs are numbers, so the longer id is the larger number.
        Ok(page.data.into_iter().max_by_key(|run| (run.created(), run.id().len(), run.id())))
    }

    /// Returns the runs for which `place` is `Equal`, and whether all of them were found. `place` is `Less` for older
    /// runs and `Greater` for newer runs. Reads older pages until the oldest run of a page is `Less`, but at most
    /// [`PAGES`] pages.
    pub(super) async fn find(&mut self, place: impl Fn(&S) -> Ordering) -> Result<(Vec<S>, bool), Error> {
        let (mut page, ascends) = self.front().await?;
        let (mut offset, mut whole) = (if ascends { self.end } else { 0 }, page.has_more == Some(false));
        let mut found = std::collections::BTreeMap::new();
        for read in 1..=PAGES {
            let oldest = if ascends { page.data.first() } else { page.data.last() };
            whole =
                oldest.is_none_or(|run| place(run).is_lt()) || (if ascends { offset == 0 } else { whole });
            let wanted = page.data.into_iter().filter(|run| place(run).is_eq());
            found.extend(wanted.map(|run| (run.id(), run)));
            if whole || read == PAGES {
                break;
            }
            let length = self.length;
            offset = if ascends { offset.saturating_sub(length) } else { offset.saturating_add(length) };
            page = self.page(offset).await?;
            whole = page.has_more == Some(false);
        }
        Ok((found.into_values().collect(), whole))
    }

    /// Finds the last page with rows. First goes forward until a page is empty, and doubles the step each time. Then
    /// halves the distance between the last known page with rows and the empty page.
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
                // The distance is rounded up to whole pages, so that no two pages overlap.
                Some(beyond) => at + ((beyond - at) / 2).div_ceil(length) * length,
            };
            // If no whole page fits between the known page and the empty page, the next request begins right after the
            // rows of the known page. More rows may follow these rows if the server shortened the known page.
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
                // The server returned the same page again: it ignores offsets, so no other page can be read.
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

/// Whether the rows show that the newest runs come first.
fn descends<S: Listed>(rows: &[S]) -> bool {
    match (rows.first().and_then(Listed::created), rows.last().and_then(Listed::created)) {
        (Some(first), Some(last)) => first > last,
        _ => false,
    }
}
