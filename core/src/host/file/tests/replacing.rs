//! Tests that a new file replaces a file and continues its state, while a stopped process holds the lock of the old
//! file.

use super::super::replacing::{Busy, HOPELESS, STOPPED};
use super::joining::name;
use super::*;
use crate::limit::state::Ticket;

impl User {
    fn grant(&mut self, count: usize) -> Vec<Ticket> {
        self.change(|state| (0..count).map(|_| state.grant(now())).collect()).unwrap()
    }

    fn in_flight(&mut self) -> u64 {
        self.change(|state| state.in_flight()).unwrap()
    }

    /// Locks the file for a change that does not end yet.
    fn stops(&mut self) {
        self.file.open(&mut self.state).unwrap();
    }

    /// Tries to lock the file, as if it had been locked for `passed` already.
    fn waits(&mut self, passed: Duration) -> Unavailable {
        assert_eq!(self.change(|_| ()), Err(Unavailable::Busy));
        let busy = self.file.busy.unwrap();
        self.file.busy = Some(Busy { since: busy.since.checked_sub(passed).unwrap(), ..busy });
        self.change(|_| ()).unwrap_err()
    }

    /// Ends the change that [`Self::stops`] began, as if it had taken `passed`.
    fn goes_on_after(&mut self, passed: Duration) {
        self.file.locked = Instant::now().checked_sub(passed).unwrap();
        self.file.close(&self.state).unwrap();
    }
}

/// Incident: after a file was replaced, the limit of the machine fell to half for a while. The limit in the new
/// file counted as used up, and each process then added the requests that it knew of. So these requests counted twice.
#[test]
fn a_process_that_stops_with_the_lock_costs_the_others_nothing_of_the_limit() {
    let folder = Folder::new("stopped");
    let [mut stopped, mut other, mut bystander] = [(); 3].map(|()| User::of(&folder.file()));
    let _ = (stopped.grant(30), bystander.grant(20));
    let own = other.grant(50);
    assert_eq!(stopped.in_flight(), 100);
    stopped.stops();
    let old = other.file.copies.identity;
    assert_eq!(other.waits(STOPPED), Unavailable::Busy);
    assert_eq!(other.in_flight(), 100);
    assert_ne!(other.file.copies.identity, old, "the file was replaced");
    assert_eq!(bystander.in_flight(), 100);
    other.change(|state| own.into_iter().for_each(|ticket| state.never_sent(now(), ticket))).unwrap();
    assert_eq!(bystander.in_flight(), 50, "the new file knows the leases of the old one");
    assert_eq!(User::of(&folder.file()).grant_all(), 150);
}

/// The grants of a change are void if the process was stopped for seconds during the change. So the new file does not
/// count them.
#[test]
fn the_change_of_a_process_that_was_stopped_is_void() {
    let folder = Folder::new("void");
    let [mut stopped, mut other] = [(); 2].map(|()| User::of(&folder.file()));
    let before = stopped.grant(10);
    stopped.stops();
    let void: Vec<_> = (0..5).map(|_| stopped.state.grant(now())).collect();
    assert_eq!(other.waits(STOPPED), Unavailable::Busy);
    let _ = other.grant(5);
    stopped.goes_on_after(STOPPED);
    assert_eq!(stopped.in_flight(), 15);
    stopped.change(|state| void.into_iter().for_each(|ticket| state.never_sent(now(), ticket))).unwrap();
    assert_eq!(other.in_flight(), 15, "the leases of the void grants are not those of the other process");
    stopped.change(|state| before.into_iter().for_each(|ticket| state.seen(now(), ticket))).unwrap();
    assert_eq!(other.in_flight(), 5);
}

/// A process that never got the lock cannot tell one long change from many short changes that write nothing. So it may
/// replace the file during a short change, which must still count.
#[test]
fn a_short_change_counts_even_if_the_file_was_replaced_during_it() {
    let folder = Folder::new("short");
    let [mut holder, mut other] = [(); 2].map(|()| User::of(&folder.file()));
    let _ = holder.grant(10);
    holder.stops();
    assert_eq!(other.waits(STOPPED), Unavailable::Busy);
    let _ = holder.state.grant(now());
    holder.goes_on_after(Duration::ZERO);
    // Each process adds what the old file holds, so the requests before the change count more than once.
    assert!(holder.in_flight() >= 11);
    assert!(other.in_flight() >= 11);
}

#[test]
fn only_one_process_replaces_a_file() {
    let folder = Folder::new("replacers");
    let [mut stopped, mut first, mut second, mut third] = [(); 4].map(|()| User::of(&folder.file()));
    let _ = stopped.grant(10);
    stopped.stops();
    assert_eq!(second.change(|_| ()), Err(Unavailable::Busy));
    let newest = second.file.busy.unwrap().newest;
    assert_eq!(first.waits(STOPPED), Unavailable::Busy);
    let _ = first.grant(5);
    assert_eq!(second.file.replace(newest), Ok(()), "the path leads to another file already");
    assert_eq!([&mut second, &mut third].map(User::in_flight), [15, 15]);
}

/// One process is stopped while it holds the lock, and another while it replaces the file. The other processes would
/// wait for ever if they did not stop sharing the limit.
#[test]
fn a_process_that_stops_while_it_replaces_the_file_ends_the_sharing() {
    let folder = Folder::new("hopeless");
    let [mut stopped, mut other] = [(); 2].map(|()| User::of(&folder.file()));
    stopped.stops();
    let replacer = fs::File::open(&folder.0).unwrap();
    replacer.try_lock().unwrap();
    assert_eq!(other.waits(STOPPED), Unavailable::Busy);
    let Unavailable::Lost(why) = other.waits(HOPELESS) else { panic!() };
    assert!(why.contains("is stopped"), "{why}");
}

#[test]
fn a_file_whose_holder_was_not_stopped_after_all_is_full() {
    let folder = Folder::new("awake");
    let [mut holder, mut other] = [(); 2].map(|()| User::of(&folder.file()));
    holder.stops();
    assert_eq!(other.change(|_| ()), Err(Unavailable::Busy));
    let newest = other.file.busy.unwrap().newest;
    let _ = holder.state.grant(now());
    holder.file.close(&holder.state).unwrap();
    holder.stops();
    other.file.replace(newest).unwrap();
    assert_eq!(User::of(&folder.file()).grant_all(), 0);
}

#[test]
fn a_damaged_file_whose_holder_is_stopped_is_full() {
    let folder = Folder::new("stopped-damaged");
    let [mut stopped, mut other] = [(); 2].map(|()| User::of(&folder.file()));
    let _ = (stopped.grant(10), other.grant(10));
    stopped.stops();
    for copy in [0, 1] {
        stopped.file.copies.file.write_all_at(&[7; 100], start(copy, 12)).unwrap();
    }
    assert_eq!(other.waits(STOPPED), Unavailable::Busy);
    assert_eq!(User::of(&folder.file()).grant_all(), 0);
}

#[test]
fn a_process_that_stops_after_it_moved_the_limit_holds_up_nobody() {
    let folder = Folder::new("stopped-leads");
    let (one, to) = (folder.0.join(name('1')), folder.0.join(name('a')));
    let [mut stopped, mut other] = [(); 2].map(|()| User::of(&one));
    let _ = (stopped.grant(10), User::of(&to).grant(20));
    stopped.stops();
    stopped.file.copies.succeeded_by(&name('a')).unwrap();
    assert_eq!(other.waits(STOPPED), Unavailable::Busy);
    assert_eq!(other.in_flight(), 20);
    assert_eq!(other.file.path, to);
}

/// A process was stopped while it moved the limit to the workspace's file, and another process replaced the old file.
/// The other processes use the replacement, so the limit must be moved again from there.
#[test]
fn a_process_that_was_stopped_while_it_joined_joins_again() {
    let folder = Folder::new("stopped-joins");
    let (one, to) = (folder.0.join(name('1')), folder.0.join(name('a')));
    let [mut stopped, mut other] = [(); 2].map(|()| User::of(&one));
    let _ = stopped.grant(10);
    stopped.stops();
    assert_eq!(other.waits(STOPPED), Unavailable::Busy);
    let _ = other.grant(5);
    assert_eq!(stopped.file.join(&name('a'), &mut stopped.state), Err(Unavailable::Busy));
    stopped.goes_on_after(STOPPED);
    stopped.stops();
    stopped.file.join(&name('a'), &mut stopped.state).unwrap();
    stopped.goes_on_after(Duration::ZERO);
    assert_eq!(stopped.file.path, to);
    assert!(other.in_flight() >= 15);
    assert_eq!(other.file.path, to);
}

/// Incident: a process lost the requests that it knew from a removed file, because it tried to open the new file while
/// another process held the lock of that file.
#[test]
fn what_was_known_is_added_once_the_new_file_can_be_locked() {
    let folder = Folder::new("left");
    let mut user = User::of(&folder.file());
    let _ = user.grant(70);
    fs::remove_file(folder.file()).unwrap();
    let mut other = User::of(&folder.file());
    other.stops();
    assert_eq!(user.change(|_| ()), Err(Unavailable::Busy));
    other.goes_on_after(Duration::ZERO);
    assert_eq!(user.in_flight(), 70);
}
