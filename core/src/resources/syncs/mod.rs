//! Syncs: their definitions, and their runs.

mod definitions;
mod schedule;
mod slugs;
mod start;
mod trigger;
mod types;

pub use crate::call::SyncReference;
pub(crate) use definitions::{CreateSyncOp, DeleteSyncOp, GetSyncOp, ListSyncOp, UpdateSyncOp};
pub use definitions::{ListSyncs, SyncCreate, SyncUpdate};
pub use schedule::*;
pub(crate) use slugs::{BySlug, fetch_by_slug, is_remembered};
pub(crate) use start::{check_join, is_plain, start};
pub(crate) use trigger::{
    FindSyncRunOp, LatestSyncRunOp, ListSyncRunsOp, TriggerRunOp, syncs_after, trigger_call,
};
pub use trigger::{IfRunning, ListSyncRuns, RunOrder, TriggerSync};
pub use types::*;

use crate::attempt::Subject;
use crate::call::{Id, call, call_on};
use crate::operation::{Endpoint as _, NoFields};
use crate::resources::{Pages, Pending, Visitor};
use crate::runs::Run;

pub(super) fn operations(visitor: &mut impl Visitor) {
    definitions::operations(visitor);
    trigger::operations(visitor);
}

handle! {
    /// The operations on syncs.
    Syncs
}

impl Syncs {
    /// Lists syncs lazily, in pages (operation `ListSync`).
    #[must_use]
    pub fn list(&self, which: &ListSyncs) -> Pages<Sync> {
        Pages::new(&self.sender, call::<ListSyncOp>(which))
    }

    /// Reads one sync (operation `GetSync`).
    pub fn get(&self, sync: impl Into<SyncReference>) -> Pending<Sync> {
        Pending::new(&self.sender, call_on::<GetSyncOp>(vec![Id::Sync(sync.into())], &NoFields))
    }

    /// Creates a sync (operation `CreateSync`).
    pub fn create(&self, sync: &SyncCreate) -> Pending<Sync> {
        Pending::new(&self.sender, call::<CreateSyncOp>(sync))
    }

    /// Changes a sync (operation `UpdateSync`). Fields that are left out keep their values.
    pub fn update(&self, sync: impl Into<SyncReference>, changes: &SyncUpdate) -> Pending<Sync> {
        Pending::new(&self.sender, call_on::<UpdateSyncOp>(vec![Id::Sync(sync.into())], changes))
    }

    /// Deletes a sync (operation `DeleteSync`, which Hightouch's OpenAPI document does not list yet). Rows that the
    /// sync has sent stay in the destination.
    pub fn delete(&self, sync: impl Into<SyncReference>) -> Pending<()> {
        Pending::new(&self.sender, call_on::<DeleteSyncOp>(vec![Id::Sync(sync.into())], &NoFields))
    }

    /// Starts a run and returns its handle (operation `TriggerRun`, or `TriggerRunCustom` if the sync is named by its
    /// slug). A request that failed is sent again only if it certainly had no effect.
    pub fn trigger(&self, sync: impl Into<SyncReference>, how: &TriggerSync) -> Pending<Run<SyncRun>> {
        let (sync, how) = (sync.into(), how.clone());
        let call = trigger_call(&sync, &how);
        let subject = call.map_or(Subject::method(TriggerRunOp::OPERATION.op), |call| call.subject().clone());
        Pending::made(&self.sender, subject, move |sender, spent| {
            Box::pin(async move {
                let token = start(sender, &sync, &how, spent).await?;
                Ok(Run::new(sender, token))
            })
        })
    }

    /// Lists the runs of a sync lazily, in pages (operation `ListSyncRuns`).
    #[must_use]
    pub fn runs(&self, sync: impl Into<SyncReference>, which: &ListSyncRuns) -> Pages<SyncRun> {
        Pages::new(&self.sender, call_on::<ListSyncRunsOp>(vec![Id::Sync(sync.into())], which))
    }

    /// Returns the handle of an existing run, which the scheduler may have started (operation `ListSyncRuns`). Fails
    /// with the kind `not_found` if the server does not list the run.
    pub fn run(&self, sync: impl Into<SyncReference>, run: i64) -> Pending<Run<SyncRun>> {
        let ids = vec![Id::Sync(sync.into()), Id::Int(run)];
        Pending::looked_up(&self.sender, call_on::<FindSyncRunOp>(ids, &NoFields))
    }

    /// Returns the handle of the latest run of a sync, which anybody may have started (operation `ListSyncRuns`).
    /// Returns `None` if the sync has no run.
    pub fn latest_run(&self, sync: impl Into<SyncReference>) -> Pending<Option<Run<SyncRun>>> {
        Pending::latest(&self.sender, call_on::<LatestSyncRunOp>(vec![Id::Sync(sync.into())], &NoFields))
    }
}
