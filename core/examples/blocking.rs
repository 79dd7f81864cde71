//! Triggers a sync and waits for its run in a program without asynchronous code.
//!
//! Reads `HIGHTOUCH_API_KEY` and `HIGHTOUCH_BASE_URL`.

#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use hightouch_sdk::resources::TriggerSync;
use hightouch_sdk::{Client, Settings, WaitOptions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let client = Client::new(&Settings::new())?;
    let run = runtime
        .block_on(async { client.syncs().trigger("orders-to-salesforce", &TriggerSync::default()).await })?;
    let result = runtime.block_on(async { run.wait(&WaitOptions::new()).await })?;
    println!("{} {}", result.status, result.successful_rows.added_count);
    Ok(())
}
