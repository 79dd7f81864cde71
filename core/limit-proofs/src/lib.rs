//! Builds the core's modules `limit` and `host` without the rest of the core, so that its tests build in seconds and run optimised.

// Names of files are made in the core.
#[allow(dead_code)]
#[path = "../../src/host/mod.rs"]
mod host;
#[path = "../../src/limit/mod.rs"]
pub mod limit;
#[path = "../../src/fleet/script.rs"]
pub mod script;

/// Opens the file that keeps the limit of this name on this host.
///
/// # Errors
/// Why processes cannot share the limit here.
pub fn host_store(name: &str, quota: limit::Quota) -> Result<Box<dyn limit::Store>, String> {
    host::store(name, quota)
}
