//! The layout of a limit's file: two copies of the state, and the heads between them. Each write replaces the older
//! copy. The heads hold the generation and the checksum of each copy, and the notes of ended requests.
//!
//! A process that dies while it writes one copy leaves the other copy intact. The file is not mapped into memory: if
//! somebody shortened a mapped file, the process would be killed.
//!
//! Both copies touch the heads: the first copy ends where the heads begin, and the second copy begins where the heads
//! end. So one read of the heads shows whether another process has changed the state, and one write stores a copy with
//! its head.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use super::notes;
use super::system::System;
use crate::limit::Nanos;
use crate::limit::state::{EndNote, State};

/// The first bytes of the file: a mark, and the version of the format. A process that finds another version keeps a
/// limit of its own.
pub(super) const HEAD: [[u8; 8]; 2] = [*b"htlimit\0", 2_u64.to_le_bytes()];
/// The random bytes that distinguish the file from all others. They follow [`HEAD`] in the file.
pub(super) type Id = [u8; 16];
/// The position of the origin in the file. The origin is the id of the file that this one continues, and the generation
/// of the copy that was taken over. Both are zero if this file continues no other file.
const ORIGIN: u64 = 32;
const ORIGIN_LENGTH: usize = 24;
/// How much room the file has for each of the two copies of the state, in bytes.
const ROOM: usize = 1 << 20;
/// A copy of a state usually has at most this many bytes.
const NEAR: usize = 32 << 10;
/// The position of the heads in the file. The heads are four values: the [`Numbers`] of the first copy, the name of the
/// successor (the file to which the limit has moved), the notes of ended requests, and the [`Numbers`] of the second
/// copy.
pub(super) const HEADS: u64 = FIRST + ROOM as u64;
const EACH: usize = 24;
pub(super) const NAME: usize = 32;
const NOTES: u64 = HEADS + (EACH + NAME) as u64;
const HEADS_LENGTH: usize = 2 * EACH + NAME + notes::LENGTH;
/// The position in the file at which the room of the first copy begins.
pub(super) const FIRST: u64 = NEAR as u64;

#[derive(Debug)]
pub(super) struct Copies<S: System> {
    pub(super) file: File,
    /// The file that is locked in place of `file`; `None` if `file` itself is locked.
    lock: Option<File>,
    /// The identity of the open file. No other file has the same identity.
    pub(super) identity: S::Identity,
    /// The random number by which the file differs from all others.
    pub(super) id: Id,
    /// The generation, length and checksum of the copy that this process read or wrote last.
    pub(super) known: Numbers,
    process: u32,
    /// The heads (the bytes between the two copies of the state), as this process read them last.
    heads: Vec<u8>,
    /// The state that this process read or wrote last, as integers.
    words: Vec<u64>,
    before: Vec<u64>,
    bytes: Vec<u8>,
}

/// The generation of one copy, its length in integers, and its checksum. The copy with the higher generation is newer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Numbers {
    pub(super) generation: u64,
    pub(super) length: u64,
    checksum: u64,
}

impl Numbers {
    fn read(bytes: &[u8]) -> Self {
        let mut words = bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word));
        let mut next = || words.next().unwrap_or(0);
        Self { generation: next(), length: next(), checksum: next() }
    }
}

/// What the file says about its two copies of the state, and to which file the limit has moved.
#[derive(Debug)]
pub(super) struct Head {
    /// The name of the file to which the limit has moved; `None` if the limit has not moved.
    pub(super) successor: Option<String>,
    copies: [Numbers; 2],
}

impl Head {
    /// The generation, length and checksum of the copy that was written last.
    pub(super) fn newest(&self) -> Numbers {
        self.copies.into_iter().max().unwrap_or_default()
    }
}

impl<S: System> Drop for Copies<S> {
    fn drop(&mut self) {
        // While a forked child has the file open, closing the file in the parent would not release the lock, so the
        // parent unlocks the file. The child must not unlock the file, because the lock belongs to the parent.
        if self.process == std::process::id() {
            let _ = self.lock().unlock();
        }
    }
}

impl<S: System> Copies<S> {
    /// Opens the file, or creates it.
    ///
    /// # Errors
    /// The file cannot be opened, other users may use it, or it has another format. The error is the reason, worded as
    /// the end of a sentence.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        Self::open_with(path, OpenOptions::new().create(true))
    }

    pub(super) fn open_with(path: &Path, options: &mut OpenOptions) -> Result<Self, String> {
        let file = S::open(path, options)?;
        let lock = S::open_lock(path)?;
        let id = begin::<S>(&file)?;
        let identity = S::identity(&file).map_err(|error| failed(&error))?;
        let (known, process) = (Numbers::default(), std::process::id());
        Ok(Self {
            file,
            lock,
            identity,
            id,
            known,
            process,
            heads: vec![0; HEADS_LENGTH],
            words: Vec::new(),
            before: Vec::new(),
            bytes: Vec::new(),
        })
    }

    /// The file that is locked.
    pub(super) fn lock(&self) -> &File {
        self.lock.as_ref().unwrap_or(&self.file)
    }

    /// Whether a state was ever written to the file.
    pub(super) fn was_used(&self) -> bool {
        self.file.metadata().is_ok_and(|found| found.len() > FIRST)
    }

    /// Whether the file has no name any more, because it was removed or replaced.
    pub(super) fn is_removed(&self) -> Result<bool, String> {
        S::is_removed(&self.file).map_err(|error| failed(&error))
    }

    /// Reads the heads, the bytes between the two copies of the state. Missing bytes count as zero.
    pub(super) fn head(&mut self) -> Head {
        if S::read_exact_at(&self.file, &mut self.heads, HEADS).is_err() {
            self.heads.fill(0);
            let _ = S::read_exact_at(&self.file, &mut self.heads, HEADS);
        }
        let (first, rest) = self.heads.split_at(EACH);
        let (name, rest) = rest.split_at(NAME);
        let (_, second) = rest.split_at(notes::LENGTH);
        let successor = name.iter().all(u8::is_ascii_hexdigit);
        let successor = successor.then(|| String::from_utf8_lossy(name).into_owned());
        Head { successor, copies: [Numbers::read(first), Numbers::read(second)] }
    }

    /// Adds to `state` the notes of ended requests that were read with the heads.
    pub(super) fn add_noted(&self, state: &mut State, now: Nanos) {
        let slots = self.heads.get(EACH + NAME..).unwrap_or_default();
        state.add_noted(now, |lease| notes::read(slots, &self.id, lease));
    }

    /// Notes that a request has ended.
    pub(super) fn note(&self, note: &EndNote) -> Result<(), String> {
        let at = NOTES + notes::position(note.lease) as u64;
        S::write_all_at(&self.file, &notes::write(&self.id, note), at).map_err(|error| failed(&error))
    }

    /// Writes the name of the successor, the file to which the limit has moved.
    pub(super) fn succeeded_by(&self, name: &str) -> Result<(), String> {
        S::write_all_at(&self.file, name.as_bytes(), HEADS + EACH as u64).map_err(|error| failed(&error))
    }

    /// Removes the name of the successor from the file.
    pub(super) fn has_no_successor(&self) -> Result<(), String> {
        self.succeeded_by(&"\0".repeat(NAME))
    }

    /// The id of the file that this one continues, and the generation of the copy that was taken over.
    pub(super) fn origin(&self) -> Option<(Id, u64)> {
        let mut bytes = [0; ORIGIN_LENGTH];
        S::read_exact_at(&self.file, &mut bytes, ORIGIN).ok()?;
        let (id, generation) = bytes.split_first_chunk()?;
        Some((*id, u64::from_le_bytes(*generation.first_chunk()?)))
    }

    /// Writes `state`, which continues the newest copy that `other` has read. Also records where that copy was read:
    /// the id of `other` and the generation of the copy.
    ///
    /// # Errors
    /// As for [`Self::write`].
    pub(super) fn continues(&mut self, other: &Self, state: &State) -> Result<(), String> {
        self.write(state)?;
        let origin = [&other.id[..], &other.known.generation.to_le_bytes()].concat();
        S::write_all_at(&self.file, &origin, ORIGIN).map_err(|error| failed(&error))
    }

    /// Whether no other process has written a state since this process read or wrote one.
    pub(super) fn is_known(&self, head: &Head) -> bool {
        self.known.generation > 0 && head.newest() == self.known
    }

    /// Reads the newest copy that is intact; `None` if neither copy is intact.
    pub(super) fn read(&mut self, head: &Head) -> Option<State> {
        let mut copies: Vec<_> = head.copies.into_iter().zip(0..).collect();
        copies.sort_unstable_by(|one, other| other.cmp(one));
        copies.into_iter().find_map(|(numbers, copy)| self.read_copy(numbers, copy))
    }

    fn read_copy(&mut self, numbers: Numbers, copy: u64) -> Option<State> {
        let length = usize::try_from(numbers.length).ok().filter(|length| *length <= ROOM / 8)?;
        self.bytes.resize(length * 8, 0);
        S::read_exact_at(&self.file, &mut self.bytes, start(copy, length)).ok()?;
        self.words.clear();
        self.words.extend(self.bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)));
        let intact = (1..u64::MAX / 2).contains(&numbers.generation)
            && sum(numbers.generation, &self.words) == numbers.checksum;
        let state = State::read(&self.words).filter(|_| intact)?;
        self.known = numbers;
        Some(state)
    }

    /// Writes a state over the older copy. Writes nothing if the newer copy holds the same state, apart from the last
    /// known time.
    ///
    /// # Errors
    /// The state is larger than the room of a copy, or the file cannot be written. The error is the reason, worded as
    /// the end of a sentence.
    pub(super) fn write(&mut self, state: &State) -> Result<(), String> {
        std::mem::swap(&mut self.words, &mut self.before);
        self.words.clear();
        state.write(&mut self.words);
        if self.known.generation > 0 && State::are_alike(&self.words, &self.before) {
            // The state is the same as before. Without a write, no other process has to read the file again.
            return Ok(());
        }
        let length = self.words.len();
        if length > ROOM / 8 {
            return Err("its file has no room for so many requests in a window".to_owned());
        }
        let generation = self.known.generation + 1;
        let numbers = Numbers { generation, length: length as u64, checksum: sum(generation, &self.words) };
        let copy = generation % 2;
        let (before, after) = if copy == 0 { (0, EACH) } else { (EACH, 0) };
        self.bytes.resize(before + 8 * length + after, 0);
        let (head, rest) = self.bytes.split_at_mut(before);
        let (words, end) = rest.split_at_mut(8 * length);
        put(words, &self.words);
        put(if copy == 0 { end } else { head }, &[generation, numbers.length, numbers.checksum]);
        if generation == 1 {
            // Linux caches these bytes in one piece, because they are first written in one piece. Later writes are then
            // faster.
            S::write_all_at(&self.file, &vec![0; 2 * NEAR], HEADS - NEAR as u64)
                .map_err(|error| failed(&error))?;
        }
        // A process that dies during this write leaves a copy that does not match its checksum. Readers then use the
        // other copy.
        let written = S::write_all_at(&self.file, &self.bytes, start(copy, length) - before as u64);
        written.map_err(|error| failed(&error))?;
        self.known = numbers;
        Ok(())
    }
}

/// Reads the first bytes of a file, and writes them if they are missing or damaged. Returns the file's id.
fn begin<S: System>(file: &File) -> Result<Id, String> {
    let (head, mut first, mut id) = (HEAD.as_flattened(), [0; HEAD.as_flattened().len()], Id::default());
    // If the file is too short, the bytes that it lacks stay zero.
    for (bytes, at) in [(&mut first[..], 0), (&mut id[..], HEAD.as_flattened().len() as u64)] {
        match S::read_exact_at(file, bytes, at) {
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(failed(&error)),
            Err(_) => bytes.fill(0),
            Ok(()) => {}
        }
    }
    if first == head && id != Id::default() {
        return Ok(id);
    }
    if first != head && first.starts_with(&HEAD[0]) {
        return Err("its file was written by a version of the SDK with another format".to_owned());
    }
    // The random id is the identity of the file on Windows.
    id = fastrand::u128(..).to_le_bytes();
    let begins = [head, &id, &[0; ORIGIN_LENGTH]].concat();
    S::write_all_at(file, &begins, 0).map_err(|error| failed(&error))?;
    Ok(id)
}

/// The position in the file at which a copy of `length` integers begins.
pub(super) fn start(copy: u64, length: usize) -> u64 {
    if copy == 0 { HEADS - 8 * length as u64 } else { HEADS + HEADS_LENGTH as u64 }
}

/// Writes integers as bytes.
pub(super) fn put(to: &mut [u8], words: &[u64]) {
    for (to, word) in to.as_chunks_mut().0.iter_mut().zip(words) {
        *to = word.to_le_bytes();
    }
}

/// Returns a checksum, which detects copies that were damaged or written in part. The integers are summed in eight
/// columns, because a processor can sum the columns in parallel. Only the owner can write the file, so the checksum
/// need not protect against forgery.
pub(super) fn sum(generation: u64, words: &[u64]) -> u64 {
    let (mut sums, mut weighted) = ([generation; 8], [0_u64; 8]);
    let (chunks, rest) = words.as_chunks::<8>();
    for chunk in chunks {
        for ((sum, weighted), word) in sums.iter_mut().zip(&mut weighted).zip(chunk) {
            *sum = sum.wrapping_add(*word);
            *weighted = weighted.wrapping_add(*sum);
        }
    }
    sums.iter().chain(&weighted).chain(rest).fold(0xcbf2_9ce4_8422_2325, |sum: u64, word| {
        (sum ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(17)
    })
}

pub(super) fn failed(error: &io::Error) -> String {
    format!("its file cannot be used: {error}")
}

#[cfg(test)]
mod tests;
