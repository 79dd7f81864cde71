//! Syncs: their definitions, and their runs.

mod definitions;
mod reference;
mod schedule;
mod start;
mod trigger;
mod types;

pub(crate) use definitions::{CreateSyncOp, DeleteSyncOp, GetSyncOp, ListSyncOp, UpdateSyncOp};
pub use definitions::{ListSyncs, SyncCreate, SyncUpdate};
pub use reference::SyncReference;
pub(crate) use reference::resolve;
pub use schedule::*;
pub(crate) use start::{start, start_raw};
pub use trigger::{IfRunning, ListSyncRuns, RunOrder, TriggerSync};
pub(crate) use trigger::{ListSyncRunsOp, TriggerRunCustomOp, TriggerRunOp, trigger_call};
pub use types::*;

use super::{NoFields, call, call_on};
use crate::client::{Id, Pending};
use crate::page::Pages;
use crate::runs::Run;

handle! {
    /// The operations on syncs.
    Syncs, syncs
}

impl Syncs {
    /// Lists syncs lazily, in pages (operation `ListSync`).
    #[must_use]
    pub fn list(&self, which: &ListSyncs) -> Pages<Sync> {
        Pages::new(self.client.clone(), call::<ListSyncOp>(which))
    }

    /// Reads one sync (operation `GetSync`).
    pub fn get(&self, sync: impl Into<SyncReference>) -> Pending<Sync> {
        Pending::new(&self.client, call_on::<GetSyncOp>(vec![Id::Sync(sync.into())], &NoFields))
    }

    /// Makes a sync (operation `CreateSync`).
    pub fn create(&self, sync: &SyncCreate) -> Pending<Sync> {
        Pending::new(&self.client, call::<CreateSyncOp>(sync))
    }

    /// Changes a sync (operation `UpdateSync`); what is left out stays as it is.
    pub fn update(&self, sync: impl Into<SyncReference>, changes: &SyncUpdate) -> Pending<Sync> {
        Pending::new(&self.client, call_on::<UpdateSyncOp>(vec![Id::Sync(sync.into())], changes))
    }

    /// Deletes a sync (operation `DeleteSync`, newer than the document that this SDK was made from); what it delivered
    /// stays delivered.
    pub fn delete(&self, sync: impl Into<SyncReference>) -> Pending<()> {
        Pending::new(&self.client, call_on::<DeleteSyncOp>(vec![Id::Sync(sync.into())], &NoFields))
    }

    /// Starts a run and gives its handle (operation `TriggerRun`, by slug `TriggerRunCustom`). Never sent twice unless
    /// it certainly did not happen.
    pub fn trigger(&self, sync: impl Into<SyncReference>, how: &TriggerSync) -> Pending<Run<SyncRun>> {
        let (sync, how) = (sync.into(), how.clone());
        let (sync_raw, how_raw) = (sync.clone(), how.clone());
        Pending::made(
            &self.client,
            move |client, options| {
                Box::pin(async move {
                    let (token, meta) = start(&client, &sync, &how, &options).await?;
                    Ok((Run::new(client, token), meta))
                })
            },
            move |client, options| {
                Box::pin(async move { start_raw(&client, &sync_raw, &how_raw, &options).await })
            },
        )
    }

    /// Lists the runs of a sync lazily, in pages (operation `ListSyncRuns`).
    #[must_use]
    pub fn runs(&self, sync: impl Into<SyncReference>, which: &ListSyncRuns) -> Pages<SyncRun> {
        Pages::new(self.client.clone(), call_on::<ListSyncRunsOp>(vec![Id::Sync(sync.into())], which))
    }
}
