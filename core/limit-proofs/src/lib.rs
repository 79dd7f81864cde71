//! The core's limit by itself, so that its proofs are built in seconds and run optimised.

#[path = "../../src/limit/mod.rs"]
pub mod limit;
