//! Slugs of syncs: looking up their ids, and remembering them for a while.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::{ListSyncOp, ListSyncs, Sync};
use crate::call::{Call, Id, Spent, SyncReference, call};
use crate::error::{Error, Kind};
use crate::page::{self, Cursor, Fetched, Row};
use crate::reason::Reason;
use crate::sender::Sender;
use crate::workspace::Part;

/// How many slugs a workspace remembers. When it is full, the memory is cleared.
const KEPT: usize = 10_000;
/// How long a slug is remembered: it may move to another sync.
const AGE: Duration = Duration::from_mins(10);

/// The digest of a key. An id that was found with one key is not used with another, which may belong to another
/// workspace.
type KeyDigest = [u8; 32];

/// The ids that a workspace remembers.
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

    /// Forgets every slug of an id that is gone.
    fn forget(&self, id: i64) {
        self.lock().retain(|_, (known, _)| *known != id);
    }
}

/// The id behind a slug.
pub(crate) struct Resolved {
    pub id: i64,
    /// The digest of the key under which it was looked up.
    pub key: KeyDigest,
}

/// The id of a slug, if it is remembered for the key in use. Sends nothing.
fn remembered(sender: &Sender, slug: &str) -> Option<i64> {
    sender.part::<Slugs>().id(sender.key()?.digest(), slug)
}

/// Looks up the id of the slug that `wanted` needs; errors name `wanted`. Without `remembers` the server is always
/// asked: a call that changes the sync must not use an old id, because the slug may have moved to another sync.
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
        let fetched = page::fetch::<Sync>(sender, call, at, spent).await?;
        // Whether the server's filter is exact is not documented, so the match is checked here.
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

/// Repeats a look-up once if the key was changed before the call was sent. Getting the first key from a function is
/// such a change.
#[derive(Debug, Default)]
pub(crate) struct BySlug {
    repeated: bool,
}

impl BySlug {
    /// The call with an id in place of a slug in its path.
    pub(crate) async fn ready(&self, sender: &Sender, call: &Call, spent: &mut Spent) -> Result<Call, Error> {
        let Some(slug) = call.slug() else { return Ok(call.clone()) };
        let Resolved { id, key } = resolve(sender, slug, call, !call.is_write(), spent).await?;
        Ok(call.clone().with_sync(id).bound_to(key))
    }

    /// Whether to look up the slug and send the call again after this error.
    pub(crate) fn again(&mut self, sender: &Sender, ready: &Call, error: &Error) -> bool {
        if let (Kind::NotFound, Some(Id::Sync(SyncReference::Id(id)))) = (error.kind(), ready.ids().first()) {
            sender.part::<Slugs>().forget(*id);
        }
        error.reason() == Some(Reason::KeyChanged) && !std::mem::replace(&mut self.repeated, true)
    }
}

/// Reads one page of a list whose path may name a sync by its slug.
pub(crate) async fn fetch_by_slug<T: Row>(
    sender: &Sender,
    call: &Call,
    cursor: Cursor,
    spent: &mut Spent,
) -> Result<Fetched<T>, Error> {
    let mut by_slug = BySlug::default();
    loop {
        // Boxed, since looking up a slug is a call too and would double the future's size.
        let ready = Box::pin(by_slug.ready(sender, call, spent)).await?;
        match page::fetch(sender, &ready, cursor.clone(), spent).await {
            Err(error) if by_slug.again(sender, &ready, &error) => {}
            fetched => return fetched,
        }
    }
}
