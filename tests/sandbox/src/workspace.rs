//! The data of a world, which the operations read and change.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::armed::ArmedPlans;
use crate::clock::{Clock, Millis};
use crate::graphs::{GraphRun, Reprocessing};
use crate::log::Request;
use crate::row_store::{Key, Row, RowStore};
use crate::runs::{FIRST_RUN, Run};
use crate::seed::{self, Kind, Seeds, message_base};
use crate::sequences::SequenceRun;
use crate::settings::{
    CampaignSettings, Change, Collection, GraphSettings, HasMore, NullSchedule, Plan, RunSettings,
    SequenceSettings, WorldSettings,
};

#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) clock: Arc<Clock>,
    pub(crate) page_cap: Option<usize>,
    pub(crate) has_more: HasMore,
    pub(crate) null_schedule: NullSchedule,
    pub(crate) newest_first: bool,
    pub(crate) seeds: Seeds,
    pub(crate) sequences: SequenceSettings,
    pub(crate) graphs: GraphSettings,
    pub(crate) campaigns: BTreeMap<String, CampaignSettings>,
    pub(crate) sequence_runs: Vec<SequenceRun>,
    pub(crate) graph_runs: Vec<GraphRun>,
    pub(crate) reprocessings: Vec<Reprocessing>,
    /// For each send, its campaign and the time at which the send was accepted.
    pub(crate) sends: Vec<(String, Millis)>,
    plans: RunSettings,
    pub(crate) armed: ArmedPlans,
    /// The rows by kind and flow. Only messages have a flow; for other kinds the flow is 0.
    rows: HashMap<(Kind, Key), RowStore>,
    messages_each: usize,
    graph_runs_each: usize,
    /// The runs by sync, if they are stored. The runs of any other sync are generated from the seed.
    runs: HashMap<Key, Vec<Run>>,
    next_run: u64,
    next_graph_run: u64,
    changes: Vec<Change>,
}

impl Workspace {
    pub(crate) fn new(settings: WorldSettings, workspace_id: u64, clock: Arc<Clock>) -> Self {
        let counts = [
            (Kind::Source, settings.sources()),
            (Kind::Destination, settings.destinations()),
            (Kind::Model, settings.models()),
            (Kind::Sync, settings.syncs),
            (Kind::Contract, settings.contracts),
            (Kind::Domain, settings.domains),
            (Kind::Flow, settings.flows),
        ];
        let (ids, each) = (&settings.graphs.ids, settings.graph_runs);
        let past =
            (1..).take(each).flat_map(|number| ids.iter().map(move |id| GraphRun::past(id, number, each)));
        let seeds = Seeds::new(&settings, workspace_id, Arc::clone(&clock));
        let mut workspace = Self {
            next_run: seed::first_run(&seeds, settings.syncs),
            page_cap: settings.page_cap,
            has_more: settings.has_more,
            null_schedule: settings.null_schedule,
            newest_first: settings.newest_first,
            seeds,
            clock,
            sequence_runs: Vec::new(),
            graph_runs: past.collect(),
            reprocessings: Vec::new(),
            sends: Vec::new(),
            plans: settings.runs,
            armed: ArmedPlans::default(),
            rows: counts.map(|(kind, count)| ((kind, 0), RowStore::seeded(0, count))).into(),
            messages_each: settings.messages,
            graph_runs_each: settings.graph_runs,
            runs: HashMap::new(),
            next_graph_run: FIRST_RUN.max(settings.graph_runs as u64 + 1),
            sequences: settings.sequences,
            graphs: settings.graphs,
            campaigns: settings.campaigns,
            changes: settings.changes,
        };
        let (begun, later) =
            std::mem::take(&mut workspace.changes).into_iter().partition(|one| one.after.is_none());
        workspace.changes = later;
        workspace.change(begun);
        workspace
    }

    /// Returns the rows of a kind. Messages are grouped by their flow; for other kinds `flow` is 0.
    pub(crate) fn rows(&mut self, kind: Kind, flow: Key) -> &mut RowStore {
        let each = if kind == Kind::Message { self.messages_each } else { 0 };
        let base = if kind == Kind::Message { message_base(flow) } else { 0 };
        self.rows.entry((kind, flow)).or_insert_with(|| RowStore::seeded(base, each))
    }

    pub(crate) fn has(&self, kind: Kind, key: Key) -> bool {
        self.rows.get(&(kind, 0)).is_some_and(|rows| rows.has(key))
    }

    pub(crate) fn keys(&self, kind: Kind) -> &[Key] {
        self.rows.get(&(kind, 0)).map(RowStore::keys).unwrap_or_default()
    }

    /// Returns the stored row if the row was changed or created. Otherwise generates the row from the seed.
    pub(crate) fn row(&self, kind: Kind, flow: Key, key: Key) -> Row {
        self.stored(kind, flow, key).cloned().unwrap_or_else(|| self.seeds.row(kind, key))
    }

    fn stored(&self, kind: Kind, flow: Key, key: Key) -> Option<&Row> {
        self.rows.get(&(kind, flow))?.stored(key)
    }

    /// Returns a column that rows are sorted and filtered by: `name`, `slug`, `createdAt` or `updatedAt`.
    pub(crate) fn column(&self, kind: Kind, key: Key, name: &str) -> String {
        if let Some(row) = self.stored(kind, 0, key) {
            return row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        }
        let head = self.seeds.head(kind, key);
        match name {
            "name" => head.name,
            "slug" => head.slug,
            "createdAt" => self.clock.timestamp(head.created),
            _ => self.clock.timestamp(head.updated),
        }
    }

    /// Returns the key of the model or destination of a sync.
    pub(crate) fn owner(&self, sync: Key, kind: Kind) -> Option<Key> {
        let name = if kind == Kind::Model { "modelId" } else { "destinationId" };
        match self.stored(Kind::Sync, 0, sync) {
            Some(row) => row.get(name).and_then(number),
            None if kind == Kind::Model => Some(self.seeds.model_of(sync)),
            None => Some(self.seeds.destination_of(sync)),
        }
    }

    pub(crate) fn by_slug(&self, kind: Kind, slug: &str) -> Option<Key> {
        self.keys(kind).iter().copied().find(|&key| self.column(kind, key, "slug") == slug)
    }

    /// Returns all runs of a sync, including new runs that lists do not show yet.
    pub(crate) fn runs(&self, sync: Key) -> Cow<'_, [Run]> {
        match self.runs.get(&sync) {
            Some(runs) => Cow::Borrowed(runs),
            None => Cow::Owned(seed::past_runs(&self.seeds, sync)),
        }
    }

    /// Generates the past runs of a sync and stores them, unless runs of this sync are stored already.
    pub(crate) fn keep_runs(&mut self, sync: Key) {
        let seeds = &self.seeds;
        self.runs.entry(sync).or_insert_with(|| seed::past_runs(seeds, sync));
    }

    /// Returns the time of the last start or end of a run of this sync.
    pub(crate) fn last_activity(&self, sync: Key, now: Millis) -> Option<Millis> {
        match self.runs.get(&sync) {
            Some(runs) => runs.iter().filter_map(|run| run.end(now).or(run.start(now))).max(),
            None => seed::last_activity(&self.seeds, sync),
        }
    }

    /// Stores an empty list of runs for a new sync. Otherwise the seed would generate past runs for this sync.
    pub(crate) fn without_runs(&mut self, sync: Key) {
        self.runs.insert(sync, Vec::new());
    }

    /// Queues a run of a sync behind its unfinished runs, and returns the run. A plan may have a rival: a run that
    /// somebody else starts. The rival is queued behind the returned run.
    pub(crate) fn start_run(&mut self, sync: Key, at: Millis) -> Run {
        let usual = self.plans.plan_for(&self.column(Kind::Sync, sync, "slug"));
        let plan = self.armed.next(sync).map_or_else(|| usual.clone(), |armed| armed.or(&usual));
        let run = self.plan_run(sync, at, &plan);
        if let Some(rival) = plan.rival.as_deref() {
            self.plan_run(sync, at, rival);
        }
        run
    }

    fn plan_run(&mut self, sync: Key, at: Millis, plan: &Plan) -> Run {
        let id = self.next_run;
        self.next_run += 1;
        self.keep_runs(sync);
        let runs = self.runs.entry(sync).or_default();
        let free = runs.iter().map(|run| run.finished).max().unwrap_or(at);
        let run = Run::planned(id, at, free, plan);
        runs.push(run.clone());
        run
    }

    /// Takes the number of the next run of an identity graph. Past runs have smaller numbers.
    pub(crate) fn next_graph_run(&mut self) -> u64 {
        self.next_graph_run += 1;
        self.next_graph_run - 1
    }

    /// Returns the id of the next object, such as `send-9001`, if `count` objects of its kind exist already.
    pub(crate) fn name(prefix: &str, count: usize) -> String {
        format!("{prefix}-{}", FIRST_RUN + count as u64)
    }

    /// Inserts and deletes the rows of each [`Change`] that is due after this request. `nth` is the number of the
    /// request among the requests of its operation, and `nth_of_all` its number among all requests of the world.
    pub(crate) fn after(&mut self, request: &Request, nth: usize, nth_of_all: usize) {
        let (due, later) = std::mem::take(&mut self.changes).into_iter().partition(|change| {
            change.after.as_ref().is_some_and(|when| when.holds(request, nth, nth_of_all))
        });
        self.changes = later;
        self.change(due);
    }

    fn change(&mut self, changes: Vec<Change>) {
        for change in changes {
            let (kind, flow) = match change.of {
                Collection::Sources => (Kind::Source, 0),
                Collection::Destinations => (Kind::Destination, 0),
                Collection::Models => (Kind::Model, 0),
                Collection::Syncs => (Kind::Sync, 0),
                Collection::Contracts => (Kind::Contract, 0),
                Collection::Domains => (Kind::Domain, 0),
                Collection::Flows => (Kind::Flow, 0),
                Collection::Messages => (Kind::Message, 1),
                Collection::GraphRuns => {
                    self.change_graph_runs(&change);
                    continue;
                }
            };
            let base = if kind == Kind::Message { message_base(flow) } else { 0 };
            let rows = self.rows(kind, flow);
            for number in change.delete {
                rows.remove(base + number);
            }
            for number in change.insert {
                rows.put(base + number);
            }
        }
    }

    fn change_graph_runs(&mut self, change: &Change) {
        let Some(graph) = self.graphs.ids.first().cloned() else { return };
        let each = self.graph_runs_each;
        let numbered = |number: &u64| GraphRun::past(&graph, *number, each);
        let gone: Vec<GraphRun> = change.delete.iter().map(numbered).collect();
        self.graph_runs.retain(|run| !gone.iter().any(|one| one.id == run.id && one.graph == run.graph));
        self.graph_runs.extend(change.insert.iter().map(numbered));
    }

    /// Returns the current time as the API writes it.
    pub(crate) fn stamp(&self) -> Value {
        json!(self.clock.timestamp(self.clock.now()))
    }
}

/// Reads a numeric id from a body. The OpenAPI document declares such ids as `number`, so `5.0` means 5.
pub(crate) fn number(value: &Value) -> Option<Key> {
    value.as_u64().or_else(|| Kind::Sync.key(&value.as_f64()?.to_string()))
}
