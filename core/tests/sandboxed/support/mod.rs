//! A sandbox for tests, and the player of scenarios.

#[macro_use]
pub mod args;
pub mod batches;
#[rustfmt::skip]
pub mod calls;
pub mod expect;
pub mod keys;
pub mod names;
pub mod play;
pub mod proxy;
#[cfg(unix)]
pub mod redis;
pub mod sandbox;
pub mod socks;
pub mod tls;
pub mod trace;
