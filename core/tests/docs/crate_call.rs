use hightouch_sdk::resources::TriggerSync;
use hightouch_sdk::{Client, Error, Settings, WaitOptions};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let client = Client::new(&Settings::new())?; // Reads the key from HIGHTOUCH_API_KEY.
    let run = client.syncs().trigger("orders-to-salesforce", &TriggerSync::default()).await?;
    let result = run.wait(&WaitOptions::new()).await?;
    println!("{}: {} rows added", result.status, result.successful_rows.added_count);
    Ok(())
}
