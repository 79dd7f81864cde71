//! The operations of the door, by name.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::{Reply, strict};
use crate::client::{Call, Client, Meta, Options};
use crate::error::{Error, Kind};
use crate::limit::LimitStats;
use crate::model::Model;
use crate::page::{self, Page};
use crate::resources::{self, ListSyncs, Sync, SyncReference, TriggerSync};
use crate::runs::{self, OnEnd, RunToken, Seen};
use crate::transport::{self, Exchange};

pub(super) async fn dispatch(
    client: &Client,
    op: &str,
    args: &str,
    options: &Options,
) -> Result<Reply, Error> {
    if client.is_closed() && !matches!(op, "client.close" | "client.stats") {
        return Err(Error::new(Kind::Closed, format!("the client is closed; {op} did nothing")));
    }
    match op {
        "syncs.list" => list_syncs(client, args, options).await,
        "syncs.trigger" => trigger_sync(client, args, options).await,
        "runs.open" => open_run(client, args),
        "runs.next" => next_step(client, args, options).await,
        "request" => request(client, args, options).await,
        "parse" => parse(client, args),
        "client.stats" => none(args).and_then(|()| local(op, &stats(&client.stats()))),
        "client.diagnose" => {
            none(args)?;
            local(op, &client.diagnose().await)
        }
        "client.setKey" => {
            let SetKey { api_key } = arguments(args)?;
            client.set_api_key(api_key.expose())?;
            local(op, &Value::Null)
        }
        "client.close" => {
            none(args)?;
            client.close();
            local(op, &Value::Null)
        }
        #[expect(clippy::panic, reason = "it shows that a panic does not cross the door; open to tests only")]
        "client.panic" if client.config().self_test => panic!("on request"),
        _ => Err(Error::new(Kind::InvalidRequest, "there is no such operation; nothing was sent")),
    }
}

fn stats(stats: &LimitStats) -> Value {
    let waiting = &stats.waiting;
    json!({
        "limit": stats.limit,
        "allowed": stats.allowed,
        "inFlight": stats.in_flight,
        "used": stats.used,
        "waiting": { "trigger": waiting.trigger, "poll": waiting.poll, "read": waiting.read, "bulk": waiting.bulk },
        "closedForMs": u64::try_from(stats.closed_for.as_millis()).unwrap_or(u64::MAX),
        "refused": stats.refused,
        "granted": stats.granted,
    })
}

fn arguments<T: serde::de::DeserializeOwned>(args: &str) -> Result<T, Error> {
    strict::read("arguments", args, Kind::InvalidRequest)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

fn none(args: &str) -> Result<(), Error> {
    arguments::<Nothing>(args).map(|_| ())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetKey {
    #[serde(rename = "apiKey")]
    api_key: crate::config::Secret,
}

fn local(op: &str, value: &impl Serialize) -> Result<Reply, Error> {
    Ok(Reply { meta: Meta::named(op), next: None, body: bytes_of(value)? })
}

fn bytes_of(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value)
        .map_err(|error| Error::new(Kind::Internal, format!("a value cannot be written: {error}")))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct More {
    next: String,
}

async fn list_syncs(client: &Client, args: &str, options: &Options) -> Result<Reply, Error> {
    const OP: &str = "syncs.list";
    let (call, cursor) = if let Ok(More { next }) = arguments(args) {
        let (query, cursor) = page::from_token(OP, &next)?;
        (Call::new(&resources::LIST, resources::LIST.path).with_query(query), cursor)
    } else {
        let call = resources::list_call(&arguments::<ListSyncs>(args)?);
        let cursor = page::start(&call);
        (call, cursor)
    };
    if options.raw == Some(true) {
        return raw(client, &page::positioned(&call, &cursor), options).await;
    }
    let fetched = page::fetch::<Sync>(client, &call, options, cursor).await?;
    let next = fetched.cursor.map(|cursor| page::to_token(OP, &call, cursor));
    Ok(Reply { meta: fetched.meta, next, body: bytes_of(&fetched.rows)? })
}

async fn raw(client: &Client, call: &Call, options: &Options) -> Result<Reply, Error> {
    let answer = client.send(call, options).await?;
    Ok(Reply { meta: answer.meta, next: None, body: answer.body.into() })
}

async fn trigger_sync(client: &Client, args: &str, options: &Options) -> Result<Reply, Error> {
    let mut given: Map<String, Value> = arguments(args)?;
    let Some(sync) = given.remove("sync") else {
        return Err(Error::new(Kind::InvalidRequest, "arguments.sync is missing; nothing was sent"));
    };
    let sync: SyncReference = strict::value("arguments.sync", &sync.to_string(), Kind::InvalidRequest)?;
    let how: TriggerSync = arguments(&Value::Object(given).to_string())?;
    if options.raw == Some(true) {
        let (_, call, _, options) = resources::trigger_call(client, &sync, &how, options).await?;
        return raw(client, &call, &options).await;
    }
    let (token, meta) = resources::trigger(client, &sync, &how, options).await?;
    Ok(Reply { meta, next: None, body: bytes_of(&run_value(&token))? })
}

fn run_value(token: &RunToken) -> Value {
    json!({ "token": token.encode(), "kind": token.kind, "id": token.run, "parent": token.parent, "adopted": false })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Open {
    run: String,
}

fn open_run(client: &Client, args: &str) -> Result<Reply, Error> {
    let Open { run } = arguments(args)?;
    local("runs.open", &run_value(&RunToken::decode(&run, client.origin())?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct NextStep {
    run: String,
    seen: Option<String>,
    timeout_ms: Option<u64>,
    #[serde(default)]
    expire: bool,
    #[serde(default)]
    on_failure: OnEnd,
    #[serde(default = "returned")]
    on_warning: OnEnd,
}

fn returned() -> OnEnd {
    OnEnd::Return
}

async fn next_step(client: &Client, args: &str, options: &Options) -> Result<Reply, Error> {
    let asked: NextStep = arguments(args)?;
    let token = RunToken::decode(&asked.run, client.origin())?;
    let seen = asked.seen.as_deref().map(Seen::decode).transpose()?.unwrap_or_default();
    let timeout = asked.timeout_ms.map(Duration::from_millis);
    let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let step = runs::next(client, &token, seen, until, options).await?;
    step.check(client, &token, asked.on_failure, asked.on_warning)?;
    let ending = step.ending();
    if asked.expire && !step.changed && ending.is_none() {
        return Err(runs::expired(client, &token));
    }
    let body = bytes_of(&json!({
        "state": step.state,
        "seen": step.seen.encode(),
        "changed": step.changed,
        "finished": ending.is_some(),
        "outcome": ending,
    }))?;
    Ok(Reply { meta: step.meta, next: None, body })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Anything {
    method: String,
    path: String,
    #[serde(default)]
    query: Map<String, Value>,
    /// Absent sends no body; null sends null.
    #[serde(default, deserialize_with = "crate::resources::present")]
    body: Option<Value>,
}

async fn request(client: &Client, args: &str, options: &Options) -> Result<Reply, Error> {
    let asked: Anything = arguments(args)?;
    let answer = client.request_answer(&asked.method, &asked.path, &asked.query, asked.body, options).await?;
    let empty = answer.body.is_empty() && options.raw != Some(true);
    let body = if empty { b"null".to_vec() } else { answer.body.into() };
    Ok(Reply { meta: answer.meta, next: None, body })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parse {
    op: String,
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: String,
}

/// What an operation would have given for an answer that was read raw.
fn parse(client: &Client, args: &str) -> Result<Reply, Error> {
    let asked: Parse = arguments(args)?;
    let mut headers = HeaderMap::new();
    for (name, value) in &asked.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.append(name, value);
        }
    }
    let operation = match asked.op.as_str() {
        "syncs.list" => &resources::LIST,
        "syncs.trigger" => &resources::TRIGGER,
        _ => {
            return Err(Error::new(
                Kind::InvalidRequest,
                "arguments.op names no operation whose answer can be parsed",
            ));
        }
    };
    let call = Call::new(operation, operation.path);
    let exchange = Exchange { status: asked.status, headers, body: Bytes::from(asked.body) };
    let meta = Meta::new(&call);
    let scrub = |text: &str| client.scrub(text);
    let at = |error: Error| error.at(&call).scrubbed(scrub);
    transport::check(&exchange, &scrub).map_err(at)?;
    if let Some(error) = transport::error_under_200(&exchange, true, &scrub) {
        return Err(at(error));
    }
    match asked.op.as_str() {
        "syncs.list" => parsed::<Page<Sync>>(client, &call, &exchange, meta),
        _ => parsed::<resources::Started>(client, &call, &exchange, meta),
    }
}

fn parsed<T: Model>(client: &Client, call: &Call, exchange: &Exchange, meta: Meta) -> Result<Reply, Error> {
    let (value, meta) = client.read::<T>(call, &exchange.body, meta)?;
    Ok(Reply { meta, next: None, body: bytes_of(&value)? })
}
