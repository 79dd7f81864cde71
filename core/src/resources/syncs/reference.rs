//! A sync by its id or its slug, and the id behind a slug.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::{ListSyncOp, ListSyncs, Sync};
use crate::client::{Call, Client, Meta, Options};
use crate::error::{Error, Kind};
use crate::limit::Class;
use crate::page::Page;
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

/// The id behind a slug, asked for once per client; whoever changes the sync asks again, since the slug may have gone
/// to another one.
pub(crate) async fn resolve(
    client: &Client,
    slug: &str,
    call_for: Option<&Call>,
    options: &Options,
) -> Result<(i64, Option<Meta>), Error> {
    let remembers = call_for.is_none_or(|call| !call.is_write());
    if remembers && let Some(id) = client.known_slug(slug) {
        return Ok((id, None));
    }
    let call = call::<ListSyncOp>(&ListSyncs { slug: Some(slug.to_owned()), ..ListSyncs::default() })?
        .on(SyncReference::Slug(slug.to_owned()).to_string())
        .of_class(call_for.map_or(Ok(Class::Trigger), |call| call.class(options))?);
    let (page, meta) = client.value::<Page<Sync>>(&call, &options.clone().unraw()).await?;
    // Whether the server's filter is exact is not documented, so the match is checked here.
    match page.data.iter().find(|sync| sync.slug == slug) {
        Some(sync) => {
            client.learn_slug(slug, sync.id);
            Ok((sync.id, Some(meta)))
        }
        None => Err(Error::new(Kind::NotFound, "no sync has this slug").at(&call).with_meta(meta).with_hint(
            "Check the slug in the sync's settings, or pass the numeric id; nothing was changed.",
        )),
    }
}
