//! Resolves host names, with at most one look-up of each name at a time. A look-up cannot be cancelled, and occupies a
//! thread until the resolver answers. So a caller that asks again waits for the look-up in progress.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

type Found = io::Result<Vec<SocketAddr>>;

/// At most this many addresses of a name are tried.
pub(super) const MOST: usize = 4;

/// The look-ups in progress, at most one for each host and port.
pub(super) struct Names {
    look_up: fn(&str, u16) -> Found,
    under_way: HashMap<(String, u16), JoinHandle<Found>>,
}

impl Default for Names {
    fn default() -> Self {
        Self::with(|host, port| (host, port).to_socket_addrs().map(Iterator::collect))
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Names")
    }
}

impl Names {
    fn with(look_up: fn(&str, u16) -> Found) -> Self {
        Self { look_up, under_way: HashMap::new() }
    }

    /// Returns the addresses of a host. If the caller drops the future, the next call for this host awaits the same
    /// look-up.
    pub(super) async fn addresses(&mut self, host: &str, port: u16) -> Found {
        if let Ok(address) = host.parse() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let (look_up, name) = (self.look_up, (host.to_owned(), port));
        let asked = name.clone();
        let found =
            self.under_way.entry(name).or_insert_with(|| spawn_blocking(move || look_up(&asked.0, asked.1)));
        let found = found.await;
        self.under_way.remove(&(host.to_owned(), port));
        let mut addresses = found.map_err(io::Error::other)??;
        addresses.truncate(MOST);
        Ok(addresses)
    }
}

/// Connects to the first of these addresses that answers. Each address gets a part of the time `within`, so that a
/// silent address leaves time for the next address.
pub(super) async fn first_that_answers(addresses: &[SocketAddr], within: Duration) -> io::Result<TcpStream> {
    let each = match addresses.len() {
        0 | 1 => within,
        more => within / u32::try_from(more + 1).unwrap_or(u32::MAX),
    };
    let mut last = io::ErrorKind::NotFound.into();
    for address in addresses {
        match timeout(each, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use tokio::net::TcpListener;

    use super::*;

    static STARTED: AtomicUsize = AtomicUsize::new(0);
    static SILENT: AtomicBool = AtomicBool::new(true);

    #[tokio::test]
    async fn a_resolver_that_is_silent_takes_one_thread() {
        let mut names = Names::with(|_, port| {
            STARTED.fetch_add(1, Ordering::Relaxed);
            while SILENT.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(1));
            }
            Ok(vec![([127, 0, 0, 1], port).into(); 7])
        });
        for _ in 0..5 {
            let asked = timeout(Duration::from_millis(20), names.addresses("silent.example.com", 7));
            assert!(asked.await.is_err());
        }
        SILENT.store(false, Ordering::Relaxed);
        let found = names.addresses("silent.example.com", 7).await.unwrap();
        assert_eq!((found.len(), STARTED.load(Ordering::Relaxed)), (MOST, 1));
        assert_eq!(names.addresses("::1", 7).await.unwrap(), ["[::1]:7".parse().unwrap()]);
        let _ = names.addresses("silent.example.com", 7).await;
        assert_eq!(STARTED.load(Ordering::Relaxed), 2, "a name that was found is looked up again later");
    }

    #[tokio::test]
    async fn an_address_that_is_silent_leaves_time_for_the_next_one() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let answers = listener.local_addr().unwrap();
        // RFC 5737 reserves this address, so no server has it.
        let silent = "192.0.2.1:9".parse().unwrap();
        let within = Duration::from_secs(3);
        let stream = timeout(within, first_that_answers(&[silent, answers], within)).await.unwrap().unwrap();
        assert_eq!(stream.peer_addr().unwrap(), answers);
        assert!(first_that_answers(&[], within).await.is_err());
    }
}
