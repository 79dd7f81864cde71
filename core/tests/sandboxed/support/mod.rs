//! A sandbox for tests, and what plays scenarios against it.

pub mod calls;
pub mod expect;
pub mod keys;
pub mod names;
pub mod play;
pub mod proxy;
pub mod sandbox;
pub mod trace;
