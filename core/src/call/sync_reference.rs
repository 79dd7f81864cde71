//! Names a sync by its id or by its slug.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::model::strict::{FromCaller, Invalid};
use crate::text::quoted;

/// The id or the slug of a sync. An integer or a string of only digits is an id; any other string is a slug.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SyncReference {
    /// The numeric id.
    Id(i64),
    /// The slug.
    Slug(String),
}

/// The longest slug that is looked up, in bytes. Hightouch's slugs are far shorter.
const LONGEST_SLUG: usize = 512;

impl SyncReference {
    /// Refuses a negative id, and a text that cannot be a slug, such as an empty one. Looking up such a text could read
    /// all syncs of the workspace.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Slug(slug) if slug.trim().is_empty() => Err("is empty; it must be a sync's id or slug"),
            Self::Slug(slug) if slug.len() > LONGEST_SLUG => Err("is too long to be a slug"),
            Self::Slug(slug)
                if slug
                    .chars()
                    .any(|char| char.is_control() || char.is_whitespace() || "/?#\\".contains(char)) =>
            {
                Err(
                    "cannot be a slug: it contains a space, a slash or another character that slugs do not contain",
                )
            }
            Self::Id(..0) => Err("must be an id or a slug, and an id cannot be negative"),
            Self::Id(_) | Self::Slug(_) => Ok(()),
        }
    }
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
            Self::Slug(slug) => write!(to, "sync {}", quoted(slug)),
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

impl FromCaller for SyncReference {
    fn from_caller(raw: &RawValue) -> Result<Self, Invalid> {
        let id = i64::from_caller(raw).map(Self::Id);
        id.or_else(|_| String::from_caller(raw).map(Self::from))
            .map_err(|_| Invalid::wrong("must be a sync's id (a whole number) or its slug (a string)"))
    }
}
