//! Connections that a handler can close or reset.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::server::TlsStream;

/// Whether a connection stays open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Open,
    /// The connection closes once all requests on it are answered.
    Closing,
    Reset,
}

/// A handle with which a request handler ends its connection.
#[derive(Debug)]
pub(crate) struct ConnectionHandle {
    reset: AtomicBool,
    fate: watch::Sender<Fate>,
    /// The number of bytes (before encryption) to send before the connection is reset; `usize::MAX` means no reset.
    budget: AtomicUsize,
}

impl Default for ConnectionHandle {
    fn default() -> Self {
        Self {
            reset: AtomicBool::new(false),
            fate: watch::Sender::new(Fate::Open),
            budget: AtomicUsize::new(usize::MAX),
        }
    }
}

impl ConnectionHandle {
    /// Resets the connection: every write fails from now on, and closing the socket sends RST.
    pub(crate) fn reset(&self) {
        self.reset.store(true, Ordering::Release);
        self.fate.send_replace(Fate::Reset);
    }

    /// Accepts no further requests on the connection, and closes it once all requests on it are answered.
    pub(crate) fn close(&self) {
        self.fate.send_if_modified(|fate| {
            let open = *fate == Fate::Open;
            if open {
                *fate = Fate::Closing;
            }
            open
        });
    }

    pub(crate) fn fate(&self) -> watch::Receiver<Fate> {
        self.fate.subscribe()
    }

    /// Resets the connection after `bytes` more bytes (before encryption).
    pub(crate) fn reset_after(&self, bytes: usize) {
        self.budget.store(bytes, Ordering::Release);
    }

    fn is_reset(&self) -> bool {
        self.reset.load(Ordering::Acquire)
    }
}

fn broken() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

/// The TCP socket, below TLS.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    control: Arc<ConnectionHandle>,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream, control: Arc<ConnectionHandle>) -> Self {
        Self { stream, control }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.control.is_reset() {
            // With a linger time of zero (`SO_LINGER`), closing the socket sends RST instead of FIN. The call fails
            // only if the socket is closed already.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.control.is_reset() {
            return Poll::Ready(Err(broken()));
        }
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Does not shut the connection down, because a shutdown would send FIN before RST.
        if self.control.is_reset() {
            return Poll::Ready(Err(broken()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// The connection as the HTTP server sees it.
#[derive(Debug)]
pub(crate) struct Connection {
    layer: Layer,
    control: Arc<ConnectionHandle>,
}

#[derive(Debug)]
enum Layer {
    Plain(Socket),
    Tls(Box<TlsStream<Socket>>),
}

impl Connection {
    pub(crate) fn plain(socket: Socket) -> Self {
        let control = Arc::clone(&socket.control);
        Self { layer: Layer::Plain(socket), control }
    }

    pub(crate) fn tls(stream: TlsStream<Socket>) -> Self {
        let control = Arc::clone(&stream.get_ref().0.control);
        Self { layer: Layer::Tls(Box::new(stream)), control }
    }
}

trait Duplex: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Duplex for T {}

impl Layer {
    fn pinned(&mut self) -> Pin<&mut dyn Duplex> {
        match self {
            Self::Plain(socket) => Pin::new(socket),
            Self::Tls(stream) => Pin::new(stream.as_mut()),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.layer.pinned().poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let budget = self.control.budget.load(Ordering::Acquire);
        if budget == usize::MAX {
            return self.layer.pinned().poll_write(cx, buf);
        }
        if budget == 0 {
            ready!(self.layer.pinned().poll_flush(cx))?;
            self.control.reset();
            return Poll::Ready(Err(broken()));
        }
        let allowed = buf.get(..budget.min(buf.len())).unwrap_or(buf);
        let written = ready!(self.layer.pinned().poll_write(cx, allowed))?;
        self.control.budget.store(budget - written, Ordering::Release);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.layer.pinned().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.layer.pinned().poll_shutdown(cx)
    }
}
