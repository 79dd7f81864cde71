//! The fault matrix: what a caller gets, and how often a request is sent, for each failure of the network or the
//! server. `make faults` prints the matrix.

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
mod codings;
mod connections;
mod content;
mod frames;
mod large;
mod matrix;
mod network;
mod play;
mod server;
mod table;
#[path = "../temporary/mod.rs"]
mod temporary;
mod tls;
