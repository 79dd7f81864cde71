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
pub(crate) use slugs::{BySlug, fetch_by_slug, remembered};
pub(crate) use start::{start, start_raw};
pub use trigger::{IfRunning, ListSyncRuns, RunOrder, TriggerSync};
pub(crate) use trigger::{ListSyncRunsOp, TriggerRunCustomOp, TriggerRunOp, syncs_after, trigger_call};
pub use types::*;

use crate::call::{Id, call, call_on};
use crate::operation::{Endpoint as _, NoFields};
use crate::resources::{Pages, Pending};
use crate::runs::Run;

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

    /// Makes a sync (operation `CreateSync`).
    pub fn create(&self, sync: &SyncCreate) -> Pending<Sync> {
        Pending::new(&self.sender, call::<CreateSyncOp>(sync))
    }

    /// Changes a sync (operation `UpdateSync`); what is left out stays as it is.
    pub fn update(&self, sync: impl Into<SyncReference>, changes: &SyncUpdate) -> Pending<Sync> {
        Pending::new(&self.sender, call_on::<UpdateSyncOp>(vec![Id::Sync(sync.into())], changes))
    }

    /// Deletes a sync (operation `DeleteSync`, newer than the document that this SDK was made from); what it delivered
    /// stays delivered.
    pub fn delete(&self, sync: impl Into<SyncReference>) -> Pending<()> {
        Pending::new(&self.sender, call_on::<DeleteSyncOp>(vec![Id::Sync(sync.into())], &NoFields))
    }

    /// Starts a run and gives its handle (operation `TriggerRun`, by slug `TriggerRunCustom`). Never sent twice unless
    /// it certainly did not happen.
    pub fn trigger(&self, sync: impl Into<SyncReference>, how: &TriggerSync) -> Pending<Run<SyncRun>> {
        let (sync, how) = (sync.into(), how.clone());
        let (sync_raw, how_raw) = (sync.clone(), how.clone());
        Pending::made(
            &self.sender,
            TriggerRunOp::OPERATION.id,
            move |sender, mut spent| {
                Box::pin(async move {
                    let token = start(&sender, &sync, &how, &mut spent).await?;
                    Ok((Run::new(&sender, token), spent))
                })
            },
            move |sender, spent| {
                Box::pin(async move { start_raw(&sender, &sync_raw, &how_raw, spent).await })
            },
        )
    }

    /// Lists the runs of a sync lazily, in pages (operation `ListSyncRuns`).
    #[must_use]
    pub fn runs(&self, sync: impl Into<SyncReference>, which: &ListSyncRuns) -> Pages<SyncRun> {
        Pages::new(&self.sender, call_on::<ListSyncRunsOp>(vec![Id::Sync(sync.into())], which))
    }
}
