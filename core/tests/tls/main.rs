//! The TLS policy against servers that are not ours: OpenSSL's `s_server`, one suite at a time.

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
mod environment;
mod hello;
mod refused;
mod server;
mod suites;
