//! The batches of one engine. A host names a batch by its number.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use tokio::time::Instant;

use super::announce::Announced;
use super::failure::Failure;
use super::ops::arguments;
use super::settings::Millis;
use super::{Caller, Reply, written};
use crate::attempt::{Meta, Subject, random_id};
use crate::batch::{Batch, BatchItem, Estimate, News, RunMany, Tell, Told};
use crate::call::{Options, SyncReference};
use crate::error::{Error, Kind};
use crate::message::Name;
use crate::resources::{IfRunning, TriggerSync};
use crate::runs::OnEnd;
use crate::sender::RequestReport;
use crate::timers::timeout_at;

#[derive(Debug, Default)]
pub(super) struct Batches(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    last: u32,
    open: HashMap<u32, Arc<Open>>,
}

/// A batch, with the call id and the headers that its requests share.
#[derive(Debug)]
struct Open {
    batch: Batch,
    /// The id of the call that started the batch.
    call_id: String,
    headers: BTreeMap<String, String>,
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
    tell_calls: Option<bool>,
    tell_notices: Option<bool>,
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
    internal tell_calls = "tellCalls": bool,
    internal tell_notices = "tellNotices": bool,
});

struct Next {
    batch: u32,
    /// Whether to return all items, and not only changed items, once the batch has ended.
    all: Option<bool>,
    timeout_ms: Option<Millis>,
    expire: Option<bool>,
    on_failure: Option<OnEnd>,
    on_warning: Option<OnEnd>,
}

strictly!(Next {
    required batch = "batch": u32,
    omittable all = "all": bool,
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

/// The items that have changed, the reports about requests, and whether the batch has ended.
#[derive(Serialize)]
struct Changed<'a> {
    items: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    told: Vec<ToldOf<'a>>,
    finished: bool,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ToldOf<'a> {
    Notice {
        notice: String,
    },
    Call {
        call: Box<Ended<'a>>,
        /// How long ago the request began, in milliseconds.
        #[serde(rename = "startedAgoMs")]
        started_ago_ms: u64,
        meta: Box<Meta>,
        failure: Option<Failure>,
    },
}

/// A request of a batch, described like a call that is announced to hooks.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ended<'a> {
    #[serde(flatten)]
    announced: Announced<'a>,
    batch_call_id: &'a str,
    headers: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Item<'a> {
    #[serde(flatten)]
    item: &'a BatchItem,
    failure: Option<Failure>,
}

/// The arguments of a batch.
struct Asked {
    syncs: Vec<SyncReference>,
    how: RunMany,
    /// How long one run takes; used only by the estimate.
    run_time: Duration,
    tell: Tell,
}

impl Asked {
    fn of(caller: &Caller<'_>, args: &str) -> Result<Self, Error> {
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
            // Each request of a batch is a call with an id of its own.
            options: Options { call_id: None, ..caller.options.clone() },
        };
        let tell = Tell {
            requests: asked.tell_calls == Some(true),
            notices: (asked.tell_notices == Some(true)).then_some(caller.style),
        };
        let run_time = asked.run_time_ms.map_or(Duration::ZERO, Duration::from);
        Ok(Self { syncs: asked.syncs, how, run_time, tell })
    }
}

/// Returns how many requests and how much time a batch would need. Sends nothing.
pub(super) fn estimate(caller: &Caller<'_>, args: &str) -> Result<Reply, Error> {
    let Asked { syncs, how, run_time, .. } = Asked::of(caller, args)?;
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
        let Asked { syncs, how, tell, .. } = Asked::of(caller, args)?;
        let batch = Batch::start(caller.client.sender(), syncs, &how, tell).await?;
        let meta = meta(caller.options.call_id.clone().unwrap_or_else(random_id));
        let open = Open { batch, call_id: meta.call_id.clone(), headers: how.options.headers };
        let mut known = self.lock();
        known.last += 1;
        let number = known.last;
        known.open.insert(number, Arc::new(open));
        Reply::plain(meta, &Opened { batch: number })
    }

    /// Waits until items have changed, the batch has ended, or the time limit has passed.
    pub(super) async fn next(&self, caller: &Caller<'_>, args: &str) -> Result<Reply, Error> {
        let asked: Next = arguments(args)?;
        let open = self.find(asked.batch)?;
        let batch = &open.batch;
        let until = asked.timeout_ms.and_then(|timeout| Instant::now().checked_add(Duration::from(timeout)));
        let mut news = match until {
            None => batch.news().await,
            Some(until) => match timeout_at(until, batch.news()).await {
                Ok(news) => news,
                Err(_) if asked.expire == Some(true) => return Err(batch.expired()),
                Err(_) => return open.reply(caller, News::default(), false),
            },
        };
        let finished = news.is_empty();
        if finished {
            let [on_failure, on_warning] =
                [asked.on_failure, asked.on_warning].map(|on_end| on_end.unwrap_or(OnEnd::Return));
            batch.check(on_failure, on_warning, caller.style)?;
            if asked.all == Some(true) {
                news.items = batch.items();
            }
        }
        open.reply(caller, news, finished)
    }

    /// Stops a batch and waits for triggers in progress. Returns all items.
    pub(super) async fn stop(&self, caller: &Caller<'_>, args: &str) -> Result<Reply, Error> {
        let Named { batch } = arguments(args)?;
        let open = self.find(batch)?;
        open.reply(caller, open.batch.stop_and_read().await, true)
    }

    /// Stops a batch and forgets it. Waits for nothing.
    pub(super) fn close(&self, args: &str) -> Result<Reply, Error> {
        let Named { batch } = arguments(args)?;
        let closed = self.lock().open.remove(&batch);
        if let Some(open) = &closed {
            // Another call may still hold the batch, so dropping `open` may not stop the batch.
            open.batch.stop_starting();
        }
        let call_id = closed.map_or_else(random_id, |open| open.call_id.clone());
        Reply::plain(meta(call_id), &Changed { items: Vec::new(), told: Vec::new(), finished: true })
    }

    fn find(&self, batch: u32) -> Result<Arc<Open>, Error> {
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

impl Open {
    fn reply(&self, caller: &Caller<'_>, news: News, finished: bool) -> Result<Reply, Error> {
        // The API key may have been set after a report was made, so the report may still contain the key.
        let scrub = |text: &str| caller.client.sender().scrub(text);
        let failure = |error: &Error| Failure::of(&error.clone().scrubbed(scrub), caller.style);
        let items = news.items.iter().map(|item| Item { item, failure: item.error.as_ref().map(failure) });
        let items = items.collect();
        let base = &caller.client.sender().config().base;
        let told = news.told.into_iter().map(|told| match told {
            Told::Notice(notice) => ToldOf::Notice { notice },
            Told::Request(report) => {
                let failure = report.error.as_ref().map(failure);
                let RequestReport { http_method, url_template, began, meta, .. } = *report;
                let mut meta = meta.in_style(caller.style);
                meta.resource = meta.resource.as_deref().map(scrub);
                meta.sync = meta.sync.as_deref().map(scrub);
                let announced = Announced {
                    call_id: meta.call_id.clone(),
                    operation: meta.operation.clone(),
                    operation_id: meta.operation_id,
                    resource: meta.resource.clone(),
                    sync: meta.sync.clone(),
                    http_method: Some(http_method),
                    url_template,
                    server_address: base.host_str(),
                    server_port: base.port_or_known_default(),
                };
                let started_ago_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
                let call = Ended { announced, batch_call_id: &self.call_id, headers: &self.headers };
                ToldOf::Call { call: Box::new(call), started_ago_ms, meta: Box::new(meta), failure }
            }
        });
        let told = told.collect();
        Ok(Reply::new(meta(self.call_id.clone()), written(&Changed { items, told, finished })?))
    }
}

fn subject() -> Subject {
    Subject::method("syncs.run_many")
}

fn meta(call_id: String) -> Meta {
    Meta::of_call(&subject(), call_id)
}
