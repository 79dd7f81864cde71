//! The newest runs of a list whose direction is not documented.

use super::state::Listed;
use crate::client::{Client, Meta, Options};
use crate::error::Error;
use crate::page::Page;

/// Pages that one look reads at most at the new end of a list.
const PAGES: u32 = 10;

/// A list of runs in the order in which they were asked for, read from its new end.
pub(super) struct Newest<'a, S> {
    client: &'a Client,
    parent: &'a str,
    /// Of each request.
    pub options: Options,
    /// What the requests did.
    pub meta: Option<Meta>,
    /// Where the last page with rows began, once it is known that the newest stand last: lists grow.
    end: u32,
    state: std::marker::PhantomData<fn() -> S>,
}

impl<'a, S: Listed> Newest<'a, S> {
    pub(super) fn new(client: &'a Client, parent: &'a str, options: Options) -> Self {
        Self { client, parent, options, meta: None, end: 0, state: std::marker::PhantomData }
    }

    /// The newest runs, as far as they are `wanted`; an older page is read only where a whole newer one is wanted.
    pub(super) async fn find(&mut self, wanted: impl Fn(&S) -> bool) -> Result<Vec<S>, Error> {
        let mut page = self.page(self.end).await?;
        let length = length(&page);
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
            offset = if ascends { offset.saturating_sub(length) } else { offset.saturating_add(length) };
            page = self.page(offset).await?;
            whole = page.has_more == Some(false);
        }
        Ok(found.into_values().collect())
    }

    /// The last page that has rows: from one that has, ever further on until there are none, then in between.
    async fn last(&mut self, from: Page<S>) -> Result<Page<S>, Error> {
        let length = length(&from);
        let (mut known, mut at, mut step) = (from, self.end, length);
        let mut beyond: Option<u32> = None;
        while known.has_more != Some(false) {
            let next = match beyond {
                None => at.saturating_add(step),
                // On the grid of pages, so that all but the last are whole.
                Some(beyond) => at + ((beyond - at) / 2).div_ceil(length) * length,
            };
            if beyond.is_some_and(|beyond| next >= beyond) {
                break;
            }
            let page = self.page(next).await?;
            if page.data.is_empty() {
                beyond = Some(next);
            } else {
                (known, at, step) = (page, next, step.saturating_mul(2));
            }
        }
        self.end = at;
        Ok(known)
    }

    async fn page(&mut self, offset: u32) -> Result<Page<S>, Error> {
        let call = S::newest(self.parent, offset)?;
        match self.client.value::<Page<S>>(&call, &self.options).await {
            Ok((page, meta)) => {
                self.meta = Some(meta.after(self.meta.take()));
                Ok(page)
            }
            Err(error) => {
                if let Some(meta) = error.meta() {
                    self.meta = Some(meta.clone().after(self.meta.take()));
                }
                Err(error)
            }
        }
    }
}

fn length<S>(page: &Page<S>) -> u32 {
    u32::try_from(page.data.len()).unwrap_or(u32::MAX).max(1)
}

/// Whether the newest stand first.
fn descends<S: Listed>(rows: &[S]) -> bool {
    match (rows.first().and_then(Listed::created), rows.last().and_then(Listed::created)) {
        (Some(first), Some(last)) => first > last,
        _ => false,
    }
}
