//! Sends triggers and returns the runs that they start.

use std::cmp::Ordering;
use std::sync::Arc;

use tokio::time::Instant;

use super::claims::{Claims, Of};
use super::newest::Newest;
use super::state::{Listed, Lost, RunState};
use super::token::{RunOrigin, RunToken};
use crate::call::{Call, Id, Spent, call_on};
use crate::error::Error;
use crate::operation::{Endpoint, Started};
use crate::sender::{Event, Sender, is_heard, tell};

/// Starts a run of the sync, sequence or graph that the call's path names. If the answer is lost, looks for the run.
pub(crate) async fn begin<E, S>(sender: &Sender, call: &Call, spent: &mut Spent) -> Result<RunToken, Error>
where
    E: Endpoint<Answer = S::Started, Fields: Default>,
    S: RunState,
{
    let parent = call.ids().first().map(Id::text).unwrap_or_default();
    let plain = call_on::<E>(call.ids().to_vec(), &E::Fields::default())?.body() == call.body();
    started::<S>(sender, parent, plain, call, spent).await
}

/// Sends a trigger and returns the run that the answer names. If the answer was lost and the API lists runs of this
/// kind, looks for the run in the list. `plain` says that the trigger sets no option; after a trigger with an option,
/// no run is taken from the list.
pub(crate) async fn started<S: RunState>(
    sender: &Sender,
    parent: String,
    plain: bool,
    call: &Call,
    spent: &mut Spent,
) -> Result<RunToken, Error> {
    let of = Of { kind: S::KIND, parent };
    let mut open = OpenTrigger::new(sender, of.clone());
    match sender.value::<S::Started>(call, spent).await {
        Ok(started) => {
            let run = started.id();
            open.claims().lock().take(&of, &run);
            open.is_known = true;
            if is_heard() {
                tell(&spent.meta(), spent.waited_so_far(), &Event::Started(Some(sender.scrub(&run))));
            }
            Ok(RunToken::new(sender, S::KIND, of.parent.clone(), run))
        }
        // A raw call returns the answer to its own request, so it cannot return an adopted run.
        Err(error) if spent.raw => Err(error),
        Err(error) => {
            let run = S::recovered(Lost { sender, of: &of, plain, error, spent }).await?;
            open.is_known = true;
            Ok(RunToken::new(sender, S::KIND, of.parent.clone(), run).from(RunOrigin::Adopted))
        }
    }
}

/// A trigger in progress. If this value is dropped before the run is known, the trigger may still have started a run.
/// So [`Claims`] then lists the trigger as lost.
pub(super) struct OpenTrigger {
    sender: Sender,
    of: Of,
    is_known: bool,
}

impl OpenTrigger {
    pub(super) fn new(sender: &Sender, of: Of) -> Self {
        let open = Self { sender: sender.clone(), of, is_known: false };
        open.claims().lock().begin(&open.of);
        open
    }

    /// Gets [`Claims`] from the sender for each use, because the workspace may have been merged into another
    /// workspace.
    fn claims(&self) -> Arc<Claims> {
        self.sender.part()
    }

    pub(super) fn of(&self) -> &Of {
        &self.of
    }

    /// Claims a run for this trigger. Returns false if another trigger of this process may have started the run.
    pub(super) fn claim_alone(&mut self, run: &str) -> bool {
        let claims = self.claims();
        let mut claims = claims.lock();
        self.is_known = claims.is_alone(&self.of, None) && claims.take(&self.of, run);
        self.is_known
    }
}

impl Drop for OpenTrigger {
    fn drop(&mut self) {
        let claims = self.claims();
        let mut claims = claims.lock();
        claims.end(&self.of);
        if !self.is_known {
            claims.lose(&self.of, Instant::now());
        }
    }
}

/// Claims a run that an earlier process has started, so that no trigger of this process takes it for its own run.
pub(crate) fn claim(sender: &Sender, token: &RunToken) {
    let of = Of { kind: token.kind, parent: token.parent.clone() };
    sender.part::<Claims>().lock().take(&of, &token.run);
}

/// Returns the newest run in progress; `None` if no run is in progress.
pub(crate) async fn under_way<S: Listed>(
    sender: &Sender,
    parent: &str,
    spent: &mut Spent,
) -> Result<Option<S>, Error> {
    let mut newest = Newest::<S>::new(sender, parent, spent);
    let place = |run: &S| if run.is_under_way() { Ordering::Equal } else { Ordering::Less };
    let (found, _) = newest.find(place).await?;
    Ok(found.into_iter().max_by_key(S::created))
}
