//! Runs the operations that host languages call by name.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::batches;
use super::settings::Millis;
use super::table::{Entry, run_value};
use super::{Caller, Reply, written};
use crate::attempt::{Meta, Subject};
use crate::client::any_call;
use crate::diagnose::Diagnosis;
use crate::error::{Error, Kind};
use crate::json::{self, Json};
use crate::limit::{Class, LimitStats};
use crate::model::strict::{self, FromCaller, Given, Invalid};
use crate::operation::{Returns, RunKind};
use crate::resources::{IdentityGraphRun, SequenceRun, SyncRun};
use crate::runs::{self, OnEnd, RunState, RunToken, Seen};
use crate::secret::Secret;
use crate::sender::{Event, Sender, has_listener, tell};

/// Runs an operation. If the operation started something that is not a run, such as a campaign, sends a notice of the
/// start.
pub(super) async fn dispatch(caller: &Caller<'_>, op: &str, args: &str) -> Result<Reply, Error> {
    let reply = made(caller, op, args).await?;
    if has_listener()
        && let Some(Entry { operation, .. }) = Entry::find(op)
        && operation.class == Class::Trigger
        && !matches!(operation.returns, Returns::Run(_))
    {
        tell(&reply.meta, Duration::from_millis(reply.meta.waited_ms), &Event::Started(None));
    }
    Ok(reply)
}

async fn made(caller: &Caller<'_>, op: &str, args: &str) -> Result<Reply, Error> {
    let (client, sender) = (caller.client, caller.client.sender());
    if sender.is_closed()
        && !matches!(op, "client.close" | "client.stats" | "batch.next" | "batch.stop" | "batch.close")
    {
        return Err(Error::new(Kind::Closed, "the client is closed. Nothing was sent"));
    }
    if let Some(entry) = Entry::find(op) {
        return entry.call(caller, arguments(args)?).await;
    }
    match op {
        "runs.open" => open_run(caller, args),
        "run" => next_step(caller, args).await,
        "run.state" => state(caller, args).await,
        "syncs.run_many" => caller.batches.start(caller, args).await,
        "syncs.estimate_many" => batches::estimate(caller, args),
        "batch.next" => caller.batches.next(caller, args).await,
        "batch.stop" => caller.batches.stop(caller, args).await,
        "batch.close" => caller.batches.close(args),
        "request" => request(caller, args).await,
        "client.stats" => none(args).and_then(|()| local("stats", &stats(&client.stats()))),
        "client.diagnose" => {
            none(args)?;
            let mut reply = diagnosed(&client.diagnose().await)?;
            if let Some(call_id) = caller.options.call_id.clone() {
                reply.meta.call_id = call_id;
            }
            Ok(reply)
        }
        "client.keyWanted" => {
            none(args)?;
            sender.key_wanted().await?;
            local("set_api_key", &Value::Null)
        }
        "client.setKey" => {
            let SetKey { api_key } = arguments(args)?;
            client.set_api_key(api_key.expose())?;
            local("set_api_key", &Value::Null)
        }
        "client.keyFailed" => {
            let KeyFailed { message } = arguments(args)?;
            sender.key_failed(&message);
            local("set_api_key", &Value::Null)
        }
        "client.close" => {
            none(args)?;
            client.close();
            local("close", &Value::Null)
        }
        #[expect(clippy::panic, reason = "it shows that a panic does not cross the door; open to tests only")]
        "client.panic" if caller.self_test => panic!("on request"),
        _ => Err(Error::new(Kind::InvalidRequest, "there is no such operation. Nothing was sent")),
    }
}

/// Replies with a diagnosis and its text for people. The core writes this text for all languages.
pub(super) fn diagnosed(diagnosis: &Diagnosis) -> Result<Reply, Error> {
    #[derive(Serialize)]
    struct Told<'a> {
        #[serde(flatten)]
        diagnosis: &'a Diagnosis,
        text: String,
    }
    // `plain` is for values without opaque JSON, such as a diagnosis.
    Reply::plain(Meta::of(&Subject::method("diagnose")), &Told { diagnosis, text: diagnosis.to_string() })
}

fn stats(stats: &LimitStats) -> Value {
    let waiting = &stats.waiting;
    json!({
        "scope": stats.scope.as_str(),
        "members": stats.members,
        "fallback": stats.fallback,
        "limit": stats.limit,
        "allowed": stats.allowed,
        "inFlight": stats.in_flight,
        "used": stats.used,
        "waiting": { "trigger": waiting.trigger, "poll": waiting.poll, "read": waiting.read, "bulk": waiting.bulk },
        "waitingTotal": stats.waiting_total,
        "closedForMs": u64::try_from(stats.closed_for.as_millis()).unwrap_or(u64::MAX),
        "refused": stats.refused,
        "cuts": stats.cuts,
        "granted": stats.granted,
    })
}

pub(super) fn arguments<T: FromCaller>(args: &str) -> Result<T, Error> {
    strict::read(Given::Arguments, args)
}

/// Adds the operation to an error that names no operation yet.
pub(super) fn named(error: Error, op: &str) -> Error {
    match Entry::find(op) {
        Some(Entry { operation, .. }) if error.operation().is_none() => {
            error.at(&Subject { operation_id: Some(operation.id), ..Subject::method(operation.op) })
        }
        _ if op == "request" && error.operation().is_none() => error.at(&Subject::method("request")),
        _ if op == "syncs.run_many" && error.operation().is_none() => {
            error.at(&Subject::method("syncs.run_many"))
        }
        _ if op == "syncs.estimate_many" && error.operation().is_none() => {
            error.at(&Subject::method("syncs.estimate_many"))
        }
        _ => error,
    }
}

struct Nothing {}

strictly!(Nothing {});

fn none(args: &str) -> Result<(), Error> {
    arguments::<Nothing>(args).map(|_| ())
}

struct SetKey {
    api_key: Secret,
}

strictly!(SetKey { required api_key = "apiKey": Secret, });

struct KeyFailed {
    message: String,
}

strictly!(KeyFailed { required message = "message": String, });

/// Replies to an operation that sends no request. The value must hold no opaque JSON.
fn local(method: &'static str, value: &impl Serialize) -> Result<Reply, Error> {
    Reply::plain(Meta::of(&Subject::method(method)), value)
}

struct Open {
    token: String,
}

strictly!(Open { required token = "token": String, });

fn open_run(caller: &Caller<'_>, args: &str) -> Result<Reply, Error> {
    let Open { token } = arguments(args)?;
    local("run", &run_value(&RunToken::decode(&token, origin(caller.client.sender()))?))
}

pub(super) struct NextStep {
    pub run: String,
    seen: Option<String>,
    timeout_ms: Option<Millis>,
    expire: Option<bool>,
    on_failure: Option<OnEnd>,
    on_warning: Option<OnEnd>,
}

strictly!(NextStep {
    required run = "run": String,
    omittable seen = "seen": String,
    omittable timeout_ms = "timeoutMs": Millis,
    omittable expire = "expire": bool,
    omittable on_failure = "onFailure": OnEnd,
    omittable on_warning = "onWarning": OnEnd,
});

impl FromCaller for OnEnd {
    fn from_caller(raw: &RawValue) -> Result<Self, Invalid> {
        match String::from_caller(raw)?.as_str() {
            "raise" => Ok(Self::Raise),
            "return" => Ok(Self::Return),
            _ => Err(Invalid::unlisted(&["raise", "return"])),
        }
    }
}

pub(super) fn origin(sender: &Sender) -> &str {
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

pub(super) struct ReadState {
    pub run: String,
}

strictly!(ReadState { required run = "run": String, });

async fn state(caller: &Caller<'_>, args: &str) -> Result<Reply, Error> {
    let ReadState { run } = arguments(args)?;
    let token = RunToken::decode(&run, origin(caller.client.sender()))?;
    match token.kind {
        RunKind::Sync => look::<SyncRun>(caller, &token).await,
        RunKind::Sequence => look::<SequenceRun>(caller, &token).await,
        RunKind::IdentityGraph => look::<IdentityGraphRun>(caller, &token).await,
    }
}

async fn look<S: RunState>(caller: &Caller<'_>, token: &RunToken) -> Result<Reply, Error> {
    let (state, meta) = runs::look::<S>(caller.client.sender(), token, &caller.options).await?;
    Ok(Reply::new(meta, written(&state)?))
}

async fn step<S: RunState>(caller: &Caller<'_>, token: &RunToken, asked: &NextStep) -> Result<Reply, Error> {
    let sender = caller.client.sender();
    let seen = asked.seen.as_deref().map(Seen::decode).transpose()?.unwrap_or_default();
    let timeout = asked.timeout_ms.map(Duration::from);
    let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let step = runs::next::<S>(sender, token, seen, until, &caller.options).await?;
    let (on_failure, on_warning) =
        (asked.on_failure.unwrap_or(OnEnd::Raise), asked.on_warning.unwrap_or(OnEnd::Return));
    step.check(sender, token, on_failure, on_warning).map_err(|error| error.with_looks(step.meta.clone()))?;
    let ending = step.ending();
    if asked.expire == Some(true) && !step.changed && ending.is_none() {
        return Err(runs::expired(sender, token, &step).with_looks(step.meta));
    }
    let seen = step.seen.encode();
    let given = Stepped {
        state: step.state,
        seen,
        changed: step.changed,
        finished: ending.is_some(),
        outcome: ending,
    };
    Ok(Reply::new(step.meta, written(&given)?))
}

/// A step of a run as hosts get it. The step is serialized directly, because a conversion to `Value` would change the
/// text of opaque JSON.
#[derive(Serialize)]
struct Stepped<S> {
    state: Option<S>,
    seen: String,
    changed: bool,
    finished: bool,
    outcome: Option<runs::Ending>,
}

pub(super) struct AnyRequest {
    pub method: String,
    pub path: String,
    query: Option<BTreeMap<String, Json>>,
    /// The body of the request. If it is absent, no body is sent; if it is null, the JSON `null` is sent.
    body: Option<Json>,
}

strictly!(AnyRequest {
    required method = "method": String,
    required path = "path": String,
    omittable query = "query": BTreeMap<String, Json>,
    omittable body = "body": Json,
});

async fn request(caller: &Caller<'_>, args: &str) -> Result<Reply, Error> {
    let asked: AnyRequest = arguments(args)?;
    let query = asked.query.unwrap_or_default();
    let call = any_call(&asked.method, &asked.path, &query, asked.body)?;
    let mut spent = caller.account(call.subject());
    let answer = caller.client.request_answer(&call, &mut spent).await;
    let json = answer.map(|answer| match json::without_byte_order_mark(&answer.body) {
        [] => b"null".to_vec().into(),
        json => json.to_vec().into(),
    });
    Reply::ended(spent, json)
}
