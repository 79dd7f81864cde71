//! Files and folders of Windows, with nothing but the standard library. The tests run most of this module on other
//! systems. Nobody has compiled or run it on Windows yet.
//!
//! On Windows, a process that locks a file also keeps other processes from reading the file. So this module does not
//! lock the limit's file, but an empty file beside it.

use std::fs::{File, OpenOptions, create_dir, symlink_metadata};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::copies::{HEAD, failed};
use super::system::System;
use crate::limit::Nanos;

/// The extension of the files that are locked.
pub(super) const LOCK: &str = "lock";
/// The longest plausible time since the start of a machine. If an `Instant` goes back further, the start cannot be
/// found.
const LONGEST_UPTIME: Duration = Duration::from_hours(20 * 365 * 24);

#[derive(Debug)]
pub(super) struct Portable;

impl System for Portable {
    /// A file is identified by a random number in it, because the standard library does not return Windows's file
    /// number.
    type Identity = [u8; 16];

    const CAN_REPLACE: bool = false;

    fn open(path: &Path, options: &mut OpenOptions) -> Result<File, String> {
        let is_other = |found: &std::fs::Metadata| !found.is_file();
        if symlink_metadata(path).is_ok_and(|found| is_other(&found)) {
            return Err("its file is not a regular file".to_owned());
        }
        options.read(true).write(true).truncate(false).open(path).map_err(|error| failed(&error))
    }

    fn open_lock(path: &Path) -> Result<Option<File>, String> {
        Self::open(&path.with_extension(LOCK), OpenOptions::new().create(true)).map(Some)
    }

    fn read_exact_at(mut file: &File, to: &mut [u8], at: u64) -> io::Result<()> {
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(to)
    }

    fn write_all_at(mut file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
        file.seek(SeekFrom::Start(at))?;
        file.write_all(bytes)
    }

    fn identity(file: &File) -> io::Result<Self::Identity> {
        let mut number = [0; 16];
        Self::read_exact_at(file, &mut number, HEAD.concat().len() as u64).map(|()| number)
    }

    fn identity_at(path: &Path) -> io::Result<Self::Identity> {
        Self::identity(&File::open(path)?)
    }

    /// Returns false, because only a check of the path shows that the file was removed.
    fn is_removed(_file: &File) -> io::Result<bool> {
        Ok(false)
    }
}

/// Returns the longest time for which `goes_back` is true; `None` if `goes_back` is true even for [`LONGEST_UPTIME`].
fn longest(goes_back: impl Fn(Duration) -> bool) -> Option<Duration> {
    if goes_back(LONGEST_UPTIME) {
        return None;
    }
    let (mut some, mut too_long) = (0, u64::try_from(LONGEST_UPTIME.as_nanos()).ok()?);
    while too_long - some > 1 {
        let middle = some + (too_long - some) / 2;
        if goes_back(Duration::from_nanos(middle)) { some = middle } else { too_long = middle }
    }
    Some(Duration::from_nanos(some))
}

/// Returns the time at which the machine was started; `None` if it cannot be found. On Windows, no `Instant` can lie
/// before that time, so the earliest possible `Instant` is searched for. Any other clock that all processes share
/// would need unsafe code.
fn start() -> Option<Instant> {
    static START: OnceLock<Option<Instant>> = OnceLock::new();
    *START.get_or_init(|| {
        let now = Instant::now();
        now.checked_sub(longest(|time| now.checked_sub(time).is_some())?)
    })
}

/// Returns the nanoseconds since the machine was started, including the time in which the machine slept. Nobody can set
/// this clock.
#[cfg_attr(unix, allow(dead_code))]
pub(super) fn now() -> Nanos {
    start().map_or(0, |start| Nanos::try_from(start.elapsed().as_nanos()).unwrap_or(0))
}

/// Returns an empty name. When the machine restarts, the clock begins again at zero, but this name does not change. So
/// a file may hold a state with times ahead of the clock. Such a state is dropped, or counts for longer than it should.
#[cfg_attr(unix, allow(dead_code))]
pub(super) fn clock_name() -> String {
    String::new()
}

/// The folder of the limits' files. Windows lets only the user and administrators use what is below `%LOCALAPPDATA%`.
///
/// # Errors
/// The folder cannot be created, or the clock cannot be shared. The error is the reason, worded as the end of a
/// sentence.
#[cfg_attr(unix, allow(dead_code))]
pub(super) fn folder() -> Result<PathBuf, String> {
    if start().is_none() {
        return Err("the system does not say when it was started".to_owned());
    }
    below(std::env::var_os("LOCALAPPDATA").filter(|folder| !folder.is_empty()).map(PathBuf::from))
}

fn below(parent: Option<PathBuf>) -> Result<PathBuf, String> {
    let folder = parent.ok_or("the variable LOCALAPPDATA is not set")?.join("hightouch-sdk");
    let failed = |error: io::Error| format!("the folder {} cannot be used: {error}", folder.display());
    match create_dir(&folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
        _ => {}
    }
    let is_folder = symlink_metadata(&folder).map_err(failed)?.is_dir();
    if is_folder { Ok(folder) } else { Err(format!("{} is not a folder", folder.display())) }
}

#[cfg(test)]
mod tests {
    use super::super::temporary::Folder;
    use super::*;

    #[test]
    fn the_start_of_a_clock_is_found_if_it_has_one() {
        for uptime in [0, 1, 999, 86_400_000_000_123, 300_000_000_000_000_001] {
            let uptime = Duration::from_nanos(uptime);
            assert_eq!(longest(|time| time <= uptime), Some(uptime));
        }
        assert_eq!(longest(|_| true), None);
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_refused() {
        assert!(below(None).unwrap_err().contains("LOCALAPPDATA"));
        let folder = Folder::new("below");
        let parent = folder.0.join("parent");
        assert!(below(Some(parent.clone())).unwrap_err().contains("cannot be used"));
        std::fs::create_dir_all(&parent).unwrap();
        let made = below(Some(parent.clone())).unwrap();
        assert_eq!(below(Some(parent.clone())).as_ref(), Ok(&made));
        std::fs::remove_dir(&made).unwrap();
        std::fs::write(&made, "").unwrap();
        assert!(below(Some(parent.clone())).unwrap_err().contains("is not a folder"));
    }
}
