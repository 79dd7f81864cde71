//! A run's token: enough to follow the run from another process, in another language.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::state::State as _;
use crate::client::Client;
use crate::error::{Error, Kind};
use crate::resources::{IdentityGraphRun, SequenceRun, SyncRun};

/// The version of the token's form.
const VERSION: u32 = 1;

/// The kinds of runs that can be followed.
const KINDS: [&str; 3] = [SyncRun::KIND, SequenceRun::KIND, IdentityGraphRun::KIND];

/// What a token holds. No key: whoever resumes it brings their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunToken {
    v: u32,
    pub kind: String,
    pub origin: String,
    pub parent: String,
    pub run: String,
    /// When it was triggered, in milliseconds since 1970 by the triggering machine's clock.
    pub since: i64,
    /// How this process came by it; another one only has the token.
    #[serde(skip)]
    pub source: Source,
}

/// How a run's id became known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Source {
    /// The trigger's answer gave it, or a token.
    #[default]
    Given,
    /// It was found after the trigger's answer was lost.
    Adopted,
    /// It was under way before, and none was started.
    Joined,
}

impl RunToken {
    pub(crate) fn new(client: &Client, kind: &str, parent: String, run: String) -> Self {
        let since = client.now_millis();
        Self {
            v: VERSION,
            kind: kind.to_owned(),
            origin: client.origin().to_owned(),
            parent,
            run,
            since,
            source: Source::Given,
        }
    }

    /// The same, come by in another way.
    pub(crate) fn from(self, source: Source) -> Self {
        Self { source, ..self }
    }

    /// Base64url without padding (RFC 4648 §5) of the JSON.
    pub(crate) fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads a token meant for `origin`.
    pub(crate) fn decode(text: &str, origin: &str) -> Result<Self, Error> {
        let wrong = |what: &str| Error::new(Kind::InvalidRequest, format!("the run token {what}"));
        let bytes = URL_SAFE_NO_PAD.decode(text.trim()).map_err(|_| wrong("is not one of ours"))?;
        let token: Self = serde_json::from_slice(&bytes).map_err(|_| wrong("is not one of ours"))?;
        if token.v != VERSION {
            return Err(wrong("was made by a newer version of the SDK"));
        }
        if !KINDS.contains(&token.kind.as_str()) {
            return Err(wrong("is of a kind of run that this version does not know"));
        }
        if token.origin != origin {
            return Err(wrong("belongs to another server than the one this client talks to"));
        }
        let numbers = token.kind != SyncRun::KIND
            || token.parent.parse::<i64>().is_ok() && token.run.parse::<i64>().is_ok();
        if !numbers || token.run.is_empty() {
            return Err(wrong("names no run"));
        }
        Ok(token)
    }

    /// What errors call it.
    pub(crate) fn name(&self) -> String {
        let parent = if self.kind == SyncRun::KIND { "sync" } else { self.kind.as_str() };
        format!("run {} of {} {}", self.run, parent.replace('_', " "), self.parent)
    }
}
