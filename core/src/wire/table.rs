//! The operations of the API at the door: how each reads its arguments, makes its call and gives its answer.

use std::future::Future;
use std::pin::Pin;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Reply;
use crate::client::{Call, Client, Id, Meta, Options};
use crate::error::{Error, Kind};
use crate::model::strict;
use crate::operation::{Endpoint, IdKind, Operation};
use crate::page::{self, Page, Row};
use crate::resources::{self as api, CampaignTrigger, SyncReference, TriggerSync, call_on};
use crate::runs::{self, RunToken, Source, Started, State};

type Making<'a> = Pin<Box<dyn Future<Output = Result<Reply, Error>> + Send + 'a>>;
type Members = std::collections::BTreeMap<String, Box<RawValue>>;

/// One operation at the door.
pub(super) struct Entry {
    pub operation: &'static Operation,
    make: for<'a> fn(&'a Client, Members, &'a Options) -> Making<'a>,
    read: fn(&Client, Members, &[u8], Meta) -> Result<Reply, Error>,
    call: fn(Members) -> Result<Call, Error>,
}

/// Every operation that hosts have a method for.
pub(super) const TABLE: &[Entry] = &[
    page::<api::ListSourceOp, _>(),
    value::<api::GetSourceOp>(),
    value::<api::CreateSourceOp>(),
    value::<api::UpdateSourceOp>(),
    page::<api::ListDestinationOp, _>(),
    value::<api::GetDestinationOp>(),
    value::<api::CreateDestinationOp>(),
    value::<api::UpdateDestinationOp>(),
    page::<api::ListModelOp, _>(),
    value::<api::GetModelOp>(),
    value::<api::CreateModelOp>(),
    value::<api::UpdateModelOp>(),
    value::<api::DeleteModelOp>(),
    page::<api::ListSyncOp, _>(),
    value::<api::GetSyncOp>(),
    value::<api::CreateSyncOp>(),
    value::<api::UpdateSyncOp>(),
    value::<api::DeleteSyncOp>(),
    TRIGGER_SYNC,
    page::<api::ListSyncRunsOp, _>(),
    run::<api::TriggerSequenceRunOp, api::SequenceRun>(),
    value::<api::GetSyncSequenceRunOp>(),
    run::<api::TriggerIdrRunOp, api::IdentityGraphRun>(),
    page::<api::ListIdrRunsOp, _>(),
    value::<api::QueueForReprocessingOp>(),
    value::<api::ReprocessStatusOp>(),
    run::<api::TriggerRunIdGraphOp, api::IdentityGraphRun>(),
    TRIGGER_CAMPAIGN,
    value::<api::GetSendStatusOp>(),
    page::<api::ListFlowsOp, _>(),
    value::<api::GetFlowOp>(),
    value::<api::RunFlowOp>(),
    page::<api::ListMessagesOp, _>(),
    value::<api::GetMessageOp>(),
    value::<api::CreateMessageOp>(),
    value::<api::UpdateMessageOp>(),
    page::<api::ListContractsOp, _>(),
    value::<api::GetContractOp>(),
    value::<api::CreateContractOp>(),
    value::<api::UpdateContractOp>(),
    page::<api::ListDomainsOp, _>(),
    value::<api::GetDomainOp>(),
    value::<api::CreateDomainOp>(),
    value::<api::UpdateDomainOp>(),
];

/// Operations that others are made of; hosts have no method of their own for them.
pub(super) const INNER: &[&Operation] = &[api::TriggerRunCustomOp::OPERATION];

impl Entry {
    /// The operation of that name.
    pub(super) fn find(op: &str) -> Option<&'static Self> {
        TABLE.iter().find(|entry| entry.operation.op == op)
    }

    /// Makes the call; raw answers come as they are.
    pub(super) async fn call(
        &self,
        client: &Client,
        args: Members,
        options: &Options,
    ) -> Result<Reply, Error> {
        (self.make)(client, args, options).await
    }

    /// What an answer that was read raw means, given the arguments that it was asked for with.
    pub(super) fn parse(
        &self,
        client: &Client,
        args: Members,
        body: &[u8],
        meta: Meta,
    ) -> Result<Reply, Error> {
        (self.read)(client, args, body, meta)
    }

    /// The call that the arguments make.
    pub(super) fn call_of(&self, args: Members) -> Result<Call, Error> {
        (self.call)(args)
    }
}

const fn value<E: Endpoint>() -> Entry
where
    E::Answer: Send,
{
    Entry {
        operation: E::OPERATION,
        make: |client, args, options| {
            Box::pin(async move {
                let call = prepared::<E>(args)?;
                if options.raw == Some(true) {
                    return raw(client, &call, options).await;
                }
                let (value, meta) = client.value::<E::Answer>(&call, options).await?;
                Reply::of(client, meta, &value)
            })
        },
        read: |client, args, body, meta| {
            let (value, meta) = client.read::<E::Answer>(&prepared::<E>(args)?, body, meta)?;
            Reply::of(client, meta, &value)
        },
        call: prepared::<E>,
    }
}

/// The call of a page and where the list stands: at its start, or where `next` says.
fn place<E: Endpoint>(mut args: Members) -> Result<(Call, page::Cursor), Error> {
    match (args.remove("next"), args.is_empty()) {
        (Some(next), true) => {
            let next: String = strict::value("arguments.next", next.get(), Kind::InvalidRequest)?;
            page::from_token(E::OPERATION, &next)
        }
        (Some(_), false) => {
            let what = "arguments.next stands alone: it carries the list's filters; nothing was sent";
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
        make: |client, args, options| {
            Box::pin(async move {
                let (call, cursor) = place::<E>(args)?;
                if options.raw == Some(true) {
                    return raw(client, &page::positioned(&call, &cursor), options).await;
                }
                let fetched = page::fetch::<T>(client, &call, options, cursor).await?;
                let next = fetched.cursor.map(|cursor| page::to_token(E::OPERATION, &call, cursor));
                Ok(Reply { next, ..Reply::of(client, fetched.meta, &fetched.rows)? })
            })
        },
        read: |client, args, body, meta| {
            let (value, meta) = client.read::<E::Answer>(&place::<E>(args)?.0, body, meta)?;
            Reply::of(client, meta, &value)
        },
        call: |args| place::<E>(args).map(|(call, _)| call),
    }
}

const fn run<E: Endpoint<Answer = S::Started, Fields: Default>, S: State>() -> Entry {
    Entry {
        make: |client, args, options| {
            Box::pin(async move {
                let call = prepared::<E>(args)?;
                if options.raw == Some(true) {
                    return raw(client, &call, options).await;
                }
                let (token, meta) = runs::begin::<E, S>(client, &call, options).await?;
                Reply::of(client, meta, &run_value(&token))
            })
        },
        read: |client, args, body, meta| {
            let call = prepared::<E>(args)?;
            let (started, meta) = client.read::<S::Started>(&call, body, meta)?;
            Reply::of(client, meta, &run_value(&token::<S>(client, &call, started)))
        },
        ..value::<E>()
    }
}

/// A run of what the call's path names.
fn token<S: State>(client: &Client, call: &Call, started: S::Started) -> RunToken {
    let parent = call.ids().first().map(Id::text).unwrap_or_default();
    RunToken::new(client, S::KIND, parent, started.id())
}

/// A sync by slug is triggered by another operation than one by id, and looked up first.
const TRIGGER_SYNC: Entry = Entry {
    make: |client, args, options| {
        Box::pin(async move {
            let (sync, how) = trigger_arguments(args)?;
            if options.raw == Some(true) {
                let answer = api::start_raw(client, &sync, &how, options).await?;
                return Ok(Reply { meta: answer.meta, next: None, body: answer.body.into() });
            }
            let (token, meta) = api::start(client, &sync, &how, options).await?;
            Reply::of(client, meta, &run_value(&token))
        })
    },
    read: |client, args, body, meta| {
        let (sync, how) = trigger_arguments(args)?;
        let id = match &sync {
            SyncReference::Id(id) => *id,
            SyncReference::Slug(slug) => client.slugs().id(slug).ok_or_else(|| {
                let what = "the sync's id is not known to this client; triggering it by slug tells";
                Error::new(Kind::InvalidRequest, what)
            })?,
        };
        let call = call_on::<api::TriggerRunOp>(vec![Id::Int(id)], &how)?.on(sync.to_string());
        let (started, meta) = client.read::<<api::SyncRun as State>::Started>(&call, body, meta)?;
        Reply::of(
            client,
            meta,
            &run_value(&RunToken::new(client, api::SyncRun::KIND, id.to_string(), started.id())),
        )
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
    make: |client, args, options| {
        Box::pin(async move {
            if options.raw == Some(true) {
                let (campaign, what) = campaign(args)?;
                return raw(client, &api::single_call(&campaign, &what)?, options).await;
            }
            let (campaign, what) = campaign(args)?;
            let (result, meta) = api::send_campaign(client, &campaign, &what, options).await?;
            Reply::of(client, meta, &result)
        })
    },
    read: |client, args, body, meta| {
        let (campaign, what) = campaign(args)?;
        let call = api::single_call(&campaign, &what)?;
        let (given, meta) = client.read::<api::CampaignResult>(&call, body, meta)?;
        match api::matched(given, &what.recipients) {
            Ok(given) => Reply::of(client, meta, &given),
            Err(error) => Err(error.at(&call).with_meta(meta)),
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

fn id<T: serde::de::DeserializeOwned>(args: &mut Members, wire: &'static str) -> Result<T, Error> {
    let Some(raw) = args.remove(wire) else {
        return Err(Error::new(
            Kind::InvalidRequest,
            format!("arguments.{wire} is missing; nothing was sent"),
        ));
    };
    strict::value(&format!("arguments.{wire}"), raw.get(), Kind::InvalidRequest)
}

fn rest<T: serde::de::DeserializeOwned>(args: &Members) -> Result<T, Error> {
    let text = serde_json::to_string(args).unwrap_or_default();
    strict::read("arguments", &text, Kind::InvalidRequest)
}

async fn raw(client: &Client, call: &Call, options: &Options) -> Result<Reply, Error> {
    let answer = client.told(call, client.send(call, options), |answer| &answer.meta).await?;
    Ok(Reply { meta: answer.meta, next: None, body: answer.body.into() })
}

pub(super) fn run_value(token: &RunToken) -> Value {
    json!({ "token": token.encode(), "kind": token.kind, "id": token.run, "parent": token.parent,
        "adopted": token.source == Source::Adopted, "joined": token.source == Source::Joined })
}

#[cfg(test)]
mod tests;
