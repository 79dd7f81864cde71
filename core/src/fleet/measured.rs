//! A stream that limits how many bytes can be read, so that a server can neither fill the memory nor keep the thread
//! busy.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The longest answer, in bytes. The state of a limit that a thousand processes share has about 100 kB. The answer to
/// `INFO` is shorter.
const LONGEST: usize = 1 << 20;

/// How many bytes may still be read.
#[derive(Clone, Debug, Default)]
pub(super) struct Allowance(Arc<AtomicUsize>);

impl Allowance {
    /// Allows the server to send one more answer.
    pub(super) fn renew(&self) {
        self.0.store(LONGEST, Ordering::Relaxed);
    }
}

/// A stream that fails with `InvalidData` once the server sends more bytes than the [`Allowance`] permits.
#[derive(Debug)]
pub(super) struct Measured<S> {
    stream: S,
    allowance: Allowance,
}

impl<S> Measured<S> {
    pub(super) fn new(stream: S, allowance: Allowance) -> Self {
        Self { stream, allowance }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Measured<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let read = buf.filled().len() - before;
        let left = self.allowance.0.load(Ordering::Relaxed);
        if read > left {
            buf.set_filled(before);
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        self.allowance.0.store(left - read, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Measured<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, repeat};

    use super::*;

    #[tokio::test]
    async fn a_server_that_sends_without_end_is_cut_off_after_one_answer() {
        let allowance = Allowance::default();
        let mut stream = Measured::new(repeat(b'x'), allowance.clone()).take(4 * LONGEST as u64);
        for _ in 0..2 {
            allowance.renew();
            let mut read = Vec::new();
            let error = stream.read_to_end(&mut read).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            assert!((LONGEST / 2..=LONGEST).contains(&read.len()), "{}", read.len());
        }
    }
}
