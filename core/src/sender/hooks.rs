//! Hooks: functions of the user that run when a call begins or ends, when a 429 answer lowers the rate limit, and when
//! this process stops sharing the limit or shares it again.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use super::lock;
use crate::attempt::{CutMade, Meta, ScopeChanged, Subject};
use crate::error::Error;
use crate::limit::{Gate, Scope, ScopeChange, ScopeListener};

/// A call that begins.
#[derive(Debug)]
#[non_exhaustive]
pub struct CallStart<'a> {
    /// The id of the call, as in [`Meta::call_id`]. If a call needs several requests, such as the look-up of a slug,
    /// hooks are called for each of these requests with the same id.
    pub call_id: &'a str,
    /// The id of the request, as in [`Meta::request_id`].
    pub request_id: &'a str,
    /// The method that was called, such as `syncs.get`; `request` for [`Client::request`](crate::Client::request), and
    /// `run` for a request that reads a followed run.
    pub operation: &'a str,
    /// The API's own id of the operation, such as `GetSync`; `None` for [`Client::request`](crate::Client::request).
    pub operation_id: Option<&'a str>,
    /// What the method was called on, as errors name it: `sync 7`, `sync "orders"`, or `GET /syncs` for
    /// [`Client::request`](crate::Client::request). `None` if the method takes no id, such as `syncs.list`.
    pub resource: Option<&'a str>,
    /// The sync that the call is about, as in [`Meta::sync`].
    pub sync: Option<&'a str>,
    /// The headers that are sent in addition to the client's headers. At first they are the headers in the
    /// [`Options`](crate::Options) of the call. A hook may add headers, such as `traceparent`, and change or remove
    /// headers. The headers apply to this request alone. If a hook adds a header that the options may not contain, the
    /// call fails with kind `invalid_request`, and nothing is sent.
    pub headers: &'a mut BTreeMap<String, String>,
}

/// A call that ended, with all its attempts.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CallEnd<'a> {
    /// The report of the call: its attempts, how long it waited, and the 429 answers that lowered the rate limit.
    pub meta: &'a Meta,
    /// Why the call failed, if it did.
    pub error: Option<&'a Error>,
}

type OnStart = Arc<dyn Fn(&mut CallStart<'_>) + Send + Sync>;
type OnEnd = Arc<dyn Fn(&CallEnd<'_>) + Send + Sync>;
type OnCut = Arc<dyn Fn(&CutMade) + Send + Sync>;

#[derive(Default)]
pub(crate) struct Hooks {
    start: Mutex<Vec<OnStart>>,
    end: Mutex<Vec<OnEnd>>,
    cut: Mutex<Vec<OnCut>>,
    scope: Mutex<Vec<Arc<ScopeListener>>>,
}

fn all<T: Clone>(hooks: &Mutex<Vec<T>>) -> Vec<T> {
    lock(hooks).clone()
}

impl Hooks {
    /// Calls the hooks at the beginning of a request. Returns the headers to send in place of `headers`; `None` if
    /// there is no hook.
    pub(super) fn started(
        &self,
        subject: &Subject,
        meta: &Meta,
        headers: &BTreeMap<String, String>,
    ) -> Option<BTreeMap<String, String>> {
        // Hooks run outside the lock, so that a hook can add another hook.
        let hooks = all(&self.start);
        if hooks.is_empty() {
            return None;
        }
        let mut headers = headers.clone();
        let Subject { method, operation_id, resource, sync, .. } = subject;
        for hook in hooks {
            hook(&mut CallStart {
                call_id: &meta.call_id,
                request_id: &meta.request_id,
                operation: method,
                operation_id: *operation_id,
                resource: resource.as_deref(),
                sync: sync.as_deref(),
                headers: &mut headers,
            });
        }
        Some(headers)
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

    /// Adds a hook that runs when this process stops sharing the limit or shares it again. `gate` is `None` while the
    /// client has no API key; `listen` then passes the hook to the gate later.
    pub(crate) fn on_scope(&self, gate: Option<&Gate>, hook: impl Fn(&ScopeChanged) + Send + Sync + 'static) {
        let listener: Arc<ScopeListener> = Arc::new(move |change: &ScopeChange| {
            hook(&match change {
                ScopeChange::Alone(why) => ScopeChanged::new(Scope::Process, Some(why.clone())),
                // Only a limit on a Redis or Valkey server can be shared again. After a failure, a limit in a file is
                // never shared again.
                ScopeChange::Shared => ScopeChanged::new(Scope::Fleet, None),
            });
        });
        lock(&self.scope).push(Arc::clone(&listener));
        if let Some(gate) = gate {
            gate.on_change_of_scope(&listener);
        }
    }

    /// Registers the hooks of `on_scope` with a gate. From now on, the gate calls them at each change of the limit's
    /// scope. A client gets its gate with its first API key.
    pub(super) fn listen(&self, gate: &Gate) {
        for listener in all(&self.scope) {
            gate.on_change_of_scope(&listener);
        }
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Hooks").finish_non_exhaustive()
    }
}
