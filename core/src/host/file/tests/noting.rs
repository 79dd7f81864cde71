//! Tests the notes of ended requests, which a process writes to the file without the lock.

use super::super::super::notes;
use super::super::replacing::{Busy, STOPPED};
use super::joining::name;
use super::*;
use crate::limit::state::{SLOTS, Ticket};

const SECOND: Nanos = 1_000_000_000;

impl User {
    fn grant_one(&mut self) -> Ticket {
        self.change(|state| state.grant(now())).unwrap()
    }

    /// Notes the end of a request. Returns false if the end cannot be noted.
    fn notes(&mut self, ticket: &Ticket) -> bool {
        let note = self.state.end_note(now(), ticket);
        note.is_some_and(|note| self.file.note(&note))
    }

    /// The requests in flight, and those that ended recently.
    fn counts(&mut self) -> (u64, u64) {
        self.change(|state| (state.in_flight(), state.ended_recently())).unwrap()
    }
}

/// Overwrites the slot for the note of a lease with the bytes `slot`.
fn overwrite(user: &User, lease: u64, slot: &[u8]) {
    let at = start(1, 0) - 24 - notes::LENGTH as u64 + notes::position(lease) as u64;
    user.file.copies.file.write_all_at(slot, at).unwrap();
}

#[test]
fn an_end_that_is_noted_frees_its_place_for_everyone_without_a_change() {
    let folder = Folder::new("noted");
    let [mut one, mut other] = [(); 2].map(|()| User::of(&folder.file()));
    let (ticket, held) = (one.grant_one(), one.grant_one());
    assert_eq!(other.counts(), (2, 0));
    let written = one.file.copies.head().newest();
    assert!(one.notes(&ticket));
    assert_eq!(one.file.copies.head().newest(), written, "the state was not written");
    for user in [&mut other, &mut one, &mut User::of(&folder.file())] {
        assert_eq!(user.counts(), (1, 1));
    }
    assert!(!other.state.lacks_end_of(now(), &ticket) && other.state.lacks_end_of(now(), &held));
    assert_eq!((one.counts(), other.grant_all()), ((1, 1), 198));
}

/// A process may be killed while it writes a note, or may read a slot while another process writes it.
#[test]
fn a_note_that_is_damaged_or_of_another_file_is_ignored() {
    let folder = Folder::new("noted-damaged");
    let (mut one, mut foreign) = (User::of(&folder.file()), User::of(&folder.0.join("foreign")));
    let ticket = one.grant_one();
    let note = one.state.end_note(now(), &ticket).unwrap();
    let slot = notes::write(&one.file.copies.id, &note);
    for end in 0..slot.len() {
        let mut torn = [0; 32];
        torn[..end].copy_from_slice(&slot[..end]);
        // If the last bytes of the note happen to be zero, nothing is missing.
        if torn != slot {
            overwrite(&one, note.lease, &torn);
            assert_eq!(User::of(&folder.file()).counts(), (1, 0), "{end} bytes");
        }
        let mut changed = slot;
        changed[end] ^= 1 << (end % 8);
        overwrite(&one, note.lease, &changed);
        assert_eq!(User::of(&folder.file()).counts(), (1, 0), "byte {end}");
    }
    let _ = foreign.grant_one();
    overwrite(&one, note.lease, &notes::write(&foreign.file.copies.id, &note));
    assert_eq!(one.counts(), (1, 0), "a note of another file");
    overwrite(&one, note.lease, &slot);
    assert_eq!(one.counts(), (0, 1));
}

#[test]
fn a_note_whose_request_has_ended_is_ignored() {
    let folder = Folder::new("noted-stale");
    let mut one = User::of(&folder.file());
    let ticket = one.grant_one();
    let stale = one.state.end_note(now(), &ticket).unwrap();
    one.change(|state| state.seen(now(), ticket)).unwrap();
    let _other = one.grant_one();
    assert!(one.file.note(&stale));
    assert_eq!(one.counts(), (1, 1));
}

#[test]
fn an_end_counts_at_the_time_of_its_note_within_bounds() {
    let folder = Folder::new("noted-time");
    for forged in [None, Some(0), Some(Nanos::MAX)] {
        let mut one = User::of(&folder.0.join(format!("{forged:?}")));
        let ticket = one.grant_one();
        let note = one.state.end_note(now(), &ticket).unwrap();
        assert!(one.file.note(&EndNote { at: forged.unwrap_or(note.at), ..note }));
        let before = now();
        assert_eq!(one.counts(), (0, 1));
        let end = one.state.needed_until(now()) - 2 * one.state.span();
        match forged {
            None => assert_eq!(end, note.at),
            Some(0) => assert_eq!(end, ticket.at()),
            Some(_) => assert!((before..=now()).contains(&end)),
        }
        assert_eq!(User::of(&one.file.path).counts(), (0, 1), "what was written can be read");
    }
}

/// Several processes grant requests, write notes of ended requests, and change the state, in random order. No note may
/// replace a note that was not read yet.
#[test]
fn no_note_is_lost_however_many_requests_have_the_same_slot() {
    let folder = Folder::new("noted-slots");
    let mut rng = fastrand::Rng::with_seed(5);
    let (mut noted, mut told) = (0, 0);
    for round in 0..20 {
        let path = folder.0.join(format!("{round}"));
        let mut users = [(); 3].map(|()| User::of(&path));
        let mut held: Vec<(usize, Ticket)> = Vec::new();
        let mut ended = 0;
        for _ in 0..250 {
            let who = rng.usize(0..users.len());
            if held.len() < 5 || held.len() < 2 * SLOTS && rng.u8(0..5) < 3 {
                held.push((who, users[who].grant_one()));
                if rng.u8(0..8) > 0 && held.len() > 3 {
                    // Skips an id. Ids get their slots in turn, so after skipped ids a new request can have the same
                    // slot as a request that is still in flight.
                    let short = users[who].grant_one();
                    users[who].change(|state| state.never_sent(now(), short)).unwrap();
                }
                continue;
            }
            let (who, ticket) = held.swap_remove(rng.usize(0..held.len()));
            ended += 1;
            if users[who].notes(&ticket) {
                noted += 1;
            } else {
                told += 1;
                users[who].change(|state| state.seen(now(), ticket)).unwrap();
            }
            if rng.u8(0..16) == 0 {
                assert_eq!(User::of(&path).counts(), (held.len() as u64, ended));
            }
        }
        assert_eq!(User::of(&path).counts(), (held.len() as u64, ended));
    }
    assert!(noted > 500 && told > 100, "{noted} were noted, {told} were told");
}

#[test]
fn a_forked_child_notes_nothing() {
    let folder = Folder::new("noted-fork");
    let [mut one, mut other] = [(); 2].map(|()| User::of(&folder.file()));
    let ticket = one.grant_one();
    one.file.process += 1;
    assert!(!one.notes(&ticket));
    assert_eq!(other.counts(), (1, 0));
    one.file.process -= 1;
    assert!(one.notes(&ticket));
    assert_eq!(other.counts(), (0, 1));
}

#[test]
fn a_new_file_has_what_was_noted_in_the_one_that_it_replaces() {
    let folder = Folder::new("noted-replaced");
    let [mut stopped, mut other, mut bystander] = [(); 3].map(|()| User::of(&folder.file()));
    let [before, after] = [(); 2].map(|()| bystander.grant_one());
    stopped.file.open(&mut stopped.state).unwrap();
    assert_eq!(other.change(|_| ()), Err(Unavailable::Busy));
    assert!(bystander.notes(&before), "a note needs no lock");
    let busy = other.file.busy.unwrap();
    other.file.busy = Some(Busy { since: busy.since.checked_sub(STOPPED).unwrap(), ..busy });
    assert_eq!(other.change(|_| ()), Err(Unavailable::Busy), "the file is replaced");
    assert_eq!(other.counts(), (1, 1));
    // The bystander notes this end in the old file, which nobody reads any more. So the new state lacks the end.
    assert!(bystander.notes(&after));
    assert_eq!(other.counts(), (1, 1));
    assert_eq!(bystander.counts(), (1, 1));
    assert!(bystander.state.lacks_end_of(now(), &after) && !bystander.state.lacks_end_of(now(), &before));
}

#[test]
fn a_file_that_was_removed_is_left_with_what_was_noted_in_it() {
    let folder = Folder::new("noted-removed");
    let [mut one, mut other] = [(); 2].map(|()| User::of(&folder.file()));
    let ticket = one.grant_one();
    let _held = other.grant_one();
    assert!(one.notes(&ticket));
    fs::remove_file(folder.file()).unwrap();
    assert_eq!(other.counts(), (1, 1));
    // The new file was created after the grant. So its state cannot show whether the old file had a note of this end.
    assert!(other.state.lacks_end_of(now(), &ticket));
}

#[test]
fn a_limit_that_moves_takes_with_it_what_was_noted() {
    let folder = Folder::new("noted-joined");
    let (one, to) = (folder.0.join(name('1')), folder.0.join(name('a')));
    let [mut first, mut bystander] = [(); 2].map(|()| User::of(&one));
    let (ticket, held) = (bystander.grant_one(), bystander.grant_one());
    assert!(bystander.notes(&ticket));
    first.file.open(&mut first.state).unwrap();
    first.file.join(&name('a'), &mut first.state).unwrap();
    first.file.close(&first.state).unwrap();
    assert_eq!(first.counts(), (1, 1));
    // The bystander does not know of the new file yet, so it notes this end in the old file.
    assert!(bystander.notes(&held));
    assert_eq!((first.counts(), bystander.counts()), ((1, 1), (1, 1)));
    assert_eq!(bystander.file.path, to);
    assert!(bystander.state.lacks_end_of(now(), &held) && !bystander.state.lacks_end_of(now(), &ticket));
    assert!(bystander.notes(&held), "now in the new file");
    assert_eq!(first.counts(), (0, 2));
}

/// Notes are read only for leases that have not expired. So an end after the lease is reported by a change of the
/// state.
#[test]
fn an_end_after_the_lease_is_not_noted() {
    let folder = Folder::new("noted-late");
    let mut one = User::of(&folder.file());
    let ticket = one.grant_one();
    let lease = Nanos::try_from(LEASE.as_nanos()).unwrap();
    assert!(one.state.end_note(ticket.at() + lease - SECOND, &ticket).is_some());
    assert_eq!(one.state.end_note(ticket.at() + lease, &ticket), None);
}

/// While another process holds the lock of the new file, this process cannot read the state in that file. Until it has
/// read the state, it must write no notes.
#[test]
fn a_process_on_its_way_to_another_file_notes_nothing() {
    let folder = Folder::new("noted-leaving");
    let mut user = User::of(&folder.file());
    let ticket = user.grant_one();
    fs::remove_file(folder.file()).unwrap();
    let mut holder = User::of(&folder.file());
    holder.file.open(&mut holder.state).unwrap();
    assert_eq!(user.change(|_| ()), Err(Unavailable::Busy));
    assert!(!user.notes(&ticket));
    holder.file.close(&holder.state).unwrap();
    assert_eq!(user.counts(), (1, 0));

    let to = folder.0.join(name('a'));
    let mut holder = User::of(&to);
    holder.file.open(&mut holder.state).unwrap();
    let mut user = User::of(&folder.0.join(name('1')));
    let ticket = user.grant_one();
    user.file.open(&mut user.state).unwrap();
    assert_eq!(user.file.join(&name('a'), &mut user.state), Err(Unavailable::Busy));
    assert!(!user.notes(&ticket));
}
