//! Files and folders of Linux, macOS and other kinds of Unix.

use std::fs::{DirBuilder, File, OpenOptions, symlink_metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::libc::O_NOFOLLOW;
use nix::time::{ClockId, clock_gettime};
use nix::unistd::geteuid;
#[cfg(target_os = "linux")]
use rustix::fs::{AtFlags, StatxFlags, statx};

use super::copies::failed;
use super::system::System;
use crate::limit::Nanos;

/// The permissions of everyone but the owner.
const OTHERS: u32 = 0o077;

#[derive(Debug)]
pub(super) struct Unix;

impl System for Unix {
    /// The device and the inode.
    type Identity = (u64, u64);

    const CAN_REPLACE: bool = true;

    fn open(path: &Path, options: &mut OpenOptions) -> Result<File, String> {
        options.read(true).write(true).truncate(false).mode(0o600).custom_flags(O_NOFOLLOW);
        let file = options.open(path).map_err(|error| failed(&error))?;
        let found = file.metadata().map_err(|error| failed(&error))?;
        if !found.is_file() || found.uid() != geteuid().as_raw() || found.mode() & OTHERS != 0 {
            return Err("its file is not a regular file that only its owner may use".to_owned());
        }
        Ok(file)
    }

    fn open_lock(_path: &Path) -> Result<Option<File>, String> {
        Ok(None)
    }

    fn read_exact_at(file: &File, to: &mut [u8], at: u64) -> io::Result<()> {
        file.read_exact_at(to, at)
    }

    fn write_all_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
        file.write_all_at(bytes, at)
    }

    fn identity(file: &File) -> io::Result<Self::Identity> {
        file.metadata().map(|found| (found.dev(), found.ino()))
    }

    fn identity_at(path: &Path) -> io::Result<Self::Identity> {
        symlink_metadata(path).map(|found| (found.dev(), found.ino()))
    }

    fn is_removed(file: &File) -> io::Result<bool> {
        // Asks only for the number of names (links). If a program asks for the times of a file, the system records a
        // finer time at the next write to the file, and this write costs twice as much.
        #[cfg(target_os = "linux")]
        if let Ok(found) = statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::NLINK) {
            return Ok(found.stx_nlink == 0);
        }
        file.metadata().map(|found| found.nlink() == 0)
    }
}

/// Returns the nanoseconds since the machine was started, including the time in which the machine slept. Nobody can set
/// this clock.
pub(super) fn now() -> Nanos {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let clock = ClockId::CLOCK_BOOTTIME;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let clock = ClockId::CLOCK_MONOTONIC;
    clock_gettime(clock).map_or(0, |time| {
        let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
        seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(time.tv_nsec()).unwrap_or(0))
    })
}

/// Returns a name of the clock that limits use. Processes that see the same folder may have different clocks: the clock
/// begins anew at each start of a machine, and each time namespace has its own clock. The name is empty if the system
/// does not identify its clock.
pub(super) fn clock_name() -> String {
    let start = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let namespace = std::fs::read_link("/proc/self/ns/time").unwrap_or_default();
    format!("{start}{}", namespace.display())
}

/// The folder of the limits' files.
///
/// # Errors
/// The folder cannot be created or read, or it is not private. The error is the reason, worded as the end of a
/// sentence.
pub(super) fn folder() -> Result<PathBuf, String> {
    private(&std::env::temp_dir())
}

/// Creates the folder below `parent`, or checks that the folder which exists already is private.
pub(super) fn private(parent: &Path) -> Result<PathBuf, String> {
    let owner = geteuid().as_raw();
    let folder = parent.join(format!("hightouch-sdk-{owner}"));
    let failed = |error: io::Error| format!("the folder {} cannot be used: {error}", folder.display());
    match DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
        _ => {}
    }
    let found = symlink_metadata(&folder).map_err(failed)?;
    if found.is_dir() && found.uid() == owner && found.mode() & OTHERS == 0 {
        Ok(folder)
    } else {
        Err(format!("{} is not a folder that only its owner may use", folder.display()))
    }
}
