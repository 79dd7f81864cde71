//! Records what a batch has started, in a file from which a later process resumes the batch
//! ([decision 033](../../../../docs/decisions/033-checkpoints.md)).

mod file;
mod lines;

use std::path::Path;
use std::sync::Arc;

use futures_util::FutureExt as _;

pub(super) use lines::{Progress, Recorded};

use super::SUBJECT;
use crate::call::{BeforeSend, SyncReference};
use crate::error::{Error, Kind};
use crate::reason::Reason;
use crate::resources::{SyncRun, TriggerSync};
use crate::runs::{RunToken, StartWindow};
use crate::sender::Sender;
use crate::text::visible;
use file::Appender;

/// The record of a batch in a file. The file is locked for as long as this value exists.
pub(super) struct Checkpoint {
    appender: Appender,
    sender: Sender,
}

impl Checkpoint {
    /// Opens the record of a batch, or creates it.
    ///
    /// # Errors
    /// Kind `invalid_request` if the file cannot be used, or records another batch.
    pub(super) async fn open(
        sender: &Sender,
        path: &Path,
        syncs: &[SyncReference],
        trigger: &TriggerSync,
    ) -> Result<(Arc<Self>, Recorded), Error> {
        let origin = sender.config().origin.clone();
        let header = lines::header(&origin, syncs, trigger);
        if sender.scrub(&header) != header {
            let what = "one of the syncs contains the API key, which must not be written to a file. Nothing was sent";
            return Err(Error::new(Kind::InvalidRequest, what).at(&SUBJECT));
        }
        let (path, count) = (path.to_owned(), syncs.len());
        let opening = {
            let path = path.clone();
            tokio::task::spawn_blocking(move || {
                let opened = file::open(&path, &header)?;
                let mut recorded = Recorded { items: vec![Progress::NotStarted; count], runs: Vec::new() };
                for (nth, line) in opened.events.lines().enumerate() {
                    lines::read_event(line, &mut recorded, &origin)
                        .ok_or_else(|| format!("is damaged in line {}", nth + 2))?;
                }
                Ok((opened.log, recorded))
            })
        };
        let opened =
            opening.await.unwrap_or_else(|_| Err("cannot be opened: the runtime has ended".to_owned()));
        match opened {
            Ok((log, recorded)) => {
                let appender = Appender::new(path, log);
                Ok((Arc::new(Self { appender, sender: sender.clone() }), recorded))
            }
            Err(why) => {
                let error = unusable(sender, &path, &why, "Nothing was sent");
                Err(error
                    .with_hint("Name another file, or remove this one if its batch is no longer needed."))
            }
        }
    }

    /// Returns the action that runs before each attempt of an item's trigger. The action records that the trigger is
    /// about to be sent.
    ///
    /// After a refusal (429), the trigger is sent again, and each attempt is recorded with its own time. With only the
    /// time of an earlier attempt, a later process could mistake a run that a schedule started between two attempts for
    /// the run of the trigger.
    pub(super) fn before_send(self: &Arc<Self>, item: usize) -> BeforeSend {
        let own = Arc::clone(self);
        BeforeSend::new(move |sync, within| {
            let own = Arc::clone(&own);
            async move {
                let window = StartWindow::from_now(&own.sender, within);
                own.record(item, &Progress::Sending { sync, window }).await
            }
            .boxed()
        })
    }

    /// Records that no run of an item was started.
    pub(super) async fn not_started(&self, item: usize) -> Result<(), Error> {
        self.record(item, &Progress::NotStarted).await
    }

    /// Records once more that a request of an earlier process may have started a run of an item.
    pub(super) async fn still_unknown(&self, item: usize, sending: &Progress) -> Result<(), Error> {
        self.record(item, sending).await
    }

    pub(super) async fn started(&self, item: usize, token: &RunToken) -> Result<(), Error> {
        self.record(item, &Progress::Started(token.clone())).await
    }

    pub(super) async fn ended(&self, item: usize, token: &RunToken, state: &SyncRun) -> Result<(), Error> {
        self.record(item, &Progress::Ended(token.clone(), Box::new(state.clone()))).await
    }

    async fn record(&self, item: usize, progress: &Progress) -> Result<(), Error> {
        // The server may have repeated the API key in the state of a run.
        let line = self.sender.scrub(&lines::event(item, progress));
        let written = self.appender.append(&line).await;
        written.map_err(|why| {
            unusable(&self.sender, &self.appender.path, &why, "No more syncs are started").with_hint(
                "Runs that were started go on. Resume the batch once the file can be written again.",
            )
        })
    }
}

fn unusable(sender: &Sender, path: &Path, why: &str, then: &str) -> Error {
    let what = format!("the checkpoint {} {why}. {then}", visible(&path.display().to_string()));
    Error::new(Kind::InvalidRequest, what)
        .with_reason(Reason::Checkpoint)
        .at(&SUBJECT)
        .scrubbed(|text| sender.scrub(text))
}
