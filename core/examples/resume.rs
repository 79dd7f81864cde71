//! Without an argument, starts a run and prints its token. With a token as its argument, waits for the end of that run.
//!
//! Reads `HIGHTOUCH_API_KEY` and `HIGHTOUCH_BASE_URL`. `HIGHTOUCH_DEMO_CA` names a file of certificates to trust in
//! addition to the system's.

#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;

use hightouch_sdk::resources::TriggerSync;
use hightouch_sdk::{Client, Settings, WaitOptions};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut settings = Settings::new();
    settings.ca_bundle = std::env::var_os("HIGHTOUCH_DEMO_CA").map(Into::into);
    let client = Client::new(&settings)?;
    match std::env::args().nth(1) {
        None => {
            let run = client.syncs().trigger("orders-to-salesforce", &TriggerSync::default()).await?;
            println!("{}", run.token());
        }
        Some(token) => {
            let run = client.run(&token)?.into_sync().ok_or("the token is of no run of a sync")?;
            let ended = run.wait(&WaitOptions::new()).await?;
            println!("{} {}", ended.id, ended.status);
        }
    }
    Ok(())
}
