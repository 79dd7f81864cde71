//! Plays one scenario through the public API of this crate.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use hightouch_sdk::wire::Failure;
use hightouch_sdk::{AnyRun, Client, Error, OnEnd, Options, Run, Settings, WaitOptions};
use serde_json::{Map, Value, json};

use super::calls;
use super::expect::{error_mismatch, mismatch};
use super::sandbox::{Sandbox, World};
use super::trace::{decoded, trace};

/// No step takes longer than this unless it hangs.
const HANG: Duration = Duration::from_mins(1);

/// What a call gave: a value, or a failure and what is printed for it.
type Given = Result<Value, (Value, String)>;

/// One play: the client, and what was saved.
struct Play<'a> {
    client: Client,
    names: Names<'a>,
    runs: HashMap<String, AnyRun>,
}

/// What placeholders stand for.
struct Names<'a> {
    sandbox: &'a Value,
    world: &'a Value,
    saved: HashMap<String, Value>,
}

pub async fn play(sandbox: &'static Sandbox, id: &str, scenario: &Value) -> Result<(), String> {
    let world = sandbox.world(&scenario["world"]);
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
    let mut settings = json!({
        "apiKey": "{{apiKey}}", "baseUrl": "{{baseUrl}}", "caBundle": "{{ca}}",
        "timeScale": world.info["timeScale"], "environment": {},
    });
    if let (Some(settings), Some(given)) = (settings.as_object_mut(), scenario["client"].as_object()) {
        settings.extend(given.clone());
        settings.retain(|_, value| !value.is_null());
    }
    let settings: Result<Settings, _> = serde_json::from_value(names.fill(&settings));
    let made = match settings {
        Ok(settings) => Client::new(&settings).map_err(|error| printed(&error)),
        Err(error) => Err((json!({"kind": "config", "message": error.to_string()}), error.to_string())),
    };
    let client = match (made, scenario.get("construct")) {
        (Err((failure, text)), Some(construct)) => {
            return error_mismatch(&names.fill(&construct["error"]), &failure, &text).map_or(Ok(()), Err);
        }
        (Ok(_), Some(_)) => return Err("making the client should have failed".to_owned()),
        (Err((failure, _)), None) => return Err(format!("making the client failed: {failure}")),
        (Ok(client), None) => client,
    };
    client.on_end(|end| trace("hook", &format!("{end:?}")));
    trace("client", &format!("{client:?} {client:#?}"));
    let mut play = Play { client, names, runs: HashMap::new() };
    for (index, step) in scenario["steps"].as_array().into_iter().flatten().enumerate() {
        play.step(step).await.map_err(|why| format!("step {}: {why}", index + 1))?;
    }
    play.client.close();
    Ok(())
}

impl Play<'_> {
    async fn step(&mut self, step: &Value) -> Result<(), String> {
        let times = step["atOnce"].as_u64().unwrap_or(1);
        let calls = (0..times).map(|_| async {
            let call = self.call(step);
            let bounded = tokio::time::timeout(HANG, call);
            match step["cancelAfterMs"].as_u64() {
                None => bounded.await.map_err(|_| "it hangs".to_owned()),
                // Dropping the future is how Rust cancels.
                Some(after) => match tokio::time::timeout(Duration::from_millis(after), bounded).await {
                    Err(_) => Ok((Err((json!({"kind": "cancelled"}), "cancelled".to_owned())), None)),
                    Ok(done) => done.map_err(|_| "it hangs".to_owned()),
                },
            }
        });
        let mut last = None;
        for given in join_all(calls).await {
            let (given, run) = given?;
            self.hold(step, &given)?;
            last = Some((given, run));
        }
        if let (Some(name), Some((given, run))) = (step["save"].as_str(), last) {
            let value = given.unwrap_or_else(|(failure, _)| failure);
            if let Some(run) = run {
                self.runs.insert(name.to_owned(), run);
            }
            self.names.saved.insert(name.to_owned(), value);
        }
        Ok(())
    }

    /// Holds what came against what the step expects.
    fn hold(&self, step: &Value, given: &Given) -> Result<(), String> {
        let expect = self.names.fill(&step["expect"]);
        let problem = match (given, expect.get("error")) {
            (Ok(value), Some(wanted)) => Some(format!("wanted the error {wanted}, and it gave {value}")),
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

    async fn call(&self, step: &Value) -> (Given, Option<AnyRun>) {
        let mut args = self.names.fill(&step["args"]);
        if args.is_null() {
            args = json!({});
        }
        let opts = self.names.fill(&step["opts"]);
        let options: Options = if opts.is_null() {
            Options::default()
        } else {
            serde_json::from_value(opts).expect("the options")
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
        let client = &self.client;
        let value = match step["call"].as_str().unwrap_or_default() {
            "client.run" => {
                let run = client.run(args["token"].as_str().unwrap_or_default())?;
                return Ok((handle(&run), Some(run)));
            }
            "run.wait" => {
                let end = |name: &str, or: OnEnd| match args[name].as_str() {
                    Some("raise") => OnEnd::Raise,
                    Some("return") => OnEnd::Return,
                    _ => or,
                };
                let how = WaitOptions {
                    timeout: args["timeoutMs"].as_u64().map(Duration::from_millis),
                    on_failure: end("onFailure", OnEnd::Raise),
                    on_warning: end("onWarning", OnEnd::Return),
                    options,
                };
                match self.run(step) {
                    AnyRun::Sync(run) => json!(run.wait(&how).await?),
                    AnyRun::Sequence(run) => json!(run.wait(&how).await?),
                    AnyRun::IdentityGraph(run) => json!(run.wait(&how).await?),
                    other => panic!("a kind of run that this player does not know: {other:?}"),
                }
            }
            "run.states" => match self.run(step) {
                AnyRun::Sync(run) => statuses(run.states()).await?,
                AnyRun::Sequence(run) => statuses(run.states()).await?,
                AnyRun::IdentityGraph(run) => statuses(run.states()).await?,
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
                json!({"limit": client.stats().limit, "allowed": client.stats().allowed, "refused": client.stats().refused, "granted": client.stats().granted, "inFlight": client.stats().in_flight, "used": client.stats().used})
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

/// The statuses of a run, repeats next to each other dropped.
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

impl Names<'_> {
    fn fill(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(items) => items.iter().map(|item| self.fill(item)).collect(),
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| (name.clone(), self.fill(value)))
                .collect::<Map<_, _>>()
                .into(),
            other => other.clone(),
        }
    }

    fn text(&self, text: &str) -> Value {
        if let Some(name) = text.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"))
            && !name.contains("{{")
        {
            return self.named(name);
        }
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").expect("a placeholder ends in }}");
            filled.push_str(before);
            filled.push_str(&match self.named(name) {
                Value::String(text) => text,
                other => other.to_string(),
            });
            rest = after;
        }
        filled.push_str(rest);
        filled.into()
    }

    fn named(&self, name: &str) -> Value {
        let within = |value: &Value, path: &str| {
            path.split('.').fold(value.clone(), |value, part| value[part].clone())
        };
        let known = name.split_once('.').and_then(|(first, rest)| Some(within(self.saved.get(first)?, rest)));
        known
            .or_else(|| Some(within(self.world, name)).filter(|value| !value.is_null()))
            .unwrap_or_else(|| within(self.sandbox, name))
    }
}
