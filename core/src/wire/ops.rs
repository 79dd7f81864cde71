//! The operations of the door, by name.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::table::{Entry, run_value};
use super::{Caller, Reply};
use crate::attempt::Meta;
use crate::diagnose::Diagnosis;
use crate::error::{Error, Kind};
use crate::json::Json;
use crate::limit::LimitStats;
use crate::model::strict;
use crate::operation::RunKind;
use crate::resources::{IdentityGraphRun, SequenceRun, SyncRun};
use crate::runs::{self, OnEnd, RunState, RunToken, Seen};
use crate::sender::{Sender, unknown};
use crate::transport::{self, Exchange};

pub(super) async fn dispatch(caller: &Caller<'_>, op: &str, args: &str) -> Result<Reply, Error> {
    let (client, sender) = (caller.client, caller.client.sender());
    if sender.is_closed() && !matches!(op, "client.close" | "client.stats") {
        return Err(Error::new(Kind::Closed, format!("the client is closed; {op} did nothing")));
    }
    if let Some(entry) = Entry::find(op) {
        return entry.call(caller, arguments(args)?).await;
    }
    match op {
        "runs.open" => open_run(caller, args),
        "runs.next" => next_step(caller, args).await,
        "request" => request(caller, args).await,
        "parse" => parse(caller, args),
        "client.stats" => none(args).and_then(|()| local(op, &stats(&client.stats()))),
        "client.diagnose" => {
            none(args)?;
            diagnosed(&client.diagnose().await)
        }
        "client.keyWanted" => {
            none(args)?;
            sender.key_wanted().await?;
            local(op, &Value::Null)
        }
        "client.setKey" => {
            let SetKey { api_key } = arguments(args)?;
            client.set_api_key(api_key.expose())?;
            local(op, &Value::Null)
        }
        "client.keyFailed" => {
            let KeyFailed { message } = arguments(args)?;
            sender.key_failed(&message);
            local(op, &Value::Null)
        }
        "client.close" => {
            none(args)?;
            client.close();
            local(op, &Value::Null)
        }
        #[expect(clippy::panic, reason = "it shows that a panic does not cross the door; open to tests only")]
        "client.panic" if caller.self_test => panic!("on request"),
        _ => Err(Error::new(Kind::InvalidRequest, "there is no such operation; nothing was sent")),
    }
}

/// A diagnosis with its report for people, which is written once for all languages.
pub(super) fn diagnosed(diagnosis: &Diagnosis) -> Result<Reply, Error> {
    #[derive(Serialize)]
    struct Told<'a> {
        #[serde(flatten)]
        diagnosis: &'a Diagnosis,
        text: String,
    }
    // Nothing in it is opaque.
    Reply::plain(Meta::named("client.diagnose"), &Told { diagnosis, text: diagnosis.to_string() })
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
    api_key: crate::secret::Secret,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFailed {
    message: String,
}

/// What sends nothing and holds no opaque JSON.
fn local(op: &str, value: &impl Serialize) -> Result<Reply, Error> {
    Reply::plain(Meta::named(op), value)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Open {
    run: String,
}

fn open_run(caller: &Caller<'_>, args: &str) -> Result<Reply, Error> {
    let Open { run } = arguments(args)?;
    local("runs.open", &run_value(&RunToken::decode(&run, origin(caller.client.sender()))?))
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

fn origin(sender: &Sender) -> &str {
    &sender.config().origin
}

async fn next_step(caller: &Caller<'_>, args: &str) -> Result<Reply, Error> {
    let asked: NextStep = arguments(args)?;
    let token = RunToken::decode(&asked.run, origin(caller.client.sender()))?;
    match token.kind {
        RunKind::Sync => step::<SyncRun>(caller, &token, &asked).await,
        RunKind::Sequence => step::<SequenceRun>(caller, &token, &asked).await,
        RunKind::IdentityGraph => step::<IdentityGraphRun>(caller, &token, &asked).await,
    }
}

async fn step<S: RunState>(caller: &Caller<'_>, token: &RunToken, asked: &NextStep) -> Result<Reply, Error> {
    let sender = caller.client.sender();
    let seen = asked.seen.as_deref().map(Seen::decode).transpose()?.unwrap_or_default();
    let timeout = asked.timeout_ms.map(Duration::from_millis);
    let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let step = runs::next::<S>(sender, token, seen, until, &caller.options).await?;
    step.check(sender, token, asked.on_failure, asked.on_warning)?;
    let ending = step.ending();
    if asked.expire && !step.changed && ending.is_none() {
        return Err(runs::expired(sender, token, step.failure.as_ref()));
    }
    let seen = step.seen.encode();
    let given =
        Given { state: step.state, seen, changed: step.changed, finished: ending.is_some(), outcome: ending };
    caller.reply(step.meta, &given)
}

/// A step as it crosses; not by way of a tree, in which opaque JSON would lose its spelling.
#[derive(Serialize)]
struct Given<S> {
    state: Option<S>,
    seen: String,
    changed: bool,
    finished: bool,
    outcome: Option<runs::Ending>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Anything {
    method: String,
    path: String,
    #[serde(default)]
    query: BTreeMap<String, Json>,
    /// Absent sends no body; null sends null.
    #[serde(default, deserialize_with = "present")]
    body: Option<Json>,
}

/// Reads what may be left out but is something even where it is null.
fn present<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

async fn request(caller: &Caller<'_>, args: &str) -> Result<Reply, Error> {
    let asked: Anything = arguments(args)?;
    let mut spent = caller.account();
    let answer = caller
        .client
        .request_answer(&asked.method, &asked.path, &asked.query, asked.body, &mut spent)
        .await?;
    let empty = answer.body.is_empty() && !caller.raw;
    let body = if empty { b"null".to_vec() } else { answer.body.into() };
    Ok(Reply { meta: spent.meta(&answer.meta.operation), next: None, body })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parse {
    op: String,
    /// What it was asked for with; what the path names can be a part of the value.
    #[serde(default)]
    args: BTreeMap<String, Box<RawValue>>,
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: String,
}

/// What an operation would have given for an answer that was read raw.
fn parse(caller: &Caller<'_>, args: &str) -> Result<Reply, Error> {
    let asked: Parse = arguments(args)?;
    let mut headers = HeaderMap::new();
    for (name, value) in &asked.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.append(name, value);
        }
    }
    let Some(entry) = Entry::find(&asked.op) else {
        let what = "arguments.op names no operation whose answer can be parsed";
        return Err(Error::new(Kind::InvalidRequest, what));
    };
    let call = entry.call_of(asked.args.clone())?;
    let exchange = Exchange { status: asked.status, headers, body: Bytes::from(asked.body) };
    let sender = caller.client.sender();
    let scrub = |text: &str| sender.scrub(text);
    // As the call itself would have it: whoever repeats what the server failed at may do it twice.
    let judged = |error: Error| {
        let error = if call.is_write() && error.kind() == Kind::Server { unknown(error) } else { error };
        sender.error_at(&call, error)
    };
    transport::check(&exchange, &scrub).map_err(judged)?;
    if let Some(error) = transport::error_under_200(&exchange, true, &scrub) {
        return Err(judged(error));
    }
    entry.parse(caller, asked.args, &exchange.body, Meta::named(call.operation_id()))
}
