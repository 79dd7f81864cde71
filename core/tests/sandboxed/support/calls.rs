//! The operations by the names that scenarios use, each called through its public method.

use hightouch_sdk::resources::{AnyRun, Pending, SyncReference};
use hightouch_sdk::{Client, Error, Options, Run};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::play::handle;

/// What a call gives: its value, and the handle where it is a run.
type Made = Result<(Value, Option<AnyRun>), Error>;

/// A call's arguments; what its path names is taken out before the rest is read.
struct Args {
    given: Value,
    options: Options,
    first_page: bool,
}

impl Args {
    fn taken(&mut self, name: &str) -> Value {
        self.given.as_object_mut().and_then(|given| given.remove(name)).unwrap_or_default()
    }

    fn int(&mut self, name: &str) -> i64 {
        self.taken(name).as_i64().unwrap_or_else(|| panic!("{name} is an integer"))
    }

    fn text(&mut self, name: &str) -> String {
        match self.taken(name) {
            Value::String(text) => text,
            other => panic!("{name} is text and not {other}"),
        }
    }

    fn sync(&mut self) -> SyncReference {
        match self.taken("sync") {
            Value::String(text) => text.into(),
            other => SyncReference::Id(other.as_i64().expect("a sync is an integer or text")),
        }
    }

    fn rest<T: DeserializeOwned>(&mut self) -> T {
        serde_json::from_value(self.given.take()).expect("the arguments of the call")
    }

    async fn value<T: Serialize + Send + 'static>(self, call: Pending<T>) -> Made {
        Ok((json!(call.with(self.options).await?), None))
    }

    async fn run<S: Send + 'static>(self, call: Pending<Run<S>>, kind: fn(Run<S>) -> AnyRun) -> Made
    where
        Run<S>: Send,
    {
        let run = kind(call.with(self.options).await?);
        Ok((handle(&run), Some(run)))
    }
}

/// Reads a list to its end, or its first page.
macro_rules! rows {
    ($args:ident, $pages:expr) => {{
        let mut pages = $pages.with($args.options);
        let rows =
            if $args.first_page { pages.next_page().await?.unwrap_or_default() } else { pages.all().await? };
        Ok((json!(rows), None))
    }};
}

/// Makes a call by its name.
pub async fn make(client: &Client, op: &str, given: Value, options: Options, first_page: bool) -> Made {
    let mut args = Args { given, options, first_page };
    let (resource, method) = op.split_once('.').unwrap_or_default();
    match resource {
        "sources" | "destinations" | "models" => definitions(client, resource, method, args).await,
        "syncs" => syncs(client, method, args).await,
        "event_contracts" | "event_domains" => events(client, resource, method, args).await,
        "decision_engine" => decision_engine(client, method, args).await,
        "sync_sequences" | "identity_graphs" => runs(client, resource, method, args).await,
        "campaigns" => {
            let (api, campaign) = (client.campaigns(), args.text("campaignId"));
            match method {
                "trigger" => {
                    let call = api.trigger(campaign, &args.rest());
                    args.value(call).await
                }
                "send_status" => {
                    let call = api.send_status(campaign, args.text("sendId"));
                    args.value(call).await
                }
                _ => panic!("a call that this player does not know: {op}"),
            }
        }
        _ => panic!("a call that this player does not know: {op}"),
    }
}

async fn definitions(client: &Client, resource: &str, method: &str, mut args: Args) -> Made {
    let (sources, destinations, models) = (client.sources(), client.destinations(), client.models());
    match (resource, method) {
        ("sources", "list") => rows!(args, sources.list(&args.rest())),
        ("destinations", "list") => rows!(args, destinations.list(&args.rest())),
        ("models", "list") => rows!(args, models.list(&args.rest())),
        ("sources", "get") => {
            let call = sources.get(args.int("sourceId"));
            args.value(call).await
        }
        ("destinations", "get") => {
            let call = destinations.get(args.int("destinationId"));
            args.value(call).await
        }
        ("models", "get") => {
            let call = models.get(args.int("modelId"));
            args.value(call).await
        }
        ("sources", "create") => {
            let call = sources.create(&args.rest());
            args.value(call).await
        }
        ("destinations", "create") => {
            let call = destinations.create(&args.rest());
            args.value(call).await
        }
        ("models", "create") => {
            let call = models.create(&args.rest());
            args.value(call).await
        }
        ("sources", "update") => {
            let call = sources.update(args.int("sourceId"), &args.rest());
            args.value(call).await
        }
        ("destinations", "update") => {
            let call = destinations.update(args.int("destinationId"), &args.rest());
            args.value(call).await
        }
        ("models", "update") => {
            let call = models.update(args.int("modelId"), &args.rest());
            args.value(call).await
        }
        ("models", "delete") => {
            let call = models.delete(args.int("modelId"));
            args.value(call).await
        }
        _ => panic!("a call that this player does not know: {resource}.{method}"),
    }
}

async fn syncs(client: &Client, method: &str, mut args: Args) -> Made {
    let api = client.syncs();
    match method {
        "list" => rows!(args, api.list(&args.rest())),
        "runs" => rows!(args, api.runs(args.sync(), &args.rest())),
        "create" => {
            let call = api.create(&args.rest());
            args.value(call).await
        }
        "get" => {
            let call = api.get(args.sync());
            args.value(call).await
        }
        "update" => {
            let call = api.update(args.sync(), &args.rest());
            args.value(call).await
        }
        "delete" => {
            let call = api.delete(args.sync());
            args.value(call).await
        }
        "trigger" => {
            let call = api.trigger(args.sync(), &args.rest());
            args.run(call, AnyRun::Sync).await
        }
        _ => panic!("a call that this player does not know: syncs.{method}"),
    }
}

async fn events(client: &Client, resource: &str, method: &str, mut args: Args) -> Made {
    let (contracts, domains) = (client.event_contracts(), client.event_domains());
    match (resource, method) {
        ("event_contracts", "list") => rows!(args, contracts.list(&args.rest())),
        ("event_domains", "list") => rows!(args, domains.list(&args.rest())),
        ("event_contracts", "get") => {
            let call = contracts.get(args.text("contractId"));
            args.value(call).await
        }
        ("event_domains", "get") => {
            let call = domains.get(args.text("domainId"));
            args.value(call).await
        }
        ("event_contracts", "create") => {
            let call = contracts.create(&args.rest());
            args.value(call).await
        }
        ("event_domains", "create") => {
            let call = domains.create(&args.rest());
            args.value(call).await
        }
        ("event_contracts", "update") => {
            let call = contracts.update(args.text("contractId"), &args.rest());
            args.value(call).await
        }
        ("event_domains", "update") => {
            let call = domains.update(args.text("domainId"), &args.rest());
            args.value(call).await
        }
        _ => panic!("a call that this player does not know: {resource}.{method}"),
    }
}

async fn decision_engine(client: &Client, method: &str, mut args: Args) -> Made {
    let api = client.decision_engine();
    match method {
        "list_flows" => rows!(args, api.list_flows(&args.rest())),
        "list_messages" => rows!(args, api.list_messages(args.text("flowId"), &args.rest())),
        "get_flow" => {
            let call = api.get_flow(args.text("flowId"));
            args.value(call).await
        }
        "run_flow" => {
            let call = api.run_flow(args.text("flowId"));
            args.value(call).await
        }
        "get_message" => {
            let call = api.get_message(args.text("flowId"), args.text("messageId"));
            args.value(call).await
        }
        "create_message" => {
            let call = api.create_message(args.text("flowId"), &args.rest());
            args.value(call).await
        }
        "update_message" => {
            let call = api.update_message(args.text("flowId"), args.text("messageId"), &args.rest());
            args.value(call).await
        }
        _ => panic!("a call that this player does not know: decision_engine.{method}"),
    }
}

#[expect(deprecated, reason = "the replaced path is an operation like others")]
async fn runs(client: &Client, resource: &str, method: &str, mut args: Args) -> Made {
    let (sequences, graphs) = (client.sync_sequences(), client.identity_graphs());
    match (resource, method) {
        ("sync_sequences", "trigger") => {
            let call = sequences.trigger(args.text("syncSequenceId"));
            args.run(call, AnyRun::Sequence).await
        }
        ("sync_sequences", "run") => {
            let call = sequences.run(args.text("syncSequenceRunId"));
            args.value(call).await
        }
        ("identity_graphs", "runs") => rows!(args, graphs.runs(args.text("graphId"), &args.rest())),
        ("identity_graphs", "trigger") => {
            let call = graphs.trigger(args.text("graphId"), &args.rest());
            args.run(call, AnyRun::IdentityGraph).await
        }
        ("identity_graphs", "trigger_legacy") => {
            let call = graphs.trigger_legacy(args.text("graphId"), &args.rest());
            args.run(call, AnyRun::IdentityGraph).await
        }
        ("identity_graphs", "queue_for_reprocessing") => {
            let call = graphs.queue_for_reprocessing(args.text("graphId"), &args.rest());
            args.value(call).await
        }
        ("identity_graphs", "reprocess_status") => {
            let call = graphs.reprocess_status(args.text("graphId"), args.text("requestId"));
            args.value(call).await
        }
        _ => panic!("a call that this player does not know: {resource}.{method}"),
    }
}
