//! A run's token: enough to follow the run from another process, in another language.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind};

/// The version of the token's form.
const VERSION: u32 = 1;

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
}

impl RunToken {
    pub(crate) fn sync(origin: &str, sync: i64, run: i64, since: i64) -> Self {
        Self {
            v: VERSION,
            kind: "sync".to_owned(),
            origin: origin.to_owned(),
            parent: sync.to_string(),
            run: run.to_string(),
            since,
        }
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
        if token.kind != "sync" {
            return Err(wrong("is of a kind of run that this version does not know"));
        }
        if token.origin != origin {
            return Err(wrong("belongs to another server than the one this client talks to"));
        }
        token.sync_and_run().ok_or_else(|| wrong("names no run"))?;
        Ok(token)
    }

    /// The numeric ids of a sync's run.
    pub(crate) fn sync_and_run(&self) -> Option<(i64, i64)> {
        Some((self.parent.parse().ok()?, self.run.parse().ok()?))
    }

    /// What errors call it.
    pub(crate) fn name(&self) -> String {
        format!("run {} of sync {}", self.run, self.parent)
    }
}
