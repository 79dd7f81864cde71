//! Many runs at once: starts the runs of many syncs, follows them together, and reports each one as it ends.

mod checkpoint;
mod drive;
mod estimate;
mod item;
mod options;
mod table;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use estimate::Estimate;
pub use item::{BatchItem, ItemOutcome};
pub use options::{RunMany, WaitMany};

use crate::attempt::Subject;
use crate::call::SyncReference;
use crate::error::{Error, Kind};
use crate::json::Json;
use crate::message::{Name, Style};
use crate::operation::Endpoint as _;
use crate::resources::{Syncs, TriggerRunOp, check_join, trigger_call};
use crate::runs::Ending::Failure;
use crate::runs::{OnEnd, RunState as _};
use crate::sender::{Listener, Sender, spawn_alike, with_listener, with_reporter};
use crate::text::brief;
use crate::timers::timeout_at;
use checkpoint::{Checkpoint, Progress, Recorded};
use drive::Drive;
use table::{Ending, Table};
pub(crate) use table::{News, Told};

/// The default of [`RunMany::at_once`].
const AT_ONCE: usize = 50;
/// The method that the errors of a batch name.
const SUBJECT: Subject = Subject::method("syncs.run_many");
/// How many failed syncs the message of a batch's error names. The details have all of them.
const NAMED: usize = 20;
/// In the message of a batch's error, the reason of each failed sync is cut to this many characters.
const LONGEST_REASON: usize = 120;

/// The runs of many syncs. They are started and followed on a task of their own, even while nobody waits for them. Once
/// the batch is dropped, no more syncs are started; runs that were started go on at the server.
#[derive(Debug)]
pub struct Batch {
    sender: Sender,
    table: Arc<Table>,
    stop: CancellationToken,
    has_checkpoint: bool,
    _stop: DropGuard,
}

/// What a batch reports about its requests, for the packages that call hooks or write a log.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tell {
    /// Whether to report requests that have ended.
    pub requests: bool,
    /// The language in which notices spell names; `None` if notices are not reported.
    pub notices: Option<Style>,
}

impl Syncs {
    /// Starts a run of each of these syncs, and follows the runs together. At most [`RunMany::at_once`] syncs are in
    /// progress at a time. A failure of one sync does not affect the others. But after a failure that would affect
    /// every sync, such as a refused API key, no more syncs are started. Must be called within a tokio runtime. Waits
    /// only for the file of a [`RunMany::checkpoint`].
    ///
    /// # Errors
    /// Kind `invalid_request` if one of the syncs cannot be an id or a slug, if the options of the trigger contradict
    /// each other, or if the checkpoint cannot be used. [`Error::code`] is `checkpoint` if the checkpoint records other
    /// syncs or options, is damaged or in use, or cannot be written. After such an error, nothing was sent.
    pub async fn run_many(
        &self,
        syncs: impl IntoIterator<Item: Into<SyncReference>>,
        how: &RunMany,
    ) -> Result<Batch, Error> {
        let syncs = syncs.into_iter().map(Into::into).collect();
        Batch::start(self.sender(), syncs, how, Tell::default()).await
    }

    /// Says what [`run_many`](Self::run_many) with the same arguments needs at least, in requests and time. `run_time`
    /// is the time that you expect one run to take; zero if you do not know. Sends nothing.
    ///
    /// # Errors
    /// Kind `invalid_request` if an argument is wrong.
    pub fn estimate_many(
        &self,
        syncs: impl IntoIterator<Item: Into<SyncReference>>,
        how: &RunMany,
        run_time: Duration,
    ) -> Result<Estimate, Error> {
        let syncs: Vec<_> = syncs.into_iter().map(Into::into).collect();
        Estimate::of(self.sender(), &syncs, how, run_time)
    }
}

fn check(sender: &Sender, syncs: &[SyncReference], how: &RunMany, at: &Subject) -> Result<(), Error> {
    let refused = |error: Error| error.at(at).scrubbed(|text| sender.scrub(text));
    check_join(&how.trigger, false).map_err(refused)?;
    for sync in syncs {
        // The subject of the error names the sync, but the batch replaces the subject. So the text of the error must
        // name the sync.
        trigger_call(sync, &how.trigger).map_err(|error| {
            let what = error.what();
            refused(error.with_what(message![sync.to_string(), ": ", what]))
        })?;
    }
    if how.checkpoint.is_none() && (how.retry_unknown || how.retry_failed) {
        let options = message![Name("retryUnknown"), " and ", Name("retryFailed")];
        let what = message![options, " need a ", Name("checkpoint"), ". Nothing was sent"];
        return Err(refused(Error::new(Kind::InvalidRequest, what)));
    }
    Ok(())
}

impl Estimate {
    pub(crate) fn of(
        sender: &Sender,
        syncs: &[SyncReference],
        how: &RunMany,
        run_time: Duration,
    ) -> Result<Self, Error> {
        check(sender, syncs, how, &Subject::method("syncs.estimate_many"))?;
        Ok(estimate::estimate(sender, syncs, how, run_time))
    }
}

impl Batch {
    pub(crate) async fn start(
        sender: &Sender,
        syncs: Vec<SyncReference>,
        how: &RunMany,
        tell: Tell,
    ) -> Result<Self, Error> {
        check(sender, &syncs, how, &SUBJECT)?;
        let (checkpoint, recorded) = if let Some(path) = &how.checkpoint {
            let (checkpoint, recorded) = Checkpoint::open(sender, path, &syncs, &how.trigger).await?;
            (Some(checkpoint), recorded)
        } else {
            let items = vec![Progress::default(); syncs.len()];
            (None, Recorded { items, ..Recorded::default() })
        };
        let items: Vec<_> =
            syncs.into_iter().enumerate().map(|(index, sync)| BatchItem::new(index, sync)).collect();
        let table = Table::new(items.clone());
        let stop = CancellationToken::new();
        let drive = Drive {
            sender: sender.clone(),
            how: Arc::new(how.clone()),
            stop: stop.clone(),
            at_once: how.at_once.unwrap_or(AT_ONCE).max(1),
            checkpoint,
            table: Ending(Arc::clone(&table)),
        };
        let retried = |progress| match progress {
            Progress::Ended(_, state) if how.retry_failed && state.ending() == Some(Failure) => {
                Progress::NotStarted
            }
            other => other,
        };
        let work = items.into_iter().zip(recorded.items.into_iter().map(retried)).collect();
        spawn_alike(telling(drive.run(work, recorded.runs), &table, tell));
        let has_checkpoint = how.checkpoint.is_some();
        Ok(Self { sender: sender.clone(), table, has_checkpoint, _stop: stop.clone().drop_guard(), stop })
    }

    /// What is known of each sync now, in the order of the syncs.
    #[must_use]
    pub fn items(&self) -> Vec<BatchItem> {
        self.table.items()
    }

    /// Waits for the next change of an item: it was started, its run changed, or it ended. Returns the item as it is
    /// now, so several changes between two calls are reported as one. Returns `None` once every item has ended, or
    /// after [`stop`](Self::stop). If the future is dropped, no change is lost.
    pub async fn changed(&self) -> Option<BatchItem> {
        self.table.changed().await
    }

    /// Waits until items have changed or requests have ended, and returns these items and the reports of these
    /// requests. Returns empty news once the batch has ended.
    pub(crate) async fn news(&self) -> News {
        self.table.news().await
    }

    /// Waits for the next item that ends. Returns `None` once every item has ended, or after [`stop`](Self::stop).
    pub async fn ended(&self) -> Option<BatchItem> {
        while let Some(item) = self.changed().await {
            if item.outcome.is_some() {
                return Some(item);
            }
        }
        None
    }

    /// Starts no more syncs, and follows no run any longer. Waits for the answers of triggers in progress, and returns
    /// the items. Runs that were started go on at the server.
    pub async fn stop(&self) -> Vec<BatchItem> {
        self.stop_starting();
        self.table.over().await;
        self.items()
    }

    /// Like [`stop`](Self::stop), but afterwards [`news`](Self::news) reports nothing more.
    pub(crate) async fn stop_and_read(&self) -> News {
        self.stop_starting();
        self.table.over().await;
        self.table.read_all()
    }

    /// Starts no more syncs, and follows no run any longer. Waits for nothing.
    pub(crate) fn stop_starting(&self) {
        self.stop.cancel();
    }

    /// Waits until every item has ended, and returns the items.
    ///
    /// # Errors
    /// Kind `run_failed` if items ended in a way that `options` treat as an error. The message names at most 20 of
    /// these items and says why they failed, and the details hold all of them. Kind `wait_timeout` if the timeout has
    /// passed; the runs go on, and you can wait for the batch again. Kind `closed` if the batch was stopped before
    /// every item had ended; the details hold the items in progress.
    pub async fn wait(&self, options: &WaitMany) -> Result<Vec<BatchItem>, Error> {
        let until = options.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        match until {
            None => self.table.over().await,
            Some(until) if timeout_at(until, self.table.over()).await.is_ok() => {}
            Some(_) => return Err(self.expired()),
        }
        self.check(options.on_failure, options.on_warning, Style::Rust)?;
        Ok(self.items())
    }

    /// Fails if the batch was stopped before every item had ended, or if an item ended in a way that the caller wants
    /// reported as an error. The reasons of the items are written for the language of `style`.
    pub(crate) fn check(&self, on_failure: OnEnd, on_warning: OnEnd, style: Style) -> Result<(), Error> {
        let items = self.items();
        if items.iter().any(|item| item.outcome.is_none()) {
            return Err(self.unfinished(&items, Kind::Closed, "the batch was stopped, and ").with_hint(
                "Runs in progress go on. Resume each with its token, which the details contain.",
            ));
        }
        let is_raised = |outcome| match outcome {
            ItemOutcome::Success => false,
            ItemOutcome::Warning => on_warning == OnEnd::Raise,
            ItemOutcome::Failure | ItemOutcome::NotStarted | ItemOutcome::Unknown => {
                on_failure == OnEnd::Raise
            }
        };
        let raised: Vec<_> = items.iter().filter(|item| item.outcome.is_some_and(is_raised)).collect();
        if raised.is_empty() {
            return Ok(());
        }
        let mut reasons: Vec<String> = raised
            .iter()
            .take(NAMED)
            .map(|item| item.reason(LONGEST_REASON, style, |text| self.sender.scrub(text)))
            .collect();
        if raised.len() > NAMED {
            reasons.push(format!("and {} more", raised.len() - NAMED));
        }
        let what =
            format!("{} of {} syncs did not succeed: {}", raised.len(), items.len(), reasons.join("; "));
        let error = self.error(Kind::RunFailed, &what, &raised);
        let is_unknown = |item: &&BatchItem| item.outcome == Some(ItemOutcome::Unknown) && item.run.is_none();
        if !raised.iter().any(is_unknown) {
            return Err(error);
        }
        let look = "For some of the syncs, it is unknown whether a run was started. Look at their runs before you start them again.";
        Err(if self.has_checkpoint {
            let again = " To start them again anyway, resume the batch with ";
            error.with_hint(message![look, again, Name("retryUnknown"), "."])
        } else {
            error.with_hint(look)
        })
    }

    /// The error of a wait that timed out.
    pub(crate) fn expired(&self) -> Error {
        let items = self.items();
        // Without a checkpoint, the batch has started each run itself, so a run without a state is merely new.
        let is_unseen = |item: &&BatchItem| {
            self.has_checkpoint && item.outcome.is_none() && item.run.is_some() && item.state.is_none()
        };
        let known = match items.iter().filter(is_unseen).count() {
            0 => "The runs go on.".to_owned(),
            unseen => format!(
                "No answer has shown {unseen} of the runs yet. If an earlier process started them, check that the API \
                 key belongs to the same workspace."
            ),
        };
        let again = " Wait again, or resume each run with its token, which the details contain.";
        self.unfinished(&items, Kind::WaitTimeout, "").with_hint(known + again)
    }

    /// Creates an error. Its message begins with `before`, and then counts the items that have not ended. Its details
    /// hold the items in progress.
    fn unfinished(&self, items: &[BatchItem], kind: Kind, before: &str) -> Error {
        let open = items.iter().filter(|item| item.outcome.is_none());
        let (running, waiting): (Vec<_>, Vec<_>) = open.partition(|item| item.run.is_some());
        let what = format!(
            "{before}{} of {} syncs had not ended: {} in progress, {} not started",
            running.len() + waiting.len(),
            items.len(),
            running.len(),
            waiting.len()
        );
        self.error(kind, &what, &running)
    }

    /// Creates an error of the batch, with these items as its details.
    fn error(&self, kind: Kind, what: &str, items: &[&BatchItem]) -> Error {
        Error::new(kind, brief(&self.sender.scrub(what), LONGEST))
            .at(&SUBJECT)
            .with_details(Some(Json::of(&items)))
            .scrubbed(|text| self.sender.scrub(text))
    }
}

/// Wraps the task of a batch, so that the table gets reports of the batch's requests if `tell` asks for them.
fn telling(
    task: impl Future<Output = ()> + Send + 'static,
    table: &Arc<Table>,
    tell: Tell,
) -> BoxFuture<'static, ()> {
    let mut task = task.boxed();
    if tell.requests {
        let table = Arc::clone(table);
        let reporter = Arc::new(move |report| table.tell(Told::Request(Box::new(report))));
        task = with_reporter(reporter, task).boxed();
    }
    if let Some(style) = tell.notices {
        let table = Arc::clone(table);
        let listener: Listener = Arc::new(move |notice| table.tell(Told::Notice(notice.to_json(style))));
        task = with_listener(listener, task).boxed();
    }
    task
}

/// The longest message of a batch's error, in characters.
const LONGEST: usize = 4000;

/// The subject of errors about this sync: that of the call that starts its run.
fn subject(sync: &SyncReference, how: &RunMany) -> Subject {
    trigger_call(sync, &how.trigger)
        .map_or(Subject::method(TriggerRunOp::OPERATION.op), |call| call.subject().clone())
}
