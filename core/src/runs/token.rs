//! The token of a run. With the token, another process or language can follow the run.

use std::cmp::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::attempt::Subject;
use crate::error::{Error, Kind};
use crate::operation::RunKind;
use crate::sender::Sender;

/// The version of the format. Tokens of any other version are refused.
const VERSION: u32 = 1;

/// The contents of a token. A token contains no API key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunToken {
    v: u32,
    pub kind: RunKind,
    pub origin: String,
    pub parent: String,
    pub run: String,
    /// When the process that created the token learned the id of the run, in milliseconds since 1970 by the clock of
    /// that process's machine. This time stands in for the start of the run.
    pub since: i64,
    /// Whether the run was found in the list of runs. Such a run may have started long before `since`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub found: bool,
    /// How this process got the id of the run; not part of the encoded token.
    #[serde(skip)]
    pub source: RunOrigin,
}

/// The part of a token that is read first, because the rest may have the format of a newer version.
#[derive(Deserialize)]
struct Versioned {
    v: u32,
    #[serde(default)]
    kind: serde_json::Value,
}

/// How a run's id became known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RunOrigin {
    /// The id came from the answer to the trigger, or from a token.
    #[default]
    Given,
    /// The run was found in the list of runs after the answer to the trigger was lost.
    Adopted,
    /// The run was already in progress, so the trigger started no other run.
    Joined,
    /// The caller named the run or asked for the latest run, and no trigger was sent.
    LookedUp,
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
            found: false,
            source: RunOrigin::Given,
        }
    }

    /// Sets the origin of the run. A run of any origin but `Given` counts as found.
    pub(crate) fn from(self, source: RunOrigin) -> Self {
        Self { source, found: source != RunOrigin::Given, ..self }
    }

    /// Encodes the token: its JSON as base64url without padding (RFC 4648 §5).
    pub(crate) fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Decodes a token. Fails if the token was created for another server than `origin`.
    pub(crate) fn decode(text: &str, origin: &str) -> Result<Self, Error> {
        let wrong = |what: &str| Error::new(Kind::InvalidRequest, format!("the run token {what}"));
        let bytes = URL_SAFE_NO_PAD.decode(text.trim()).map_err(|_| wrong("is not valid"))?;
        let peek: Versioned = serde_json::from_slice(&bytes).map_err(|_| wrong("is not valid"))?;
        match peek.v.cmp(&VERSION) {
            Ordering::Less => return Err(wrong("is not valid")),
            Ordering::Equal => {}
            Ordering::Greater => return Err(wrong("was created by a newer version of the SDK")),
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

    /// The name of the run in errors, logs and hooks, such as `run 12 of sync 7`.
    pub(crate) fn subject(&self) -> Subject {
        let kind = self.kind.as_str().replace('_', " ");
        let sync = (self.kind == RunKind::Sync).then(|| self.parent.clone());
        Subject { sync, ..Subject::run(format!("run {} of {kind} {}", self.run, self.parent)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Guards against telling a user with a damaged token to update the SDK.
    #[test]
    fn only_a_token_of_a_later_version_is_called_newer() {
        let why = |version: u32| {
            let token = serde_json::json!({"v": version, "kind": "sync", "origin": "o", "parent": "1", "run": "2", "since": 0});
            RunToken::decode(&URL_SAFE_NO_PAD.encode(token.to_string()), "o")
                .map_err(|error| error.to_string())
        };
        assert_eq!(why(0).unwrap_err(), "The run token is not valid.");
        assert_eq!(why(1).map(|token| token.run).as_deref(), Ok("2"));
        assert_eq!(why(2).unwrap_err(), "The run token was created by a newer version of the SDK.");
    }
}
