//! Identity graphs: their runs, and the reprocessing of identifiers.

use std::collections::BTreeMap;

use crate::call::{Call, Id, call_on};
use crate::error::Error;
use crate::model::Timestamp;
use crate::operation::Endpoint as _;
use crate::operation::{NoFields, OfRun, Page, PathId, RunKind, StartedText, text};
use crate::page::Row;
use crate::problem::{BadEnd, RunProblem};
use crate::resources::{Pages, Pending, syncs_after};
use crate::runs::{Ending, Listed, Lost, Run, RunState, adopt};

open_enum! {
    /// Status of a run of an identity graph.
    pub enum IdentityGraphRunStatus {
        /// The run waits for its turn.
        Queued = "QUEUED",
        /// The run is in progress.
        Processing = "PROCESSING",
        /// The run succeeded.
        Success = "SUCCESS",
        /// The run failed.
        Failure = "FAILURE",
        /// The run was cancelled.
        Cancelled = "CANCELLED",
    }
}

model! {
    /// One run of an identity graph.
    pub struct IdentityGraphRun {
        /// The run's id.
        required id = "id": String,
        /// Status of the run.
        required status = "status": IdentityGraphRunStatus,
        /// Id of the graph.
        optional graph_id = "graphId": String,
        /// Whether the whole graph is rebuilt.
        optional full_rerun = "fullRerun": bool,
        /// Time at which the run was requested.
        optional created_at = "createdAt": Timestamp,
        /// Start time. Absent while the run is queued.
        optional started_at = "startedAt": Timestamp,
        /// End time. Present only if the run succeeded or failed.
        optional finished_at = "finishedAt": Timestamp,
        /// Final statistics by threshold (`deterministic`, `probabilistic-strict`, `probabilistic-loose`). Present only
        /// if the run succeeded.
        optional stats = "stats": BTreeMap<String, IdentityGraphRunStats>,
        /// Error message of a run that failed.
        optional error = "error": String,
    }
}

model! {
    /// Statistics of a run at one threshold, such as `deterministic`.
    pub struct IdentityGraphRunStats {
        /// Number of source rows that the run processed.
        defaulted num_source_rows = "numSourceRows": i64,
        /// Number of profiles that the run added.
        defaulted num_new_unique_profiles = "numNewUniqueProfiles": i64,
        /// Number of profiles in the graph at the end of the run.
        defaulted num_unique_profiles = "numUniqueProfiles": i64,
    }
}

impl Row for IdentityGraphRun {
    fn id(&self) -> String {
        self.id.clone()
    }
}

impl OfRun for IdentityGraphRun {
    const KIND: RunKind = RunKind::IdentityGraph;
    type Started = StartedText;
}

impl IdentityGraphRun {
    /// Why the run did not succeed: Hightouch's code if the error text has one, and what to do. `None` if the run
    /// succeeded or has not ended.
    #[must_use]
    pub fn problem(&self) -> Option<RunProblem> {
        let end = match self.status {
            IdentityGraphRunStatus::Failure => BadEnd::Failed,
            IdentityGraphRunStatus::Cancelled => BadEnd::Cancelled,
            _ => return None,
        };
        Some(RunProblem::of(end, self.error.as_deref(), None))
    }
}

impl RunState for IdentityGraphRun {
    type Answer = Page<IdentityGraphRun>;

    fn call(parent: &str, run: &str) -> Result<Call, Error> {
        let which =
            ListIdentityGraphRuns { run_id: Some(run.to_owned()), ..ListIdentityGraphRuns::default() };
        call_on::<ListIdrRunsOp>(vec![Id::Text(parent.to_owned())], &which)
    }

    fn syncs_after(after: Option<Timestamp>) -> Result<Call, Error> {
        syncs_after(after)
    }

    fn pick(answer: Page<Self>, run: &str) -> Option<Self> {
        answer.data.into_iter().find(|found| found.id == run)
    }

    fn ending(&self) -> Option<Ending> {
        match self.status {
            IdentityGraphRunStatus::Success => Some(Ending::Success),
            IdentityGraphRunStatus::Failure | IdentityGraphRunStatus::Cancelled => Some(Ending::Failure),
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

impl Listed for IdentityGraphRun {
    fn newest(parent: &str, offset: u32) -> Result<Call, Error> {
        let which = ListIdentityGraphRuns {
            offset: Some(offset),
            limit: Some(ListIdrRunsOp::OPERATION.traits.page),
            order_by: Some(IdentityGraphRunOrder::CreatedAt),
            ..ListIdentityGraphRuns::default()
        };
        let call = call_on::<ListIdrRunsOp>(vec![Id::Text(parent.to_owned())], &which)?;
        Ok(call.of_class(crate::limit::Class::Poll))
    }

    fn created(&self) -> Option<Timestamp> {
        self.created_at
    }

    fn is_under_way(&self) -> bool {
        self.ending().is_none() && self.finished_at.is_none()
    }
}

choice! {
    /// The order of a list of an identity graph's runs. The API does not document whether the order is
    /// ascending or descending.
    pub enum IdentityGraphRunOrder {
        /// By the time at which the run was requested.
        CreatedAt = "created_at",
        /// By start time.
        StartedAt = "started_at",
        /// By end time.
        FinishedAt = "finished_at",
    }
}

request! {
    /// Filters, paging and order of a list of runs of an identity graph (operation `ListIdrRuns`).
    pub struct ListIdentityGraphRuns {
        /// Only the run with this id.
        query run_id = "runId": String,
        /// Only runs that started at or after this time.
        query after = "after": Timestamp,
        /// Only runs that started at or before this time.
        query before = "before": Timestamp,
        /// Number of runs to skip before the first page. Default: 0.
        query offset = "offset": u32,
        /// Runs per page, at least 1. Default: 20. The server may return fewer.
        query limit = "limit": u32,
        /// Order of the list. Default: by the time of the request for the run.
        query order_by = "orderBy": IdentityGraphRunOrder,
    }
}

request! {
    /// How to start a run of an identity graph (operation `TriggerIdrRun`).
    pub struct TriggerIdentityGraph {
        /// Rebuild the whole graph instead of adding new data. Default: false.
        body(off) full_rerun = "fullRerun": bool,
    }
}

request! {
    /// Identifiers to reprocess (operation `QueueForReprocessing`).
    pub struct ReprocessIdentifiers {
        /// Identifiers. The next run of the graph rebuilds every cluster that holds one of these identifiers.
        body(needed) identifiers = "identifiers": Vec<Identifier>,
        /// Whether the identifiers are also put on the blocklist, so that later runs ignore them. Default: false. The
        /// SDK always sends `block`, because the API's own default is true.
        body(off) block = "block": bool,
    }
}

model! {
    /// A value that identifies a user.
    pub struct Identifier (sent) {
        /// Kind of identifier, such as `email`.
        needed identifier = "identifier": String,
        /// The value.
        needed value = "value": String,
    }
}

model! {
    /// The result of queueing identifiers for reprocessing.
    pub struct ReprocessRequest {
        /// Id of the request. With this id, you can read the status of the request.
        required id = "requestId": String,
    }
}

open_enum! {
    /// Status of a request to reprocess identifiers.
    pub enum ReprocessState {
        /// The request is being queued.
        Queueing = "queueing",
        /// The request is queued and waits for the next run of the graph. If the request was made with `block`
        /// true, the identifiers are on the blocklist.
        Queued = "queued",
        /// A run has processed the request.
        Reprocessed = "reprocessed",
        /// The request could not be queued.
        Failed = "failed",
        /// The request was cancelled.
        Cancelled = "cancelled",
    }
}

model! {
    /// The status of a request to reprocess identifiers, with its times.
    pub struct ReprocessStatus {
        /// Status of the request.
        required status = "status": ReprocessState,
        /// Time at which the request was queued. Absent if the request was not queued.
        optional queued_at = "queuedAt": Timestamp,
        /// Time at which a run finished processing the request. Absent until a run has processed it.
        optional reprocessed_at = "reprocessedAt": Timestamp,
        /// Id of the run that processed the request. Absent until a run has processed it.
        optional reprocessed_run_id = "reprocessedRunId": String,
        /// Why the request could not be queued, if known.
        optional error = "error": String,
    }
}

const GRAPH: PathId = text(
    "identity graph",
    "graph_id",
    "graphId",
    &["The graph's id. No operation lists identity graphs: take the id from Hightouch's web app."],
);
const GRAPH_RUN: PathId =
    text("run", "run_id", "runId", &["The run's id, as in the list of the graph's runs."]);
const REQUEST: PathId = text(
    "reprocessing request",
    "request_id",
    "requestId",
    &["The request's id, as returned when the identifiers were queued."],
);

operations! {
    /// Starts a run of an identity graph and returns a handle that follows the run. The API does not document what
    /// happens if a run of the graph is already in progress. A request that failed is sent again only if it certainly
    /// had no effect.
    TriggerIdrRunOp = "TriggerIdrRun", trigger POST "/idr/{graphId}/trigger" [GRAPH] as "identity_graphs.trigger",
    takes TriggerIdentityGraph, gives run IdentityGraphRun;

    /// Lists the runs of an identity graph, a page at a time, ordered by the time at which each run was requested,
    /// unless `order_by` says otherwise.
    ListIdrRunsOp = "ListIdrRuns", read GET "/idr/{graphId}/runs" [GRAPH] as "identity_graphs.runs",
    takes ListIdentityGraphRuns, gives page IdentityGraphRun, order Some("created_at"), page 20;

    /// Returns a handle that follows an existing run. The scheduler or somebody else may have started this run. Starts
    /// no new run. Costs one request. The error is of kind `not_found` if the server does not list the run. A run that
    /// was requested a moment ago may not be listed yet.
    FindIdrRunOp = "ListIdrRuns", poll GET "/idr/{graphId}/runs" [GRAPH, GRAPH_RUN] as "identity_graphs.run",
    takes NoFields, gives lookup IdentityGraphRun;

    /// Returns a handle that follows the latest run of an identity graph, or nothing if the graph has no run. The
    /// latest run is the run that was requested last; anybody may have started it, and it may have ended. Starts no
    /// run. Costs one request. If the graph has more than 20 runs and the server lists the oldest runs first, the SDK
    /// sends a few more requests to read the end of the list.
    LatestIdrRunOp = "ListIdrRuns", poll GET "/idr/{graphId}/runs" [GRAPH] as "identity_graphs.latest_run",
    takes NoFields, gives latest IdentityGraphRun, page 20;

    /// Queues identifiers for reprocessing: the next run of the graph rebuilds the clusters that hold these
    /// identifiers. If `block` is true, the identifiers are also put on the blocklist. A request that failed is sent
    /// again only if it certainly had no effect.
    QueueForReprocessingOp = "QueueForReprocessing", write POST "/idr/{graphId}/queue-for-reprocessing" [GRAPH]
    as "identity_graphs.queue_for_reprocessing", takes ReprocessIdentifiers, gives value ReprocessRequest;

    /// Reads the status of a request to reprocess identifiers.
    ReprocessStatusOp = "ReprocessStatus", read GET "/idr/{graphId}/reprocess-status/{requestId}" [GRAPH, REQUEST]
    as "identity_graphs.reprocess_status", takes NoFields, gives value ReprocessStatus;

    /// Starts a run of an identity graph through an old API path that Hightouch has replaced. Use `trigger` instead.
    TriggerRunIdGraphOp = "TriggerRunIdGraph", trigger POST "/id_graphs/{graphId}/trigger" [GRAPH]
    as "identity_graphs.trigger_legacy", takes TriggerIdentityGraph, gives run IdentityGraphRun, deprecated true;
}

handle! {
    /// The operations on identity graphs.
    IdentityGraphs
}

impl IdentityGraphs {
    /// Starts a run and returns its handle (operation `TriggerIdrRun`). A request that failed is sent again only if it
    /// certainly had no effect.
    pub fn trigger(
        &self,
        graph: impl Into<String>,
        how: &TriggerIdentityGraph,
    ) -> Pending<Run<IdentityGraphRun>> {
        Pending::started::<TriggerIdrRunOp>(&self.sender, graph.into(), how)
    }

    /// Lists runs lazily, in pages (operation `ListIdrRuns`).
    #[must_use]
    pub fn runs(&self, graph: impl Into<String>, which: &ListIdentityGraphRuns) -> Pages<IdentityGraphRun> {
        Pages::new(&self.sender, call_on::<ListIdrRunsOp>(vec![Id::Text(graph.into())], which))
    }

    /// Returns the handle of an existing run, which the scheduler may have started (operation `ListIdrRuns`). Fails
    /// with the kind `not_found` if the server does not list the run.
    pub fn run(&self, graph: impl Into<String>, run: impl Into<String>) -> Pending<Run<IdentityGraphRun>> {
        let ids = vec![Id::Text(graph.into()), Id::Text(run.into())];
        Pending::looked_up(&self.sender, call_on::<FindIdrRunOp>(ids, &NoFields))
    }

    /// Returns the handle of the latest run of a graph, which anybody may have started (operation `ListIdrRuns`).
    /// Returns `None` if the graph has no run.
    pub fn latest_run(&self, graph: impl Into<String>) -> Pending<Option<Run<IdentityGraphRun>>> {
        Pending::latest(&self.sender, call_on::<LatestIdrRunOp>(vec![Id::Text(graph.into())], &NoFields))
    }

    /// Queues identifiers for reprocessing (operation `QueueForReprocessing`). The server puts them on the
    /// blocklist only if `block` is true.
    pub fn queue_for_reprocessing(
        &self,
        graph: impl Into<String>,
        what: &ReprocessIdentifiers,
    ) -> Pending<ReprocessRequest> {
        let call = call_on::<QueueForReprocessingOp>(vec![Id::Text(graph.into())], what);
        Pending::new(&self.sender, call)
    }

    /// Reads the status of a request to reprocess identifiers (operation `ReprocessStatus`).
    pub fn reprocess_status(
        &self,
        graph: impl Into<String>,
        request: impl Into<String>,
    ) -> Pending<ReprocessStatus> {
        let ids = vec![Id::Text(graph.into()), Id::Text(request.into())];
        Pending::new(&self.sender, call_on::<ReprocessStatusOp>(ids, &NoFields))
    }

    /// Starts a run through an old API path that Hightouch has replaced (operation `TriggerRunIdGraph`).
    #[deprecated = "Hightouch has replaced this operation: use `trigger`"]
    pub fn trigger_legacy(
        &self,
        graph: impl Into<String>,
        how: &TriggerIdentityGraph,
    ) -> Pending<Run<IdentityGraphRun>> {
        Pending::started::<TriggerRunIdGraphOp>(&self.sender, graph.into(), how)
    }
}
