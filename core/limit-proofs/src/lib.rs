//! Builds the core's modules `limit` and `host`, and the script of `fleet`, without the rest of the core, so that the
//! proofs build in seconds and run optimised.

// The proofs do not use all of `host`: only the core computes the names of files.
#[allow(dead_code)]
#[path = "../../src/host/mod.rs"]
mod host;
#[path = "../../src/limit/mod.rs"]
pub mod limit;
#[path = "../../src/fleet/script.rs"]
pub mod script;
// `limit` uses one function of this module.
#[allow(dead_code, unused_imports)]
#[path = "../../src/timers.rs"]
mod timers;
#[path = "../../src/fleet/way.rs"]
pub mod way;

/// Opens the file that keeps the limit called `name` on this machine.
///
/// # Errors
/// The reason, as the end of a sentence, if processes cannot share the limit on this machine.
pub fn host_store(name: &str, quota: limit::Quota) -> Result<Box<dyn limit::Store>, String> {
    host::store(name, quota)
}
