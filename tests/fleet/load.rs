//! Reads a sync again and again, in eight tasks, for SECONDS seconds: `load NAME SECONDS`. Each request has NAME in the
//! header `X-Load`.

use std::env::{args, var};
use std::error::Error;
use std::time::{Duration, Instant};

use hightouch_sdk::{Client, Settings};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let (name, seconds) = (args().nth(1).ok_or("no name")?, args().nth(2).ok_or("no seconds")?);
    let end = Instant::now() + Duration::from_secs_f64(seconds.parse()?);
    let settings = Settings::new().ca_bundle(var("HIGHTOUCH_DEMO_CA")?).header("X-Load", name);
    let client = Client::new(&settings)?;
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                while Instant::now() < end {
                    client.syncs().get(1).await?;
                }
                Ok::<_, hightouch_sdk::Error>(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(())
}
