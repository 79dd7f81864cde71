//! The token of a run, from which another process or language can follow it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::attempt::Subject;
use crate::error::{Error, Kind};
use crate::operation::RunKind;
use crate::sender::Sender;

/// The version of the format.
const VERSION: u32 = 1;

/// The contents of a token. It holds no key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunToken {
    v: u32,
    pub kind: RunKind,
    pub origin: String,
    pub parent: String,
    pub run: String,
    /// When it was triggered, in milliseconds since 1970 by the triggering machine's clock.
    pub since: i64,
    /// How this process got the id of the run; not part of the token.
    #[serde(skip)]
    pub source: RunOrigin,
}

/// The part that is read first, since the rest may be of a newer version.
#[derive(Deserialize)]
struct Versioned {
    v: u32,
    #[serde(default)]
    kind: serde_json::Value,
}

/// How a run's id became known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RunOrigin {
    /// From the trigger's answer, or from a token.
    #[default]
    Given,
    /// It was found after the trigger's answer was lost.
    Adopted,
    /// It was already in progress, and no run was started.
    Joined,
}

impl RunToken {
    pub(crate) fn new(sender: &Sender, kind: RunKind, parent: String, run: String) -> Self {
        let since = sender.now_millis();
        Self {
            v: VERSION,
            kind,
            origin: sender.config().origin.clone(),
            parent,
            run,
            since,
            source: RunOrigin::Given,
        }
    }

    /// Sets how the id became known.
    pub(crate) fn from(self, source: RunOrigin) -> Self {
        Self { source, ..self }
    }

    /// Base64url without padding (RFC 4648 §5) of the JSON.
    pub(crate) fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads a token meant for `origin`.
    pub(crate) fn decode(text: &str, origin: &str) -> Result<Self, Error> {
        let wrong = |what: &str| Error::new(Kind::InvalidRequest, format!("the run token {what}"));
        let bytes = URL_SAFE_NO_PAD.decode(text.trim()).map_err(|_| wrong("is not valid"))?;
        let peek: Versioned = serde_json::from_slice(&bytes).map_err(|_| wrong("is not valid"))?;
        if peek.v != VERSION {
            return Err(wrong("was created by a newer version of the SDK"));
        }
        if serde_json::from_value::<RunKind>(peek.kind).is_err() {
            return Err(wrong("is of a kind of run that this version of the SDK does not know"));
        }
        let token: Self = serde_json::from_slice(&bytes).map_err(|_| wrong("is not valid"))?;
        if token.origin != origin {
            return Err(wrong("belongs to another server than the one this client talks to"));
        }
        let numbers = token.kind != RunKind::Sync
            || token.parent.parse::<i64>().is_ok() && token.run.parse::<i64>().is_ok();
        if !numbers || token.run.is_empty() {
            return Err(wrong("is not valid"));
        }
        Ok(token)
    }

    /// The run as errors, logs and hooks name it.
    pub(crate) fn subject(&self) -> Subject {
        let kind = self.kind.as_str().replace('_', " ");
        Subject::run(format!("run {} of {kind} {}", self.run, self.parent))
    }
}
