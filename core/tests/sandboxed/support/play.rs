//! Plays one scenario through the public API of this crate.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use hightouch_sdk::resources::AnyRun;
use hightouch_sdk::wire::{self, Failure};
use hightouch_sdk::{Client, Error, OnEnd, Options, Run, WaitOptions};
use serde_json::{Map, Value, json};

use super::batches::{self, policy};
use super::calls;
use super::expect::{error_mismatch, mismatch};
use super::keys::Keys;
use super::names::Names;
use super::sandbox::{Sandbox, World};
use super::trace::{decoded, trace};

/// A step that takes longer than this counts as hung and fails the scenario.
const HANG: Duration = Duration::from_mins(1);

/// The result of a call: a value, or a failure and its printed form.
type Given = Result<Value, (Value, String)>;

/// The result of one call and, if the call returned a run, the handle of the run.
type Ended = (Given, Option<AnyRun>);

/// A scenario that is being played, with its clients and the values that its steps saved.
struct Play<'a> {
    scenario: &'a Value,
    world: &'a World,
    names: Names<'a>,
    /// Clients by name. The name of the default client is empty.
    clients: HashMap<String, Client>,
    keys: Vec<Arc<Keys>>,
    /// How often the key functions were called.
    asked: Arc<AtomicUsize>,
    runs: HashMap<String, AnyRun>,
}

pub async fn play(sandbox: &'static Sandbox, id: &str, scenario: &Value) -> Result<(), String> {
    let mut world = sandbox.world(&scenario["world"]);
    world.info["folder"] = json!(world.file(""));
    let played = play_in(sandbox, &world, scenario).await;
    if played.is_ok() {
        let complaints = world.judge("rust", id, &scenario["wire"]).await;
        world.delete();
        return if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n")) };
    }
    world.delete();
    played
}

async fn play_in(sandbox: &Sandbox, world: &World, scenario: &Value) -> Result<(), String> {
    let names = Names { sandbox: &sandbox.line, world: &world.info, saved: HashMap::new() };
    let mut play = Play {
        scenario,
        world,
        names,
        clients: HashMap::new(),
        keys: Vec::new(),
        asked: Arc::default(),
        runs: HashMap::new(),
    };
    let made = play.open("").map(drop);
    match (made, scenario.get("construct")) {
        (Err((failure, text)), Some(construct)) => {
            return error_mismatch(&play.names.fill(&construct["error"]), &failure, &text)
                .map_or(Ok(()), Err);
        }
        (Ok(()), Some(_)) => return Err("making the client should have failed".to_owned()),
        (Err((failure, _)), None) => return Err(format!("making the client failed: {failure}")),
        (Ok(()), None) => {}
    }
    let played = play.steps().await;
    play.close();
    let asked = play.asked.load(Ordering::SeqCst);
    match scenario["asked"].as_u64() {
        Some(wanted) if played.is_ok() && usize::try_from(wanted) != Ok(asked) => {
            Err(format!("a key was asked for {asked} times, and not {wanted} times"))
        }
        _ => played,
    }
}

impl Play<'_> {
    /// Returns the client with this name. Creates the client on first use.
    fn open(&mut self, name: &str) -> Result<&Client, (Value, String)> {
        if !self.clients.contains_key(name) {
            let client = self.make(name)?;
            client.on_end(|end| trace("hook", &format!("{end:?}")));
            trace("client", &format!("{client:?} {client:#?}"));
            self.clients.insert(name.to_owned(), client);
        }
        Ok(&self.clients[name])
    }

    fn make(&mut self, name: &str) -> Result<Client, (Value, String)> {
        let differ = if name.is_empty() { &self.scenario["client"] } else { &self.scenario["clients"][name] };
        let mut settings = json!({
            "apiKey": "{{apiKey}}", "baseUrl": "{{baseUrl}}", "caBundle": "{{ca}}",
            "timeScale": self.names.world["timeScale"], "environment": {},
        });
        if let (Some(settings), Some(given)) = (settings.as_object_mut(), differ.as_object()) {
            settings.extend(given.clone());
            settings.retain(|_, value| !value.is_null());
        }
        let mut settings = self.names.fill(&settings);
        let keys = settings.as_object_mut().and_then(|settings| settings.remove("keys"));
        if let (Some(_), Some(settings)) = (&keys, settings.as_object_mut()) {
            settings.remove("apiKey");
        }
        let settings = wire::settings(&settings.to_string()).map_err(|error| printed(&error))?;
        let made = match keys {
            None => Client::new(&settings),
            Some(keys) => {
                let keys = Keys::new(keys.as_array().expect("keys are a list").clone(), &self.asked);
                self.keys.push(Arc::clone(&keys));
                keys.client(&settings)
            }
        };
        made.map_err(|error| printed(&error))
    }

    fn close(&self) {
        for client in self.clients.values() {
            client.close();
        }
        for keys in &self.keys {
            keys.end();
        }
    }

    async fn steps(&mut self) -> Result<(), String> {
        for (index, step) in self.scenario["steps"].as_array().into_iter().flatten().enumerate() {
            self.step(step).await.map_err(|why| format!("step {}: {why}", index + 1))?;
        }
        Ok(())
    }

    async fn step(&mut self, step: &Value) -> Result<(), String> {
        let parts: Vec<&Value> =
            step["together"].as_array().map_or_else(|| vec![step], |parts| parts.iter().collect());
        for part in &parts {
            let name = part["client"].as_str().unwrap_or_default();
            self.open(name).map_err(|(failure, _)| format!("making the client failed: {failure}"))?;
        }
        let tried: Vec<_> = join_all(parts.iter().map(|part| self.tried(part))).await;
        for (part, ended) in parts.into_iter().zip(tried) {
            let ended = ended?;
            for (given, _) in &ended {
                self.hold(part, given)?;
            }
            if let (Some(name), Some((given, run))) = (part["save"].as_str(), ended.into_iter().next_back()) {
                let value = given.unwrap_or_else(|(failure, _)| failure);
                if let Some(run) = run {
                    self.runs.insert(name.to_owned(), run);
                }
                self.names.saved.insert(name.to_owned(), value);
            }
        }
        Ok(())
    }

    /// Makes the calls of a step concurrently.
    async fn tried(&self, step: &Value) -> Result<Vec<Ended>, String> {
        tokio::time::sleep(Duration::from_millis(step["blockMs"].as_u64().unwrap_or(0))).await;
        let times = step["atOnce"].as_u64().unwrap_or(1);
        let calls = (0..times).map(|_| async {
            let call = self.call(step);
            tokio::select! {
                done = tokio::time::timeout(HANG, call) => done.map_err(|_| "it hangs".to_owned()),
                // In Rust, a call is cancelled by dropping its future.
                () = self.cancelled(step) => {
                    Ok((Err((json!({"kind": "cancelled"}), "cancelled".to_owned())), None))
                }
            }
        });
        join_all(calls).await.into_iter().collect()
    }

    /// Resolves when the call of a step must be cancelled. Never resolves if the step does not cancel its call.
    async fn cancelled(&self, step: &Value) {
        if let Some(after) = step["cancelAfterMs"].as_u64() {
            return tokio::time::sleep(Duration::from_millis(after)).await;
        }
        let Some(operation) = step["cancelOn"].as_str() else { return std::future::pending().await };
        let came = |log: Value| {
            log["requests"].as_array().into_iter().flatten().any(|request| request["operation"] == operation)
        };
        while !came(self.world.log()) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Compares the result with what the step expects.
    fn hold(&self, step: &Value, given: &Given) -> Result<(), String> {
        let expect = self.names.fill(&step["expect"]);
        let problem = match (given, expect.get("error")) {
            (Ok(value), Some(wanted)) => Some(format!("wanted the error {wanted}, and it gave {value}")),
            // A dropped future has no message to compare.
            (Err((failure, text)), Some(wanted)) if failure.get("message").is_none() => {
                error_mismatch(&json!({"kind": wanted["kind"]}), failure, text)
            }
            (Err((failure, text)), Some(wanted)) => error_mismatch(wanted, failure, text),
            (Err((failure, _)), None) => Some(format!("it failed: {failure}")),
            (Ok(value), None) => {
                let counted = expect["count"]
                    .as_u64()
                    .filter(|count| value.as_array().map(Vec::len) != usize::try_from(*count).ok());
                match (counted, expect.get("value")) {
                    (Some(count), _) => {
                        Some(format!("wanted {count} rows, saw {:?}", value.as_array().map(Vec::len)))
                    }
                    (None, Some(wanted)) => mismatch(wanted, value),
                    (None, None) => None,
                }
            }
        };
        problem.map_or(Ok(()), Err)
    }

    async fn call(&self, step: &Value) -> Ended {
        let mut args = self.names.fill(&step["args"]);
        if args.is_null() {
            args = json!({});
        }
        let opts = self.names.fill(&step["opts"]);
        let options: Options = if opts.is_null() {
            Options::default()
        } else {
            wire::options(&opts.to_string()).expect("the options")
        };
        match self.made(step, &mut args, options).await {
            Ok((value, run)) => (Ok(value), run),
            Err(error) => (Err(printed(&error)), None),
        }
    }

    async fn made(
        &self,
        step: &Value,
        args: &mut Value,
        options: Options,
    ) -> Result<(Value, Option<AnyRun>), Error> {
        let client = &self.clients[step["client"].as_str().unwrap_or_default()];
        let value = match step["call"].as_str().unwrap_or_default() {
            "client.run" => {
                let run = client.run(args["token"].as_str().unwrap_or_default())?;
                return Ok((handle(&run), Some(run)));
            }
            "run.wait" => {
                let mut how = WaitOptions::new()
                    .on_failure(policy(args, "onFailure", OnEnd::Raise))
                    .on_warning(policy(args, "onWarning", OnEnd::Return))
                    .options(options);
                how.timeout = args["timeoutMs"].as_u64().map(Duration::from_millis);
                match self.run(step) {
                    AnyRun::Sync(run) => json!(run.wait(&how).await?),
                    AnyRun::Sequence(run) => json!(run.wait(&how).await?),
                    AnyRun::IdentityGraph(run) => json!(run.wait(&how).await?),
                    other => panic!("a kind of run that this player does not know: {other:?}"),
                }
            }
            "syncs.run_many" => batches::run_many(client, args, options).await?,
            "run.states" => match self.run(step) {
                AnyRun::Sync(run) => statuses(run.states()).await?,
                AnyRun::Sequence(run) => statuses(run.states()).await?,
                AnyRun::IdentityGraph(run) => statuses(run.states()).await?,
                other => panic!("a kind of run that this player does not know: {other:?}"),
            },
            "run.state" => match self.run(step) {
                AnyRun::Sync(run) => json!(run.state().await?),
                AnyRun::Sequence(run) => json!(run.state().await?),
                AnyRun::IdentityGraph(run) => json!(run.state().await?),
                other => panic!("a kind of run that this player does not know: {other:?}"),
            },
            "run.problem" => match self.run(step) {
                AnyRun::Sync(run) => json!(run.state().await?.problem()),
                AnyRun::Sequence(run) => json!(run.state().await?.problem()),
                AnyRun::IdentityGraph(run) => json!(run.state().await?.problem()),
                other => panic!("a kind of run that this player does not know: {other:?}"),
            },
            "request" => {
                let query = args["query"].as_object().cloned().unwrap_or_else(Map::new);
                let text = |name: &str| args[name].as_str().unwrap_or_default();
                client
                    .request(text("method"), text("path"), &query, args.get("body").cloned(), &options)
                    .await?
                    .value()
            }
            "client.stats" => {
                let stats = client.stats();
                json!({
                    "scope": stats.scope.as_str(), "fallback": stats.fallback, "members": stats.members,
                    "waitingTotal": stats.waiting_total, "limit": stats.limit, "allowed": stats.allowed,
                    "refused": stats.refused, "granted": stats.granted, "inFlight": stats.in_flight, "used": stats.used,
                })
            }
            "client.diagnose" => {
                let found = client.diagnose().await;
                trace("diagnosis", &format!("{found:?} {}", json!(found)));
                json!(found)
            }
            "client.setKey" => json!(client.set_api_key(args["apiKey"].as_str().unwrap_or_default())?),
            "client.close" => json!(client.close()),
            operation => {
                let first = step["take"] == "firstPage";
                return calls::make(client, operation, args.take(), options, first).await;
            }
        };
        Ok((value, None))
    }

    fn run(&self, step: &Value) -> &AnyRun {
        let name = step["on"].as_str().unwrap_or_default();
        self.runs.get(name).unwrap_or_else(|| panic!("no run was saved as {name}"))
    }
}

/// Returns the statuses of a run, in order. Equal statuses in a row count once.
async fn statuses<S: serde::Serialize>(
    mut states: impl futures_util::Stream<Item = Result<S, Error>> + Unpin,
) -> Result<Value, Error> {
    let mut statuses = Vec::new();
    while let Some(state) = states.next().await {
        statuses.push(json!(state?)["status"].take());
    }
    statuses.dedup();
    Ok(statuses.into())
}

pub fn handle(run: &AnyRun) -> Value {
    fn told<S>(run: &Run<S>) -> Value {
        json!({"id": run.id(), "parent": run.parent(), "kind": run.kind(), "adopted": run.adopted(),
            "joined": run.joined(), "token": run.token()})
    }
    let value = match run {
        AnyRun::Sync(run) => told(run),
        AnyRun::Sequence(run) => told(run),
        AnyRun::IdentityGraph(run) => told(run),
        other => panic!("a kind of run that this player does not know: {other:?}"),
    };
    trace("run", &format!("{run:?} {value} {}", decoded(value["token"].as_str().unwrap_or_default())));
    value
}

fn printed(error: &Error) -> (Value, String) {
    let failure = serde_json::to_value(Failure::from(error)).expect("a failure is JSON");
    let said = format!("{error} {error:?} {error:#?} {:?}", error.meta());
    trace("error", &format!("{said} {failure}"));
    (failure, said)
}
