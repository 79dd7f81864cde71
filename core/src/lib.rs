//! The Hightouch REST API.

#[doc(hidden)]
pub mod limit;
pub mod wire;
