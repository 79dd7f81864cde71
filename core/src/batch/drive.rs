//! The task of a batch: starts syncs as long as there is room, and follows each run to its end.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use super::{BatchItem, RunMany, subject};
use crate::error::{Error, Kind};
use crate::resources::{SyncRun, start};
use crate::runs::{self, RunToken, Seen};
use crate::sender::Sender;

pub(super) struct Drive {
    pub sender: Sender,
    pub how: Arc<RunMany>,
    pub report: UnboundedSender<BatchItem>,
    pub stop: CancellationToken,
    pub at_once: usize,
}

impl Drive {
    pub(super) async fn run(self, items: Vec<BatchItem>) {
        // An error that every other sync would meet too, such as a refused key. After it no more syncs are started, and
        // those that were not started report it.
        let mut hopeless: Option<Error> = None;
        let mut waiting = items.into_iter();
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < self.at_once && !self.stop.is_cancelled() && hopeless.is_none() {
                let Some(item) = waiting.next() else { break };
                running.push(self.one(item));
            }
            match running.next().await {
                Some(error) => hopeless = error.or(hopeless),
                None => break,
            }
        }
        if let (Some(error), false) = (hopeless, self.stop.is_cancelled()) {
            for mut item in waiting {
                item.failed(error.clone().at(&subject(&item.sync, &self.how)));
                self.tell(&item);
            }
        }
    }

    /// Starts one sync and follows its run. Returns the error that every other sync would meet too.
    async fn one(&self, mut item: BatchItem) -> Option<Error> {
        let mut spent = self.sender.account(&subject(&item.sync, &self.how), &self.how.options, false);
        // `stop` does not interrupt the trigger, because a trigger that is given up halfway may have started a run.
        let started = Box::pin(start(&self.sender, &item.sync, &self.how.trigger, &mut spent)).await;
        let (ended, was_started) = match started {
            Ok(token) => {
                item.started(&token);
                self.tell(&item);
                (self.follow(&mut item, &token).await, true)
            }
            Err(error) => (Err(error), false),
        };
        let error = ended.err()?;
        item.failed(error.clone());
        self.tell(&item);
        if !matches!(error.kind(), Kind::Authentication | Kind::Closed) {
            return None;
        }
        // An error of a run names the run and says that it goes on, which is not true of syncs that were not started.
        let of_run = || Error::new(error.kind(), error.what()).with_reason(error.reason());
        Some(if was_started { of_run() } else { error })
    }

    async fn follow(&self, item: &mut BatchItem, token: &RunToken) -> Result<(), Error> {
        let mut seen = Seen::default();
        loop {
            let step = runs::next::<SyncRun>(&self.sender, token, seen, None, &self.how.options);
            let Some(step) = self.stop.run_until_cancelled(Box::pin(step)).await else { return Ok(()) };
            let step = step?;
            seen = step.seen;
            if let Some(state) = step.state {
                let ended = item.seen(state);
                self.tell(item);
                if ended {
                    return Ok(());
                }
            }
        }
    }

    /// Reports the item. Nobody listens any more once the batch was dropped.
    fn tell(&self, item: &BatchItem) {
        let _ = self.report.send(item.clone());
    }
}
