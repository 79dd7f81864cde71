//! One gate for each origin and key in a process.

use std::collections::HashMap;
#[cfg(not(limit_loom))]
use std::sync::OnceLock;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use super::Quota;
use super::gate::{Core, Gate};
use super::sync::Mutex;

/// How long a gate is kept after its last user, so that a client made anew knows what was just sent.
const KEEP: Duration = Duration::from_secs(30);

type Key = (String, [u8; 32]);

#[derive(Debug)]
struct Entry {
    core: Arc<Core>,
    gate: Weak<Gate>,
}

/// The gates of one process. A fork copies them with whatever lock was held at the time, so a child does
/// not touch its parent's and begins a list of its own.
#[cfg(not(limit_loom))]
struct Registry {
    process: u32,
    gates: Mutex<HashMap<Key, Entry>>,
    child: OnceLock<Box<Registry>>,
}

#[cfg(not(limit_loom))]
static FIRST: OnceLock<Box<Registry>> = OnceLock::new();

#[cfg(not(limit_loom))]
impl Registry {
    /// What is done with the gates of this process.
    fn with<R>(act: impl FnOnce(&Mutex<HashMap<Key, Entry>>) -> R) -> R {
        act(&Self::of_this_process().gates)
    }

    fn of_this_process() -> &'static Self {
        let process = std::process::id();
        let mut link = &FIRST;
        loop {
            let registry = link
                .get_or_init(|| Box::new(Self { process, gates: Mutex::default(), child: OnceLock::new() }));
            if registry.process == process {
                return registry;
            }
            link = &registry.child;
        }
    }
}

/// A model has no processes, and each of its plays begins anew.
#[cfg(limit_loom)]
struct Registry;

#[cfg(limit_loom)]
loom::lazy_static! {
    static ref GATES: Mutex<HashMap<Key, Entry>> = Mutex::new(HashMap::new());
}

#[cfg(limit_loom)]
impl Registry {
    fn with<R>(act: impl FnOnce(&Mutex<HashMap<Key, Entry>>) -> R) -> R {
        act(&GATES)
    }
}

impl Gate {
    /// The gate that all clients of this process share for one origin and key. It is kept for 30 s
    /// (scaled) after its last user, and for as long as what was sent can still weigh.
    ///
    /// Where clients name different quotas for the same pair, the stricter one holds for all of them, from
    /// then on and until the gate is forgotten.
    #[must_use]
    pub fn shared(origin: &str, key_digest: [u8; 32], quota: Quota) -> Arc<Self> {
        Registry::with(|gates| Self::shared_in(gates, origin, key_digest, quota))
    }

    fn shared_in(
        gates: &Mutex<HashMap<Key, Entry>>,
        origin: &str,
        key_digest: [u8; 32],
        quota: Quota,
    ) -> Arc<Self> {
        let mut gates = gates.lock().unwrap_or_else(PoisonError::into_inner);
        gates.retain(|_, entry| entry.gate.strong_count() > 0 || !entry.core.expired(KEEP));
        let key = (origin.to_owned(), key_digest);
        let gate = match gates.get(&key) {
            Some(entry) => {
                let gate = entry.gate.upgrade().unwrap_or_else(|| Self::over(Arc::clone(&entry.core)));
                gate.core().tighten(quota);
                gate
            }
            None => Self::new(quota),
        };
        gates.insert(key, Entry { core: Arc::clone(gate.core()), gate: Arc::downgrade(&gate) });
        gate
    }
}
