//! The core's limit by itself, so that building it for the model takes seconds.

#[path = "../../src/limit/mod.rs"]
pub mod limit;
