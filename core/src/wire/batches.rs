//! The batches of one engine. Hosts name them by number.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use tokio::time::{Instant, timeout_at};

use super::failure::Failure;
use super::ops::arguments;
use super::settings::Millis;
use super::{Caller, Reply, written};
use crate::attempt::{Meta, Subject};
use crate::batch::{Batch, BatchItem, Estimate, RunMany};
use crate::call::SyncReference;
use crate::error::{Error, Kind};
use crate::message::Name;
use crate::resources::{IfRunning, TriggerSync};
use crate::runs::OnEnd;

/// The batches of an engine that have not been closed yet.
#[derive(Debug, Default)]
pub(super) struct Batches(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    last: u32,
    open: HashMap<u32, Arc<Batch>>,
}

struct Start {
    syncs: Vec<SyncReference>,
    at_once: Option<u32>,
    full_resync: Option<bool>,
    reset_cdc: Option<bool>,
    clear_and_fill: Option<bool>,
    if_running: Option<IfRunning>,
    checkpoint: Option<String>,
    retry_unknown: Option<bool>,
    retry_failed: Option<bool>,
    run_time_ms: Option<Millis>,
}

strictly!(Start {
    required syncs = "syncs": Vec<SyncReference>,
    omittable at_once = "atOnce": u32,
    omittable full_resync = "fullResync": bool,
    omittable reset_cdc = "resetCDC": bool,
    omittable clear_and_fill = "clearAndFill": bool,
    omittable if_running = "ifRunning": IfRunning,
    omittable checkpoint = "checkpoint": String,
    omittable retry_unknown = "retryUnknown": bool,
    omittable retry_failed = "retryFailed": bool,
    internal run_time_ms = "runTimeMs": Millis,
});

struct Next {
    batch: u32,
    timeout_ms: Option<Millis>,
    expire: Option<bool>,
    on_failure: Option<OnEnd>,
    on_warning: Option<OnEnd>,
}

strictly!(Next {
    required batch = "batch": u32,
    omittable timeout_ms = "timeoutMs": Millis,
    omittable expire = "expire": bool,
    omittable on_failure = "onFailure": OnEnd,
    omittable on_warning = "onWarning": OnEnd,
});

struct Named {
    batch: u32,
}

strictly!(Named { required batch = "batch": u32, });

#[derive(Serialize)]
struct Opened {
    batch: u32,
}

/// The items that have changed, and whether the batch has ended.
#[derive(Serialize)]
struct Changed<'a> {
    items: Vec<Item<'a>>,
    finished: bool,
}

#[derive(Serialize)]
struct Item<'a> {
    #[serde(flatten)]
    item: &'a BatchItem,
    failure: Option<Failure>,
}

/// Reads the arguments of a batch: the syncs, how to run them, and how long one run may take.
fn asked(caller: &Caller<'_>, args: &str) -> Result<(Vec<SyncReference>, RunMany, Duration), Error> {
    let asked: Start = arguments(args)?;
    if asked.at_once == Some(0) {
        return Err(Error::new(
            Kind::InvalidRequest,
            message![Name("atOnce"), " must be at least 1. Nothing was sent"],
        ));
    }
    let trigger = TriggerSync {
        full_resync: asked.full_resync,
        reset_cdc: asked.reset_cdc,
        clear_and_fill: asked.clear_and_fill,
        if_running: asked.if_running,
    };
    let how = RunMany {
        trigger,
        at_once: asked.at_once.map(|most| most as usize),
        checkpoint: asked.checkpoint.map(PathBuf::from),
        retry_unknown: asked.retry_unknown.unwrap_or(false),
        retry_failed: asked.retry_failed.unwrap_or(false),
        options: caller.options.clone(),
    };
    Ok((asked.syncs, how, asked.run_time_ms.map_or(Duration::ZERO, Duration::from)))
}

/// Says what a batch would need. Sends nothing.
pub(super) fn estimate(caller: &Caller<'_>, args: &str) -> Result<Reply, Error> {
    let (syncs, how, run_time) = asked(caller, args)?;
    let estimate = Estimate::of(caller.client.sender(), &syncs, &how, run_time)?;
    let told = json!({
        "lookups": estimate.lookups,
        "triggers": estimate.triggers,
        "looks": estimate.looks,
        "requests": estimate.requests,
        "durationMs": u64::try_from(estimate.duration.as_millis()).unwrap_or(u64::MAX),
    });
    Reply::plain(Meta::of(&Subject::method("syncs.estimate_many")), &told)
}

impl Batches {
    pub(super) async fn start(&self, caller: &Caller<'_>, args: &str) -> Result<Reply, Error> {
        let (syncs, how, _) = asked(caller, args)?;
        let batch = Batch::start(caller.client.sender(), syncs, &how).await?;
        let mut known = self.lock();
        known.last += 1;
        let number = known.last;
        known.open.insert(number, Arc::new(batch));
        Reply::plain(meta(), &Opened { batch: number })
    }

    /// Waits until items have changed, the batch has ended, or the time is over.
    pub(super) async fn next(&self, caller: &Caller<'_>, args: &str) -> Result<Reply, Error> {
        let asked: Next = arguments(args)?;
        let batch = self.find(asked.batch)?;
        let until = asked.timeout_ms.and_then(|timeout| Instant::now().checked_add(Duration::from(timeout)));
        let changed = match until {
            None => batch.changes().await,
            Some(until) => match timeout_at(until, batch.changes()).await {
                Ok(changed) => changed,
                Err(_) if asked.expire == Some(true) => return Err(batch.expired()),
                Err(_) => return reply(caller, &[], false),
            },
        };
        if changed.is_empty() {
            let [on_failure, on_warning] =
                [asked.on_failure, asked.on_warning].map(|on_end| on_end.unwrap_or(OnEnd::Return));
            batch.check(on_failure, on_warning, caller.style)?;
        }
        reply(caller, &changed, changed.is_empty())
    }

    /// Stops a batch and waits for triggers in progress. Returns all items.
    pub(super) async fn stop(&self, caller: &Caller<'_>, args: &str) -> Result<Reply, Error> {
        let Named { batch } = arguments(args)?;
        reply(caller, &self.find(batch)?.stop_and_read().await, true)
    }

    /// Stops a batch and forgets it. Waits for nothing.
    pub(super) fn close(&self, caller: &Caller<'_>, args: &str) -> Result<Reply, Error> {
        let Named { batch } = arguments(args)?;
        let closed = self.lock().open.remove(&batch);
        if let Some(batch) = closed {
            // Another call may hold the batch, which otherwise stops when it is dropped.
            batch.stop_starting();
        }
        reply(caller, &[], true)
    }

    fn find(&self, batch: u32) -> Result<Arc<Batch>, Error> {
        self.lock()
            .open
            .get(&batch)
            .cloned()
            .ok_or_else(|| Error::new(Kind::Closed, "the batch was closed. Nothing was sent").at(&subject()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn reply(caller: &Caller<'_>, items: &[BatchItem], finished: bool) -> Result<Reply, Error> {
    let failure = |error: &Error| {
        // The key may have been set after the error was made.
        let error = error.clone().scrubbed(|text| caller.client.sender().scrub(text));
        Failure::of(&error, caller.style)
    };
    let items = items.iter().map(|item| Item { item, failure: item.error.as_ref().map(failure) }).collect();
    Ok(Reply::new(meta(), written(&Changed { items, finished })?))
}

fn subject() -> Subject {
    Subject::method("syncs.run_many")
}

fn meta() -> Meta {
    Meta::of(&subject())
}
