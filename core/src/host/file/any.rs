//! Tests the files of limits twice: as this system uses them, and as Windows does.

use std::env::{current_exe, var_os};
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use super::super::Here;
use super::super::portable::Portable;
use super::super::temporary::Folder;
use super::replacing::STOPPED;
use super::*;
use crate::limit::state::Reach;

fn name(digit: char) -> String {
    String::from_iter([digit; 32])
}

/// A user of a file. Each user plays the part of a process.
struct User<S: System> {
    file: LimitFile<S>,
    state: State,
}

impl<S: System> User<S> {
    fn of(path: &Path) -> Self {
        let quota = Quota::default();
        Self { file: LimitFile::at(path.to_owned(), quota).unwrap(), state: State::shared(quota, now()) }
    }

    fn change<R>(&mut self, change: impl FnOnce(&mut State) -> R) -> Result<R, Unavailable> {
        self.file.open(&mut self.state)?;
        let result = change(&mut self.state);
        self.file.close(&self.state)?;
        Ok(result)
    }

    /// Grants as many requests as the limit allows now, at most `most`. None of these requests ends.
    fn grant(&mut self, most: usize) -> usize {
        let granted = |state: &mut State| {
            let now = state.settle(now());
            let goes = |state: &mut State| state.earliest(now, Reach::Whole) == now;
            (0..most).take_while(|_| goes(state) && state.grant(now).at() == now).count()
        };
        self.change(granted).unwrap()
    }
}

fn share<S: System>(what: &str) {
    let folder = Folder::new(what);
    let path = folder.0.join(name('1'));
    let (mut one, mut other) = (User::<S>::of(&path), User::<S>::of(&path));
    assert_eq!((one.grant(70), other.grant(50), one.grant(1000)), (70, 50, 80));
    assert_eq!(User::<S>::of(&path).grant(1), 0, "one that comes later shares it too");
}

fn note<S: System>(what: &str) {
    let folder = Folder::new(what);
    let path = folder.0.join(name('1'));
    let (mut one, mut other) = (User::<S>::of(&path), User::<S>::of(&path));
    let ticket = one.change(|state| state.grant(now())).unwrap();
    assert_eq!(other.change(|state| state.in_flight()).unwrap(), 1);
    // While one process holds the lock, another process can still note an end.
    other.file.open(&mut other.state).unwrap();
    let note = one.state.end_note(now(), &ticket).unwrap();
    assert!(one.file.note(&note));
    other.file.close(&other.state).unwrap();
    for user in [&mut other, &mut one, &mut User::<S>::of(&path)] {
        assert_eq!(user.change(|state| (state.in_flight(), state.ended_recently())).unwrap(), (0, 1));
    }
}

fn exclude<S: System>(what: &str) {
    let folder = Folder::new(what);
    let path = folder.0.join(name('1'));
    let (mut one, mut other) = (User::<S>::of(&path), User::<S>::of(&path));
    one.file.open(&mut one.state).unwrap();
    assert_eq!(other.file.open(&mut other.state), Err(Unavailable::Busy));
    // Closes the file of `one`, as the system does when a process dies.
    drop(one);
    assert_eq!(other.grant(1), 1);
}

fn outlive_the_file<S: System>(what: &str) {
    let folder = Folder::new(what);
    let path = folder.0.join(name('1'));
    let (mut one, mut other) = (User::<S>::of(&path), User::<S>::of(&path));
    assert_eq!(one.grant(150), 150);
    assert_eq!(other.grant(1), 1);
    fs::remove_file(&path).unwrap();
    one.file.look_at_path = 0;
    other.file.look_at_path = 0;
    assert_eq!(one.change(|state| state.in_flight()).unwrap(), 151, "what it knew is in the new file");
    // The other user adds the requests that it knew of. The new file has some of these requests already, so they count
    // twice.
    assert!(other.grant(1000) + User::<S>::of(&path).grant(1000) <= 49);
}

fn join<S: System>(what: &str) {
    let folder = Folder::new(what);
    let [one, other] = ['1', '2'].map(|digit| folder.0.join(name(digit)));
    let (mut first, mut second) = (User::<S>::of(&one), User::<S>::of(&other));
    assert_eq!((first.grant(70), second.grant(50)), (70, 50));
    for user in [&mut first, &mut second] {
        user.file.open(&mut user.state).unwrap();
        user.file.join(&name('a'), &mut user.state).unwrap();
        user.file.close(&user.state).unwrap();
    }
    assert_eq!(User::<S>::of(&one).grant(1000), 80);
    assert_eq!(User::<S>::of(&other).grant(1000), 0);
}

fn survive_damage<S: System>(what: &str) {
    let folder = Folder::new(what);
    let path = folder.0.join(name('1'));
    let mut user = User::<S>::of(&path);
    assert_eq!(user.grant(10), 10);
    let length = fs::metadata(&path).unwrap().len();
    let mut bytes = fs::read(&path).unwrap();
    bytes[40..].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), length);
    assert_eq!(User::<S>::of(&path).grant(1000), 0, "a state that is lost counts as full");
}

#[test]
fn users_of_a_file_share_one_limit_on_any_system() {
    share::<Here>("share-here");
    share::<Portable>("share");
}

#[test]
fn an_end_is_noted_without_the_lock_on_any_system() {
    note::<Here>("note-here");
    note::<Portable>("note");
}

#[test]
fn one_user_excludes_the_others_on_any_system() {
    exclude::<Here>("exclude-here");
    exclude::<Portable>("exclude");
}

#[test]
fn users_of_a_file_that_is_removed_go_on_within_the_limit_on_any_system() {
    outlive_the_file::<Here>("removed-here");
    outlive_the_file::<Portable>("removed");
}

#[test]
fn limits_become_one_on_any_system() {
    join::<Here>("join-here");
    join::<Portable>("join");
}

#[test]
fn a_damaged_file_counts_as_full_on_any_system() {
    survive_damage::<Here>("damaged-here");
    survive_damage::<Portable>("damaged");
}

/// On Windows, a new file at the same path has the same lock. So a file cannot be replaced while a stopped process
/// holds its lock, and the other processes stop sharing the limit.
#[test]
fn a_stopped_holder_of_a_lock_that_cannot_be_replaced_ends_the_sharing() {
    let folder = Folder::new("stopped");
    let path = folder.0.join(name('1'));
    let (mut holder, mut other) = (User::<Portable>::of(&path), User::<Portable>::of(&path));
    assert_eq!(other.grant(1), 1);
    holder.file.open(&mut holder.state).unwrap();
    assert_eq!(other.file.open(&mut other.state), Err(Unavailable::Busy));
    let (newest, last) = (other.file.copies.head().newest(), Instant::now());
    let since = last.checked_sub(STOPPED).unwrap();
    other.file.busy = Some(Busy { since, last, newest });
    let why = other.file.open(&mut other.state).unwrap_err();
    assert!(matches!(why, Unavailable::Lost(why) if why.contains("is stopped")));
}

/// The clock of a limit must be the same in all processes.
#[test]
fn two_processes_have_one_clock() {
    const CHILD: &str = "HIGHTOUCH_TEST_SAYS_TIME";
    if var_os(CHILD).is_some() {
        std::io::stderr().write_all(format!("now={}=", now()).as_bytes()).unwrap();
        return;
    }
    let test = "two_processes_have_one_clock";
    let before = now();
    let mut child = Command::new(current_exe().unwrap());
    let said = child.args([test, "--nocapture"]).env(CHILD, "1").stdout(Stdio::null()).output().unwrap();
    let (said, after) = (String::from_utf8_lossy(&said.stderr).into_owned(), now());
    let told: Nanos = said.split('=').nth(1).unwrap_or_else(|| panic!("{said}")).parse().unwrap();
    assert!((before..=after).contains(&told), "{before} {told} {after}");
    assert!(before > 0);
}
