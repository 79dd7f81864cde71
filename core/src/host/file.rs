//! The file of one limit.
//!
//! It holds two copies of the state, written in turns, each with a generation and a checksum. So a process that dies
//! while it writes leaves the copy before intact. The system drops the lock of a process that dies. The file is read
//! and written, and not mapped into memory: if somebody cut a mapped file short, the process would be killed.

use std::fs::{File, OpenOptions, TryLockError, rename};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use nix::libc::O_NOFOLLOW;
use nix::time::{ClockId, clock_gettime};
use nix::unistd::geteuid;

use super::folder::OTHERS;
use crate::limit::state::State;
use crate::limit::{Nanos, Quota, Store, Unavailable};

/// What the file begins with: its name, and the version of its format. A process that finds another version keeps its
/// own limit.
const HEAD: [[u8; 8]; 2] = [*b"htlimit\0", 1_u64.to_le_bytes()];
/// Where the copies begin, and how much room each has, in bytes.
const FIRST: u64 = 4096;
const ROOM: usize = 1 << 20;
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
    file: File,
    process: u32,
    /// The generation of the copy that this process read or wrote last.
    generation: u64,
    busy_since: Option<Instant>,
    words: Vec<u64>,
    bytes: Vec<u8>,
}

impl LimitFile {
    pub(super) fn open(path: PathBuf, quota: Quota) -> Result<Self, String> {
        let file = opened(&path)?;
        Ok(Self {
            path,
            quota,
            file,
            process: std::process::id(),
            generation: 0,
            busy_since: None,
            words: Vec::new(),
            bytes: Vec::new(),
        })
    }

    /// Whether the path still leads to the open file. It does not once somebody has removed or replaced the file.
    fn is_current(&self) -> Result<bool, String> {
        let own = self.file.metadata().map_err(|error| failed(&error))?;
        match std::fs::symlink_metadata(&self.path) {
            Ok(found) => Ok(found.ino() == own.ino() && found.dev() == own.dev()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(failed(&error)),
        }
    }

    /// Takes the lock of the file at the path. Returns whether this is still the same file.
    fn lock(&mut self) -> Result<bool, Unavailable> {
        let mut same = true;
        for round in 0..TRIES {
            match self.file.try_lock() {
                Ok(()) if self.is_current().map_err(Unavailable::Lost)? => {
                    self.busy_since = None;
                    return Ok(same);
                }
                Ok(()) => {
                    // Closing the old file gives its lock back.
                    self.file = opened(&self.path).map_err(Unavailable::Lost)?;
                    self.generation = 0;
                    same = false;
                }
                Err(TryLockError::WouldBlock) if round < TRIES / 2 => thread::yield_now(),
                Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
                Err(TryLockError::Error(error)) => return Err(Unavailable::Lost(failed(&error))),
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
        let beside = self.path.with_extension(format!("{}", self.process));
        let _ = std::fs::remove_file(&beside);
        let file = opened(&beside)?;
        let held = std::mem::replace(&mut self.file, file);
        self.generation = 0;
        let kept = self.write(&State::lost(self.quota, now()));
        let renamed = kept.and_then(|()| rename(&beside, &self.path).map_err(|error| failed(&error)));
        if renamed.is_err() {
            self.file = held;
        }
        // The state that this process knows is not the one in the new file, so it is read there.
        self.generation = 0;
        renamed
    }

    /// Reads the newer copy that is intact; `None` if there is none.
    fn read(&mut self) -> Option<State> {
        let mut generations = [0, 1].map(|copy| (self.numbers(copy, 0, 1).unwrap_or_default(), copy));
        generations.sort_unstable_by(|one, other| other.cmp(one));
        for (generation, copy) in generations {
            let Some(&generation) = generation.first().filter(|generation| **generation > 0) else {
                continue;
            };
            let Some(&[length, checksum]) = self.numbers(copy, 1, 2).as_deref() else { continue };
            let Some(words) = self.numbers(copy, 3, length) else { continue };
            if sum(generation, &words) == checksum
                && let Some(state) = State::read(&words)
            {
                self.generation = generation;
                return Some(state);
            }
        }
        None
    }

    /// Reads `length` integers of a copy, beginning with the one at `from`; `None` if they are not there.
    fn numbers(&mut self, copy: u64, from: u64, length: u64) -> Option<Vec<u64>> {
        let length = usize::try_from(length).ok().filter(|length| *length <= ROOM / 8)?;
        self.bytes.resize(length * 8, 0);
        self.file.read_exact_at(&mut self.bytes, start(copy) + from * 8).ok()?;
        Some(self.bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect())
    }

    fn write(&mut self, state: &State) -> Result<(), String> {
        self.words.clear();
        state.write(&mut self.words);
        let generation = self.generation + 1;
        let head = [generation, self.words.len() as u64, sum(generation, &self.words)];
        self.bytes.clear();
        self.bytes.extend(head.iter().chain(&self.words).flat_map(|word| word.to_le_bytes()));
        if self.bytes.len() > ROOM {
            return Err("the limit allows more requests in a window than the file has room for".to_owned());
        }
        self.file.write_all_at(&self.bytes, start(generation % 2)).map_err(|error| failed(&error))?;
        self.generation = generation;
        Ok(())
    }

    /// The state to begin with if no copy is intact, or if the one that is there dates from before the host was
    /// started.
    fn begin(&self, was_used: bool) -> Result<State, String> {
        let span = Duration::from_nanos(2 * self.quota.span());
        let changed =
            self.file.metadata().and_then(|found| found.modified()).map_err(|error| failed(&error))?;
        let long_ago = SystemTime::now().duration_since(changed).is_ok_and(|passed| passed > span);
        let now = now();
        Ok(if was_used && !long_ago { State::lost(self.quota, now) } else { State::shared(self.quota, now) })
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
        let known = self.generation;
        let same = self.lock()?;
        let was_used = self.file.metadata().map_err(|error| Unavailable::Lost(failed(&error)))?.len() > FIRST;
        // The newest copy is the one that this process wrote: nobody else has changed the state since.
        if same && known > 0 && self.newest() == known {
            return Ok(());
        }
        let mut read = match self.read().filter(|read| read.last() <= now()) {
            Some(read) => read,
            None => self.begin(was_used).map_err(Unavailable::Lost)?,
        };
        if !same {
            // The file that this process used was removed or replaced. What this process knew of it counts here too.
            read.absorb(now(), state, |time| time);
        }
        *state = read;
        Ok(())
    }

    fn close(&mut self, state: &State) -> Result<(), Unavailable> {
        let kept = self.write(state).map_err(Unavailable::Lost);
        self.file.unlock().map_err(|error| Unavailable::Lost(failed(&error)))?;
        kept
    }
}

impl LimitFile {
    fn newest(&mut self) -> u64 {
        let mut newest = 0;
        for copy in [0, 1] {
            let generation = self.numbers(copy, 0, 1).and_then(|word| word.first().copied());
            newest = newest.max(generation.unwrap_or(0));
        }
        newest
    }
}

/// Opens the file, or creates it. Refuses one that others may use, and one of another format.
fn opened(path: &std::path::Path) -> Result<File, String> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(O_NOFOLLOW)
        .open(path)
        .map_err(|error| failed(&error))?;
    let found = file.metadata().map_err(|error| failed(&error))?;
    if !found.is_file() || found.uid() != geteuid().as_raw() || found.mode() & OTHERS != 0 {
        return Err("its file is not a regular file that only its owner may use".to_owned());
    }
    let mut head = [0; 16];
    match file.read_exact_at(&mut head, 0) {
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(failed(&error)),
        _ if head == *HEAD.concat() => {}
        _ if head.starts_with(&HEAD[0]) => {
            return Err("its file was written by a version of the SDK with another format".to_owned());
        }
        _ => file.write_all_at(&HEAD.concat(), 0).map_err(|error| failed(&error))?,
    }
    Ok(file)
}

fn start(copy: u64) -> u64 {
    FIRST + copy * ROOM as u64
}

/// A checksum (FNV-1a over integers). It finds torn and damaged copies, and is no protection against forgery: only the
/// owner can write the file.
fn sum(generation: u64, words: &[u64]) -> u64 {
    words.iter().fold(0xcbf2_9ce4_8422_2325 ^ generation, |sum, word| {
        (sum ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(17)
    })
}

fn failed(error: &io::Error) -> String {
    format!("its file cannot be used: {error}")
}

#[cfg(test)]
mod tests;
