//! Tests copies that were written only in part.

use std::fs;

use super::super::portable::Portable;
use super::super::temporary::Folder;
use super::*;
use crate::limit::Quota;

/// The number of requests in flight, according to the newest intact copy.
fn in_flight(path: &Path) -> u64 {
    let mut copies = Copies::<Portable>::open(path).unwrap();
    let head = copies.head();
    copies.read(&head).unwrap().in_flight()
}

/// A process may be killed at any moment of a write.
#[test]
fn a_change_that_was_written_in_part_leaves_the_state_before() {
    let folder = Folder::new("killed");
    let path = folder.0.join("limit");
    for changes in [3, 4] {
        let _ = fs::remove_file(&path);
        let mut copies = Copies::<Portable>::open(&path).unwrap();
        let mut state = State::shared(Quota::default(), 1);
        let mut change = |copies: &mut Copies<Portable>| {
            let _never_ended = state.grant(1);
            copies.write(&state).unwrap();
            fs::read(&path).unwrap()
        };
        let before = (0..changes).map(|_| change(&mut copies)).last().unwrap();
        let after = change(&mut copies);
        assert_eq!(before.len(), after.len(), "the file has room for both copies");
        let differs = |at: &usize| before[*at] != after[*at];
        let (first, last) =
            ((0..after.len()).find(differs).unwrap(), (0..after.len()).rfind(differs).unwrap());
        for end in first..=last + 1 {
            let mut written = before[first..=last].to_vec();
            written[..end - first].copy_from_slice(&after[first..end]);
            Portable::write_all_at(&copies.file, &written, first as u64).unwrap();
            assert_eq!(in_flight(&path), changes + u64::from(end > last), "{end} of {first} to {last}");
        }
    }
}
