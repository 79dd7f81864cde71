//! Many runs at once: starts the runs of many syncs, follows them together, and reports each one as it ends.

mod drive;
mod item;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};

pub use item::{BatchItem, ItemOutcome};

use crate::attempt::Subject;
use crate::call::{Options, SyncReference};
use crate::error::{Error, Kind};
use crate::json::Json;
use crate::operation::Endpoint as _;
use crate::resources::{Syncs, TriggerRunOp, TriggerSync, check_join, trigger_call};
use crate::runs::OnEnd;
use crate::sender::{Sender, spawn_alike};
use crate::text::brief;

/// The default of [`RunMany::at_once`].
const AT_ONCE: usize = 50;
/// What the errors of a batch are about.
const SUBJECT: Subject = Subject::method("syncs.run_many");
/// How many failed syncs the message of a batch's error names. The details have all of them.
const NAMED: usize = 20;
/// The longest reason of one sync in the message of a batch's error, in characters.
const LONGEST_REASON: usize = 120;

/// How to run many syncs.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct RunMany {
    /// The options of each trigger.
    pub trigger: TriggerSync,
    /// How many syncs may be in progress at a time, from the trigger to the end of the run. Default: 50.
    pub at_once: Option<usize>,
    /// The options of each request.
    pub options: Options,
}

impl RunMany {
    /// The defaults: nothing destructive, and 50 syncs at a time.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the options of each trigger.
    #[must_use]
    pub fn trigger(self, trigger: TriggerSync) -> Self {
        Self { trigger, ..self }
    }

    /// Sets how many syncs may be in progress at a time. 0 counts as 1.
    #[must_use]
    pub fn at_once(self, at_once: usize) -> Self {
        Self { at_once: Some(at_once), ..self }
    }

    /// Sets the options of each request.
    #[must_use]
    pub fn options(self, options: Options) -> Self {
        Self { options, ..self }
    }
}

/// How to wait for a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WaitMany {
    /// How long to wait. `None` means no limit.
    pub timeout: Option<Duration>,
    /// What to do if a sync was not started, or its run failed, was cancelled or was interrupted.
    pub on_failure: OnEnd,
    /// What to do if a run finished with warnings.
    pub on_warning: OnEnd,
}

impl Default for WaitMany {
    fn default() -> Self {
        Self { timeout: None, on_failure: OnEnd::Raise, on_warning: OnEnd::Return }
    }
}

impl WaitMany {
    /// No timeout; a sync that failed is an error.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how long to wait.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Sets what to do if a sync failed.
    #[must_use]
    pub fn on_failure(self, on_failure: OnEnd) -> Self {
        Self { on_failure, ..self }
    }

    /// Sets what to do if a run finished with warnings.
    #[must_use]
    pub fn on_warning(self, on_warning: OnEnd) -> Self {
        Self { on_warning, ..self }
    }
}

/// The runs of many syncs. They are started and followed on a task of their own, also while nobody waits for them.
/// Dropping the batch starts no more syncs; runs that were started go on at the server.
#[derive(Debug)]
pub struct Batch {
    sender: Sender,
    items: Vec<BatchItem>,
    changes: mpsc::UnboundedReceiver<BatchItem>,
    stop: CancellationToken,
    _stop: DropGuard,
}

impl Syncs {
    /// Starts a run of each of these syncs, and follows the runs together. At most [`RunMany::at_once`] syncs are in
    /// progress at a time. A failure of one sync does not affect the others, but after a failure that all would meet,
    /// such as a refused key, no more syncs are started. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// Kind `invalid_request` if one of the syncs cannot be an id or a slug, or if the options of the trigger
    /// contradict each other. Nothing is sent then.
    pub fn run_many(
        &self,
        syncs: impl IntoIterator<Item: Into<SyncReference>>,
        how: &RunMany,
    ) -> Result<Batch, Error> {
        Batch::start(self.sender(), syncs.into_iter().map(Into::into).collect(), how)
    }
}

impl Batch {
    pub(crate) fn start(sender: &Sender, syncs: Vec<SyncReference>, how: &RunMany) -> Result<Self, Error> {
        let refused = |error: Error| error.at(&SUBJECT).scrubbed(|text| sender.scrub(text));
        check_join(&how.trigger, false).map_err(refused)?;
        for sync in &syncs {
            // The error names the sync in its subject, which the subject of the batch replaces. So its text names the
            // sync.
            trigger_call(sync, &how.trigger).map_err(|error| {
                let what = error.what();
                refused(error.with_what(message![sync.to_string(), ": ", what]))
            })?;
        }
        let items: Vec<_> =
            syncs.into_iter().enumerate().map(|(index, sync)| BatchItem::new(index, sync)).collect();
        let (report, changes) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let drive = drive::Drive {
            sender: sender.clone(),
            how: Arc::new(how.clone()),
            report,
            stop: stop.clone(),
            at_once: how.at_once.unwrap_or(AT_ONCE).max(1),
        };
        spawn_alike(drive.run(items.clone()));
        Ok(Self { sender: sender.clone(), items, changes, _stop: stop.clone().drop_guard(), stop })
    }

    /// The items, one for each sync, in the order of the syncs. They show the changes that [`changed`](Self::changed),
    /// [`ended`](Self::ended) and [`wait`](Self::wait) have received so far.
    #[must_use]
    pub fn items(&self) -> &[BatchItem] {
        &self.items
    }

    /// Waits for the next change of an item: it was started, its run changed, or it ended. Returns `None` once every
    /// item has ended, or after [`stop`](Self::stop).
    pub async fn changed(&mut self) -> Option<&BatchItem> {
        let item = self.changes.recv().await?;
        let index = item.index;
        let slot = self.items.get_mut(index)?;
        *slot = item;
        Some(slot)
    }

    /// Waits until items have changed, and returns their positions. Returns an empty list once the batch has ended.
    pub(crate) async fn changes(&mut self) -> Vec<usize> {
        let mut changed = std::collections::BTreeSet::new();
        changed.extend(self.changed().await.map(|item| item.index));
        while let Ok(item) = self.changes.try_recv() {
            changed.insert(item.index);
            if let Some(slot) = self.items.get_mut(item.index) {
                *slot = item;
            }
        }
        changed.into_iter().collect()
    }

    /// The signal that [`stop`](Self::stop) raises.
    pub(crate) fn stop_signal(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Waits for the next item that ends. Returns `None` once all have ended, or after [`stop`](Self::stop).
    pub async fn ended(&mut self) -> Option<&BatchItem> {
        while let Some(item) = self.changed().await {
            if item.outcome.is_some() {
                let index = item.index;
                return self.items.get(index);
            }
        }
        None
    }

    /// Starts no more syncs, and follows no run any longer. A trigger that is in progress ends first.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until every item has ended, and returns the items.
    ///
    /// # Errors
    /// Kind `run_failed` if items ended in a way that `options` make an error. The message names these items (at most
    /// 20) and says why they failed, and the details hold all of them. Kind `wait_timeout` if the timeout has passed;
    /// the runs go on, and the batch can be waited for again.
    pub async fn wait(&mut self, options: &WaitMany) -> Result<&[BatchItem], Error> {
        let until = options.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            let changed = match until {
                None => Ok(self.changed().await.is_some()),
                Some(until) => timeout_at(until, self.changed()).await.map(|item| item.is_some()),
            };
            match changed {
                Ok(true) => {}
                Ok(false) => break,
                Err(_) => return Err(self.expired()),
            }
        }
        self.check(options.on_failure, options.on_warning)?;
        Ok(&self.items)
    }

    /// Fails if the caller wants an error for the end of an item.
    pub(crate) fn check(&self, on_failure: OnEnd, on_warning: OnEnd) -> Result<(), Error> {
        let raised: Vec<&BatchItem> = self
            .items
            .iter()
            .filter(|item| match item.outcome {
                Some(ItemOutcome::Success) | None => false,
                Some(ItemOutcome::Warning) => on_warning == OnEnd::Raise,
                Some(ItemOutcome::Failure | ItemOutcome::NotStarted | ItemOutcome::Unknown) => {
                    on_failure == OnEnd::Raise
                }
            })
            .collect();
        if raised.is_empty() {
            return Ok(());
        }
        let mut reasons: Vec<String> = raised
            .iter()
            .take(NAMED)
            .map(|item| item.reason(LONGEST_REASON, |text| self.sender.scrub(text)))
            .collect();
        if raised.len() > NAMED {
            reasons.push(format!("and {} more", raised.len() - NAMED));
        }
        let what =
            format!("{} of {} syncs did not succeed: {}", raised.len(), self.items.len(), reasons.join("; "));
        Err(self.error(Kind::RunFailed, &what).with_details(Some(Json::of(&raised))))
    }

    /// The error of a wait that timed out.
    pub(crate) fn expired(&self) -> Error {
        let open = self.items.iter().filter(|item| item.outcome.is_none());
        let (running, waiting): (Vec<_>, Vec<_>) = open.partition(|item| item.run.is_some());
        let what = format!(
            "{} of {} syncs had not ended: {} in progress, {} not started",
            running.len() + waiting.len(),
            self.items.len(),
            running.len(),
            waiting.len()
        );
        self.error(Kind::WaitTimeout, &what).with_details(Some(Json::of(&running))).with_hint(
            "The runs go on. Wait again, or resume each run with its token, which the details contain.",
        )
    }

    fn error(&self, kind: Kind, what: &str) -> Error {
        Error::new(kind, brief(&self.sender.scrub(what), LONGEST))
            .at(&SUBJECT)
            .scrubbed(|text| self.sender.scrub(text))
    }
}

/// The longest message of a batch's error, in characters.
const LONGEST: usize = 4000;

/// The subject of the calls that start runs.
fn subject(sync: &SyncReference, how: &RunMany) -> Subject {
    trigger_call(sync, &how.trigger)
        .map_or(Subject::method(TriggerRunOp::OPERATION.op), |call| call.subject().clone())
}
