//! Starts and reads runs of syncs.

use super::{ListSyncOp, ListSyncs, SyncReference, SyncRun, SyncRunStatus};
use crate::call::{Call, Id, call, call_on};
use crate::error::Error;
use crate::limit::Class;
use crate::model::Timestamp;
use crate::operation::{Endpoint as _, NoFields, OfRun, Page, PathId, RunKind, SYNC, StartedNumber, number};
use crate::problem::{BadEnd, RunProblem};
use crate::runs::{Ending, Listed, Lost, RunState, adopt};

request! {
    /// Options of a trigger (operations `TriggerRun` and `TriggerRunCustom`). Nothing destructive happens by default.
    pub struct TriggerSync {
        /// Send every row again, even if it was synced before. Default: false.
        body(off) full_resync = "fullResync": bool,
        /// Process every row without making changes at the destination. Default: false.
        body(off) reset_cdc = "resetCDC": bool,
        /// Empty the audience, then send all rows of the query's result. Default: false.
        body(off) clear_and_fill = "clearAndFill": bool,
        /// What to do while a run of the sync is in progress. Default: `queue`.
        client if_running = "ifRunning": IfRunning,
    }
}

choice! {
    /// What a trigger does while a run of the sync is in progress.
    pub enum IfRunning {
        /// Starts another run, which is queued behind the run in progress.
        Queue = "queue",
        /// Returns the newest run in progress, and starts a run only if no run is in progress. Cannot be combined with
        /// other options of the trigger, because the run in progress may not have these options. The SDK looks for a
        /// run in progress before it sends the trigger. If somebody else starts a run in between, the trigger starts
        /// another run, which is queued behind that run.
        Join = "join",
    }
}

request! {
    /// Options of a trigger of a sync that is named by its slug (operation `TriggerRunCustom`).
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
    /// The order of a list of a sync's runs. The API does not document whether the order is ascending or
    /// descending.
    pub enum RunOrder {
        /// By id.
        Id = "id",
        /// By the time at which the run was requested.
        CreatedAt = "createdAt",
        /// By start time.
        StartedAt = "startedAt",
        /// By end time.
        FinishedAt = "finishedAt",
    }
}

request! {
    /// Filters, paging and order of a list of runs of a sync (operation `ListSyncRuns`).
    pub struct ListSyncRuns {
        /// Only the run with this id.
        query run_id = "runId": i64,
        /// Only runs that started after this time.
        query after = "after": Timestamp,
        /// Only runs that started before this time.
        query before = "before": Timestamp,
        /// Only runs that started at most this number of minutes ago.
        query within = "within": i64,
        /// Number of runs to skip before the first page. Default: 0.
        query offset = "offset": u32,
        /// Runs per page, at least 1. Default: 100. The server may return fewer.
        query limit = "limit": u32,
        /// Order of the list. Default: by id.
        query order_by = "orderBy": RunOrder,
    }
}

operations! {
    /// Starts a run of a sync and returns a handle that follows the run. If another run is in progress, the new run is
    /// queued behind that run. A disabled sync runs too. A request that failed is sent again only if it certainly had
    /// no effect: the rate limit refused the request, or the request never reached the server. If the answer is lost
    /// and the SDK cannot identify the new run, the error is of kind `outcome_unknown`.
    TriggerRunOp = "TriggerRun", trigger POST "/syncs/{syncId}/trigger" [SYNC] as "syncs.trigger",
    takes TriggerSync, gives run SyncRun;

    TriggerRunCustomOp = "TriggerRunCustom", trigger POST "/syncs/trigger" [] as "syncs.trigger",
    takes TriggerSyncBySlug, gives inner StartedNumber;

    /// Lists the runs of a sync, a page at a time, ordered by id unless `order_by` says otherwise.
    ListSyncRunsOp = "ListSyncRuns", read GET "/syncs/{syncId}/runs" [SYNC] as "syncs.runs",
    takes ListSyncRuns, gives page SyncRun;

    /// Returns a handle that follows an existing run. The scheduler or somebody else may have started this run. Starts
    /// no new run. Costs one request, and one more to look up a slug that the client does not remember. The error is of
    /// kind `not_found` if the server does not list the run. A run that was requested a moment ago may not be listed
    /// yet.
    FindSyncRunOp = "ListSyncRuns", poll GET "/syncs/{syncId}/runs" [SYNC, SYNC_RUN] as "syncs.run",
    takes NoFields, gives lookup SyncRun;

    /// Returns a handle that follows the latest run of a sync, or nothing if the sync has no run. The latest run is the
    /// run that was requested last; anybody may have started it, and it may have ended. Starts no run. Costs one
    /// request, and one more to look up a slug that the client does not remember. If the sync has more than 100 runs
    /// and the server lists the oldest runs first, the SDK sends a few more requests to read the end of the list.
    LatestSyncRunOp = "ListSyncRuns", poll GET "/syncs/{syncId}/runs" [SYNC] as "syncs.latest_run",
    takes NoFields, gives latest SyncRun;
}

const SYNC_RUN: PathId =
    number("run", "run_id", "runId", &["The run's id, as in the list of the sync's runs."]);

/// Creates the call that starts a run. Hightouch has one operation for ids and another for slugs.
pub(crate) fn trigger_call(sync: &SyncReference, how: &TriggerSync) -> Result<Call, Error> {
    // Creates this call even for a slug: `call_on` checks the slug, and `call` below does not.
    let by_id = call_on::<TriggerRunOp>(vec![Id::Sync(sync.clone())], how)?;
    match sync {
        SyncReference::Id(_) => Ok(by_id),
        SyncReference::Slug(slug) => {
            let fields = TriggerSyncBySlug {
                full_resync: how.full_resync,
                reset_cdc: how.reset_cdc,
                clear_and_fill: how.clear_and_fill,
                ..TriggerSyncBySlug::new(slug.as_str())
            };
            Ok(call::<TriggerRunCustomOp>(&fields)?.on_sync(sync))
        }
    }
}

/// The call that lists the syncs that ran after a time, or all syncs if no time is given.
pub(crate) fn syncs_after(after: Option<Timestamp>) -> Result<Call, Error> {
    call::<ListSyncOp>(&ListSyncs { after, ..ListSyncs::default() })
}

impl OfRun for SyncRun {
    const KIND: RunKind = RunKind::Sync;
    type Started = StartedNumber;
}

impl SyncRun {
    /// Why the run did not succeed: Hightouch's code if the error text has one, the number of rejected rows, and what
    /// to do. `None` if the run succeeded or has not ended.
    #[must_use]
    pub fn problem(&self) -> Option<RunProblem> {
        let end = match self.status {
            SyncRunStatus::Failed => BadEnd::Failed,
            SyncRunStatus::Warning => BadEnd::Warned,
            SyncRunStatus::Cancelled => BadEnd::Cancelled,
            SyncRunStatus::Interrupted => BadEnd::Interrupted,
            _ => return None,
        };
        Some(RunProblem::of(end, self.error.as_deref(), Some(self.failed_rows.total())))
    }
}

impl RunState for SyncRun {
    type Answer = Page<Self>;

    fn call(parent: &str, run: &str) -> Result<Call, Error> {
        let which = ListSyncRuns { run_id: run.parse().ok(), ..ListSyncRuns::default() };
        call_on::<ListSyncRunsOp>(vec![Id::Sync(parent.into())], &which)
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

    fn problem(&self) -> Option<RunProblem> {
        Self::problem(self)
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
        let call = call_on::<ListSyncRunsOp>(vec![Id::Sync(parent.into())], &which)?;
        Ok(call.of_class(Class::Poll))
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
