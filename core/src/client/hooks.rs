//! What a caller wants to be told of calls.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Call, Client, Meta};
use crate::error::Error;

/// A call that begins.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CallStart<'a> {
    /// The vendor's name of the operation; method and path for [`Client::request`].
    pub operation: &'a str,
    /// What it is done to, as errors name it.
    pub resource: Option<&'a str>,
}

/// A call that ended, with all its attempts.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CallEnd<'a> {
    /// What it did.
    pub meta: &'a Meta,
    /// Why it failed, where it did.
    pub error: Option<&'a Error>,
}

type OnStart = Arc<dyn Fn(&CallStart<'_>) + Send + Sync>;
type OnEnd = Arc<dyn Fn(&CallEnd<'_>) + Send + Sync>;

/// The hooks of a client.
#[derive(Default)]
pub(super) struct Hooks {
    start: Mutex<Vec<OnStart>>,
    end: Mutex<Vec<OnEnd>>,
}

fn all<T: Clone>(hooks: &Mutex<Vec<T>>) -> Vec<T> {
    hooks.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

impl Hooks {
    pub(super) fn started(&self, call: &Call) {
        // Outside the lock, so that a hook may add another.
        for hook in all(&self.start) {
            hook(&CallStart { operation: call.operation_id(), resource: call.resource() });
        }
    }

    pub(super) fn ended(&self, meta: &Meta, error: Option<&Error>) {
        for hook in all(&self.end) {
            hook(&CallEnd { meta, error });
        }
    }
}

impl Client {
    /// Calls `hook` before each call of an operation, on the task that makes it. It holds for all clones of the client,
    /// and is kept as long as they are. One that panics takes the call with it.
    pub fn on_start(&self, hook: impl Fn(&CallStart<'_>) + Send + Sync + 'static) {
        self.0.hooks.start.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::new(hook));
    }

    /// Calls `hook` after each call of an operation, as [`on_start`](Self::on_start) does before it. A call whose future
    /// was dropped has no end.
    pub fn on_end(&self, hook: impl Fn(&CallEnd<'_>) + Send + Sync + 'static) {
        self.0.hooks.end.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::new(hook));
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Hooks").finish_non_exhaustive()
    }
}
