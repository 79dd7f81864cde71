//! The task of a batch: starts syncs while fewer than `at_once` are in progress, and follows each run to its end.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::checkpoint::{Checkpoint, Progress};
use super::table::Ending;
use super::{BatchItem, RunMany, subject};
use crate::call::call;
use crate::error::{Error, Kind};
use crate::limit::Class;
use crate::message::Name;
use crate::operation::OfRun as _;
use crate::reason::Reason;
use crate::resources::{ListSyncOp, ListSyncs, SyncRun, is_plain, start};
use crate::runs::{self, Of, RunToken, Seen, Unanswered};
use crate::sender::{Sender, with_signal};

pub(super) struct Drive {
    pub sender: Sender,
    pub how: Arc<RunMany>,
    pub stop: CancellationToken,
    pub at_once: usize,
    pub checkpoint: Option<Arc<Checkpoint>>,
    /// Must be the last field, because fields are dropped in order. Dropping this field ends the batch for its callers,
    /// and by then the file of the checkpoint must be unlocked.
    pub table: Ending,
}

/// How the work on an item begins.
enum Begin {
    Start,
    Follow(RunToken),
    /// Search for the run of an earlier trigger. The second value is what the checkpoint records about the item.
    Find(Unanswered, Progress),
}

/// Why a sync was not started, or why it is unknown whether it was started.
struct NotBegun {
    /// The error that the item reports.
    error: Error,
    /// The error of the request that failed last.
    last: Error,
}

impl From<Error> for NotBegun {
    fn from(error: Error) -> Self {
        Self { last: error.clone(), error }
    }
}

impl Drive {
    pub(super) async fn run(self, items: Vec<(BatchItem, Progress)>, runs: Vec<RunToken>) {
        // An error that would affect every other sync too, such as a refused API key. After this error, the batch
        // starts no more syncs, and each sync that was not started fails with this error.
        let mut hopeless: Option<Error> = None;
        let (resumed, waiting) = self.resume(items, &runs).await;
        let mut waiting = waiting.into_iter();
        // All resumed items are in progress at once, even if they are more than `at_once`: runs that an earlier process
        // started go on whether they are followed or not. New syncs are started only below `at_once`.
        let mut running: FuturesUnordered<_> =
            resumed.into_iter().map(|(item, begin)| self.one(item, begin)).collect();
        loop {
            while running.len() < self.at_once && !self.stop.is_cancelled() && hopeless.is_none() {
                let Some(item) = waiting.next() else { break };
                running.push(self.one(item, Begin::Start));
            }
            match running.next().await {
                Some(error) => hopeless = error.or(hopeless),
                None => break,
            }
        }
        if let (Some(error), false) = (hopeless, self.stop.is_cancelled()) {
            for mut item in waiting {
                let error = error.clone().at(&subject(&item.sync, &self.how));
                self.failed(&mut item, error);
            }
        }
    }

    /// Sorts the items of a checkpoint: reports those that have ended, and returns those in progress and those to be
    /// started.
    async fn resume(
        &self,
        items: Vec<(BatchItem, Progress)>,
        known: &[RunToken],
    ) -> (Vec<(BatchItem, Begin)>, Vec<BatchItem>) {
        let mut open = Vec::new();
        for (mut item, progress) in items {
            if let Progress::Ended(token, state) = progress {
                item.started(&token);
                item.seen(*state);
                self.tell(&item);
            } else {
                open.push((item, progress));
            }
        }
        if self.checkpoint.is_some() && !open.is_empty() {
            self.learn_time().await;
        }
        // The search for the run of an item must not take the run of another item. So before the first search begins,
        // every trigger without a known run (`Sending`) is registered as in progress, and the runs in the checkpoint
        // are claimed. Only the runs of syncs with such a trigger are claimed, because the process remembers a limited
        // number of claims.
        let sought: BTreeSet<String> = open
            .iter()
            .filter_map(|(_, progress)| match progress {
                Progress::Sending { sync, .. } => Some(sync.to_string()),
                _ => None,
            })
            .collect();
        for token in known.iter().filter(|token| sought.contains(&token.parent)) {
            runs::claim(&self.sender, token);
        }
        let (mut resumed, mut waiting) = (Vec::new(), Vec::new());
        for (item, progress) in open {
            match progress {
                Progress::Started(token) => resumed.push((item, Begin::Follow(token))),
                Progress::Sending { sync, window } => {
                    let of = Of { kind: SyncRun::KIND, parent: sync.to_string() };
                    let plain = is_plain(&self.how.trigger);
                    let unanswered = Unanswered::new(&self.sender, of, window, plain);
                    resumed.push((item, Begin::Find(unanswered, Progress::Sending { sync, window })));
                }
                Progress::NotStarted | Progress::Ended(..) => waiting.push(item),
            }
        }
        (resumed, waiting)
    }

    /// Sends a small read if no answer has shown the server's time yet. Without the time, a later process could not
    /// tell which run a trigger has started. If the request fails, the triggers will fail with the same error.
    async fn learn_time(&self) {
        if self.sender.server_time(Instant::now()).is_some() {
            return;
        }
        let Ok(call) = call::<ListSyncOp>(&ListSyncs { limit: Some(1), ..ListSyncs::default() }) else {
            return;
        };
        let call = call.of_class(Class::Trigger);
        let mut spent = self.sender.account(call.subject(), &self.how.options, false);
        let _ = self.until_stopped(self.sender.answer(&call, &mut spent)).await;
    }

    /// Returns the result of `work`, or `None` if `stop` cancels the work. A cancelled request ends with an error, so
    /// that hooks and logs report the request.
    async fn until_stopped<T>(
        &self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Option<Result<T, Error>> {
        let made = with_signal(self.stop.clone(), work).await;
        let is_cut = |error: &Error| error.kind() == Kind::Cancelled && self.stop.is_cancelled();
        (!made.as_ref().is_err_and(is_cut)).then_some(made)
    }

    /// Starts a run of one sync, or resumes its run, and follows the run. Returns an error only if every other sync
    /// would fail with the same error.
    async fn one(&self, mut item: BatchItem, begin: Begin) -> Option<Error> {
        let token = match begin {
            Begin::Start => self.start(&item).await,
            Begin::Follow(token) => Ok(token),
            Begin::Find(unanswered, sending) => self.find(&item, unanswered, &sending).await,
        };
        let ended = match token {
            Ok(token) => {
                item.started(&token);
                self.tell(&item);
                self.follow(&mut item, &token).await.map_err(NotBegun::from)
            }
            Err(failed) => Err(failed),
        };
        let NotBegun { error, last } = ended.err()?;
        self.failed(&mut item, error);
        let is_common = matches!(last.kind(), Kind::Authentication | Kind::Closed)
            || last.reason() == Some(Reason::Checkpoint);
        is_common.then(|| of_others(&last))
    }

    async fn start(&self, item: &BatchItem) -> Result<RunToken, NotBegun> {
        let started = self.trigger(item).await;
        if let (Some(checkpoint), Err(error)) = (&self.checkpoint, &started)
            && !item.may_run(error)
        {
            // A failure to write the checkpoint is ignored: the next sync fails with the same error before its trigger
            // is sent.
            let _ = checkpoint.not_started(item.index).await;
        }
        Ok(started?)
    }

    /// Sends the trigger of a sync. The checkpoint first records that the trigger is about to be sent, and afterwards
    /// which run it started.
    async fn trigger(&self, item: &BatchItem) -> Result<RunToken, Error> {
        let mut spent = self.sender.account(&subject(&item.sync, &self.how), &self.how.options, false);
        spent.before_send = self.checkpoint.as_ref().map(|checkpoint| checkpoint.before_send(item.index));
        // `stop` does not interrupt the trigger, because a trigger that is given up halfway may have started a run.
        let token = Box::pin(start(&self.sender, &item.sync, &self.how.trigger, &mut spent)).await?;
        if let Some(checkpoint) = &self.checkpoint {
            let _ = checkpoint.started(item.index, &token).await;
        }
        Ok(token)
    }

    /// Finds the run of a trigger that an earlier process was about to send. If no run can be identified and
    /// `retry_unknown` is set, starts the sync again.
    async fn find(
        &self,
        item: &BatchItem,
        unanswered: Unanswered,
        sending: &Progress,
    ) -> Result<RunToken, NotBegun> {
        let subject = subject(&item.sync, &self.how);
        let error = Error::new(
            Kind::OutcomeUnknown,
            "an earlier process ended while it sent the request that starts the run, so it is unknown whether a run was started",
        )
        .at(&subject)
        .with_hint(message![
            "Look at the runs of the sync. To start it again anyway, resume the batch with ",
            Name("retryUnknown"),
            "."
        ]);
        let mut spent = self.sender.account(&subject, &self.how.options, false);
        let find = Box::pin(unanswered.find::<SyncRun>(&self.sender, error.clone(), &mut spent));
        match self.until_stopped(find.map(Ok)).await.and_then(Result::ok) {
            Some(Ok(token)) => {
                if let Some(checkpoint) = &self.checkpoint {
                    let _ = checkpoint.started(item.index, &token).await;
                }
                Ok(token)
            }
            Some(Err((error, true))) if self.how.retry_unknown && !self.stop.is_cancelled() => {
                self.start_again(item, sending, error).await
            }
            Some(Err((error, _))) => Err(error.into()),
            None => Err(error.into()),
        }
    }

    /// Starts a sync again although `unknown` says that a run may have been started. Even if the new trigger certainly
    /// starts no run, the error still says that the earlier trigger may have started a run.
    async fn start_again(
        &self,
        item: &BatchItem,
        sending: &Progress,
        unknown: Error,
    ) -> Result<RunToken, NotBegun> {
        let last = match self.trigger(item).await {
            Ok(token) => return Ok(token),
            Err(error) if item.may_run(&error) => return Err(error.into()),
            Err(error) => error,
        };
        if let Some(checkpoint) = &self.checkpoint {
            // Records the times of the first trigger again, because the second trigger certainly started no run. With
            // the times of the second trigger, a later process could adopt a run that a schedule has started.
            let _ = checkpoint.still_unknown(item.index, sending).await;
        }
        let what = message![unknown.what(), "; it could not be started again: ", last.what()];
        let mut causes = vec![last.message()];
        causes.extend_from_slice(last.cause_messages());
        Err(NotBegun { error: unknown.with_what(what).with_causes(causes), last })
    }

    async fn follow(&self, item: &mut BatchItem, token: &RunToken) -> Result<(), Error> {
        let mut seen = Seen::default();
        loop {
            let step = runs::next::<SyncRun>(&self.sender, token, seen, None, &self.how.options);
            let Some(step) = self.until_stopped(Box::pin(step)).await else { return Ok(()) };
            let step = step?;
            seen = step.seen;
            if let Some(state) = step.state {
                let ended = item.seen(state);
                if let (true, Some(checkpoint), Some(state)) = (ended, &self.checkpoint, &item.state) {
                    // A failure to write the checkpoint is ignored: a later process then only follows the run again.
                    let _ = checkpoint.ended(item.index, token, state).await;
                }
                self.tell(item);
                if ended {
                    return Ok(());
                }
            }
        }
    }

    fn failed(&self, item: &mut BatchItem, error: Error) {
        // The caller may have passed the API key as a slug, and the server may have repeated the key in its answer.
        item.failed(error.scrubbed(|text| self.sender.scrub(text)));
        self.tell(item);
    }

    fn tell(&self, item: &BatchItem) {
        self.table.0.report(item);
    }
}

/// Creates the error of the syncs that were not started because of `error`. The new error leaves out what is true only
/// of the call that failed: its report, its run, and the advice to resume that run.
fn of_others(error: &Error) -> Error {
    let other = Error::new(error.kind(), error.what())
        .with_reason(error.reason())
        .with_causes(error.cause_messages().iter().cloned());
    let other = match error.status() {
        Some(status) => other.with_status(status),
        None => other,
    };
    match error.hint_message() {
        Some(hint) if error.run().is_none() || error.kind() != Kind::Closed => other.with_hint(hint.clone()),
        _ => other,
    }
}
