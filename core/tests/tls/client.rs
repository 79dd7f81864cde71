//! Clients of servers on this machine.

use std::collections::BTreeMap;
use std::path::Path;

use hightouch_sdk::{Client, Error, Json, LimitScope, Options, Settings};
use serde_json::Map;

/// Returns settings for a client of a server on this port. The client does not read the environment of the test.
pub fn settings(port: u16, ca_bundle: Option<&Path>) -> Settings {
    let mut settings = Settings::new()
        .api_key("a-key")
        .base_url(format!("https://127.0.0.1:{port}/api/v1"))
        .environment(BTreeMap::new());
    settings.ca_bundle = ca_bundle.map(Into::into);
    // The client does not share its limit with other processes. In a shared limit, a request counts as in flight only
    // for the time of its lease. With the time scale below, the lease would end during a slow handshake.
    settings.limit_scope = Some(LimitScope::Process);
    // Pauses are short with this time scale, so a client that wrongly repeats a refused handshake makes the test fail
    // soon.
    hightouch_sdk::wire::with_time_scale(settings, 1000.0)
}

pub fn client(port: u16, ca_bundle: Option<&Path>) -> Client {
    Client::new(&settings(port, ca_bundle)).unwrap()
}

pub async fn read(client: &Client) -> Result<Json, Error> {
    client.request("GET", "/syncs", &Map::new(), None, &Options::default()).await
}
