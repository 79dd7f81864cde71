//! What an operation declares about the run that it starts.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{Copier, Mended, Readable, Reader, Types, Unusual};

/// The kinds of runs that can be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RunKind {
    /// A run of a sync.
    Sync,
    /// A run of a sync sequence.
    Sequence,
    /// A run of an identity graph.
    IdentityGraph,
}

impl RunKind {
    /// The name of the kind, in tokens and in every language: `sync`, `sequence` or `identity_graph`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Sequence => "sequence",
            Self::IdentityGraph => "identity_graph",
        }
    }
}

impl fmt::Display for RunKind {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.as_str())
    }
}

/// Implemented by each type for the state of a run, such as `SyncRun`.
pub(crate) trait OfRun {
    const KIND: RunKind;
    /// The answer to the request that starts a run.
    type Started: Started;
}

/// The answer to a request that starts a run. The answer contains the id of the run.
pub(crate) trait Started: Readable + Serialize + Send {
    fn id(self) -> String;
}

model! {
    /// The answer to a request that starts a run with a numeric id.
    pub(crate) struct StartedNumber {
        /// The run's id. The server sends it as a string in this answer, and as a number in the list of runs.
        required id = "id": i64,
    }
}

model! {
    /// The answer to a request that starts a run with a text as its id.
    pub(crate) struct StartedText {
        /// The run's id.
        required id = "id": RunText,
    }
}

/// The id of a run, as text. An empty id counts as missing.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub(crate) struct RunText(String);

impl Readable for RunText {
    fn read(from: &mut Reader<'_>, mended: &mut Mended) -> Result<Option<Self>, String> {
        Ok(String::read(from, mended)?.filter(|text| !text.is_empty()).map(Self))
    }

    fn copy(copier: &mut Copier<'_>) -> Result<(), Unusual> {
        if copier.string()?.is_empty() { Err(Unusual) } else { Ok(()) }
    }

    fn describe(types: &mut Types) -> Value {
        String::describe(types)
    }
}

impl Started for StartedNumber {
    fn id(self) -> String {
        self.id.to_string()
    }
}

impl Started for StartedText {
    fn id(self) -> String {
        self.id.0
    }
}
