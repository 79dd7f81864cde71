//! The addresses behind a name: one that failed is tried after the others.
//!
//! The connector takes the first address that accepts a connection. One that accepts and then never shakes hands, or
//! resets the handshake, would be taken again at each attempt, whatever stands behind the others.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// How many are remembered: more than a name leads to, and fewer than a long-lived client could meet.
const MOST_FAILED: usize = 64;

type Lookup = fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;

/// What is known of addresses.
#[derive(Debug)]
pub(super) struct Addresses {
    lookup: Lookup,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Which address came first for each name.
    first: BTreeMap<String, IpAddr>,
    /// Those that failed, the latest last.
    failed: Vec<IpAddr>,
    failures: u64,
}

/// As the HTTP client asks for addresses.
pub(super) struct Resolver(pub Arc<Addresses>);

/// As the system resolves names.
pub(super) fn lookup(name: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
    Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
}

impl Addresses {
    pub(super) fn new(lookup: Lookup) -> Self {
        Self { lookup, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many failures were noted: for [`failed`](Self::failed).
    pub(super) fn failures(&self) -> u64 {
        self.state().failures
    }

    /// Notes that an attempt that began after so many failures brought no connection. Those that began together meant
    /// the same address.
    pub(super) fn failed(&self, failures: u64) {
        let mut state = self.state();
        if state.failures != failures {
            return;
        }
        state.failures += 1;
        let first: Vec<IpAddr> = state.first.values().copied().collect();
        state.failed.retain(|address| !first.contains(address));
        state.failed.extend(first);
        let excess = state.failed.len().saturating_sub(MOST_FAILED);
        state.failed.drain(..excess);
    }

    /// Puts those that failed last, the latest at the end; otherwise the order stays.
    fn ordered(&self, name: String, mut addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
        let mut state = self.state();
        addresses.sort_by_key(|address| state.failed.iter().position(|failed| *failed == address.ip()));
        if let Some(first) = addresses.first() {
            state.first.insert(name, first.ip());
        }
        addresses
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let known = Arc::clone(&self.0);
        let name = name.as_str().to_owned();
        Box::pin(async move {
            let found = (known.lookup)(name.clone()).await?;
            Ok(Box::new(known.ordered(name, found).into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "three.example";

    fn order(addresses: &Addresses) -> Vec<u8> {
        let all = (1..=3).map(|last| SocketAddr::from(([127, 0, 0, last], 0))).collect();
        let last = |address: SocketAddr| match address.ip() {
            IpAddr::V4(address) => address.octets()[3],
            IpAddr::V6(_) => 0,
        };
        addresses.ordered(NAME.to_owned(), all).into_iter().map(last).collect()
    }

    #[test]
    fn the_one_that_failed_last_comes_last() {
        let addresses = Addresses::new(lookup);
        assert_eq!(order(&addresses), [1, 2, 3]);
        addresses.failed(0);
        assert_eq!(order(&addresses), [2, 3, 1]);
        addresses.failed(1);
        assert_eq!(order(&addresses), [3, 1, 2]);
        addresses.failed(2);
        assert_eq!(order(&addresses), [1, 2, 3]);
    }

    #[test]
    fn attempts_that_failed_together_count_once() {
        let addresses = Addresses::new(lookup);
        order(&addresses);
        let began = addresses.failures();
        addresses.failed(began);
        assert_eq!(order(&addresses), [2, 3, 1]);
        addresses.failed(began);
        assert_eq!(order(&addresses), [2, 3, 1], "the second is not to blame");
    }
}
