//! The file of one limit, as a store. The system drops the lock of a process that dies.

use std::fs::{TryLockError, remove_file, rename, symlink_metadata};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use nix::time::{ClockId, clock_gettime};

use super::copies::{Copies, Head, failed};
use crate::limit::state::State;
use crate::limit::{Nanos, Quota, Store, Unavailable};

/// How often a lock that another process holds is tried before the caller waits, and the pause between the later tries.
const TRIES: u32 = 40;
const PAUSE: Duration = Duration::from_micros(50);
/// After this long, whoever holds the lock is taken to be stopped, and a new file takes the place of this one. What the
/// stopped process was about to grant is void by then; see `FETCHED_WITHIN` in `limit`.
const STOPPED: Duration = Duration::from_secs(3);

/// The clock of a host: time since it was started, suspension included. Nobody can set it.
fn now() -> Nanos {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let clock = ClockId::CLOCK_BOOTTIME;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let clock = ClockId::CLOCK_MONOTONIC;
    clock_gettime(clock).map_or(0, |time| {
        let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
        seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(time.tv_nsec()).unwrap_or(0))
    })
}

#[derive(Debug)]
pub(super) struct LimitFile {
    path: PathBuf,
    quota: Quota,
    copies: Copies,
    process: u32,
    busy_since: Option<Instant>,
    /// The file that takes the place of this one as soon as its lock is free.
    joining: Option<Box<LimitFile>>,
}

/// Whether no request in this file counts any more.
pub(super) fn is_unused(path: &Path) -> bool {
    let state = Copies::open(path).ok().and_then(|mut copies| copies.read(&copies.head()));
    state.is_none_or(|mut state| state.last() > now() || state.needed_until(now()) <= now())
}

/// Which file the lock was taken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Locked {
    /// The file that was used before.
    Same,
    /// A new file at the path of the one before, which was removed or replaced.
    Replaced,
    /// The file that another process has named as the successor. It holds what was in the one before.
    Successor,
}

impl LimitFile {
    pub(super) fn at(path: PathBuf, quota: Quota) -> Result<Self, String> {
        let copies = Copies::open(&path)?;
        Ok(Self { path, quota, copies, process: std::process::id(), busy_since: None, joining: None })
    }

    /// Whether the path still leads to the open file.
    fn is_current(&self) -> Result<bool, String> {
        match symlink_metadata(&self.path) {
            Ok(found) => Ok((found.dev(), found.ino()) == self.copies.identity),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(failed(&error)),
        }
    }

    fn lock(&mut self) -> Result<(Locked, Head), Unavailable> {
        let mut locked = Locked::Same;
        for round in 0..TRIES {
            let taken = match self.copies.file.try_lock() {
                Ok(()) => true,
                Err(TryLockError::WouldBlock) => false,
                Err(TryLockError::Error(error)) => return Err(Unavailable::Lost(failed(&error))),
            };
            if !self.is_current().map_err(Unavailable::Lost)? {
                locked = Locked::Replaced;
                self.copies = Copies::open(&self.path).map_err(Unavailable::Lost)?;
            } else if taken {
                let head = self.copies.head();
                let Some(name) = &head.successor else {
                    self.busy_since = None;
                    return Ok((locked, head));
                };
                locked = Locked::Successor;
                self.path.set_file_name(name);
                // Closing the old file gives its lock back.
                self.copies = Copies::open(&self.path).map_err(Unavailable::Lost)?;
            } else if round < TRIES / 2 {
                thread::yield_now();
            } else {
                thread::sleep(PAUSE);
            }
        }
        if self.busy_since.get_or_insert_with(Instant::now).elapsed() >= STOPPED {
            self.replace().map_err(Unavailable::Lost)?;
            self.busy_since = None;
        }
        Err(Unavailable::Busy)
    }

    /// Puts a new file in the place of one whose lock is held by a stopped process.
    fn replace(&mut self) -> Result<(), String> {
        let beside = self.path.with_extension(self.process.to_string());
        let _ = remove_file(&beside);
        Copies::open(&beside)?.write(&State::lost(self.quota, now()))?;
        rename(&beside, &self.path).map_err(|error| failed(&error))
    }

    /// The state to begin with if there is none that can be used: it is damaged, or dates from before the host was
    /// started.
    fn begin(&self) -> Result<State, String> {
        let span = Duration::from_nanos(2 * self.quota.span());
        let found = self.copies.file.metadata().and_then(|found| found.modified());
        let changed = found.map_err(|error| failed(&error))?;
        let long_ago = SystemTime::now().duration_since(changed).is_ok_and(|passed| passed > span);
        let is_lost = self.copies.was_used() && !long_ago;
        Ok(if is_lost { State::lost(self.quota, now()) } else { State::shared(self.quota, now()) })
    }
}

impl Store for LimitFile {
    fn clock(&self) -> fn() -> Nanos {
        now
    }

    fn open(&mut self, state: &mut State) -> Result<(), Unavailable> {
        if self.process != std::process::id() {
            // A forked child shares the lock with its parent, so the lock would exclude neither.
            return Err(Unavailable::Lost("the process was forked".to_owned()));
        }
        let (locked, head) = self.lock()?;
        if locked == Locked::Same && self.copies.is_known(&head) {
            return Ok(());
        }
        let mut read = match self.copies.read(&head).filter(|read| read.last() <= now()) {
            Some(read) => read,
            None => self.begin().map_err(Unavailable::Lost)?,
        };
        if locked == Locked::Replaced {
            // What this process knew of the old file counts here too.
            read.absorb(now(), state, |time| time);
        }
        *state = read;
        Ok(())
    }

    fn close(&mut self, state: &State) -> Result<(), Unavailable> {
        let kept = self.copies.write(state).map_err(Unavailable::Lost);
        self.copies.file.unlock().map_err(|error| Unavailable::Lost(failed(&error)))?;
        kept
    }

    fn join(&mut self, name: &str, state: &mut State) -> Result<(), Unavailable> {
        let path = self.path.with_file_name(name);
        if path == self.path {
            return Ok(());
        }
        let mut to = match self.joining.take() {
            Some(to) => to,
            None => Box::new(Self::at(path, self.quota).map_err(Unavailable::Lost)?),
        };
        // No file has a successor that has one itself, so two processes cannot wait for each other here.
        let mut theirs = State::shared(self.quota, now());
        if let Err(error) = to.open(&mut theirs) {
            self.joining = Some(to);
            return Err(error);
        }
        theirs.absorb(now(), state, |time| time);
        let moved = to.copies.write(&theirs).and_then(|()| self.copies.succeeded_by(name));
        moved.map_err(Unavailable::Lost)?;
        *state = theirs;
        // Closing the old file gives its lock back.
        *self = *to;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
