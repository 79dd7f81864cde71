//! Tests files of limits: shared files, damaged files, removed files, and files of other formats.

mod joining;
mod noting;
mod replacing;

use joining::name;

use std::fs;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use nix::unistd::geteuid;

use super::super::copies::{FIRST, HEAD, HEADS, NAME, Numbers, start};
use super::super::temporary::Folder;
use super::super::unix::Unix;
use super::*;
use crate::limit::state::Reach;

impl Folder {
    fn file(&self) -> PathBuf {
        self.0.join("limit")
    }
}

/// A user of a file. Each user plays the part of a process.
struct User {
    file: LimitFile<Unix>,
    state: State,
}

impl User {
    fn of(path: &Path) -> Self {
        let file = LimitFile::<Unix>::at(path.to_owned(), Quota::default()).unwrap();
        Self { file, state: State::shared(Quota::default(), now()) }
    }

    fn change<R>(&mut self, change: impl FnOnce(&mut State) -> R) -> Result<R, Unavailable> {
        self.file.open(&mut self.state)?;
        let result = change(&mut self.state);
        self.file.close(&self.state)?;
        Ok(result)
    }

    /// Grants as many requests as the limit allows now. None of these requests ends.
    fn grant_all(&mut self) -> usize {
        let granted = |state: &mut State| {
            let now = state.settle(now());
            let mut granted = 0;
            while state.earliest(now, Reach::Whole) == now {
                let _never_ended = state.grant(now);
                granted += 1;
            }
            granted
        };
        self.change(granted).unwrap()
    }
}

#[test]
fn two_users_of_a_file_share_one_limit() {
    let folder = Folder::new("two");
    let (mut one, mut other) = (User::of(&folder.file()), User::of(&folder.file()));
    let ticket = one.change(|state| state.grant(now())).unwrap();
    assert_eq!(other.change(|state| state.in_flight()).unwrap(), 1);
    one.change(|state| state.seen(now(), ticket)).unwrap();
    assert_eq!(other.grant_all(), 199);
    assert_eq!(one.grant_all(), 0);
}

/// Returns the position in the file of the copy that was written last.
fn newest(copies: &Copies<Unix>) -> u64 {
    let Numbers { generation, length, .. } = copies.known;
    start(generation % 2, usize::try_from(length).unwrap())
}

/// A copy that was written in part has a wrong checksum.
#[test]
fn a_copy_that_was_torn_leaves_the_one_before() {
    let folder = Folder::new("torn");
    let mut user = User::of(&folder.file());
    for _ in 0..7 {
        let _ = user.change(|state| state.grant(now())).unwrap();
    }
    let newest = newest(&user.file.copies);
    user.file.copies.file.write_all_at(&[7; 100], newest + 40).unwrap();
    assert_eq!(User::of(&folder.file()).change(|state| state.in_flight()).unwrap(), 6);
}

/// Another process may have left anything in the file.
#[test]
fn a_damaged_file_counts_as_full() {
    let folder = Folder::new("damaged");
    let mut rng = fastrand::Rng::with_seed(3);
    for round in 0..300 {
        let path = folder.0.join(format!("{round}"));
        let mut user = User::of(&path);
        user.grant_all();
        if round % 2 == 1 {
            let _in_the_other_copy = user.change(|state| state.grant(now())).unwrap();
        }
        let length = usize::try_from(user.file.copies.file.metadata().unwrap().len()).unwrap();
        let noise: Vec<u8> = (0..rng.usize(1..length)).map(|_| rng.u8(..)).collect();
        let at = [FIRST, HEADS, newest(&user.file.copies)][round % 3];
        user.file.copies.file.write_all_at(&noise, at).unwrap();
        if round % 3 == 0 {
            user.file.copies.file.set_len(FIRST + rng.u64(1..length as u64)).unwrap();
        }
        let mut later = User::of(&path);
        assert_eq!(later.grant_all(), 0, "round {round}");
    }
}

#[test]
fn a_file_that_was_removed_is_created_again_with_what_was_known() {
    let folder = Folder::new("removed");
    let (mut one, mut other) = (User::of(&folder.file()), User::of(&folder.file()));
    assert_eq!(one.grant_all(), 200);
    fs::remove_file(folder.file()).unwrap();
    // Postpones the check of the path, because the change itself must find that the file was removed.
    one.file.look_at_path = now() + 3_600_000_000_000;
    one.change(|_| ()).unwrap();
    assert!(folder.file().exists());
    assert_eq!(other.grant_all(), 0);
    assert_eq!(User::of(&folder.file()).grant_all(), 0);
}

/// A file that was moved away still has a name, so only a check of the path shows the move.
#[test]
fn a_file_that_was_moved_away_counts_as_removed() {
    let folder = Folder::new("moved");
    let mut user = User::of(&folder.file());
    assert_eq!(user.grant_all(), 200);
    fs::rename(folder.file(), folder.0.join("elsewhere")).unwrap();
    thread::sleep(Duration::from_nanos(LOOK_AT_PATH));
    user.change(|_| ()).unwrap();
    assert_eq!(User::of(&folder.file()).grant_all(), 0);
}

#[test]
fn files_and_folders_of_others_are_not_used() {
    let folder = Folder::new("foreign");
    let why = |path: &Path| LimitFile::<Unix>::at(path.to_owned(), Quota::default()).map(drop).unwrap_err();
    let path = folder.file();
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    assert!(why(&path).contains("only its owner may use"), "{}", why(&path));
    fs::remove_file(&path).unwrap();
    symlink(folder.0.join("elsewhere"), &path).unwrap();
    assert!(why(&path).contains("symbolic links"), "{}", why(&path));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(why(&path).contains("directory"), "{}", why(&path));

    let link = folder.0.join("parent");
    fs::create_dir(&link).unwrap();
    let owner = geteuid().as_raw();
    symlink(&folder.0, link.join(format!("hightouch-sdk-{owner}"))).unwrap();
    assert!(super::super::unix::private(&link).unwrap_err().contains("only its owner may use"));
    fs::remove_file(link.join(format!("hightouch-sdk-{owner}"))).unwrap();
    let made = super::super::unix::private(&link).unwrap();
    assert_eq!(fs::metadata(&made).unwrap().mode() & 0o777, 0o700);
    fs::set_permissions(&made, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(super::super::unix::private(&link).is_err());
}

#[test]
fn a_file_of_another_format_is_not_touched() {
    let folder = Folder::new("format");
    // In files of version 1, the heads had no room for notes.
    for version in [1, 3] {
        let other = [&HEAD[0][..], &u64::to_le_bytes(version)].concat();
        fs::write(folder.file(), &other).unwrap();
        fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o600)).unwrap();
        let why = LimitFile::<Unix>::at(folder.file(), Quota::default()).map(drop).unwrap_err();
        assert!(why.contains("another format"), "{why}");
        assert_eq!(fs::read(folder.file()).unwrap(), other);
    }
}

/// After a restart of the machine, its clock begins at zero again, so times in the file lie in the future.
#[test]
fn a_file_from_before_a_restart_of_the_host_is_full_at_first_and_empty_later() {
    let folder = Folder::new("restart");
    let mut user = User::of(&folder.file());
    user.change(|state| drop(state.grant(now() + 3_600_000_000_000))).unwrap();
    assert_eq!(User::of(&folder.file()).grant_all(), 0, "the restart was less than two windows ago");

    let mut user = User::of(&folder.file());
    user.change(|state| drop(state.grant(now() + 3_600_000_000_000))).unwrap();
    let hour_ago = SystemTime::now() - Duration::from_hours(1);
    user.file.copies.file.set_modified(hour_ago).unwrap();
    assert_eq!(User::of(&folder.file()).grant_all(), 200);
}

#[test]
fn files_that_are_old_and_unused_are_removed() {
    let folder = Folder::new("sweep");
    let [old, busy, young] = ["old", "busy", "young"].map(|name| folder.0.join(name));
    let hour = Duration::from_hours(1);
    let long_ago = now() - Nanos::try_from(hour.as_nanos()).unwrap();
    for (path, at) in [(&old, long_ago), (&busy, now()), (&young, long_ago)] {
        let mut file = LimitFile::<Unix>::at(path.clone(), Quota::default()).unwrap();
        file.copies.write(&State::shared(Quota::default(), at)).unwrap();
        if path != &young {
            file.copies.file.set_modified(SystemTime::now() - 2 * hour).unwrap();
        }
    }
    super::super::folder::sweep(&folder.0, remove_if_unused::<Unix>);
    assert_eq!([&old, &busy, &young].map(|path| path.exists()), [false, true, true]);
}

/// After a file was emptied, processes that have used it still apply the state that they know from it. Only a new
/// process cannot know this state.
#[test]
fn a_file_that_was_emptied_is_full_for_whoever_knew_it() {
    let folder = Folder::new("emptied");
    let mut user = User::of(&folder.file());
    assert_eq!(user.grant_all(), 200);
    user.file.copies.file.set_len(0).unwrap();
    assert_eq!(user.grant_all(), 0);

    let other = folder.0.join("other");
    let mut user = User::of(&other);
    let _ = user.change(|state| state.grant(now())).unwrap();
    user.file.copies.file.set_len(0).unwrap();
    let mut newcomer = User::of(&other);
    let _ = newcomer.change(|state| state.grant(now())).unwrap();
    assert_eq!(
        user.change(|state| state.in_flight()).unwrap(),
        2,
        "the newcomer has written less than was known"
    );
}

/// A process that has the removed file open can still read what other processes wrote to the file.
#[test]
fn a_survivor_of_a_removal_reads_what_the_others_wrote_before() {
    let folder = Folder::new("survivor");
    let (mut survivor, mut other) = (User::of(&folder.file()), User::of(&folder.file()));
    let _ = survivor.change(|state| state.grant(now())).unwrap();
    assert_eq!(other.grant_all(), 199);
    drop(other);
    fs::remove_file(folder.file()).unwrap();
    assert_eq!(survivor.grant_all(), 0);
}

/// A forked child has the files of its parent open. If the parent did not unlock the files, the system would keep the
/// locks until the child ends.
#[test]
fn a_file_that_a_child_has_open_is_unlocked_when_it_is_left() {
    let folder = Folder::new("child");
    let (one, other) = (folder.0.join(name('1')), folder.0.join(name('a')));
    let mut user = User::of(&one);
    let _child = user.file.copies.file.try_clone().unwrap();
    user.file.open(&mut user.state).unwrap();
    user.file.join(&name('a'), &mut user.state).unwrap();
    user.file.close(&user.state).unwrap();
    let mut newcomer = User::of(&one);
    let _ = newcomer.change(|state| state.grant(now())).unwrap();
    assert_eq!(newcomer.file.path, other);
}

/// A program with a low limit must not slow down other programs for ever.
#[test]
fn a_stricter_limit_holds_only_as_long_as_requests_count() {
    let folder = Folder::new("strict");
    let mut strict = User::of(&folder.file());
    let long_ago = now() - 3_600_000_000_000;
    let mut state = State::shared(Quota { requests: 1, ..Quota::default() }, long_ago);
    let ticket = state.grant(long_ago);
    state.seen(long_ago, ticket);
    strict.file.copies.write(&state).unwrap();
    assert_eq!(User::of(&folder.file()).grant_all(), 200);
}

#[test]
fn a_limit_without_room_in_the_file_is_not_shared() {
    let folder = Folder::new("room");
    let quota = |requests| Quota { requests, ..Quota::default() };
    let mut most = LimitFile::<Unix>::at(folder.file(), quota(40_000)).unwrap();
    let mut state = State::lost(quota(40_000), now());
    most.open(&mut State::shared(quota(40_000), now())).unwrap();
    (0..40_000).for_each(|_| drop(state.grant(now())));
    most.close(&state).unwrap();
    let why = LimitFile::<Unix>::at(folder.file(), quota(40_001)).map(drop).unwrap_err();
    assert!(why.contains("is not shared"), "{why}");
}

/// Waiters and `stats` look at the limit often, and most of the time nothing has changed.
#[test]
fn a_look_at_the_limit_writes_nothing() {
    let folder = Folder::new("look");
    let (mut user, mut other) = (User::of(&folder.file()), User::of(&folder.file()));
    let ticket = user.change(|state| state.grant(now())).unwrap();
    other.change(|_| ()).unwrap();
    let written = user.file.copies.head().newest();
    for looker in [&mut user, &mut other] {
        for _ in 0..3 {
            looker.change(|state| state.settle(now())).unwrap();
        }
    }
    assert_eq!(user.file.copies.head().newest(), written);
    user.change(|state| state.seen(now(), ticket)).unwrap();
    assert_ne!(other.file.copies.head().newest(), written);
    assert_eq!(other.change(|state| (state.in_flight(), state.ended_recently())).unwrap(), (0, 1));
}
