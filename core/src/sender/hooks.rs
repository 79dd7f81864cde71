//! What a caller wants to be told of calls.

use std::fmt;
use std::sync::{Arc, Mutex};

use super::lock;
use crate::attempt::{CutMade, Meta};
use crate::call::Call;
use crate::error::Error;

/// A call that begins.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CallStart<'a> {
    /// The vendor's name of the operation; method and path for `Client::request`.
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
type OnCut = Arc<dyn Fn(&CutMade) + Send + Sync>;

/// The hooks of a client.
#[derive(Default)]
pub(crate) struct Hooks {
    start: Mutex<Vec<OnStart>>,
    end: Mutex<Vec<OnEnd>>,
    cut: Mutex<Vec<OnCut>>,
}

fn all<T: Clone>(hooks: &Mutex<Vec<T>>) -> Vec<T> {
    lock(hooks).clone()
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

    pub(super) fn cut(&self, cut: &CutMade) {
        for hook in all(&self.cut) {
            hook(cut);
        }
    }
}

impl Hooks {
    pub(crate) fn on_start(&self, hook: OnStart) {
        lock(&self.start).push(hook);
    }

    pub(crate) fn on_end(&self, hook: OnEnd) {
        lock(&self.end).push(hook);
    }

    pub(crate) fn on_cut(&self, hook: OnCut) {
        lock(&self.cut).push(hook);
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Hooks").finish_non_exhaustive()
    }
}
