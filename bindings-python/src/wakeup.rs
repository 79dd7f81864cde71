//! Wakes an event loop that watches a file descriptor. The mailbox calls `wake` when the first item arrives, and
//! `clear` before the loop takes the answers. So the loop misses no item; at worst, it wakes up once for nothing.

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use self::counter::Wakeup;
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
pub(crate) use self::pair::Wakeup;
#[cfg(not(unix))]
pub(crate) use self::unsupported::Wakeup;

/// Wakes the loop with an eventfd, which is cheaper than a pair of sockets.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod counter {
    use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};

    use rustix::event::{EventfdFlags, eventfd};
    use rustix::io::{read, write};

    pub(crate) struct Wakeup(OwnedFd);

    impl Wakeup {
        pub(crate) fn new() -> std::io::Result<Self> {
            Ok(Self(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
        }

        #[expect(clippy::unnecessary_wraps, reason = "other platforms have no descriptor")]
        pub(crate) fn fileno(&self) -> Option<RawFd> {
            Some(self.0.as_raw_fd())
        }

        pub(crate) fn wake(&self) {
            // If the write fails because the counter is full, the descriptor is readable already.
            let _ = write(&self.0, &1_u64.to_ne_bytes());
        }

        pub(crate) fn clear(&self) {
            // One read sets the counter to 0. It fails if the counter is 0 already.
            let _ = read(&self.0, &mut [0; 8]);
        }
    }
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
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
    /// On Windows, the default event loop watches no descriptors, so a thread waits for the mailbox instead.
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
