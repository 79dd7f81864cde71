// src/lib.rs
use hightouch_sdk::resources::TriggerSync;
use hightouch_sdk::{Client, Error, Kind, WaitOptions};

/// Runs a sync and returns a line for the log.
pub async fn nightly(client: &Client) -> Result<String, Error> {
    let run = client.syncs().trigger("orders-to-salesforce", &TriggerSync::default()).await?;
    match run.wait(&WaitOptions::new()).await {
        Ok(result) => Ok(format!("{}: {} rows rejected", result.status, result.failed_rows.added_count)),
        Err(error) if error.kind() == Kind::RunFailed => Ok(format!("failed: {error}")),
        Err(error) => Err(error),
    }
}
