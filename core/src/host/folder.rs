//! The folder of the limits' files. Only its owner may use it: whoever can write the files can stop the requests of the
//! other processes.

use std::fs::{DirBuilder, Metadata, read_dir, symlink_metadata};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use nix::unistd::geteuid;

/// The permissions of everyone but the owner.
pub(super) const OTHERS: u32 = 0o077;

/// A file is removed only if nobody has written to it for this long.
const OLD: Duration = Duration::from_hours(1);
/// At most this many files are looked at, because a client waits meanwhile.
const MOST: usize = 2000;

/// Creates the folder below `parent`, or checks that the folder which exists already is private.
///
/// # Errors
/// The folder cannot be created or read, or it is not private. The error is the end of a sentence.
pub(super) fn private(parent: &Path) -> Result<PathBuf, String> {
    let owner = geteuid().as_raw();
    let folder = parent.join(format!("hightouch-sdk-{owner}"));
    let failed = |error: std::io::Error| format!("the folder {} cannot be used: {error}", folder.display());
    match DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(failed(error)),
        _ => {}
    }
    let found = symlink_metadata(&folder).map_err(failed)?;
    if found.is_dir() && found.uid() == owner && found.mode() & OTHERS == 0 {
        Ok(folder)
    } else {
        Err(format!("{} is not a folder that only its owner may use", folder.display()))
    }
}

/// Calls `remove` for each file that nobody has written to for an hour.
pub(super) fn sweep(folder: &Path, remove: impl Fn(&Path)) {
    let now = SystemTime::now();
    let is_old = |found: Metadata| {
        let changed = found.modified().unwrap_or(now);
        found.is_file() && now.duration_since(changed).is_ok_and(|passed| passed >= OLD)
    };
    for entry in read_dir(folder).into_iter().flatten().take(MOST).flatten() {
        if entry.metadata().is_ok_and(is_old) {
            remove(&entry.path());
        }
    }
}
