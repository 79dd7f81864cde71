//! The Hightouch REST API: safe, complete and fast.
//!
//! ```no_run
//! # async fn example() -> Result<(), hightouch_sdk::Error> {
//! use hightouch_sdk::{Client, Settings, TriggerSync, WaitOptions};
//!
//! let client = Client::new(&Settings::default())?; // HIGHTOUCH_API_KEY
//! let run = client.syncs().trigger("orders-to-salesforce", &TriggerSync::default()).await?;
//! let result = run.wait(&WaitOptions::default()).await?;
//! println!("{}: {} rows added", result.status, result.successful_rows.added_count);
//! # Ok(())
//! # }
//! ```
//!
//! Every call needs a tokio runtime around it. Requests keep within the workspace's limit; reads are repeated when that
//! may help, and a request that changes something only when it certainly did not happen.

#[macro_use]
mod model;
#[macro_use]
mod operation;
#[macro_use]
mod resources;
mod auth;
mod client;
mod config;
mod error;
#[doc(hidden)]
pub mod limit;
mod page;
mod patch;
mod proxy;
mod reason;
mod retry;
mod runs;
mod text;
mod transport;
#[doc(hidden)]
pub mod wire;

pub use client::{
    Attempt, CallEnd, CallStart, Client, Diagnosis, Finding, Meta, Options, Pending, RawAnswer,
};
pub use config::{DEFAULT_BASE_URL, Secret, Settings};
pub use error::{Error, Kind};
pub use limit::LimitStats;
pub use model::{Json, JsonObject, Timestamp};
pub use page::Pages;
pub use patch::Patch;
pub use resources::*;
pub use runs::{AnyRun, Ending, OnEnd, Run, WaitOptions};
pub use transport::Negotiated;
