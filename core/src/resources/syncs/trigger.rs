//! Starting the runs of a sync, and reading them.

use super::{ListSyncOp, ListSyncs, SyncReference, SyncRun, SyncRunStatus};
use crate::call::{Call, Id, call, call_on};
use crate::error::{Error, Kind};
use crate::limit::Class;
use crate::model::Timestamp;
use crate::operation::{Endpoint as _, OfRun, Page, RunKind, SYNC, StartedNumber};
use crate::runs::{Ending, Listed, Lost, RunState, adopt};

request! {
    /// How to start a run (operations `TriggerRun` and `TriggerRunCustom`); nothing destructive unless asked for.
    pub struct TriggerSync {
        /// Send every row again, whatever was synced before; false when left out.
        body(off) full_resync = "fullResync": bool,
        /// Process every row without making changes at the destination; false when left out.
        body(off) reset_cdc = "resetCDC": bool,
        /// Empty the audience, then send the whole query; false when left out.
        body(off) clear_and_fill = "clearAndFill": bool,
        /// What to do while a run of the sync is under way; `queue` when left out.
        client if_running = "ifRunning": IfRunning,
    }
}

choice! {
    /// What a trigger does while a run of the sync is under way.
    pub enum IfRunning {
        /// Starts another run, which queues behind it.
        Queue = "queue",
        /// Starts none and gives the newest run that is under way; with options it is an error, since that run may have
        /// been started with others. It looks at the list of runs first. What others start between the look and the
        /// trigger is queued behind.
        Join = "join",
    }
}

request! {
    /// The same by slug (operation `TriggerRunCustom`).
    pub(crate) struct TriggerSyncBySlug {
        /// The sync's slug.
        body(needed) sync_slug = "syncSlug": String,
        /// As in `TriggerSync`.
        body(off) full_resync = "fullResync": bool,
        /// As in `TriggerSync`.
        body(off) reset_cdc = "resetCDC": bool,
        /// As in `TriggerSync`.
        body(off) clear_and_fill = "clearAndFill": bool,
    }
}

choice! {
    /// The order of a list of a sync's runs; the direction is not documented.
    pub enum RunOrder {
        /// By id.
        Id = "id",
        /// By the time a run was asked for.
        CreatedAt = "createdAt",
        /// By the time it began.
        StartedAt = "startedAt",
        /// By the time it ended.
        FinishedAt = "finishedAt",
    }
}

request! {
    /// Which runs of a sync to list (operation `ListSyncRuns`).
    pub struct ListSyncRuns {
        /// Only this run.
        query run_id = "runId": i64,
        /// Only runs that began after this time.
        query after = "after": Timestamp,
        /// Only runs that began before this time.
        query before = "before": Timestamp,
        /// Only runs that began in the last so many minutes.
        query within = "within": i64,
        /// Runs to skip before the first page; 0 when left out.
        query offset = "offset": u32,
        /// Runs a page; 100 when left out. The server may give fewer.
        query limit = "limit": u32,
        /// Order of the list; by id when left out.
        query order_by = "orderBy": RunOrder,
    }
}

operation! {
    /// Starts a run of a sync and gives a handle that follows that run. While another run is under way the new one
    /// queues behind it; a disabled sync runs all the same. Sent once: it is repeated only when it certainly did not
    /// happen (the limit refused it, or the connection was never made); when its outcome cannot be known the error's kind
    /// is `outcome_unknown`.
    TriggerRunOp = "TriggerRun", trigger POST "/syncs/{syncId}/trigger" [SYNC] as "syncs.trigger",
    takes TriggerSync, gives run SyncRun
}

operation! {
    TriggerRunCustomOp = "TriggerRunCustom", trigger POST "/syncs/trigger" [] as "syncs.trigger",
    takes TriggerSyncBySlug, gives inner StartedNumber
}

operation! {
    /// Lists the runs of a sync, a page at a time, in the order of their ids unless asked otherwise.
    ListSyncRunsOp = "ListSyncRuns", read GET "/syncs/{syncId}/runs" [SYNC] as "syncs.runs",
    takes ListSyncRuns, gives page SyncRun
}

/// The call that starts a run; by slug it is another operation than by id.
pub(crate) fn trigger_call(sync: &SyncReference, how: &TriggerSync) -> Result<Call, Error> {
    if let Err(why) = sync.check() {
        let error = Error::new(Kind::InvalidRequest, format!("sync {why}; nothing was sent"));
        return Err(error.at(TriggerRunOp::OPERATION.id, None));
    }
    match sync {
        SyncReference::Id(id) => call_on::<TriggerRunOp>(vec![Id::Int(*id)], how),
        SyncReference::Slug(slug) => {
            let fields = TriggerSyncBySlug {
                full_resync: how.full_resync,
                reset_cdc: how.reset_cdc,
                clear_and_fill: how.clear_and_fill,
                ..TriggerSyncBySlug::new(slug.as_str())
            };
            Ok(call::<TriggerRunCustomOp>(&fields)?.on(sync.to_string()))
        }
    }
}

/// The list of syncs that ran after a time.
pub(crate) fn syncs_after(after: Option<Timestamp>) -> Result<Call, Error> {
    call::<ListSyncOp>(&ListSyncs { after, ..ListSyncs::default() })
}

impl OfRun for SyncRun {
    const KIND: RunKind = RunKind::Sync;
    type Started = StartedNumber;
}

impl RunState for SyncRun {
    type Answer = Page<Self>;

    fn call(parent: &str, run: &str) -> Result<Call, Error> {
        let which = ListSyncRuns { run_id: run.parse().ok(), ..ListSyncRuns::default() };
        let call = call_on::<ListSyncRunsOp>(vec![Id::Text(parent.to_owned())], &which)?;
        Ok(call.of_class(Class::Poll).on(format!("run {run} of sync {parent}")))
    }

    fn syncs_after(after: Option<Timestamp>) -> Result<Call, Error> {
        syncs_after(after)
    }

    fn pick(answer: Page<Self>, run: &str) -> Option<Self> {
        answer.data.into_iter().find(|found| found.id.to_string() == run)
    }

    fn ending(&self) -> Option<Ending> {
        match self.status {
            SyncRunStatus::Success => Some(Ending::Success),
            SyncRunStatus::Warning => Some(Ending::Warning),
            SyncRunStatus::Failed | SyncRunStatus::Cancelled | SyncRunStatus::Interrupted => {
                Some(Ending::Failure)
            }
            _ => None,
        }
    }

    fn status(&self) -> &str {
        self.status.as_str()
    }

    fn reason(&self) -> Option<String> {
        self.error.clone()
    }

    fn recovered(lost: Lost<'_>) -> impl Future<Output = Result<String, Error>> + Send {
        adopt::<Self>(lost)
    }
}

impl Listed for SyncRun {
    fn newest(parent: &str, offset: u32) -> Result<Call, Error> {
        let which = ListSyncRuns {
            offset: Some(offset),
            limit: Some(ListSyncRunsOp::OPERATION.traits.page),
            order_by: Some(RunOrder::CreatedAt),
            ..ListSyncRuns::default()
        };
        let call = call_on::<ListSyncRunsOp>(vec![Id::Text(parent.to_owned())], &which)?;
        Ok(call.of_class(Class::Poll).on(format!("sync {parent}")))
    }

    fn created(&self) -> Option<Timestamp> {
        self.created_at
    }

    fn is_under_way(&self) -> bool {
        match self.status {
            SyncRunStatus::Queued
            | SyncRunStatus::Querying
            | SyncRunStatus::Processing
            | SyncRunStatus::Reporting => true,
            _ => self.ending().is_none() && self.finished_at.is_none(),
        }
    }
}
