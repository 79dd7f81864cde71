//! The Hightouch REST API: safe, complete and fast.
//!
//! ```no_run
//! # async fn example() -> Result<(), hightouch_sdk::Error> {
//! use hightouch_sdk::resources::TriggerSync;
//! use hightouch_sdk::{Client, Settings, WaitOptions};
//!
//! let client = Client::new(&Settings::new())?; // HIGHTOUCH_API_KEY
//! let run = client.syncs().trigger("orders-to-salesforce", &TriggerSync::default()).await?;
//! let result = run.wait(&WaitOptions::new()).await?;
//! println!("{}: {} rows added", result.status, result.successful_rows.added_count);
//! # Ok(())
//! # }
//! ```
//!
//! Every call needs a tokio runtime around it. Requests keep within the workspace's limit; reads are repeated when that
//! may help, and a request that changes something only when it certainly did not happen.
//!
//! The types of the API, such as [`resources::Sync`], are in [`resources`]: import them by name, since some bear names
//! that the prelude has too.

// In the order of the layers: a module imports only modules above it. `core/layers.txt` lists them for the check.
#[macro_use]
mod message;
mod attempt;
mod error;
mod json;
mod limit;
mod patch;
mod reason;
mod secret;
mod text;
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

pub use attempt::{Attempt, CutMade, Meta};
pub use call::{Options, Priority};
pub use client::Client;
pub use config::{DEFAULT_BASE_URL, RateLimit, Settings};
pub use diagnose::{Diagnosis, Finding, Negotiated};
pub use error::{Error, Kind};
pub use json::{Json, JsonObject};
pub use limit::{LimitStats, Waiting};
pub use model::Timestamp;
pub use operation::RunKind;
pub use patch::Patch;
pub use runs::{Ending, OnEnd, Run, WaitOptions};
pub use secret::Secret;
pub use sender::{CallEnd, CallStart};
