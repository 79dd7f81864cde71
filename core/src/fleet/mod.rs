//! Keeps the limit of a workspace on a Redis or Valkey server, so that processes on any machine share it.

// This module runs its tasks and timers on its own thread, so the rules for event loops do not apply to it.
#![allow(clippy::disallowed_methods)]

mod courier;
mod link;
mod measured;
mod names;
pub(crate) mod script;
mod way;

use std::sync::Arc;

use crate::config::FleetAddress;
use crate::limit::{Gate, Quota};
use courier::Thread;
use link::Link;

/// Creates the gate of a limit that a Redis or Valkey server keeps. `name` is the name of the limit: 32 hexadecimal
/// digits.
pub(crate) fn gate(address: &FleetAddress, name: String, quota: Quota) -> Arc<Gate> {
    let link = Link::new(address.clone());
    Gate::fleet(quota, |errands| Box::new(Thread::new(errands, link, name, quota)))
}
