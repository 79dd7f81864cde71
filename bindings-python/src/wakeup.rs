//! Wakes an event loop that watches a file descriptor. The mailbox calls `wake` when the first item arrives, and
//! `clear` before the loop takes the answers. So the loop misses no item; at worst, it wakes up once for nothing.

#[cfg(unix)]
pub(crate) use self::pair::Wakeup;
#[cfg(not(unix))]
pub(crate) use self::unsupported::Wakeup;

#[cfg(unix)]
mod pair {
    use std::io::{Read as _, Write as _};
    use std::os::fd::{AsRawFd as _, RawFd};
    use std::os::unix::net::UnixStream;

    pub(crate) struct Wakeup {
        writer: UnixStream,
        reader: UnixStream,
    }

    impl Wakeup {
        pub(crate) fn new() -> std::io::Result<Self> {
            let (writer, reader) = UnixStream::pair()?;
            writer.set_nonblocking(true)?;
            reader.set_nonblocking(true)?;
            Ok(Self { writer, reader })
        }

        #[expect(clippy::unnecessary_wraps, reason = "the other platforms have no descriptor")]
        pub(crate) fn fileno(&self) -> Option<RawFd> {
            Some(self.reader.as_raw_fd())
        }

        pub(crate) fn wake(&self) {
            // If the write fails because the buffer is full, the descriptor is readable already.
            let _ = (&self.writer).write(&[1]);
        }

        pub(crate) fn clear(&self) {
            let mut discarded = [0; 64];
            while matches!((&self.reader).read(&mut discarded), Ok(64)) {}
        }
    }
}

#[cfg(not(unix))]
mod unsupported {
    /// The default event loop on Windows watches no descriptors. There, a thread waits for the mailbox instead.
    pub(crate) struct Wakeup;

    impl Wakeup {
        pub(crate) fn new() -> std::io::Result<Self> {
            Ok(Self)
        }

        pub(crate) fn fileno(&self) -> Option<i32> {
            None
        }

        pub(crate) fn wake(&self) {}

        pub(crate) fn clear(&self) {}
    }
}
