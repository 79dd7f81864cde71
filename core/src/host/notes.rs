//! The notes of ended requests in a limit's file. Each note has a slot, which a process writes without the lock.
//!
//! A slot has the id of the lease, the time of the end, the epoch of the grant (`Backoff::epoch`), and a checksum. The
//! checksum covers the id of the file too. So a reader ignores notes that were written in part, and notes of other
//! files.

use super::copies::{Id, put, sum};
use crate::limit::state::{EndNote, SLOTS};

const EACH: usize = 32;
/// The length of all slots for notes together, in bytes.
pub(super) const LENGTH: usize = EACH * SLOTS;

/// The position in bytes of the slot for the note of a lease, counted from the first slot.
pub(super) fn position(lease: u64) -> usize {
    EACH * EndNote::slot(lease)
}

/// Returns the bytes of the slot that holds `note` in the file with the id `file`.
pub(super) fn write(file: &Id, note: &EndNote) -> [u8; EACH] {
    let mut slot = [0; EACH];
    put(&mut slot, &[note.lease, note.at, note.epoch, check(file, note)]);
    slot
}

/// Reads the note for a lease from the slots of the file with the id `file`. Returns `None` if the slots have no note
/// for this lease, or if the note is damaged.
pub(super) fn read(slots: &[u8], file: &Id, lease: u64) -> Option<EndNote> {
    let slot = slots.get(position(lease)..)?.first_chunk::<EACH>()?;
    let mut words = slot.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word));
    let note =
        EndNote { lease: words.next().filter(|id| *id == lease)?, at: words.next()?, epoch: words.next()? };
    (words.next()? == check(file, &note)).then_some(note)
}

fn check(file: &Id, note: &EndNote) -> u64 {
    let file = u128::from_le_bytes(*file);
    let halves = [file, file >> 64].map(|half| u64::try_from(half & u128::from(u64::MAX)).unwrap_or(0));
    let [low, high] = halves;
    sum(low, &[high, note.lease, note.at, note.epoch])
}
