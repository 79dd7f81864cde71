//! Hooks: functions of the user that run when a call begins, when a call ends, and when the limit is cut.

use std::fmt;
use std::sync::{Arc, Mutex};

use super::lock;
use crate::attempt::{CutMade, Meta, Subject};
use crate::error::Error;

/// A call that begins.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CallStart<'a> {
    /// The method that was called, such as `syncs.get`; `request` for [`Client::request`](crate::Client::request), and
    /// `run` for a look at a followed run.
    pub operation: &'a str,
    /// The API's own id of the operation, such as `GetSync`; `None` for [`Client::request`](crate::Client::request).
    pub operation_id: Option<&'a str>,
    /// What the method was called on, as errors name it: `sync 7`, `sync "orders"`, or `GET /syncs` for
    /// [`Client::request`](crate::Client::request). `None` if the method takes no id, such as `syncs.list`.
    pub resource: Option<&'a str>,
}

/// A call that ended, with all its attempts.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CallEnd<'a> {
    /// The report of the call: its attempts, its waiting, and the cuts of the limit.
    pub meta: &'a Meta,
    /// Why the call failed, if it did.
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
    pub(super) fn started(&self, subject: &Subject) {
        let Subject { method, operation_id, resource, .. } = subject;
        // Hooks run outside the lock, so that a hook can add another hook.
        for hook in all(&self.start) {
            hook(&CallStart {
                operation: method,
                operation_id: *operation_id,
                resource: resource.as_deref(),
            });
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
