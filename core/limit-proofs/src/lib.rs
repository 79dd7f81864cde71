//! Builds the core's module `limit` without the rest of the core, so that its tests build in seconds and run optimised.

#[path = "../../src/limit/mod.rs"]
pub mod limit;
