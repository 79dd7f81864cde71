//! What the clients of one workspace share in a process: the limit, the server's clock, and data of the layers above
//! (`Part`).

mod clock;
mod registry;

pub(crate) use clock::ServerClock;
pub(crate) use registry::Tenancy;

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use tokio::time::Instant;

use crate::config::CheckedScope;
use crate::limit::Gate;

/// Data that a layer above this module keeps in a workspace, for example which run belongs to which trigger.
pub(crate) trait Part: Default + Send + Sync + 'static {
    /// Takes over the state of `from`. Called when two workspaces turn out to be the same Hightouch workspace.
    fn absorb(&self, from: &Self);
}

/// The state that all clients of one workspace at one server share in a process.
pub(crate) struct Workspace {
    gate: Arc<Gate>,
    /// Who shares the limit.
    scope: CheckedScope,
    clock: Mutex<ServerClock>,
    parts: Mutex<HashMap<TypeId, Kept>>,
    /// Hightouch's id of the workspace, once an answer has shown it.
    id: OnceLock<i64>,
    /// The workspace into which this workspace was merged, if there is one.
    merged: OnceLock<Arc<Workspace>>,
    /// Workspaces that were merged into this workspace. The users of a merged workspace count as users of this
    /// workspace.
    absorbed: Mutex<Vec<Weak<Workspace>>>,
    users: AtomicUsize,
    idle_since: Mutex<Option<Instant>>,
}

struct Kept {
    part: Arc<dyn Any + Send + Sync>,
    absorb: fn(&Workspace, &Arc<dyn Any + Send + Sync>),
}

impl Workspace {
    pub(crate) fn new(gate: Arc<Gate>, scope: CheckedScope) -> Arc<Self> {
        Arc::new(Self {
            gate,
            scope,
            clock: Mutex::default(),
            parts: Mutex::default(),
            id: OnceLock::new(),
            merged: OnceLock::new(),
            absorbed: Mutex::default(),
            users: AtomicUsize::new(0),
            idle_since: Mutex::default(),
        })
    }

    /// Returns this workspace, or the workspace into which it was merged.
    pub(crate) fn now(self: &Arc<Self>) -> Arc<Self> {
        let mut at = self;
        while let Some(next) = at.merged.get() {
            at = next;
        }
        Arc::clone(at)
    }

    pub(crate) fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// Returns who shares the limit. The first client of the workspace sets this scope.
    pub(crate) fn scope(&self) -> &CheckedScope {
        &self.scope
    }

    pub(crate) fn clock(&self) -> MutexGuard<'_, ServerClock> {
        lock(&self.clock)
    }

    /// Returns the data of type `P` that a layer above keeps here. Creates the data on first use.
    pub(crate) fn part<P: Part>(&self) -> Arc<P> {
        let mut parts = lock(&self.parts);
        let kept = parts.entry(TypeId::of::<P>()).or_insert_with(|| Kept {
            part: Arc::new(P::default()),
            absorb: |into, from| {
                if let Ok(from) = Arc::clone(from).downcast::<P>() {
                    into.part::<P>().absorb(&from);
                }
            },
        });
        Arc::clone(&kept.part).downcast().unwrap_or_default()
    }

    /// Merges `other` into this workspace. From then on, the clients of `other` use this workspace.
    fn absorb(self: &Arc<Self>, other: &Arc<Self>) {
        if Arc::ptr_eq(self, other) || other.merged.set(Arc::clone(self)).is_err() {
            return;
        }
        lock(&self.absorbed).push(Arc::downgrade(other));
        self.gate.absorb(&other.gate);
        let parts: Vec<_> =
            lock(&other.parts).values().map(|kept| (Arc::clone(&kept.part), kept.absorb)).collect();
        for (part, absorb) in parts {
            absorb(self, &part);
        }
    }
}

impl fmt::Debug for Workspace {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Workspace")
            .field("users", &self.users.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
