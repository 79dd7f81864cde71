//! Syncs: listing them and starting their runs.

mod types;

pub use types::*;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::client::{Call, Client, Meta, Options};
use crate::error::{Error, Kind};
use crate::limit::Class;
use crate::model::{Timestamp, Types};
use crate::operation::{Operation, Returns, Safety};
use crate::page::{Pages, Row};
use crate::runs::{Run, RunToken};

pub(crate) static LIST: Operation = Operation {
    id: "ListSync",
    op: "syncs.list",
    method: http::Method::GET,
    path: "/syncs",
    safety: Safety::Read,
    class: Class::Read,
    returns: Returns::Page("Sync"),
    doc: "Lists the workspace's syncs, a page at a time, in the order of their ids unless asked otherwise.",
    arguments: &[ListSyncs::ARGUMENTS],
};

pub(crate) static TRIGGER: Operation = Operation {
    id: "TriggerRun",
    op: "syncs.trigger",
    method: http::Method::POST,
    path: "/syncs/{syncId}/trigger",
    safety: Safety::Write,
    class: Class::Trigger,
    returns: Returns::Run("sync"),
    doc: "Starts a run of a sync and gives a handle that follows that run. While another run is under way the new one \
          queues behind it. Sent once: it is repeated only when it certainly did not happen (the limit refused it, or \
          the connection was never made); when its outcome cannot be known the error's kind is `outcome_unknown`.",
    arguments: &[SyncReference::ARGUMENTS, TriggerSync::ARGUMENTS],
};

pub(crate) static TRIGGER_BY_SLUG: Operation = Operation {
    id: "TriggerRunCustom",
    path: "/syncs/trigger",
    returns: Returns::Inner,
    op: "syncs.trigger",
    method: http::Method::POST,
    safety: Safety::Write,
    class: Class::Trigger,
    doc: "",
    arguments: &[],
};

pub(crate) static RUNS: Operation = Operation {
    id: "ListSyncRuns",
    op: "runs.next",
    method: http::Method::GET,
    path: "/syncs/{syncId}/runs",
    safety: Safety::Read,
    class: Class::Poll,
    returns: Returns::Inner,
    doc: "",
    arguments: &[],
};

request! {
    /// Which syncs to list (operation `ListSync`).
    pub struct ListSyncs {
        /// Only the sync with this slug.
        query slug = "slug": String,
        /// Only syncs of this model.
        query model_id = "modelId": i64,
        /// Only syncs that ran after this time.
        query after = "after": Timestamp,
        /// Only syncs that ran before this time.
        query before = "before": Timestamp,
        /// Syncs to skip before the first page; 0 when left out.
        query offset = "offset": u32,
        /// Syncs a page; 100 when left out. The server may give fewer.
        query limit = "limit": u32,
        /// `id` (when left out), `name`, `slug`, `createdAt` or `updatedAt`; the direction is not documented.
        query order_by = "orderBy": String,
    }
}

request! {
    /// How to start a run (operations `TriggerRun` and `TriggerRunCustom`); nothing destructive unless asked for.
    pub struct TriggerSync {
        /// Send every row again, whatever was synced before; false when left out.
        body full_resync = "fullResync": bool,
        /// Process every row without making changes at the destination; false when left out.
        body reset_cdc = "resetCDC": bool,
        /// Empty the audience, then send the whole query; false when left out.
        body clear_and_fill = "clearAndFill": bool,
    }
}

/// A sync by its id or its slug: an integer or a string of digits alone is an id, anything else a slug.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SyncReference {
    /// The numeric id.
    Id(i64),
    /// The slug.
    Slug(String),
}

impl SyncReference {
    const ARGUMENTS: &'static [crate::resources::Argument] = &[crate::resources::Argument {
        name: "sync",
        wire: "sync",
        place: "client",
        required: true,
        doc: &["The sync's id or slug; an all-digit string is an id."],
        of: |_: &mut Types| Value::from("sync"),
    }];
}

impl From<i64> for SyncReference {
    fn from(id: i64) -> Self {
        Self::Id(id)
    }
}

impl From<&str> for SyncReference {
    fn from(text: &str) -> Self {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match i64::from_str(text) {
            Ok(id) if digits => Self::Id(id),
            _ => Self::Slug(text.to_owned()),
        }
    }
}

impl From<String> for SyncReference {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl fmt::Display for SyncReference {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(to, "sync {id}"),
            Self::Slug(slug) => write!(to, "sync \"{slug}\""),
        }
    }
}

impl Serialize for SyncReference {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Id(id) => to.serialize_i64(*id),
            Self::Slug(slug) => to.serialize_str(slug),
        }
    }
}

impl<'de> Deserialize<'de> for SyncReference {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match Value::deserialize(from)? {
            Value::Number(number) => number.as_i64().map(Self::Id),
            Value::String(text) => Some(Self::from(text)),
            _ => None,
        }
        .ok_or_else(|| {
            serde::de::Error::custom("a sync is named by its id (an integer) or its slug (a string)")
        })
    }
}

impl Row for Sync {
    fn id(&self) -> String {
        self.id.to_string()
    }
}

/// The operations on syncs.
#[derive(Clone, Debug)]
pub struct Syncs {
    client: Client,
}

impl Client {
    /// The operations on syncs.
    #[must_use]
    pub fn syncs(&self) -> Syncs {
        Syncs { client: self.clone() }
    }
}

impl Syncs {
    /// Lists syncs lazily, in pages (operation `ListSync`).
    #[must_use]
    pub fn list(&self, which: &ListSyncs) -> Pages<Sync> {
        self.list_with(which, Options::default())
    }

    /// [`list`](Self::list) with options for each of its calls.
    #[must_use]
    pub fn list_with(&self, which: &ListSyncs, options: Options) -> Pages<Sync> {
        Pages::new(self.client.clone(), list_call(which), options)
    }

    /// Starts a run and gives its handle (operation `TriggerRun`, by slug `TriggerRunCustom`). Never sent twice unless
    /// it certainly did not happen.
    pub async fn trigger(&self, sync: impl Into<SyncReference>, how: &TriggerSync) -> Result<Run, Error> {
        self.trigger_with(sync, how, &Options::default()).await
    }

    /// [`trigger`](Self::trigger) with options for the call.
    pub async fn trigger_with(
        &self,
        sync: impl Into<SyncReference>,
        how: &TriggerSync,
        options: &Options,
    ) -> Result<Run, Error> {
        let sync = sync.into();
        let (token, _) = trigger(&self.client, &sync, how, &options.clone().unraw()).await?;
        Ok(Run::new(self.client.clone(), token))
    }
}

/// The first page's call.
pub(crate) fn list_call(which: &ListSyncs) -> Call {
    let mut placed = which.place();
    // Pages overlap and are compared by id: without an order of its own the server may give another for each page.
    if which.order_by.is_none() {
        placed.query("orderBy", &Value::from("id"));
    }
    Call::new(&LIST, LIST.path).placed(placed)
}

/// Starts a run; a slug is looked up first, since a run is followed by the sync's numeric id.
pub(crate) async fn trigger(
    client: &Client,
    sync: &SyncReference,
    how: &TriggerSync,
    options: &Options,
) -> Result<(RunToken, Meta), Error> {
    let (id, call, resolved, options) = trigger_call(client, sync, how, options).await?;
    let (started, mut meta) = client.value::<Started>(&call, &options).await?;
    // The look-up was a part of the call.
    if let Some(resolved) = resolved {
        meta.attempts.splice(0..0, resolved.attempts);
        meta.waited_ms += resolved.waited_ms;
        meta.duration_ms += resolved.duration_ms;
    }
    let since = client.now_millis();
    Ok((RunToken::sync(client.origin(), id, started.id, since), meta))
}

/// The call that starts a run, the sync's id, what looking the slug up did, and the options with what time that left.
pub(crate) async fn trigger_call(
    client: &Client,
    sync: &SyncReference,
    how: &TriggerSync,
    options: &Options,
) -> Result<(i64, Call, Option<Meta>, Options), Error> {
    let (id, resolved) = match sync {
        SyncReference::Id(id) => (*id, None),
        SyncReference::Slug(slug) => resolve(client, slug, options).await?,
    };
    let options = match &resolved {
        Some(meta) => client.rest_of(options, meta)?,
        None => options.clone(),
    };
    // Explicit false: the document's defaults are strings where booleans are meant, so nothing is left to them.
    let mut placed = TriggerSync {
        full_resync: how.full_resync.or(Some(false)),
        reset_cdc: how.reset_cdc.or(Some(false)),
        clear_and_fill: how.clear_and_fill.or(Some(false)),
    }
    .place();
    let call = match sync {
        SyncReference::Id(_) => Call::new(&TRIGGER, &format!("/syncs/{id}/trigger")),
        SyncReference::Slug(slug) => {
            placed.body("syncSlug", Value::from(slug.as_str()));
            Call::new(&TRIGGER_BY_SLUG, TRIGGER_BY_SLUG.path)
        }
    };
    Ok((id, call.placed(placed).on(sync.to_string()), resolved, options))
}

model! {
    /// What starting a run gives.
    pub(crate) struct Started {
        /// Run id: a string here, a number in the list of runs.
        required id = "id": i64,
    }
}

/// The id behind a slug, asked for once per client.
async fn resolve(client: &Client, slug: &str, options: &Options) -> Result<(i64, Option<Meta>), Error> {
    if let Some(id) = client.known_slug(slug) {
        return Ok((id, None));
    }
    let call = list_call(&ListSyncs { slug: Some(slug.to_owned()), ..ListSyncs::default() })
        .on(SyncReference::Slug(slug.to_owned()).to_string())
        .of_class(Class::Trigger);
    let (page, meta) = client.value::<crate::page::Page<Sync>>(&call, &options.clone().unraw()).await?;
    // Whether the server's filter is exact is not documented, so the match is checked here.
    match page.data.iter().find(|sync| sync.slug == slug) {
        Some(sync) => {
            client.learn_slug(slug, sync.id);
            Ok((sync.id, Some(meta)))
        }
        None => Err(Error::new(Kind::NotFound, "no sync has this slug").at(&call).with_meta(meta).with_hint(
            "Check the slug in the sync's settings, or pass the numeric id; nothing was triggered.",
        )),
    }
}

/// The call that reads one run of a sync.
pub(crate) fn run_call(sync: i64, run: i64) -> Call {
    let mut placed = crate::resources::Placed::default();
    placed.query("runId", &Value::from(run));
    Call::new(&RUNS, &format!("/syncs/{sync}/runs")).placed(placed).on(format!("run {run} of sync {sync}"))
}
