//! A server that answers each request or fails, as a test demands, over HTTP/1.1 with or without TLS, or over HTTP/2
//! with TLS.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::frames;

/// One step of the server after a request.
#[derive(Clone, Debug)]
pub enum Step {
    Send(Arc<[u8]>),
    /// Sends the bytes one at a time, a second apart.
    Drip(Arc<[u8]>),
    /// Sends nothing until the client disconnects.
    Stall,
    /// Resets the connection (RST), as when a process dies.
    Reset,
    /// Closes the connection properly.
    Close,
}

/// When the server begins with its steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// After the first bytes from the client, even if they are not a request.
    FirstBytes,
    /// After the head of a request. The body is not read.
    Head,
    /// After a whole request.
    Request,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    Plain,
    Http1InTls,
    Http2,
}

#[derive(Clone, Debug)]
pub struct Behaviour {
    pub speaks: Speaks,
    pub after: After,
    /// The steps for each request that [`Seen`] counts, in order. The last entry also serves all further requests.
    pub steps: Vec<Vec<Step>>,
}

/// How many requests have arrived. Over HTTP/1.1, requests that list the runs of a sync are not counted.
#[derive(Debug, Default)]
pub struct Seen {
    pub reads: usize,
    pub writes: usize,
}

pub struct Server {
    pub address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The state that all connections of a server share.
#[derive(Clone)]
pub struct Shared {
    behaviour: Arc<Behaviour>,
    seen: Arc<Mutex<Seen>>,
    left: Arc<Mutex<VecDeque<Vec<Step>>>>,
}

impl Shared {
    /// Counts a request and returns its steps.
    pub fn count(&self, writes: bool) -> Vec<Step> {
        let mut seen = self.seen.lock().unwrap();
        *(if writes { &mut seen.writes } else { &mut seen.reads }) += 1;
        self.next()
    }

    fn next(&self) -> Vec<Step> {
        let mut left = self.left.lock().unwrap();
        if left.len() > 1 { left.pop_front().unwrap() } else { left[0].clone() }
    }
}

impl Server {
    pub async fn start(behaviour: Behaviour, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let left = Arc::new(Mutex::new(behaviour.steps.clone().into()));
        let shared = Shared { behaviour: Arc::new(behaviour), seen: Arc::clone(&seen), left };
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (shared, tls) = (shared.clone(), tls.clone());
                connections.spawn(Box::pin(connection(stream, tls, shared)));
            }
        });
        Self { address, seen, task }
    }

    pub fn seen(&self) -> (usize, usize) {
        let seen = self.seen.lock().unwrap();
        (seen.reads, seen.writes)
    }
}

async fn connection(mut stream: TcpStream, tls: Option<TlsAcceptor>, shared: Shared) -> Option<()> {
    let behaviour = Arc::clone(&shared.behaviour);
    if behaviour.after == After::FirstBytes {
        let mut some = vec![0; 16 << 10];
        let _ = stream.read(&mut some).await.ok()?;
        return act(&mut stream, &shared.next()).await;
    }
    match (behaviour.speaks, tls) {
        (Speaks::Plain, _) => http1(stream, shared).await,
        (Speaks::Http1InTls, Some(tls)) => http1(tls.accept(stream).await.ok()?, shared).await,
        (Speaks::Http2, Some(tls)) => frames::serve(tls.accept(stream).await.ok()?, shared).await,
        (_, None) => panic!("TLS needs an identity"),
    }
}

/// A stream with access to its socket. The step [`Step::Reset`] needs the socket.
pub trait Wire: AsyncRead + AsyncWrite + Unpin {
    fn socket(&self) -> &TcpStream;
}

impl Wire for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

impl Wire for tokio_rustls::server::TlsStream<TcpStream> {
    fn socket(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// Executes the steps. Returns `None` if the connection has ended.
pub async fn act(stream: &mut impl Wire, steps: &[Step]) -> Option<()> {
    for step in steps {
        match step {
            Step::Send(bytes) => {
                stream.write_all(bytes).await.ok()?;
                stream.flush().await.ok()?;
            }
            Step::Drip(bytes) => {
                for byte in bytes.iter() {
                    stream.write_all(&[*byte]).await.ok()?;
                    stream.flush().await.ok()?;
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
            Step::Stall => {
                // `read` returns 0 or an error once the client has disconnected.
                let mut rest = vec![0; 4 << 10];
                while stream.read(&mut rest).await.ok()? > 0 {}
                return None;
            }
            Step::Reset => {
                // The bytes that were sent must arrive first, because a reset discards bytes that are still on the way.
                tokio::time::sleep(Duration::from_millis(50)).await;
                stream.socket().set_zero_linger().ok()?;
                return None;
            }
            Step::Close => {
                stream.shutdown().await.ok()?;
                return None;
            }
        }
    }
    Some(())
}

async fn http1(mut stream: impl Wire, shared: Shared) -> Option<()> {
    let mut buffer = Vec::new();
    loop {
        let head = loop {
            if let Some(end) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break String::from_utf8(buffer.drain(..end + 4).collect()).unwrap();
            }
            more(&mut stream, &mut buffer).await?;
        };
        let (is_write, is_look) = (!head.starts_with("GET "), head.contains("/runs?"));
        if shared.behaviour.after == After::Request {
            let length = head
                .lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:").map(str::to_owned))
                .map_or(0, |length| length.trim().parse().unwrap());
            while buffer.len() < length {
                more(&mut stream, &mut buffer).await?;
            }
            buffer.drain(..length);
        }
        if is_look {
            // After a trigger of unknown outcome, the SDK lists the runs of the sync. This server lists no runs.
            act(&mut stream, &[Step::Send(crate::answers::whole("", b"{\"hasMore\":false,\"data\":[]}"))])
                .await?;
        } else {
            act(&mut stream, &shared.count(is_write)).await?;
        }
    }
}

async fn more(stream: &mut impl Wire, buffer: &mut Vec<u8>) -> Option<()> {
    let mut some = vec![0; 16 << 10];
    let length = stream.read(&mut some).await.ok()?;
    buffer.extend_from_slice(&some[..length]);
    (length > 0).then_some(())
}
