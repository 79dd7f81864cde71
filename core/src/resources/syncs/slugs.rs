//! Slugs of syncs: looks up the ids of syncs by their slugs, and remembers the ids for a while.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::{ListSyncOp, ListSyncs, Sync};
use crate::call::{Call, Id, Spent, SyncReference, call};
use crate::error::{Error, Kind};
use crate::page::{self, Cursor, Fetched, ReadRow, RowReader};
use crate::reason::Reason;
use crate::sender::Sender;
use crate::workspace::Part;

/// The maximum number of slugs that a workspace remembers. At this number, all slugs are forgotten before the next slug
/// is added.
const KEPT: usize = 10_000;
/// How long a slug is remembered. The time is short, because another sync may get the slug.
const AGE: Duration = Duration::from_mins(10);

/// The digest of an API key. An id that was found with one key is not used with another key, because the other key may
/// belong to another workspace.
type KeyDigest = [u8; 32];

/// The ids of syncs that a workspace remembers by API key and slug, each with the time at which it was found.
#[derive(Debug, Default)]
pub(crate) struct Slugs(Mutex<HashMap<(KeyDigest, String), (i64, Instant)>>);

impl Part for Slugs {
    fn absorb(&self, from: &Self) {
        let known = from.lock().clone();
        self.lock().extend(known);
    }
}

impl Slugs {
    fn lock(&self) -> MutexGuard<'_, HashMap<(KeyDigest, String), (i64, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn id(&self, key: KeyDigest, slug: &str) -> Option<i64> {
        let ids = self.lock();
        ids.get(&(key, slug.to_owned())).filter(|(_, since)| since.elapsed() < AGE).map(|(id, _)| *id)
    }

    fn learn(&self, key: KeyDigest, slug: &str, id: i64) {
        let mut ids = self.lock();
        if ids.len() >= KEPT {
            ids.clear();
        }
        ids.insert((key, slug.to_owned()), (id, Instant::now()));
    }

    /// Forgets every slug of a sync that no longer exists.
    fn forget(&self, id: i64) {
        self.lock().retain(|_, (known, _)| *known != id);
    }
}

/// The result of looking up a slug: the id of the sync.
pub(crate) struct Resolved {
    pub id: i64,
    /// The digest of the API key with which the id was looked up.
    pub key: KeyDigest,
}

/// Returns the sync's id if the slug is remembered for the API key in use. Sends nothing.
fn remembered(sender: &Sender, slug: &str) -> Option<i64> {
    sender.part::<Slugs>().id(sender.key()?.digest(), slug)
}

/// Whether a slug is remembered for the API key in use. Sends nothing.
pub(crate) fn is_remembered(sender: &Sender, slug: &str) -> bool {
    remembered(sender, slug).is_some()
}

/// Looks up the id of the sync with a slug, before the call `wanted` is sent. Errors name the operation of `wanted`,
/// not the look-up. Uses a remembered id only if `remembers` is true: a call that changes a sync must not use an old
/// id, because another sync may have the slug now.
pub(crate) async fn resolve(
    sender: &Sender,
    slug: &str,
    wanted: &Call,
    remembers: bool,
    spent: &mut Spent,
) -> Result<Resolved, Error> {
    if remembers && let (Some(id), Some(key)) = (remembered(sender, slug), sender.key()) {
        return Ok(Resolved { id, key: key.digest() });
    }
    let call = call::<ListSyncOp>(&ListSyncs { slug: Some(slug.to_owned()), ..ListSyncs::default() })?
        .on_sync(&SyncReference::Slug(slug.to_owned()))
        .of_class(wanted.class(&spent.options));
    let mut looking = spent.beside(None);
    let found = search(sender, slug, &call, &mut looking).await;
    spent.add(looking);
    found.map_err(|error| sender.error_at(wanted, error.with_meta(spent.meta())))
}

async fn search(sender: &Sender, slug: &str, call: &Call, spent: &mut Spent) -> Result<Resolved, Error> {
    let mut cursor = Some(page::start(call));
    let mut left_out = false;
    while let Some(at) = cursor {
        let fetched = page::fetch(sender, call, at, spent, &mut ReadRow::<Sync>::value).await?;
        // The API does not document whether its filter for slugs is exact, so this code compares the slug.
        if let Some(sync) = fetched.rows.iter().find(|sync| sync.slug == slug)
            && let Some(key) = spent.key()
        {
            sender.part::<Slugs>().learn(key, slug, sync.id);
            return Ok(Resolved { id: sync.id, key });
        }
        left_out |= fetched.left_out;
        cursor = fetched.cursor;
    }
    if left_out {
        let what = "the answer has a sync that cannot be read, and it may be the one with this slug";
        return Err(Error::new(Kind::Protocol, what));
    }
    Err(Error::new(Kind::NotFound, "no sync has this slug")
        .with_hint("Check the spelling in the sync's settings, or pass the numeric id. Nothing was changed."))
}

/// Repeats the look-up of a slug once if the API key changed between the look-up and the call. With another key, the id
/// that was found may belong to another sync.
#[derive(Debug, Default)]
pub(crate) struct BySlug {
    repeated: bool,
}

impl BySlug {
    /// Returns the call with an id in its path in place of a slug.
    pub(crate) async fn ready(&self, sender: &Sender, call: &Call, spent: &mut Spent) -> Result<Call, Error> {
        let Some(slug) = call.slug() else { return Ok(call.clone()) };
        let Resolved { id, key } = resolve(sender, slug, call, !call.is_write(), spent).await?;
        Ok(call.clone().with_sync(id).bound_to(key))
    }

    /// Whether to look up the slug and send the call again after this error. Forgets the id if the error is of kind
    /// `not_found`, because the sync may no longer exist.
    pub(crate) fn again(&mut self, sender: &Sender, ready: &Call, error: &Error) -> bool {
        if let (Kind::NotFound, Some(Id::Sync(SyncReference::Id(id)))) = (error.kind(), ready.ids().first()) {
            sender.part::<Slugs>().forget(*id);
        }
        error.reason() == Some(Reason::KeyChanged) && !std::mem::replace(&mut self.repeated, true)
    }
}

/// Reads one page of a list. Reads each row of the page with the function `row`. The path of the list may name a sync
/// by its slug. Returns the page, and the id of the sync if the path names a sync.
pub(crate) async fn fetch_by_slug<R: Send>(
    sender: &Sender,
    call: &Call,
    cursor: Cursor,
    spent: &mut Spent,
    row: &mut RowReader<'_, R>,
) -> Result<(Fetched<R>, Option<i64>), Error> {
    let mut by_slug = BySlug::default();
    loop {
        // The look-up of a slug is boxed. Unboxed, the look-up would double the size of this future.
        let ready = Box::pin(by_slug.ready(sender, call, spent)).await?;
        match page::fetch(sender, &ready, cursor.clone(), spent, row).await {
            Err(error) if by_slug.again(sender, &ready, &error) => {}
            fetched => {
                let sync = match ready.ids().first() {
                    Some(Id::Sync(SyncReference::Id(id))) => Some(*id),
                    _ => None,
                };
                return fetched.map(|page| (page, sync));
            }
        }
    }
}
