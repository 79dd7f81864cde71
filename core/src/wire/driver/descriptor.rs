//! A descriptor that is readable whenever the runtime has something to do, for an event loop to watch.

use std::collections::BTreeSet;
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::fs::MetadataExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::{fs, io};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::UnixStream;
use tokio::runtime::Runtime;
use tokio::time::Instant;

use crate::timers::Alarm;

pub(super) struct Descriptor {
    number: RawFd,
    pub(super) alarm: TimerAlarm,
}

impl Descriptor {
    /// Returns `None` if the descriptor of the runtime cannot be found, for example without `/proc`.
    pub(super) fn of(runtime: &Runtime) -> Option<Self> {
        let _inside = runtime.enter();
        Some(Self { number: find()?, alarm: TimerAlarm::new().ok()? })
    }

    pub(super) fn duplicate(&self) -> Option<OwnedFd> {
        #[allow(unsafe_code, reason = "Rust does not know that the runtime owns the descriptor")]
        // SAFETY: the driver keeps its runtime, which keeps the descriptor open, for as long as the process lives.
        let descriptor = unsafe { BorrowedFd::borrow_raw(self.number) };
        descriptor.try_clone_to_owned().ok()
    }
}

/// Finds the descriptor of epoll(7) with which the runtime of this thread waits. tokio does not say which descriptor
/// this is. So this function registers a socket with the runtime, and looks for the descriptor with which the socket is
/// registered.
fn find() -> Option<RawFd> {
    let (probe, _other) = UnixStream::pair().ok()?;
    let number = probe.as_raw_fd();
    let inode = fs::metadata(format!("/proc/self/fd/{number}")).ok()?.ino();
    fs::read_dir("/proc/self/fd").ok()?.flatten().find_map(|entry| {
        if fs::read_link(entry.path()).ok()?.to_str() != Some("anon_inode:[eventpoll]") {
            return None;
        }
        let name = entry.file_name();
        let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", name.to_str()?)).ok()?;
        info.lines().any(|line| is_about(line, number, inode)).then(|| name.to_str()?.parse().ok())?
    })
}

/// Whether a line of `/proc/self/fdinfo` says that the descriptor `number`, a file with this inode, is registered with
/// epoll(7). An inherited epoll may name another file by the same number, so the inode must match too.
fn is_about(line: &str, number: RawFd, inode: u64) -> bool {
    let mut words = line.split_whitespace();
    words.next() == Some("tfd:")
        && words.next().and_then(|word| word.parse().ok()) == Some(number)
        && words.any(|word| {
            word.strip_prefix("ino:").and_then(|inode| u64::from_str_radix(inode, 16).ok()) == Some(inode)
        })
}

/// Makes the descriptor readable when a timer of the core ends.
pub(super) struct TimerAlarm {
    /// A timer of the system (timerfd), which the runtime watches.
    timer: AsyncFd<OwnedFd>,
    start: Instant,
    /// Whether an event loop has ever watched the descriptor.
    is_watched: AtomicBool,
    /// The ends of timers, in milliseconds since `start`. `timer` is set to the earliest.
    ends: Mutex<BTreeSet<u64>>,
}

impl TimerAlarm {
    fn new() -> io::Result<Self> {
        let timer =
            timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
        #[allow(unsafe_code, reason = "tokio has no safe function for a descriptor of any kind")]
        // SAFETY: an `OwnedFd` owns an open descriptor, and always returns the same one.
        let timer = unsafe { AsyncFd::register_with_interest(timer, Interest::READABLE)? };
        let (is_watched, ends) = (AtomicBool::new(false), Mutex::default());
        Ok(Self { timer, start: Instant::now(), is_watched, ends })
    }

    /// Makes this value note the ends of all timers that start from now on.
    pub(super) fn watch(&self) {
        self.is_watched.store(true, Ordering::Relaxed);
    }

    /// Sets the timer again if it has ended.
    pub(super) fn set_again(&self) {
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.milliseconds(Instant::now());
        if ends.first().is_none_or(|first| *first > now) {
            return;
        }
        *ends = ends.split_off(&(now + 1));
        if let Some(first) = ends.first() {
            self.set(*first, now);
        }
    }

    fn milliseconds(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.start).as_millis()).unwrap_or(u64::MAX)
    }

    fn set(&self, end: u64, now: u64) {
        let wait = Duration::from_millis(end.saturating_sub(now).max(1));
        let Ok(it_value) = Timespec::try_from(wait) else { return };
        let time = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value };
        // Fails only for an invalid time, which `Timespec::try_from` never returns. Even if the timer were not set, the
        // driver's thread would soon ask the event loop to do the I/O, because it asks every few seconds.
        let _ = timerfd_settime(self.timer.get_ref(), TimerfdTimerFlags::empty(), &time);
    }
}

impl Alarm for TimerAlarm {
    fn note(&self, at: Instant) {
        if !self.is_watched.load(Ordering::Relaxed) {
            return;
        }
        // The timers of tokio end up to a millisecond late.
        let end = self.milliseconds(at).saturating_add(1);
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = ends.first().is_none_or(|first| end < *first);
        ends.insert(end);
        if is_first {
            self.set(end, self.milliseconds(Instant::now()));
        }
    }
}
