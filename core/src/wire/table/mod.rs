//! The operations of the API at the door: how each reads its arguments, makes its call and gives its answer.

use std::future::Future;
use std::pin::Pin;
use std::sync::LazyLock;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Caller, Reply};
use crate::call::{Call, Id, SyncReference, call_on};
use crate::error::{Error, Kind};
use crate::model::strict::{self, FromCaller, Given};
use crate::operation::{Endpoint, IdKind, Operation, Page};
use crate::page::{self, Row};
use crate::resources::{self as api, CampaignTrigger, TriggerSync, Visitor};
use crate::runs::{self, RunOrigin, RunState, RunToken};

type Making<'a> = Pin<Box<dyn Future<Output = Result<Reply, Error>> + Send + 'a>>;
type Members = std::collections::BTreeMap<String, Box<RawValue>>;

/// One operation at the door.
pub(super) struct Entry {
    pub operation: &'static Operation,
    make: for<'a> fn(&'a Caller<'a>, Members) -> Making<'a>,
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

    /// Makes the call.
    pub(super) async fn call(&self, caller: &Caller<'_>, args: Members) -> Result<Reply, Error> {
        (self.make)(caller, args).await
    }
}

const fn value<E: Endpoint<Answer: Send>>() -> Entry {
    Entry {
        operation: E::OPERATION,
        make: |caller, args| {
            Box::pin(async move {
                let call = prepared::<E>(args)?;
                let mut spent = caller.account(call.subject());
                let value = api::value::<E::Answer>(caller.client.sender(), &call, &mut spent).await;
                caller.reply(spent, value)
            })
        },
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
                let mut spent = caller.account(call.subject());
                let mut next = None;
                let rows = api::fetch_by_slug::<T>(caller.client.sender(), &call, cursor, &mut spent)
                    .await
                    .map(|page| {
                        next = page.cursor.map(|cursor| page::to_token(E::OPERATION, &call, cursor));
                        page.rows
                    });
                Ok(Reply { next, ..caller.reply(spent, rows)? })
            })
        },
    }
}

const fn run<E: Endpoint<Answer = S::Started, Fields: Default>, S: RunState>() -> Entry {
    Entry {
        make: |caller, args| {
            Box::pin(async move {
                let call = prepared::<E>(args)?;
                let mut spent = caller.account(call.subject());
                let token = runs::begin::<E, S>(caller.client.sender(), &call, &mut spent).await;
                caller.reply(spent, token.map(|token| run_value(&token)))
            })
        },
        ..value::<E>()
    }
}

/// A sync by slug is triggered by another operation than one by id, and looked up first.
const TRIGGER_SYNC: Entry = Entry {
    make: |caller, args| {
        Box::pin(async move {
            let (sync, how) = trigger_arguments(args)?;
            let sender = caller.client.sender();
            let mut spent = caller.account(api::trigger_call(&sync, &how)?.subject());
            let token = api::start(sender, &sync, &how, &mut spent).await;
            caller.reply(spent, token.map(|token| run_value(&token)))
        })
    },
    ..run::<api::TriggerRunOp, api::SyncRun>()
};

fn trigger_arguments(mut args: Members) -> Result<(SyncReference, TriggerSync), Error> {
    let sync = sync(&mut args, "sync")?;
    Ok((sync, rest(&args)?))
}

/// More than a hundred recipients are several requests.
const TRIGGER_CAMPAIGN: Entry = Entry {
    make: |caller, args| {
        Box::pin(async move {
            let (campaign, what) = campaign(args)?;
            let mut spent = caller.account(api::campaign_call(&campaign, &what)?.subject());
            let result = api::send_campaign(caller.client.sender(), &campaign, &what, &mut spent).await;
            caller.reply(spent, result)
        })
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

pub(super) fn run_value(token: &RunToken) -> Value {
    json!({ "token": token.encode(), "kind": token.kind.as_str(), "id": token.run, "parent": token.parent,
        "adopted": token.source == RunOrigin::Adopted, "joined": token.source == RunOrigin::Joined })
}

#[cfg(test)]
mod tests;
