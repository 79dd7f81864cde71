//! The operations of the API at the door: how each reads its arguments, makes its call and gives its answer.

use std::future::Future;
use std::pin::Pin;
use std::sync::LazyLock;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Caller, Reply};
use crate::attempt::Meta;
use crate::call::{Call, Id, SyncReference, call_on};
use crate::error::{Error, Kind};
use crate::model::strict::{self, FromCaller, Given};
use crate::operation::{Endpoint, IdKind, OfRun, Operation, Page, RunKind, Started, TolerantPage};
use crate::page::{self, Row};
use crate::resources::{self as api, CampaignTrigger, TriggerSync, Visitor};
use crate::runs::{self, RunOrigin, RunState, RunToken};
use crate::sender::Sender;

type Making<'a> = Pin<Box<dyn Future<Output = Result<Reply, Error>> + Send + 'a>>;
type Members = std::collections::BTreeMap<String, Box<RawValue>>;

/// One operation at the door.
pub(super) struct Entry {
    pub operation: &'static Operation,
    make: for<'a> fn(&'a Caller<'a>, Members) -> Making<'a>,
    read: fn(&Caller<'_>, Members, &[u8], Meta) -> Result<Reply, Error>,
    call: fn(Members) -> Result<Call, Error>,
}

/// Every operation that hosts have a method for, as the resources declare them.
pub(super) static TABLE: LazyLock<Vec<Entry>> = LazyLock::new(|| collected().entries);

/// Operations that others use; hosts have no method for them.
pub(super) static INNER: LazyLock<Vec<&Operation>> = LazyLock::new(|| collected().inner);

#[derive(Default)]
struct Collected {
    entries: Vec<Entry>,
    inner: Vec<&'static Operation>,
}

fn collected() -> Collected {
    let mut collected = Collected::default();
    api::operations(&mut collected);
    collected
}

impl Collected {
    fn add(&mut self, entry: Entry) {
        let special = [TRIGGER_SYNC, TRIGGER_CAMPAIGN];
        let special = special.into_iter().find(|special| special.operation.id == entry.operation.id);
        self.entries.push(special.unwrap_or(entry));
    }
}

impl Visitor for Collected {
    fn page<E: Endpoint<Answer = Page<T>>, T: Row>(&mut self) {
        self.add(page::<E, T>());
    }

    fn value<E: Endpoint<Answer: Send>>(&mut self) {
        self.add(value::<E>());
    }

    fn run<E: Endpoint<Answer = S::Started, Fields: Default>, S: RunState>(&mut self) {
        self.add(run::<E, S>());
    }

    fn inner<E: Endpoint>(&mut self) {
        self.inner.push(E::OPERATION);
    }
}

impl Entry {
    /// The operation of that name.
    pub(super) fn find(op: &str) -> Option<&'static Self> {
        TABLE.iter().find(|entry| entry.operation.op == op)
    }

    /// Makes the call; raw answers come as they are.
    pub(super) async fn call(&self, caller: &Caller<'_>, args: Members) -> Result<Reply, Error> {
        (self.make)(caller, args).await
    }

    /// What an answer that was read raw means, given the arguments that it was asked for with.
    pub(super) fn parse(
        &self,
        caller: &Caller<'_>,
        args: Members,
        body: &[u8],
        meta: Meta,
    ) -> Result<Reply, Error> {
        (self.read)(caller, args, body, meta)
    }

    /// The call that the arguments make.
    pub(super) fn call_of(&self, args: Members) -> Result<Call, Error> {
        (self.call)(args)
    }
}

const fn value<E: Endpoint<Answer: Send>>() -> Entry {
    Entry {
        operation: E::OPERATION,
        make: |caller, args| {
            Box::pin(async move {
                let call = prepared::<E>(args)?;
                if caller.raw {
                    return raw(caller, &call).await;
                }
                let mut spent = caller.account(call.subject());
                let value = api::value::<E::Answer>(caller.client.sender(), &call, &mut spent).await?;
                caller.reply(spent.meta(), &value)
            })
        },
        read: |caller, args, body, meta| {
            let (value, meta) =
                caller.client.sender().read::<E::Answer>(&prepared::<E>(args)?, body, meta)?;
            caller.reply(meta, &value)
        },
        call: prepared::<E>,
    }
}

/// The call of a page and where the list stands: at its start, or where `next` says.
fn place<E: Endpoint>(mut args: Members) -> Result<(Call, page::Cursor), Error> {
    match (args.remove("next"), args.is_empty()) {
        (Some(next), true) => {
            let next: String = strict::argument("next", Some(&next))?;
            page::from_token(E::OPERATION, &next)
        }
        (Some(_), false) => {
            let what = "the argument `next` stands alone: it carries the list's filters. Nothing was sent";
            Err(Error::new(Kind::InvalidRequest, what))
        }
        (None, _) => {
            let call = prepared::<E>(args)?;
            let cursor = page::start(&call);
            Ok((call, cursor))
        }
    }
}

const fn page<E: Endpoint<Answer = Page<T>>, T: Row>() -> Entry {
    Entry {
        operation: E::OPERATION,
        make: |caller, args| {
            Box::pin(async move {
                let (call, cursor) = place::<E>(args)?;
                if caller.raw {
                    return raw(caller, &page::positioned(&call, &cursor)).await;
                }
                let mut spent = caller.account(call.subject());
                let fetched =
                    api::fetch_by_slug::<T>(caller.client.sender(), &call, cursor, &mut spent).await?;
                let next = fetched.cursor.map(|cursor| page::to_token(E::OPERATION, &call, cursor));
                Ok(Reply { next, ..caller.reply(spent.meta(), &fetched.rows)? })
            })
        },
        read: |caller, args, body, meta| {
            let (call, _) = place::<E>(args)?;
            let (page, meta) = caller.client.sender().read::<TolerantPage<T>>(&call, body, meta)?;
            caller.reply(meta, &page)
        },
        call: |args| place::<E>(args).map(|(call, _)| call),
    }
}

const fn run<E: Endpoint<Answer = S::Started, Fields: Default>, S: RunState>() -> Entry {
    Entry {
        make: |caller, args| {
            Box::pin(async move {
                let call = prepared::<E>(args)?;
                if caller.raw {
                    return raw(caller, &call).await;
                }
                let mut spent = caller.account(call.subject());
                let token = runs::begin::<E, S>(caller.client.sender(), &call, &mut spent).await?;
                caller.reply(spent.meta(), &run_value(&token))
            })
        },
        read: |caller, args, body, meta| {
            let call = prepared::<E>(args)?;
            let (started, meta) = caller.client.sender().read::<S::Started>(&call, body, meta)?;
            caller.reply(meta, &run_value(&token::<S>(caller.client.sender(), &call, started)))
        },
        ..value::<E>()
    }
}

/// A run of what the call's path names.
fn token<S: RunState>(sender: &Sender, call: &Call, started: S::Started) -> RunToken {
    let parent = call.ids().first().map(Id::text).unwrap_or_default();
    RunToken::new(sender, S::KIND, parent, started.id())
}

/// A sync by slug is triggered by another operation than one by id, and looked up first.
const TRIGGER_SYNC: Entry = Entry {
    make: |caller, args| {
        Box::pin(async move {
            let (sync, how) = trigger_arguments(args)?;
            let sender = caller.client.sender();
            let mut spent = caller.account(api::trigger_call(&sync, &how)?.subject());
            if caller.raw {
                let answer = api::start_raw(sender, &sync, &how, spent).await?;
                return Ok(raw_reply(answer));
            }
            let token = api::start(sender, &sync, &how, &mut spent).await?;
            caller.reply(spent.meta(), &run_value(&token))
        })
    },
    read: |caller, args, body, meta| {
        let (sync, how) = trigger_arguments(args)?;
        let id = match &sync {
            SyncReference::Id(id) => *id,
            SyncReference::Slug(slug) => api::remembered(caller.client.sender(), slug).ok_or_else(|| {
                let what = "the sync's id is not known to this client. Trigger it by its slug first";
                Error::new(Kind::InvalidRequest, what)
            })?,
        };
        let call = call_on::<api::TriggerRunOp>(vec![Id::Int(id)], &how)?.on_sync(&sync);
        let (started, meta) =
            caller.client.sender().read::<<api::SyncRun as OfRun>::Started>(&call, body, meta)?;
        let token = RunToken::new(caller.client.sender(), RunKind::Sync, id.to_string(), started.id());
        caller.reply(meta, &run_value(&token))
    },
    call: |args| {
        let (sync, how) = trigger_arguments(args)?;
        api::trigger_call(&sync, &how)
    },
    ..run::<api::TriggerRunOp, api::SyncRun>()
};

fn trigger_arguments(mut args: Members) -> Result<(SyncReference, TriggerSync), Error> {
    let sync = sync(&mut args, "sync")?;
    Ok((sync, rest(&args)?))
}

/// More than a hundred recipients are several requests, whose raw answers cannot be one.
const TRIGGER_CAMPAIGN: Entry = Entry {
    make: |caller, args| {
        Box::pin(async move {
            let (campaign, what) = campaign(args)?;
            if caller.raw {
                return raw(caller, &api::single_call(&campaign, &what)?).await;
            }
            let mut spent = caller.account(api::campaign_call(&campaign, &what)?.subject());
            let result = api::send_campaign(caller.client.sender(), &campaign, &what, &mut spent).await?;
            caller.reply(spent.meta(), &result)
        })
    },
    read: |caller, args, body, meta| {
        let (campaign, what) = campaign(args)?;
        let call = api::single_call(&campaign, &what)?;
        let (given, meta) = caller.client.sender().read::<api::CampaignResult>(&call, body, meta)?;
        match api::matched(given, &what.recipients) {
            Ok(given) => caller.reply(meta, &given),
            Err(error) => Err(caller.client.sender().error_at(&call, error.with_meta(meta))),
        }
    },
    ..value::<api::TriggerCampaignOp>()
};

fn campaign(mut args: Members) -> Result<(String, CampaignTrigger), Error> {
    let campaign = id(&mut args, "campaignId")?;
    Ok((campaign, rest(&args)?))
}

/// Reads the arguments of an operation: what its path names, and its fields.
fn prepared<E: Endpoint>(mut args: Members) -> Result<Call, Error> {
    let mut ids = Vec::new();
    for parameter in E::OPERATION.ids {
        let wire = parameter.argument.wire;
        ids.push(match parameter.kind {
            IdKind::Int => Id::Int(id(&mut args, wire)?),
            IdKind::Text => Id::Text(id(&mut args, wire)?),
            IdKind::Sync => Id::Sync(sync(&mut args, wire)?),
        });
    }
    call_on::<E>(ids, &rest(&args)?)
}

fn sync(args: &mut Members, wire: &'static str) -> Result<SyncReference, Error> {
    id(args, wire)
}

fn id<T: FromCaller>(args: &mut Members, wire: &'static str) -> Result<T, Error> {
    strict::argument(wire, args.remove(wire).as_deref())
}

fn rest<T: FromCaller>(args: &Members) -> Result<T, Error> {
    let text = serde_json::to_string(args).unwrap_or_default();
    strict::read(Given::Arguments, &text)
}

async fn raw(caller: &Caller<'_>, call: &Call) -> Result<Reply, Error> {
    api::raw(caller.client.sender(), call, caller.account(call.subject())).await.map(raw_reply)
}

fn raw_reply(answer: api::RawAnswer) -> Reply {
    Reply { meta: answer.meta.raw(answer.status, answer.headers), next: None, body: answer.body.into() }
}

pub(super) fn run_value(token: &RunToken) -> Value {
    json!({ "token": token.encode(), "kind": token.kind.as_str(), "id": token.run, "parent": token.parent,
        "adopted": token.source == RunOrigin::Adopted, "joined": token.source == RunOrigin::Joined })
}

#[cfg(test)]
mod tests;
