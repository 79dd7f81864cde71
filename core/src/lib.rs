#![doc = include_str!("../README.md")]
//!
//! The types of the API are in [`resources`]. Import them by name and not with `*`, because some of them, such as
//! [`resources::Sync`], have the name of a type or trait of the prelude.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

// Modules that define macros come before the modules that use these macros. `core/layers.txt` says which modules each
// module may import.
#[macro_use]
mod message;
mod attempt;
mod batch;
mod descriptors;
mod error;
mod fleet;
mod host;
mod json;
mod limit;
mod patch;
mod problem;
mod reason;
mod secret;
mod tasks;
mod text;
mod timers;
#[macro_use]
mod model;
#[macro_use]
mod operation;
mod call;
mod client;
mod config;
mod diagnose;
mod page;
pub mod resources;
mod runs;
mod sender;
mod transport;
#[doc(hidden)]
pub mod wire;
mod workspace;

pub use attempt::{Attempt, CutMade, Meta, ScopeChanged};
pub use batch::{Batch, BatchItem, Estimate, ItemOutcome, RunMany, WaitMany};
pub use call::{Options, Priority};
pub use client::Client;
pub use config::{DEFAULT_BASE_URL, LimitScope, RateLimit, Settings};
pub use diagnose::{Diagnosis, Finding, Negotiated};
pub use error::{Error, Kind};
pub use json::{
    Json, JsonChange, JsonChangeKind, JsonDiff, JsonEdit, JsonEditError, JsonObject, JsonPath, JsonStep,
};
pub use limit::{LimitStats, Scope, Waiting};
pub use model::Timestamp;
pub use operation::RunKind;
pub use patch::Patch;
pub use problem::{ProblemCategory, RunProblem};
pub use runs::{Ending, OnEnd, Run, WaitOptions};
pub use secret::Secret;
pub use sender::{CallEnd, CallStart};
