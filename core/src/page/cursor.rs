//! Where a list stands: which offset to ask for next, and what a page that came brings. Pure.
//!
//! Pages overlap by one row. Where that row is no longer the one expected, rows were deleted or inserted in between,
//! and the last page is read again, further back if need be, so that nothing is skipped; what repeats is dropped
//! against the last two pages.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// The vendor's usual default page, asked for explicitly so that it is known.
pub(crate) const DEFAULT_SIZE: u32 = 100;
/// How many pages' rows are remembered.
const PAGES_KEPT: usize = 2;
/// How many pages in a row may bring nothing new while the list changes.
const STALE_BORNE: u8 = 2;

/// A list's state between two pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cursor {
    /// The offset of the first row that has not been asked for.
    offset: u32,
    /// Where the list began.
    first: u32,
    /// Rows a page, as asked for.
    size: u32,
    /// The vendor's default page; asking for more may be refused.
    usual: u32,
    /// Ids of the last pages' rows, oldest page first.
    seen: VecDeque<Vec<String>>,
    step: CursorStep,
    /// How many pages in a row brought nothing new.
    stale: u8,
}

/// What the next request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum CursorStep {
    /// The first page.
    First,
    /// The next page, from the last row that is known.
    Onward,
    /// The next page without the overlap: the server gives one row a page.
    Bare,
    /// An earlier page again, from this offset.
    Again(u32),
}

/// What a page means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Which rows of the page are new, by index.
    pub fresh: Vec<usize>,
    /// Whether the list has ended.
    pub ended: bool,
}

/// A page that repeats what was there and brings nothing new.
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

    /// Whether it can be one of ours: it comes back from outside.
    pub(crate) fn is_sound(&self) -> bool {
        self.size >= 1 && self.seen.len() <= PAGES_KEPT
    }

    /// The next request's offset and limit.
    pub(crate) fn request(&self) -> (u32, u32) {
        // One row more makes up for the overlap, where that stays within the vendor's default.
        let overlapping = if self.size < self.usual { self.size + 1 } else { self.size.max(2) };
        match self.step {
            CursorStep::Onward => (self.offset.saturating_sub(1), overlapping),
            CursorStep::First | CursorStep::Bare => (self.offset, self.size),
            CursorStep::Again(offset) => (offset, overlapping),
        }
    }

    /// Takes a page in: the rows' ids in order, and the server's `hasMore`, where it says so.
    pub(crate) fn take(&mut self, ids: &[String], has_more: Option<bool>) -> Result<Taken, DoesNotAdvance> {
        let fresh: Vec<usize> = fresh(ids, &self.seen);
        let more = has_more != Some(false);
        match self.step {
            CursorStep::First => Ok(self.advance(self.offset, ids, fresh, more && !ids.is_empty())),
            CursorStep::Bare if ids.is_empty() => Ok(Taken { fresh: Vec::new(), ended: true }),
            CursorStep::Bare if fresh.is_empty() => Err(DoesNotAdvance),
            CursorStep::Bare => Ok(self.advance(self.offset, ids, fresh, more)),
            CursorStep::Onward => self.take_onward(ids, fresh, more, has_more == Some(true)),
            CursorStep::Again(from) => self.take_again(from, ids, fresh, more),
        }
    }

    fn take_onward(
        &mut self,
        ids: &[String],
        fresh: Vec<usize>,
        more: bool,
        claims_more: bool,
    ) -> Result<Taken, DoesNotAdvance> {
        let Some(first) = ids.first().filter(|id| self.knows(id)) else {
            // Nothing that is known stands here: rows before this place went, and others slipped past.
            self.step = CursorStep::Again(self.page_start());
            return Ok(Taken { fresh: Vec::new(), ended: false });
        };
        // A row from before the overlap in its place: rows came before it, and nothing was skipped.
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
        ids: &[String],
        fresh: Vec<usize>,
        more: bool,
    ) -> Result<Taken, DoesNotAdvance> {
        let anchored = ids.first().is_some_and(|id| self.knows(id));
        if !anchored && from > self.first {
            // Nothing that is known stands here either: go further back.
            self.step = CursorStep::Again(from.saturating_sub(self.size).max(self.first));
            return Ok(Taken { fresh: Vec::new(), ended: false });
        }
        if ids.is_empty() {
            return Ok(Taken { fresh: Vec::new(), ended: true });
        }
        self.go_on(from, ids, fresh, more)
    }

    /// Goes on from a page that repeats rows; pages that bring nothing new are borne a few times, for lists that change.
    fn go_on(
        &mut self,
        from: u32,
        ids: &[String],
        fresh: Vec<usize>,
        more: bool,
    ) -> Result<Taken, DoesNotAdvance> {
        self.stale = if fresh.is_empty() { self.stale.saturating_add(1) } else { 0 };
        if self.stale > STALE_BORNE { Err(DoesNotAdvance) } else { Ok(self.advance(from, ids, fresh, more)) }
    }

    fn advance(&mut self, from: u32, ids: &[String], fresh: Vec<usize>, more: bool) -> Taken {
        self.offset = from.saturating_add(u32::try_from(ids.len()).unwrap_or(u32::MAX));
        self.seen.push_back(ids.to_vec());
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

    /// Where the last page began.
    fn page_start(&self) -> u32 {
        let rows = self.seen.back().map_or(0, Vec::len);
        self.offset.saturating_sub(u32::try_from(rows).unwrap_or(u32::MAX)).max(self.first)
    }
}

fn fresh(ids: &[String], seen: &VecDeque<Vec<String>>) -> Vec<usize> {
    let known: std::collections::HashSet<&String> = seen.iter().flatten().collect();
    ids.iter().enumerate().filter(|(_, id)| !known.contains(id)).map(|(index, _)| index).collect()
}
