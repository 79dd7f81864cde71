//! A sync by its id or its slug, and the id behind a slug.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::{ListSyncOp, ListSyncs, Sync};
use crate::client::{Call, Client, Meta, Options};
use crate::error::{Error, Kind};
use crate::limit::Class;
use crate::page;
use crate::resources::call;

/// A sync by its id or its slug: an integer or a string of digits alone is an id, anything else a slug.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SyncReference {
    /// The numeric id.
    Id(i64),
    /// The slug.
    Slug(String),
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
        let raw = Box::<RawValue>::deserialize(from)?;
        let id = raw.get().parse().map(Self::Id).ok();
        id.or_else(|| serde_json::from_str::<String>(raw.get()).map(Self::from).ok()).ok_or_else(|| {
            serde::de::Error::custom("a sync is named by its id (an integer) or its slug (a string)")
        })
    }
}

/// The id behind a slug.
pub(crate) struct Resolved {
    pub id: i64,
    /// The key's era in which it was looked up.
    pub era: u64,
    /// What looking it up did; nothing where it was remembered.
    pub meta: Option<Meta>,
}

/// The id behind a slug, remembered for a while; whoever changes the sync asks again, since the slug may have gone
/// to another one.
pub(crate) async fn resolve(
    client: &Client,
    slug: &str,
    call_for: Option<&Call>,
    options: &Options,
) -> Result<Resolved, Error> {
    let remembers = call_for.is_none_or(|call| !call.is_write());
    let (era, known) = {
        let slugs = client.slugs();
        (slugs.era(), slugs.id(slug).filter(|_| remembers))
    };
    if let Some(id) = known {
        return Ok(Resolved { id, era, meta: None });
    }
    let call = call::<ListSyncOp>(&ListSyncs { slug: Some(slug.to_owned()), ..ListSyncs::default() })?
        .on(SyncReference::Slug(slug.to_owned()).to_string())
        .of_class(call_for.map_or(Ok(Class::Trigger), |call| call.class(options))?);
    let (options, mut read): (_, Option<Meta>) = (options.clone().unraw(), None);
    let mut cursor = Some(page::start(&call));
    while let Some(at) = cursor.take() {
        let rest = match &read {
            None => options.clone(),
            Some(meta) => client.rest_of(&options, meta).map_err(|error| error.after(read.clone()))?,
        };
        let fetched =
            page::fetch::<Sync>(client, &call, &rest, at).await.map_err(|error| error.after(read.clone()))?;
        read = Some(fetched.meta.after(read));
        // Whether the server's filter is exact is not documented, so the match is checked here.
        if let Some(sync) = fetched.rows.iter().find(|sync| sync.slug == slug) {
            client.slugs().learn(slug, sync.id, era);
            return Ok(Resolved { id: sync.id, era, meta: read });
        }
        cursor = fetched.cursor;
    }
    Err(Error::new(Kind::NotFound, "no sync has this slug")
        .at(&call)
        .with_hint("Check the slug in the sync's settings, or pass the numeric id; nothing was changed.")
        .after(read))
}
