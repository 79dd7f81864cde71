//! Tests limits of two API keys that turn out to belong to one workspace.

use super::*;

pub(super) fn name(digit: char) -> String {
    String::from_iter([digit; NAME])
}

/// Two API keys of one workspace have a file each, until an answer shows that the workspace is the same.
#[test]
fn limits_that_turn_out_to_be_one_are_kept_in_one_file() {
    let folder = Folder::new("joined");
    let (one, other) = (folder.0.join(name('1')), folder.0.join(name('2')));
    let (mut first, mut bystander, mut second) = (User::of(&one), User::of(&one), User::of(&other));
    for (user, count) in [(&mut first, 70), (&mut bystander, 10), (&mut second, 50)] {
        user.change(|state| {
            for _ in 0..count {
                let now = now();
                let ticket = state.grant(now);
                state.seen(now, ticket);
            }
        })
        .unwrap();
    }
    for user in [&mut first, &mut second] {
        user.file.open(&mut user.state).unwrap();
        user.file.join(&name('a'), &mut user.state).unwrap();
        user.file.close(&user.state).unwrap();
    }
    for user in [&mut bystander, &mut second, &mut User::of(&one), &mut User::of(&other)] {
        assert_eq!(user.change(|state| state.ended_recently()).unwrap(), 130);
    }
    assert_eq!(bystander.grant_all(), 70);
    assert_eq!(first.grant_all(), 0);
}

/// `join` writes the state to the new file before the old file names the new one. If the process dies between these two
/// steps, all its requests still count. They count twice once another process joins.
#[test]
fn what_was_sent_counts_if_a_process_dies_before_the_old_file_leads_to_the_new_one() {
    let folder = Folder::new("dies-joining");
    let (one, to) = (folder.0.join(name('1')), folder.0.join(name('a')));
    let send = |user: &mut User, count: u64| {
        let sends = |state: &mut State| {
            for _ in 0..count {
                let ticket = state.grant(now());
                state.seen(now(), ticket);
            }
        };
        user.change(sends).unwrap();
    };
    let mut at_new_place = User::of(&to);
    send(&mut at_new_place, 50);
    let mut dies = User::of(&one);
    send(&mut dies, 70);
    // This process does what `join` does first: it writes the state to the new file. It dies before the old file names
    // the new file.
    dies.file.open(&mut dies.state).unwrap();
    let mut there = User::of(&to);
    there.file.open(&mut there.state).unwrap();
    there.state.absorb(now(), &dies.state, |time| time);
    there.file.copies.write(&there.state).unwrap();
    drop((dies, there));
    assert_eq!(at_new_place.change(|state| state.ended_recently()).unwrap(), 120);
    let mut later = User::of(&one);
    send(&mut later, 10);
    later.file.open(&mut later.state).unwrap();
    later.file.join(&name('a'), &mut later.state).unwrap();
    later.file.close(&later.state).unwrap();
    for user in [&mut at_new_place, &mut later, &mut User::of(&one)] {
        assert_eq!(user.change(|state| state.ended_recently()).unwrap(), 200);
    }
    assert_eq!((later.grant_all(), at_new_place.grant_all()), (0, 0));
}

/// Incident: a limit moved to another file without the leases of its requests in flight. So fifteen requests counted
/// for a minute longer than they should.
#[test]
fn a_request_in_flight_when_its_limit_moves_ends_at_the_new_place() {
    let folder = Folder::new("moved");
    let path = folder.0.join(name('1'));
    let (mut mover, mut other) = (User::of(&path), User::of(&path));
    let tickets = [&mut mover, &mut other].map(|user| user.change(|state| state.grant(now())).unwrap());
    mover.file.open(&mut mover.state).unwrap();
    mover.file.join(&name('a'), &mut mover.state).unwrap();
    mover.file.close(&mover.state).unwrap();
    for (user, ticket) in [&mut other, &mut mover].into_iter().zip(tickets) {
        user.change(|state| state.seen(now(), ticket)).unwrap();
    }
    assert_eq!(other.change(|state| (state.in_flight(), state.ended_recently())).unwrap(), (0, 2));
}

#[test]
fn a_file_that_is_busy_is_joined_later() {
    let folder = Folder::new("joined-later");
    let (mut holder, mut user) = (User::of(&folder.0.join(name('a'))), User::of(&folder.0.join(name('1'))));
    holder.file.open(&mut holder.state).unwrap();
    let _ = holder.state.grant(now());
    user.file.open(&mut user.state).unwrap();
    assert_eq!(user.file.join(&name('a'), &mut user.state), Err(Unavailable::Busy));
    holder.file.close(&holder.state).unwrap();
    user.file.join(&name('a'), &mut user.state).unwrap();
    user.file.close(&user.state).unwrap();
    assert_eq!(user.change(|state| state.in_flight()).unwrap(), 1);
}

/// After clients change to an API key of another workspace, a limit can move back to an earlier file. A process that
/// moved the limit from a file to that same file would wait for a lock that it holds.
#[test]
fn a_file_does_not_join_itself() {
    let folder = Folder::new("circle");
    let [one, two] = ['1', '2'].map(|digit| folder.0.join(name(digit)));
    let (mut first, mut second) = (User::of(&one), User::of(&two));
    first.file.open(&mut first.state).unwrap();
    first.file.join(&name('2'), &mut first.state).unwrap();
    first.file.close(&first.state).unwrap();
    second.file.open(&mut second.state).unwrap();
    assert_eq!(second.file.join(&name('1'), &mut second.state), Ok(()));
    assert_eq!(second.file.join(&name('2'), &mut second.state), Ok(()));
    second.file.close(&second.state).unwrap();
    assert_eq!((first.grant_all(), second.grant_all()), (200, 0));
}

#[test]
fn a_file_that_leads_to_another_one_is_kept_while_that_one_is_there() {
    let folder = Folder::new("led");
    let [one, to] = ['1', 'a'].map(|digit| folder.0.join(name(digit)));
    let mut user = User::of(&one);
    user.file.open(&mut user.state).unwrap();
    user.file.join(&name('a'), &mut user.state).unwrap();
    user.file.close(&user.state).unwrap();
    let hours_ago = SystemTime::now() - Duration::from_hours(2);
    for kept in [true, false] {
        if !kept {
            fs::remove_file(&to).unwrap();
        }
        Copies::<Unix>::open(&one).unwrap().file.set_modified(hours_ago).unwrap();
        crate::host::folder::sweep(&folder.0, remove_if_unused::<Unix>);
        assert_eq!(one.exists(), kept);
    }
}
