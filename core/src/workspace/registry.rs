//! The workspaces of a process: one for each server and API key. If answers show that several API keys belong to the
//! same Hightouch workspace, these keys share one workspace from then on.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use tokio::time::Instant;

use super::{Workspace, lock};
use crate::config::CheckedScope;
use crate::fleet;
use crate::host;
use crate::limit::{Gate, Quota};

/// How long a workspace is kept after its last client has gone, so that a new client still knows which requests were
/// sent just before.
const KEEP: Duration = Duration::from_secs(30);

/// A server's origin and the digest of an API key.
type Address = (String, [u8; 32]);

#[derive(Default)]
struct Workspaces {
    by_key: HashMap<Address, Arc<Workspace>>,
    /// The workspaces by their ids. The id of a workspace is known once an answer has shown it.
    by_id: HashMap<(String, i64), Arc<Workspace>>,
}

/// The workspaces of one process. If another thread holds the lock at a fork, the lock stays locked for ever in the
/// child. Therefore a child process does not touch the registry of its parent, and creates its own.
struct Registry {
    process: u32,
    known: Mutex<Workspaces>,
    child: OnceLock<Box<Registry>>,
}

static FIRST: OnceLock<Box<Registry>> = OnceLock::new();

impl Registry {
    fn of_this_process() -> &'static Self {
        let process = std::process::id();
        let mut link = &FIRST;
        loop {
            let registry = link
                .get_or_init(|| Box::new(Self { process, known: Mutex::default(), child: OnceLock::new() }));
            if registry.process == process {
                return registry;
            }
            link = &registry.child;
        }
    }
}

/// A client's reference to its workspace. The registry forgets a workspace 30 s after its last tenancy is dropped.
#[derive(Debug)]
pub(crate) struct Tenancy {
    workspace: Arc<Workspace>,
    origin: String,
}

impl Tenancy {
    /// Finds or creates the workspace of an API key at a server, and returns a reference to it. If the clients of a
    /// workspace have different limits (`quota`) or shares (`share`, the part of the limit that a process may use),
    /// the strictest applies to all of them. The `scope` of the first client (who shares the limit) applies to all of
    /// them.
    pub(crate) fn of(
        origin: &str,
        key: [u8; 32],
        quota: Quota,
        share: Option<f64>,
        scope: &CheckedScope,
    ) -> Self {
        let mut known = lock(&Registry::of_this_process().known);
        let forgotten = |workspace: &Arc<Workspace>| workspace.is_forgotten();
        known.by_key.retain(|_, workspace| !forgotten(workspace));
        known.by_id.retain(|_, workspace| !forgotten(workspace));
        let address = (origin.to_owned(), key);
        let workspace = known
            .by_key
            .entry(address)
            .or_insert_with(|| Workspace::new(gate(origin, key, quota, scope), scope.clone()))
            .now();
        workspace.gate.tighten(quota);
        if let Some(share) = share {
            workspace.gate.set_share(share);
        }
        workspace.users.fetch_add(1, Ordering::AcqRel);
        *lock(&workspace.idle_since) = None;
        drop(known);
        Self { workspace, origin: origin.to_owned() }
    }

    /// Returns the workspace, or the workspace into which it was merged.
    pub(crate) fn workspace(&self) -> Arc<Workspace> {
        self.workspace.now()
    }

    /// Merges `before` into the workspace that this tenancy refers to. The client used `before` until it had a key.
    pub(crate) fn take_over(&self, before: &Arc<Workspace>) {
        self.workspace().absorb(before);
    }

    /// Assigns another API key to the workspace of this tenancy. If the key already has a workspace, the two workspaces
    /// are merged.
    pub(crate) fn alias(&self, key: [u8; 32]) {
        let mut known = lock(&Registry::of_this_process().known);
        let own = self.workspace();
        let address = (self.origin.clone(), key);
        if let Some(other) = known.by_key.insert(address, Arc::clone(&own)) {
            own.absorb(&other.now());
        }
    }

    /// Records the id of the workspace, taken from an answer, and merges workspaces with the same id.
    pub(crate) fn learn_id(&self, id: i64) {
        let own = self.workspace();
        if own.id.get() == Some(&id) {
            return;
        }
        let mut known = lock(&Registry::of_this_process().known);
        // This `Workspace` already has a different id: the client's key was replaced by a key of another Hightouch
        // workspace. The earlier keys belong to the previous workspace, so nothing is merged.
        if own.id.set(id).is_err() {
            return;
        }
        own.gate.join(&place(&own.scope, &self.origin, &id.to_le_bytes()));
        match known.by_id.get(&(self.origin.clone(), id)).map(Workspace::now) {
            Some(other) => other.absorb(&own),
            None => drop(known.by_id.insert((self.origin.clone(), id), own)),
        }
    }
}

fn gate(origin: &str, key: [u8; 32], quota: Quota, scope: &CheckedScope) -> Arc<Gate> {
    let name = place(scope, origin, &key);
    match scope {
        CheckedScope::Process => Gate::new(quota),
        CheckedScope::Host => Gate::shared(quota, host::store(&name, quota)),
        CheckedScope::Fleet(address) => fleet::gate(address, name, quota),
    }
}

/// The name under which the shared limit of a key or a workspace at a server is stored. `of` is the digest of the key
/// or the id of the workspace. The name is a digest too, so it shows neither the key nor the id.
fn place(scope: &CheckedScope, origin: &str, of: &[u8]) -> String {
    let clock = match scope {
        // Each machine stores the limit in a file of its own, even if several machines use the same network folder.
        CheckedScope::Host => host::clock_name(),
        CheckedScope::Process | CheckedScope::Fleet(_) => String::new(),
    };
    let text = [clock.as_bytes(), b"\0", origin.as_bytes(), b"\0", of].concat();
    let sum = digest(&SHA256, &text);
    let bytes = sum.as_ref().iter().take(16);
    bytes.fold(String::new(), |name, byte| format!("{name}{byte:02x}"))
}

impl Drop for Tenancy {
    fn drop(&mut self) {
        if self.workspace.users.fetch_sub(1, Ordering::AcqRel) == 1 {
            *lock(&self.workspace.idle_since) = Some(Instant::now());
        }
    }
}

impl Workspace {
    /// Whether the last user left so long ago that the state of the workspace no longer matters.
    fn is_forgotten(self: &Arc<Self>) -> bool {
        let now = self.now();
        if now.is_used() {
            return false;
        }
        // Releases the first lock before taking the second, because both may be the same lock.
        let own = *lock(&self.idle_since);
        let since = (*lock(&now.idle_since)).max(own);
        since.is_some_and(|since| now.gate.may_be_forgotten(since, KEEP))
    }

    fn is_used(&self) -> bool {
        self.users.load(Ordering::Acquire) > 0
            || lock(&self.absorbed).iter().filter_map(std::sync::Weak::upgrade).any(|other| other.is_used())
    }
}
