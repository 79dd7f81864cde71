//! The file of one limit, as a store. A lock on the file excludes other processes; the system drops the lock of a
//! process that dies.

mod replacing;

use std::fs::{OpenOptions, TryLockError, remove_file};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::copies::{Copies, Head, Id, failed};
use super::here::now;
use super::system::System;
use crate::limit::state::{EndNote, LEASE, State};
use crate::limit::{Nanos, Quota, Store, Unavailable};
use replacing::Busy;

/// How many times a process tries to lock a file that another process has locked, before the store counts as busy.
/// After each try of the second half, the process pauses.
const TRIES: u32 = 30;
const PAUSE: Duration = Duration::from_micros(50);
/// If a change of the state took this long, all its grants are void. A change makes its grants within a second of its
/// start, and a grant is void a second after it was made. See `FETCHED_WITHIN` in `limit`.
const VOID: Duration = Duration::from_secs(2);
/// How often to check whether the path leads to another file. In addition, every change of the limit makes a cheaper
/// check: whether the file still has a name. A file that was moved away still has a name, so it stays in use until the
/// path is checked again.
const LOOK_AT_PATH: Nanos = 1_000_000;
/// How far ahead of the clock a time in the file may lie. The clocks of processors differ a little.
const TOLERANCE: Nanos = 1_000_000_000;
/// The most requests that the limit in a file may have. After a loss of the state, the file has an entry for each
/// request of the limit, and it has no room for more entries than this.
const MOST_REQUESTS: u64 = 40_000;
/// A process follows at most this many moves of a limit from file to file. A limit moves more than once if clients
/// change to an API key of another workspace.
const LONGEST_CHAIN: usize = 8;

#[derive(Debug)]
pub(super) struct LimitFile<S: System> {
    path: PathBuf,
    quota: Quota,
    copies: Copies<S>,
    process: u32,
    busy: Option<Busy>,
    /// When to check again whether the path still leads to the open file.
    look_at_path: Nanos,
    /// When this process took the lock of the file for the current change of the state.
    locked: Instant,
    /// The removed or replaced files that this process used before. Their states are not in the open file yet.
    left: Vec<Left>,
    /// The file to which this limit moves. The move waits for the lock of that file.
    joining: Option<Box<LimitFile<S>>>,
    /// False while the limit of another file is being moved to this file.
    is_joined: bool,
}

/// A file that was removed or replaced while this process used it.
#[derive(Debug)]
pub(super) struct Left {
    id: Id,
    /// The generation of the copy that this process read or wrote last.
    generation: u64,
    /// What the file still held; `None` if it was damaged.
    state: Option<State>,
}

/// Removes the file if nothing in its state counts towards the limit any more.
pub(super) fn remove_if_unused<S: System>(path: &Path) {
    let Ok(mut copies) = Copies::<S>::open_with(path, &mut OpenOptions::new()) else { return };
    if copies.lock().try_lock().is_err() {
        return;
    }
    let head = copies.head();
    // Keeps a file that names a successor. A process that knows only the API key opens this file first, and must find
    // the file of the workspace.
    let leads_on = head.successor.as_ref().is_some_and(|name| path.with_file_name(name).exists());
    if !leads_on && copies.read(&head).is_none_or(|state| is_over(&state, now())) {
        let _ = remove_file(path);
    }
}

/// Whether nothing in a state counts towards the limit any more, or the state dates from before the machine was
/// started.
fn is_over(state: &State, now: Nanos) -> bool {
    state.counts_until() <= now || is_ahead(state, now)
}

fn is_ahead(state: &State, now: Nanos) -> bool {
    state.last() > now.saturating_add(TOLERANCE)
}

impl<S: System> LimitFile<S> {
    pub(super) fn at(path: PathBuf, quota: Quota) -> Result<Self, String> {
        if quota.requests() > MOST_REQUESTS {
            return Err(format!("a limit of more than {MOST_REQUESTS} requests in a window is not shared"));
        }
        let (copies, process) = (Copies::open(&path)?, std::process::id());
        Ok(Self {
            path,
            quota,
            copies,
            process,
            busy: None,
            look_at_path: 0,
            locked: Instant::now(),
            left: Vec::new(),
            joining: None,
            is_joined: true,
        })
    }

    /// Whether the path still leads to the open file.
    fn is_current(&mut self) -> Result<bool, String> {
        if self.copies.is_removed()? {
            return Ok(false);
        }
        let now = now();
        if now < self.look_at_path {
            return Ok(true);
        }
        match S::identity_at(&self.path) {
            Ok(found) => {
                self.look_at_path = now + LOOK_AT_PATH;
                Ok(found == self.copies.identity)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(failed(&error)),
        }
    }

    fn lock(&mut self) -> Result<Head, Unavailable> {
        for round in 0..TRIES {
            let taken = match self.copies.lock().try_lock() {
                Ok(()) => true,
                Err(TryLockError::WouldBlock) => false,
                Err(TryLockError::Error(error)) => return Err(Unavailable::Lost(failed(&error))),
            };
            if !self.is_current().map_err(Unavailable::Lost)? {
                self.leave().map_err(Unavailable::Lost)?;
            } else if taken {
                let head = self.copies.head();
                let Some(name) = &head.successor else {
                    self.busy = None;
                    self.locked = Instant::now();
                    return Ok(head);
                };
                self.follow(name).map_err(Unavailable::Lost)?;
            } else if round < TRIES / 2 {
                thread::yield_now();
            } else {
                thread::sleep(PAUSE);
            }
        }
        Err(self.locked_out())
    }

    /// Switches from the open file to its successor, which also holds the state of the open file.
    fn follow(&mut self, name: &str) -> Result<(), String> {
        // Sets the time of the file's last change to now, so that no process removes the file because of its age.
        // Processes that start later find the successor file through this one.
        let _ = self.copies.file.set_modified(SystemTime::now());
        self.path.set_file_name(name);
        self.copies = Copies::open(&self.path)?;
        Ok(())
    }

    /// Leaves a file that was removed or replaced, and opens the file at the path.
    fn leave(&mut self) -> Result<(), String> {
        let head = self.copies.head();
        if let Some(name) = head.successor {
            return self.follow(&name);
        }
        let mut state = self.copies.read(&head);
        if let Some(state) = &mut state {
            self.copies.add_noted(state, now());
        }
        let next = Copies::open(&self.path)?;
        let left = std::mem::replace(&mut self.copies, next);
        self.left.push(Left { id: left.id, generation: left.known.generation, state });
        Ok(())
    }

    /// Reads the state of the file that was just locked, and adds what only this process knows. `known` is the state as
    /// this process knew it last.
    fn state(&mut self, head: &Head, known: &State) -> Result<State, String> {
        let (newest, last) = (head.newest(), self.copies.known);
        let went_back = newest.generation <= last.generation && newest != last;
        let read = self.copies.read(head).filter(|read| !is_ahead(read, now()));
        let is_damaged = read.is_none() && last.generation > 0;
        let mut state = match read {
            // The old state may hold a stricter quota than ours. Once nothing in the old state counts any more, a state
            // with our own quota replaces it.
            Some(read) if is_over(&read, now()) => State::shared(self.quota, now()),
            Some(read) => read,
            None if is_damaged => State::lost(self.quota, now()),
            None => self.begin()?,
        };
        let mut add = |missing: &State| {
            if !is_over(missing, now()) {
                state.absorb(now(), missing, |time| time);
            }
        };
        if is_damaged || went_back {
            add(known);
        }
        if !self.left.is_empty() {
            let origin = self.copies.origin();
            for left in self.left.drain(..) {
                let is_copied =
                    origin.is_some_and(|(id, generation)| id == left.id && left.generation <= generation);
                if !is_copied {
                    add(left.state.as_ref().unwrap_or(known));
                }
            }
        }
        Ok(state)
    }

    /// Returns the state to begin with if the file holds none. If the file may have lost a state lately, the limit in
    /// the returned state counts as used up.
    fn begin(&self) -> Result<State, String> {
        let counts = LEASE + Duration::from_nanos(2 * self.quota.span());
        let found = self.copies.file.metadata().and_then(|found| found.modified());
        let changed = found.map_err(|error| failed(&error))?;
        let long_ago = SystemTime::now().duration_since(changed).is_ok_and(|passed| passed > counts);
        let is_lost = self.copies.was_used() && !long_ago;
        Ok(if is_lost { State::lost(self.quota, now()) } else { State::shared(self.quota, now()) })
    }

    /// Whether the file with this name is the open file, or leads to the open file through its successors.
    fn leads_here(&self, name: &str) -> bool {
        let mut path = self.path.with_file_name(name);
        for _ in 0..LONGEST_CHAIN {
            let Ok(mut copies) = Copies::<S>::open_with(&path, &mut OpenOptions::new()) else { return false };
            if copies.identity == self.copies.identity {
                return true;
            }
            let Some(next) = copies.head().successor else { return false };
            path.set_file_name(next);
        }
        // If the chain is this long, the files probably name each other in a circle, so the limit stays in the open
        // file.
        true
    }
}

impl<S: System> Store for LimitFile<S> {
    fn clock(&self) -> fn() -> Nanos {
        now
    }

    fn place(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    fn open(&mut self, state: &mut State) -> Result<(), Unavailable> {
        if self.process != std::process::id() {
            // A forked child shares the lock with its parent, so the lock would exclude neither process.
            return Err(Unavailable::Lost("the process was forked".to_owned()));
        }
        let head = self.lock()?;
        // Reads the clock after `lock` has read the file's head with the notes, so that no note is later than `now`.
        let now = now();
        if !self.copies.is_known(&head) || is_over(state, now) {
            *state = self.state(&head, state).map_err(Unavailable::Lost)?;
        }
        self.copies.add_noted(state, now);
        Ok(())
    }

    fn note(&mut self, note: &EndNote) -> bool {
        // A forked child must not end the requests of its parent. A process that changes from one file to another
        // cannot know which file others will read, so it reports ends by changing the state. Neither writes notes.
        let is_here = self.process == std::process::id() && self.left.is_empty() && self.joining.is_none();
        is_here && self.copies.note(note).is_ok()
    }

    fn close(&mut self, state: &State) -> Result<(), Unavailable> {
        // If the file was replaced during a change that took `VOID` or longer, the new file continues the state from
        // before the change. The grants of the change are void, so the change need not be written.
        let is_void = self.locked.elapsed() >= VOID && self.copies.is_removed() == Ok(true);
        let kept = if is_void { Ok(()) } else { self.copies.write(state).map_err(Unavailable::Lost) };
        self.copies.lock().unlock().map_err(|error| Unavailable::Lost(failed(&error)))?;
        kept
    }

    fn join(&mut self, name: &str, state: &mut State) -> Result<(), Unavailable> {
        if self.leads_here(name) {
            return Ok(());
        }
        let mut to = match self.joining.take() {
            Some(to) => to,
            None => {
                Box::new(Self::at(self.path.with_file_name(name), self.quota).map_err(Unavailable::Lost)?)
            }
        };
        to.is_joined = false;
        let mut theirs = State::shared(self.quota, now());
        if let Err(error) = to.open(&mut theirs) {
            self.joining = Some(to);
            return Err(error);
        }
        if theirs.granted_total() == 0 && theirs.in_flight() == 0 {
            // Moves the whole state, so that requests in flight find their leases in the new file when they end.
            let quota = *theirs.quota();
            theirs = state.clone();
            theirs.tighten(quota);
        } else {
            theirs.absorb(now(), state, |time| time);
        }
        let moved = to.copies.write(&theirs).and_then(|()| self.copies.succeeded_by(name));
        moved.map_err(Unavailable::Lost)?;
        if self.copies.is_removed().map_err(Unavailable::Lost)? {
            // While this process moved the limit, it was stopped, and another process replaced the old file. The
            // replacement does not name the new file, so the other processes still use the replacement. The old file
            // must not name the new file either. Then the next change of this process opens the replacement, and moves
            // the limit from there to the new file.
            self.copies.has_no_successor().map_err(Unavailable::Lost)?;
            return Err(Unavailable::Busy);
        }
        *state = theirs;
        to.is_joined = true;
        *self = *to;
        Ok(())
    }
}

#[cfg(test)]
mod any;
#[cfg(test)]
#[cfg(unix)]
mod tests;
