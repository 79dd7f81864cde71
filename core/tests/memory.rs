//! Measures how much memory the process uses while it reads a long list. The test has a binary of its own, because the
//! memory of other tests in the process would be measured too.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test that meets the unexpected shall fail loudly"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use hightouch_sandbox::{Options, Sandbox};
use hightouch_sdk::resources::ListSyncs;
use hightouch_sdk::{Client, Settings};
use serde_json::json;

const ROWS: usize = 40_000;
/// The test measures growth after this many rows. By then, buffers have grown to their final size.
const SETTLED: usize = ROWS / 10;
/// The most that the memory may grow, in bytes. The rows after [`SETTLED`] are about 40 MB of JSON, so the memory would
/// grow more if the list kept these rows.
const BORNE: usize = 16 << 20;

/// Returns the resident memory of this process, which includes the sandbox, in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() << 10
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_stays_flat_over_a_list_of_40_000_rows() {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let world = json!({"syncs": ROWS, "timeScale": 100, "limit": {"requests": 100_000}});
    let world = sandbox.create_world(world).unwrap();
    let client = Client::new(
        &Settings::new()
            .api_key(world.api_key.as_str())
            .base_url(world.http_base_url.clone())
            .environment(BTreeMap::new())
            .limit(100_000, Duration::from_secs(10)),
    )
    .unwrap();
    let mut rows = client.syncs().list(&ListSyncs::default()).rows();
    let (mut count, mut settled) = (0, 0);
    while let Some(row) = rows.next().await {
        count += 1;
        assert_eq!(row.unwrap().id, i64::try_from(count).unwrap());
        if count == SETTLED {
            settled = resident();
        }
    }
    let grown = resident().saturating_sub(settled);
    assert_eq!(count, ROWS);
    assert!(grown < BORNE, "it grew by {} MB over {} rows", grown >> 20, ROWS - SETTLED);
}
