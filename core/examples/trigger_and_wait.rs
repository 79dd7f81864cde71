//! Lists the syncs, triggers one by its slug, follows that run to its end, then sends 300 reads within the rate limit.
//!
//! Reads `HIGHTOUCH_API_KEY` and `HIGHTOUCH_BASE_URL`. `HIGHTOUCH_DEMO_CA` names a file of certificates to trust in
//! addition to the system's. The first argument is the slug; its default is `orders-to-salesforce`.

#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;
use std::io::{IsTerminal, Write, stdout};
use std::time::Instant;

use futures_util::future::try_join_all;
use futures_util::stream::StreamExt;
use hightouch_sdk::resources::{ListSyncs, RowCounts, TriggerSync};
use hightouch_sdk::{Client, OnEnd, Settings, WaitOptions};

const READS: usize = 300;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let slug = std::env::args().nth(1).unwrap_or_else(|| "orders-to-salesforce".to_owned());
    let mut settings = Settings::new();
    settings.ca_bundle = std::env::var_os("HIGHTOUCH_DEMO_CA").map(Into::into);
    let client = Client::new(&settings)?;

    let mut pages = client.syncs().list(&ListSyncs::default());
    let (mut page_number, mut total) = (0, 0);
    while let Some(page) = pages.next_page().await? {
        page_number += 1;
        total += page.len();
        println!("page {page_number}: {} syncs", page.len());
    }
    println!("{total} syncs in all");

    let run = client.syncs().trigger(slug.as_str(), &TriggerSync::default()).await?;
    println!("triggered {slug}: run {} of sync {}", run.id(), run.parent());
    let mut states = run.states();
    while let Some(state) = states.next().await {
        let state = state?;
        let line =
            format!("run {}: {:<10} {:>4.0} %", state.id, state.status, state.completion_ratio * 100.0);
        if stdout().is_terminal() {
            print!("\r{line}");
            stdout().flush()?;
        } else {
            println!("{line}");
        }
    }
    if stdout().is_terminal() {
        println!();
    }
    let result = run.wait(&WaitOptions::new().on_failure(OnEnd::Return)).await?;
    println!("ended as {}", result.status);
    for (name, rows) in [
        ("planned", &result.planned_rows),
        ("successful", &result.successful_rows),
        ("failed", &result.failed_rows),
    ] {
        println!("{name:>10} rows: {}", counts(rows));
    }
    if let Some(error) = &result.error {
        println!("the run says: {error}");
    }

    let diagnosis = client.diagnose().await;
    println!("{diagnosis}");

    let before = client.stats();
    let started = Instant::now();
    try_join_all((0..READS).map(|_| async {
        let mut one = client.syncs().list(&ListSyncs { limit: Some(1), ..ListSyncs::default() });
        one.next_page().await
    }))
    .await?;
    let took = started.elapsed().as_secs_f64();
    let after = client.stats();
    // The window still counts earlier requests. The reads that exceed the limit wait until a window has passed.
    println!(
        "{READS} reads took {took:.1} s; the ideal with {} requests in 10 s, {} of them used before, is 10.0 s; refused: {}",
        before.limit,
        before.used,
        after.refused - before.refused
    );
    Ok(())
}

fn counts(rows: &RowCounts) -> String {
    format!("{} added, {} changed, {} removed", rows.added_count, rows.changed_count, rows.removed_count)
}
