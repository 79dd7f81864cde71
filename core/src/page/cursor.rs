//! The position in a list: which offset to request next, and which rows of a page are new. Does no I/O.
//!
//! Pages overlap: each page after the first begins with the last row of the previous page. If a page begins with an
//! unknown row instead, earlier rows were deleted, and unread rows may have moved to earlier pages. The cursor then
//! requests the previous page again, and pages before that page if needed.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Hightouch's default page size for most lists. Every request states its page size, even the default.
pub(crate) const DEFAULT_SIZE: u32 = 100;
/// The number of pages for which the cursor remembers the ids of the rows.
const PAGES_KEPT: usize = 2;
/// How many consecutive pages may have no new rows.
const STALE_BORNE: u8 = 2;

/// How far a list has been read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cursor {
    /// The offset after the last row that was read.
    offset: u32,
    /// The offset of the first page.
    first: u32,
    /// Rows per page, as requested.
    size: u32,
    /// Hightouch's default page size for this list. The server may refuse a larger size.
    usual: u32,
    /// Ids of the last pages' rows, oldest page first.
    seen: VecDeque<Vec<String>>,
    step: CursorStep,
    /// How many consecutive pages had no new rows.
    stale: u8,
}

/// Which page the next request reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum CursorStep {
    /// The first page.
    First,
    /// The next page, beginning with the last known row.
    Onward,
    /// The next page, without an overlapping row, because the server returns one row per page.
    Bare,
    /// A page that was read before. The page begins at this offset.
    Again(u32),
}

/// The result of [`Cursor::take`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// The indices of the new rows of the page.
    pub fresh: Vec<usize>,
    /// Whether the list has ended.
    pub ended: bool,
}

/// The error if a page must have a new row but has none.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DoesNotAdvance;

impl Cursor {
    pub(crate) fn new(offset: u32, size: Option<u32>, usual: u32) -> Self {
        let size = size.unwrap_or(usual).max(1);
        Self { offset, first: offset, size, usual, seen: VecDeque::new(), step: CursorStep::First, stale: 0 }
    }

    pub(crate) fn is_first(&self) -> bool {
        self.step == CursorStep::First
    }

    /// Whether the cursor is valid. A cursor that is read from a caller's token may have any value.
    pub(crate) fn is_sound(&self) -> bool {
        self.size >= 1 && self.seen.len() <= PAGES_KEPT
    }

    /// The next request's offset and limit.
    pub(crate) fn request(&self) -> (u32, u32) {
        // Requests one more row for the overlap, unless the server may refuse the larger size.
        let overlapping = if self.size < self.usual { self.size + 1 } else { self.size.max(2) };
        match self.step {
            CursorStep::Onward => (self.offset.saturating_sub(1), overlapping),
            CursorStep::First | CursorStep::Bare => (self.offset, self.size),
            CursorStep::Again(offset) => (offset, overlapping),
        }
    }

    /// Takes a page: the ids of its rows in order, and `hasMore` if the server sent it.
    pub(crate) fn take(&mut self, ids: Vec<String>, has_more: Option<bool>) -> Result<Taken, DoesNotAdvance> {
        let fresh: Vec<usize> = fresh(&ids, &self.seen);
        let more = has_more != Some(false);
        match self.step {
            CursorStep::First => {
                let more = more && !ids.is_empty();
                Ok(self.advance(self.offset, ids, fresh, more))
            }
            CursorStep::Bare if ids.is_empty() => Ok(Taken { fresh: Vec::new(), ended: true }),
            CursorStep::Bare if fresh.is_empty() => Err(DoesNotAdvance),
            CursorStep::Bare => Ok(self.advance(self.offset, ids, fresh, more)),
            CursorStep::Onward => self.take_onward(ids, fresh, more, has_more == Some(true)),
            CursorStep::Again(from) => self.take_again(from, ids, fresh, more),
        }
    }

    fn take_onward(
        &mut self,
        ids: Vec<String>,
        fresh: Vec<usize>,
        more: bool,
        claims_more: bool,
    ) -> Result<Taken, DoesNotAdvance> {
        let Some(first) = ids.first().filter(|id| self.knows(id)) else {
            // The page does not begin with a known row: earlier rows were deleted, and unread rows may have moved to
            // pages that were read already.
            self.step = CursorStep::Again(self.page_start());
            return Ok(Taken { fresh: Vec::new(), ended: false });
        };
        // If the page begins with a known row other than the last one, rows were inserted earlier in the list. No row
        // was skipped.
        let overlaps = Some(first) == self.last_row();
        match (ids.len(), fresh.is_empty()) {
            (1, _) if overlaps && claims_more => {
                self.step = CursorStep::Bare;
                Ok(Taken { fresh: Vec::new(), ended: false })
            }
            (1, _) if overlaps => Ok(Taken { fresh: Vec::new(), ended: true }),
            (_, true) if overlaps => Err(DoesNotAdvance),
            _ => self.go_on(self.offset.saturating_sub(1), ids, fresh, more),
        }
    }

    fn take_again(
        &mut self,
        from: u32,
        ids: Vec<String>,
        fresh: Vec<usize>,
        more: bool,
    ) -> Result<Taken, DoesNotAdvance> {
        let anchored = ids.first().is_some_and(|id| self.knows(id));
        if !anchored && from > self.first {
            // This earlier page does not begin with a known row either, so the next request goes further back.
            self.step = CursorStep::Again(from.saturating_sub(self.size).max(self.first));
            return Ok(Taken { fresh: Vec::new(), ended: false });
        }
        if ids.is_empty() {
            return Ok(Taken { fresh: Vec::new(), ended: true });
        }
        self.go_on(from, ids, fresh, more)
    }

    /// Continues after a page that repeats rows. While the list changes, a few consecutive pages may have no new row.
    fn go_on(
        &mut self,
        from: u32,
        ids: Vec<String>,
        fresh: Vec<usize>,
        more: bool,
    ) -> Result<Taken, DoesNotAdvance> {
        self.stale = if fresh.is_empty() { self.stale.saturating_add(1) } else { 0 };
        if self.stale > STALE_BORNE { Err(DoesNotAdvance) } else { Ok(self.advance(from, ids, fresh, more)) }
    }

    fn advance(&mut self, from: u32, ids: Vec<String>, fresh: Vec<usize>, more: bool) -> Taken {
        self.offset = from.saturating_add(u32::try_from(ids.len()).unwrap_or(u32::MAX));
        self.seen.push_back(ids);
        while self.seen.len() > PAGES_KEPT {
            self.seen.pop_front();
        }
        self.step = CursorStep::Onward;
        Taken { fresh, ended: !more }
    }

    fn knows(&self, id: &String) -> bool {
        self.seen.iter().any(|page| page.contains(id))
    }

    fn last_row(&self) -> Option<&String> {
        self.seen.back().and_then(|page| page.last())
    }

    /// The offset at which the last page began.
    fn page_start(&self) -> u32 {
        let rows = self.seen.back().map_or(0, Vec::len);
        self.offset.saturating_sub(u32::try_from(rows).unwrap_or(u32::MAX)).max(self.first)
    }
}

fn fresh(ids: &[String], seen: &VecDeque<Vec<String>>) -> Vec<usize> {
    if seen.is_empty() {
        return (0..ids.len()).collect();
    }
    let known: std::collections::HashSet<&String> = seen.iter().flatten().collect();
    ids.iter().enumerate().filter(|(_, id)| !known.contains(id)).map(|(index, _)| index).collect()
}
