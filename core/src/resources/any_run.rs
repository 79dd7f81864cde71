//! Resumes a run of any kind from its token.

use super::{IdentityGraphRun, SequenceRun, SyncRun};
use crate::error::Error;
use crate::operation::RunKind;
use crate::runs::{Run, RunToken};
use crate::sender::Sender;

/// A run of any kind, resumed from a token.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AnyRun {
    /// A run of a sync.
    Sync(Run<SyncRun>),
    /// A run of a sequence.
    Sequence(Run<SequenceRun>),
    /// A run of an identity graph.
    IdentityGraph(Run<IdentityGraphRun>),
}

impl AnyRun {
    /// The run, if it is a run of a sync.
    #[must_use]
    pub fn into_sync(self) -> Option<Run<SyncRun>> {
        if let Self::Sync(run) = self { Some(run) } else { None }
    }

    /// The run, if it is a run of a sequence.
    #[must_use]
    pub fn into_sequence(self) -> Option<Run<SequenceRun>> {
        if let Self::Sequence(run) = self { Some(run) } else { None }
    }

    /// The run, if it is a run of an identity graph.
    #[must_use]
    pub fn into_identity_graph(self) -> Option<Run<IdentityGraphRun>> {
        if let Self::IdentityGraph(run) = self { Some(run) } else { None }
    }
}

impl AnyRun {
    /// Resumes the run that a token names. Fails if the token is invalid or belongs to another server.
    pub(crate) fn resumed(sender: &Sender, token: &str) -> Result<Self, Error> {
        let token = RunToken::decode(token, &sender.config().origin)?;
        Ok(match token.kind {
            RunKind::Sync => Self::Sync(Run::new(sender, token)),
            RunKind::Sequence => Self::Sequence(Run::new(sender, token)),
            RunKind::IdentityGraph => Self::IdentityGraph(Run::new(sender, token)),
        })
    }
}
