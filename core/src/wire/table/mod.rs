//! The operations of the API as host languages call them: how each operation reads its arguments, makes its call and
//! returns its answer.

use std::future::Future;
use std::pin::Pin;
use std::sync::LazyLock;

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Caller, Reply, written};
use crate::call::{Call, Id, SyncReference, call_on};
use crate::error::{Error, Kind};
use crate::model::strict::{self, FromCaller, Given};
use crate::model::{Canonical, Mended, Reader, Written, canonical};
use crate::operation::{Endpoint, IdKind, Operation, Page, PathId};
use crate::page::{self, Copies, CopyRow, Row, copy_row};
use crate::resources::{self as api, CampaignTrigger, TriggerSync, Visitor};
use crate::runs::{self, Listed, RunOrigin, RunState, RunToken};
use crate::sender::{AnswerReader, kept};

type Making<'a> = Pin<Box<dyn Future<Output = Result<Reply, Error>> + Send + 'a>>;
type Members = std::collections::BTreeMap<String, Box<RawValue>>;

/// An operation as host languages call it: by name, with arguments in JSON.
pub(super) struct Entry {
    pub operation: &'static Operation,
    make: for<'a> fn(&'a Caller<'a>, Members) -> Making<'a>,
}

/// The operations that hosts have methods for, as the resources declare them.
pub(super) static TABLE: LazyLock<Vec<Entry>> = LazyLock::new(|| collected().entries);

/// The methods that find one run, such as `syncs.latest_run`. They send operations that list runs. [`TABLE`] has these
/// operations under the names of other methods.
pub(super) static LOOKUPS: LazyLock<Vec<Entry>> = LazyLock::new(|| collected().lookups);

/// Operations that only other operations use. Hosts have no methods for them.
pub(super) static INNER: LazyLock<Vec<&Operation>> = LazyLock::new(|| collected().inner);

#[derive(Default)]
struct Collected {
    entries: Vec<Entry>,
    lookups: Vec<Entry>,
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
    fn page<E: Endpoint<Answer = Page<T>>, T: Row + Serialize>(&mut self) {
        self.add(page::<E, T>());
    }

    fn value<E: Endpoint<Answer: Send + Serialize>>(&mut self) {
        self.add(value::<E>());
    }

    fn run<E: Endpoint<Answer = S::Started, Fields: Default>, S: RunState>(&mut self) {
        self.add(run::<E, S>());
    }

    fn lookup<E: Endpoint<Answer = Page<S>, Fields: Default>, S: Listed>(&mut self) {
        self.lookups.push(lookup::<E, S>());
    }

    fn latest<E: Endpoint<Answer = Page<S>, Fields: Default>, S: Listed>(&mut self) {
        self.lookups.push(latest::<E, S>());
    }

    fn inner<E: Endpoint>(&mut self) {
        self.inner.push(E::OPERATION);
    }
}

impl Entry {
    pub(super) fn find(op: &str) -> Option<&'static Self> {
        TABLE.iter().chain(LOOKUPS.iter()).find(|entry| entry.operation.op == op)
    }

    /// Creates a call that is described to hooks and never sent. Of the arguments, it uses only the ids, or the token
    /// `next`.
    pub(super) fn named(&self, mut args: Members) -> Result<Call, Error> {
        if let Some(next) = args.get("next") {
            let next: String = strict::argument("next", Some(next))?;
            return page::from_token(self.operation, &next).map(|(call, _)| call);
        }
        if self.operation.id == TRIGGER_SYNC.operation.id {
            return api::trigger_call(&sync(&mut args, "sync")?, &TriggerSync::default());
        }
        Call::new(self.operation, ids(self.operation, &mut args)?)
    }

    pub(super) async fn call(&self, caller: &Caller<'_>, args: Members) -> Result<Reply, Error> {
        (self.make)(caller, args).await
    }
}

/// Creates the call of an operation from its arguments.
type Prepare = fn(Members) -> Result<Call, Error>;
/// Reads a whole answer as canonical JSON.
type ReadCanonical = fn(&[u8], &mut Mended) -> Result<Canonical, String>;

// For each operation, `value` and `page` create only a small closure, which passes function pointers to a function
// without type parameters. So the code that makes a call is compiled once, and not once for each operation.

const fn value<E: Endpoint<Answer: Send + Serialize>>() -> Entry {
    Entry {
        operation: E::OPERATION,
        make: |caller, args| Box::pin(make_value(caller, prepared::<E>, canonical::<E::Answer>, args)),
    }
}

async fn make_value(
    caller: &Caller<'_>,
    prepare: Prepare,
    read: ReadCanonical,
    args: Members,
) -> Result<Reply, Error> {
    let call = prepare(args)?;
    let mut spent = caller.account(call.subject());
    let mut reader = CanonicalReader { read, json: None };
    let read = api::read_into(&mut reader, caller.client.sender(), &call, &mut spent).await;
    Reply::ended(spent, read.and_then(|()| kept(reader.json)))
}

struct CanonicalReader {
    read: ReadCanonical,
    json: Option<Written>,
}

impl AnswerReader for CanonicalReader {
    fn read(&mut self, body: &[u8], mended: &mut Mended) -> Result<Option<i64>, String> {
        let Canonical { json, workspace } = (self.read)(body, mended)?;
        self.json = Some(json);
        Ok(workspace)
    }
}

/// Returns the call that reads a list, and the cursor: at the start of the list, or at the position in the argument
/// `next`.
fn place(
    operation: &'static Operation,
    prepare: Prepare,
    mut args: Members,
) -> Result<(Call, page::Cursor), Error> {
    match (args.remove("next"), args.is_empty()) {
        (Some(next), true) => {
            let next: String = strict::argument("next", Some(&next))?;
            page::from_token(operation, &next)
        }
        (Some(_), false) => {
            let what = "the argument `next` must be the only one, because it contains the list's filters. Nothing was sent";
            Err(Error::new(Kind::InvalidRequest, what))
        }
        (None, _) => {
            let call = prepare(args)?;
            let cursor = page::start(&call);
            Ok((call, cursor))
        }
    }
}

const fn page<E: Endpoint<Answer = Page<T>>, T: Row + Serialize>() -> Entry {
    Entry {
        operation: E::OPERATION,
        make: |caller, args| Box::pin(make_page(caller, E::OPERATION, prepared::<E>, copy_row::<T>, args)),
    }
}

async fn make_page(
    caller: &Caller<'_>,
    operation: &'static Operation,
    prepare: Prepare,
    copy: CopyRow,
    args: Members,
) -> Result<Reply, Error> {
    let (call, cursor) = place(operation, prepare, args)?;
    let mut spent = caller.account(call.subject());
    let mut copies = Copies::default();
    let mut copy = |from: &mut Reader<'_>, mended: &mut Mended| copy(&mut copies, from, mended);
    let page = api::fetch_by_slug(caller.client.sender(), &call, cursor, &mut spent, &mut copy).await;
    let (mut next, mut sync) = (None, None);
    let rows = page.map(|(page, of)| {
        sync = of;
        next = page.cursor.map(|cursor| page::to_token(operation, &call, &cursor));
        copies.list(&page.rows)
    });
    Ok(Reply { next, sync, ..Reply::ended(spent, rows)? })
}

const fn run<E: Endpoint<Answer = S::Started, Fields: Default>, S: RunState>() -> Entry {
    Entry {
        make: |caller, args| {
            Box::pin(async move {
                let call = prepared::<E>(args)?;
                let mut spent = caller.account(call.subject());
                let token = runs::begin::<E, S>(caller.client.sender(), &call, &mut spent).await;
                Reply::ended(spent, token.and_then(|token| written(&run_value(&token))))
            })
        },
        ..value::<E>()
    }
}

const fn lookup<E: Endpoint<Answer = Page<S>, Fields: Default>, S: Listed>() -> Entry {
    Entry {
        operation: E::OPERATION,
        make: |caller, args| {
            Box::pin(async move {
                let call = prepared::<E>(args)?;
                let mut spent = caller.account(call.subject());
                let token = api::looked_up::<S>(caller.client.sender(), &call, &mut spent).await;
                Reply::ended(spent, token.and_then(|token| written(&run_value(&token))))
            })
        },
    }
}

const fn latest<E: Endpoint<Answer = Page<S>, Fields: Default>, S: Listed>() -> Entry {
    Entry {
        operation: E::OPERATION,
        make: |caller, args| {
            Box::pin(async move {
                let call = prepared::<E>(args)?;
                let mut spent = caller.account(call.subject());
                let token = api::latest::<S>(caller.client.sender(), &call, &mut spent).await;
                Reply::ended(spent, token.and_then(|token| written(&token.as_ref().map(run_value))))
            })
        },
    }
}

/// Starts a run of a sync. This entry is special: the API has one operation for an id and another operation for a slug.
/// For a slug, the SDK also looks up the id, which it needs to follow the run.
const TRIGGER_SYNC: Entry = Entry {
    make: |caller, args| {
        Box::pin(async move {
            let (sync, how) = trigger_arguments(args)?;
            let sender = caller.client.sender();
            let mut spent = caller.account(api::trigger_call(&sync, &how)?.subject());
            let token = api::start(sender, &sync, &how, &mut spent).await;
            Reply::ended(spent, token.and_then(|token| written(&run_value(&token))))
        })
    },
    ..run::<api::TriggerRunOp, api::SyncRun>()
};

fn trigger_arguments(mut args: Members) -> Result<(SyncReference, TriggerSync), Error> {
    let sync = sync(&mut args, "sync")?;
    Ok((sync, rest(&args)?))
}

/// Triggers a campaign. This entry is special: more than a hundred recipients need several requests.
const TRIGGER_CAMPAIGN: Entry = Entry {
    make: |caller, args| {
        Box::pin(async move {
            let (campaign, what) = campaign(args)?;
            let mut spent = caller.account(api::campaign_call(&campaign, &what)?.subject());
            let result = api::send_campaign(caller.client.sender(), &campaign, &what, &mut spent).await;
            Reply::ended(spent, result.and_then(|result| written(&result)))
        })
    },
    ..value::<api::TriggerCampaignOp>()
};

fn campaign(mut args: Members) -> Result<(String, CampaignTrigger), Error> {
    let campaign = id(&mut args, "campaignId")?;
    Ok((campaign, rest(&args)?))
}

/// Creates the call of an operation from its arguments: the ids in its path, and its fields.
fn prepared<E: Endpoint>(mut args: Members) -> Result<Call, Error> {
    let ids = ids(E::OPERATION, &mut args)?;
    call_on::<E>(ids, &rest(&args)?)
}

/// Removes from the arguments the ids that belong in the operation's path, and returns them.
fn ids(operation: &Operation, args: &mut Members) -> Result<Vec<Id>, Error> {
    let id_of = |parameter: &PathId| {
        let wire = parameter.argument.wire;
        Ok(match parameter.kind {
            IdKind::Int => Id::Int(id(args, wire)?),
            IdKind::Text => Id::Text(id(args, wire)?),
            IdKind::Sync => Id::Sync(sync(args, wire)?),
        })
    };
    operation.ids.iter().map(id_of).collect()
}

fn sync(args: &mut Members, wire: &'static str) -> Result<SyncReference, Error> {
    id(args, wire)
}

fn id<T: FromCaller>(args: &mut Members, wire: &'static str) -> Result<T, Error> {
    strict::argument(wire, args.remove(wire).as_deref())
}

fn rest<T: FromCaller>(args: &Members) -> Result<T, Error> {
    strict::read(Given::Arguments, &object(args))
}

/// The arguments as one JSON object.
fn object(args: &Members) -> String {
    serde_json::to_string(args).unwrap_or_default()
}

pub(super) fn run_value(token: &RunToken) -> Value {
    json!({ "token": token.encode(), "kind": token.kind.as_str(), "id": token.run, "parent": token.parent,
        "adopted": token.source == RunOrigin::Adopted, "joined": token.source == RunOrigin::Joined })
}

#[cfg(test)]
mod tests;
