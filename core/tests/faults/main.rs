//! What a caller gets, and how often a request goes out, when the network or the server fails: one table of
//! expectations, which `make faults` prints as it was met.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub,
    reason = "a test that meets the unexpected shall fail loudly"
)]

mod answers;
mod connections;
mod content;
mod frames;
mod matrix;
mod network;
mod play;
mod server;
mod table;
mod tls;
