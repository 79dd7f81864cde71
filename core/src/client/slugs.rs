//! The ids behind slugs of syncs, remembered for a while.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

/// How many slugs a client remembers; past it the memory starts anew.
const KEPT: usize = 10_000;
/// How long: a slug may be given to another sync in the workspace.
const AGE: Duration = Duration::from_mins(10);

/// What a client remembers of slugs, all under one key.
#[derive(Debug, Default)]
pub(crate) struct Slugs {
    ids: HashMap<String, (i64, Instant)>,
    /// How often the key was changed: what was learnt under another one is worth nothing.
    era: u64,
}

impl Slugs {
    /// The era that what is looked up now belongs to.
    pub(crate) fn era(&self) -> u64 {
        self.era
    }

    pub(crate) fn id(&self, slug: &str) -> Option<i64> {
        self.ids.get(slug).filter(|(_, since)| since.elapsed() < AGE).map(|(id, _)| *id)
    }

    /// Remembers an id that was looked up in an era.
    pub(crate) fn learn(&mut self, slug: &str, id: i64, era: u64) {
        if era != self.era {
            return;
        }
        if self.ids.len() >= KEPT {
            self.ids.clear();
        }
        self.ids.insert(slug.to_owned(), (id, Instant::now()));
    }

    /// Forgets whatever slug stands for an id that is gone.
    pub(crate) fn forget(&mut self, id: i64) {
        self.ids.retain(|_, (known, _)| *known != id);
    }

    pub(super) fn forget_all(&mut self) {
        self.ids.clear();
        self.era += 1;
    }
}
