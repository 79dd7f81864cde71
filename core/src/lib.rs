//! The Hightouch REST API.

pub mod wire;
