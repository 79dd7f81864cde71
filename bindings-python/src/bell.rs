//! Wakes an event loop that watches a descriptor. It is rung when the mailbox stops being empty and hushed
//! before the mailbox is emptied, so that no ring is lost: at worst the loop wakes once for nothing.

#[cfg(unix)]
pub(crate) use self::pair::Bell;
#[cfg(not(unix))]
pub(crate) use self::silent::Bell;

#[cfg(unix)]
mod pair {
    use std::io::{Read as _, Write as _};
    use std::os::fd::{AsRawFd as _, RawFd};
    use std::os::unix::net::UnixStream;

    pub(crate) struct Bell {
        rope: UnixStream,
        clapper: UnixStream,
    }

    impl Bell {
        pub(crate) fn new() -> std::io::Result<Self> {
            let (rope, clapper) = UnixStream::pair()?;
            rope.set_nonblocking(true)?;
            clapper.set_nonblocking(true)?;
            Ok(Self { rope, clapper })
        }

        #[expect(clippy::unnecessary_wraps, reason = "its sibling has none to give")]
        pub(crate) fn fileno(&self) -> Option<RawFd> {
            Some(self.clapper.as_raw_fd())
        }

        pub(crate) fn ring(&self) {
            // Full means that the loop has more than enough to wake up for.
            let _ = (&self.rope).write(&[1]);
        }

        pub(crate) fn hush(&self) {
            let mut scrap = [0; 64];
            while matches!((&self.clapper).read(&mut scrap), Ok(64)) {}
        }
    }
}

#[cfg(not(unix))]
mod silent {
    /// Windows' default event loop watches no descriptors: a thread waits at the mailbox instead.
    pub(crate) struct Bell;

    impl Bell {
        pub(crate) fn new() -> std::io::Result<Self> {
            Ok(Self)
        }

        pub(crate) fn fileno(&self) -> Option<i32> {
            None
        }

        pub(crate) fn ring(&self) {}

        pub(crate) fn hush(&self) {}
    }
}
