//! Orders the addresses of a host name: an address that failed is tried after the others.
//!
//! The connector uses the first address that accepts a connection. Without this order, every attempt would use the same
//! address again, even if that address never completes a handshake.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

/// How many failed addresses are remembered. A host name has fewer addresses; the bound keeps the list of a long-lived
/// client short.
const MOST_FAILED: usize = 64;

type Lookup = fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;

/// Looks up addresses and remembers the addresses that failed.
#[derive(Debug)]
pub(super) struct Addresses {
    lookup: Lookup,
    state: Mutex<AddressState>,
}

#[derive(Debug, Default)]
struct AddressState {
    /// For each host name, the address that is tried first.
    first: BTreeMap<String, IpAddr>,
    /// The addresses that failed, in the order of their failures.
    failed: Vec<IpAddr>,
    failures: u64,
}

/// The resolver that all connections use.
#[derive(Clone)]
pub(crate) struct Resolver(pub(super) Arc<Addresses>);

/// The error of a host name without an address. The connector wraps this error in an error of a general type.
/// `refusal::of` searches the causes for the type `Unresolved`.
#[derive(Debug)]
pub(crate) struct Unresolved(io::Error);

impl fmt::Display for Unresolved {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(to)
    }
}

impl std::error::Error for Unresolved {}

/// Resolves a host name with the system's resolver.
pub(super) fn lookup(name: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
    Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
}

impl Addresses {
    pub(super) fn new(lookup: Lookup) -> Self {
        Self { lookup, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, AddressState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of failures so far, for [`failed`](Self::failed).
    pub(super) fn failures(&self) -> u64 {
        self.state().failures
    }

    /// Notes that an attempt got no connection, or no answer in time. `failures` is the number of failures when the
    /// attempt began. Attempts that began at the same number used the same address, so only the first failure among
    /// these attempts counts.
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

    /// Moves failed addresses to the end, in the order of their failures. The other addresses keep their order.
    fn ordered(&self, name: String, mut addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
        let mut state = self.state();
        addresses.sort_by_key(|address| state.failed.iter().position(|failed| *failed == address.ip()));
        if let Some(first) = addresses.first() {
            state.first.insert(name, first.ip());
        }
        addresses
    }
}

impl Resolver {
    /// A resolver for one connection. This resolver knows no failed addresses at first.
    pub(crate) fn of_the_system() -> Self {
        Self(Arc::new(Addresses::new(lookup)))
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Unresolved;
    type Future = BoxFuture<'static, Result<Self::Response, Unresolved>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Unresolved>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let known = Arc::clone(&self.0);
        Box::pin(async move {
            let name = name.as_str().to_owned();
            let found = (known.lookup)(name.clone()).await.map_err(Unresolved)?;
            Ok(known.ordered(name, found).into_iter())
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
    fn the_address_that_failed_last_comes_last() {
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
