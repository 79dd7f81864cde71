//! Tests of the TLS policy against OpenSSL's `s_server`. They do not use the sandbox, because it has the same TLS
//! library as the SDK.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "a test that meets the unexpected shall fail loudly"
)]

mod certificates;
mod client;
mod environment;
mod hello;
mod refused;
mod server;
mod suites;
#[path = "../temporary/mod.rs"]
mod temporary;
