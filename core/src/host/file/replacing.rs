//! Replaces a file while a stopped process holds its lock. A stopped process is one that the system does not run at
//! present, for example after SIGSTOP.

use std::fs::{File, OpenOptions, TryLockError, remove_file, rename};
use std::time::{Duration, Instant};

use super::super::copies::{Copies, Numbers, failed};
use super::super::here::now;
use super::super::system::System;
use super::{LimitFile, is_ahead};
use crate::limit::Unavailable;
use crate::limit::state::State;

/// After this long, the process that holds the lock counts as stopped.
pub(super) const STOPPED: Duration = Duration::from_secs(3);
/// If the file has not been replaced within this time, the process that began to replace it must be stopped too. So
/// nobody will replace the file.
pub(super) const HOPELESS: Duration = Duration::from_secs(6);
/// If two tries to take the lock are further apart than this, they belong to different waits.
const OFTEN: Duration = Duration::from_millis(500);

/// A wait for the lock: a period in which another process held the lock whenever this process tried to take it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Busy {
    pub(super) since: Instant,
    pub(super) last: Instant,
    /// Identifies the copy of the state that was written last. If another copy is written, the lock has changed
    /// hands.
    pub(super) newest: Numbers,
}

impl<S: System> LimitFile<S> {
    /// Replaces the file if another process has held its lock for [`STOPPED`] without changing the file. Returns why
    /// the limit cannot be changed now.
    pub(super) fn locked_out(&mut self) -> Unavailable {
        let (at, head) = (Instant::now(), self.copies.head());
        let newest = head.newest();
        let known = self.busy.filter(|busy| busy.newest == newest && at.duration_since(busy.last) < OFTEN);
        let since = known.map_or(at, |busy| busy.since);
        self.busy = Some(Busy { since, last: at, newest });
        let waited = at.duration_since(since);
        if waited < STOPPED || !self.is_joined {
            return Unavailable::Busy;
        }
        if let Some(name) = &head.successor {
            // The process that holds the lock was stopped after it had moved the state of the limit to another file.
            // This process goes on with that file.
            return self.follow(name).err().map_or(Unavailable::Busy, Unavailable::Lost);
        }
        if !S::CAN_REPLACE || waited >= HOPELESS {
            return Unavailable::Lost("a process that holds its lock is stopped".to_owned());
        }
        self.replace(newest).err().map_or(Unavailable::Busy, Unavailable::Lost)
    }

    /// Puts a new file in the place of this one. Does nothing if another process is replacing this file, or has
    /// replaced it. `newest` is the copy of the state that was the newest during the whole wait for the lock.
    ///
    /// The limit in the new file counts as used up until the state is copied from the old file. The state is copied
    /// after the new file has its name. Once it has its name, no process changes the old file: whoever locks the old
    /// file finds that it was removed.
    pub(super) fn replace(&mut self, newest: Numbers) -> Result<(), String> {
        let Some(mut fresh) = self.put_in_place()? else { return Ok(()) };
        self.busy = None;
        let head = self.copies.head();
        if head.newest() != newest {
            // The process that held the lock was not stopped after all. It may be about to grant more requests, which
            // no copy of the state shows yet. So the state is not copied, and the limit in the new file still counts as
            // used up.
            return Ok(());
        }
        match self.copies.read(&head).filter(|read| !is_ahead(read, now())) {
            Some(mut state) => {
                self.copies.add_noted(&mut state, now());
                fresh.continues(&self.copies, &state.continued(now()))
            }
            None => Ok(()),
        }
    }

    /// Creates the new file, locks it and gives it the name of this one. Locks the folder first: if two processes
    /// created a new file, the later file would lack the grants of the earlier file.
    fn put_in_place(&self) -> Result<Option<Copies<S>>, String> {
        let Some(folder) = self.path.parent() else { return Ok(None) };
        let folder = File::open(folder).map_err(|error| failed(&error))?;
        match folder.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(failed(&error)),
        }
        if S::identity_at(&self.path).ok() != Some(self.copies.identity) {
            return Ok(None);
        }
        let beside = self.path.with_extension(format!("{:016x}", fastrand::u64(..)));
        let mut fresh = Copies::<S>::open_with(&beside, OpenOptions::new().create_new(true))?;
        let placed = match fresh.lock().try_lock() {
            Ok(()) => fresh.write(&State::lost(self.quota, now())),
            Err(error) => Err(failed(&error.into())),
        };
        let placed = placed.and_then(|()| rename(&beside, &self.path).map_err(|error| failed(&error)));
        if placed.is_err() {
            let _ = remove_file(&beside);
        }
        placed.map(|()| Some(fresh))
    }
}
