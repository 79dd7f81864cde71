//! Tests of the crate against the sandbox.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub,
    reason = "a test that meets the unexpected shall fail loudly"
)]

mod adoption;
mod batch;
mod batch_hooks;
mod cancel;
mod checkpoint;
mod credentials;
mod diagnosis;
mod door;
#[cfg(unix)]
mod fleet;
mod following;
mod glob;
mod hooks;
mod incidents;
mod joining;
mod killed;
mod leaks;
mod limit;
mod many;
mod opaque;
mod proxies;
mod raw;
mod scenarios;
mod settings;
mod slugs;
#[cfg(feature = "tracing")]
mod spans;
mod support;
#[path = "../temporary/mod.rs"]
mod temporary;
