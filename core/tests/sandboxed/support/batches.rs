//! Plays the calls of batches.

use hightouch_sdk::resources::{SyncReference, TriggerSync};
use hightouch_sdk::{BatchItem, Client, Error, OnEnd, Options, RunMany, WaitMany};
use serde_json::{Value, json};

/// Reads from the argument `name` what to do at the end of a run. Returns `or` if there is no such argument.
pub fn policy(args: &Value, name: &str, or: OnEnd) -> OnEnd {
    match args[name].as_str() {
        Some("raise") => OnEnd::Raise,
        Some("return") => OnEnd::Return,
        _ => or,
    }
}

/// Starts a batch. Then waits for the end of the batch, or stops the batch, as `args` say.
pub async fn run_many(client: &Client, args: &mut Value, options: Options) -> Result<Value, Error> {
    let mut given = args.take();
    let members = given.as_object_mut().expect("arguments");
    let syncs = members.remove("syncs").unwrap_or_default();
    let syncs = syncs.as_array().expect("syncs").iter().map(|sync| match sync {
        Value::String(text) => SyncReference::from(text.as_str()),
        other => SyncReference::Id(other.as_i64().expect("an id")),
    });
    let syncs: Vec<_> = syncs.collect();
    let mut how = RunMany::new().options(options);
    how.at_once = members.remove("atOnce").and_then(|most| usize::try_from(most.as_u64()?).ok());
    how.checkpoint = members.remove("checkpoint").and_then(|path| Some(path.as_str()?.into()));
    how.retry_unknown = members.remove("retryUnknown") == Some(Value::Bool(true));
    how.retry_failed = members.remove("retryFailed") == Some(Value::Bool(true));
    let stop_after = members.remove("stopAfter").and_then(|count| count.as_u64());
    let wait = WaitMany::new().on_failure(policy(&given, "onFailure", OnEnd::Raise)).on_warning(policy(
        &given,
        "onWarning",
        OnEnd::Return,
    ));
    let members = given.as_object_mut().expect("arguments");
    members.retain(|name, _| !matches!(name.as_str(), "onFailure" | "onWarning"));
    how.trigger = serde_json::from_value::<TriggerSync>(given).expect("the options of a trigger");
    let batch = client.syncs().run_many(syncs, &how).await?;
    let items = match stop_after {
        Some(count) => {
            for _ in 0..count {
                batch.ended().await.expect("an item that ends");
            }
            batch.stop().await
        }
        None => batch.wait(&wait).await?,
    };
    Ok(items.iter().map(item).collect())
}

fn item(item: &BatchItem) -> Value {
    json!({
        "sync": item.sync, "outcome": item.outcome, "adopted": item.adopted, "joined": item.joined,
        "status": item.state.as_ref().map(|state| &state.status),
        "error": item.error.as_ref().map(|error| error.kind().as_str()),
    })
}
