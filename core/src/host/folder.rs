//! The folder of the limits' files. Only its owner may use the folder, because a user who can write the files can stop
//! the requests of all processes.

use std::fs::{Metadata, read_dir};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A file is removed only if nobody has written to it for this long.
const OLD: Duration = Duration::from_hours(1);
/// The removal of old files checks at most this many files, because a client waits until the removal is done.
const MOST: usize = 2000;

/// Calls `remove` for each file that nobody has written to for an hour. Files with the extension `lock` stay.
pub(super) fn sweep(folder: &Path, remove: impl Fn(&Path)) {
    let now = SystemTime::now();
    let is_old = |found: Metadata| {
        let changed = found.modified().unwrap_or(now);
        found.is_file() && now.duration_since(changed).is_ok_and(|passed| passed >= OLD)
    };
    for entry in read_dir(folder).into_iter().flatten().take(MOST).flatten() {
        let path = entry.path();
        let is_lock = path.extension().is_some_and(|extension| extension == "lock");
        if !is_lock && entry.metadata().is_ok_and(is_old) {
            remove(&path);
        }
    }
}
