//! Keeps the limit of a workspace in a file, so that the processes of one user on one machine share it.

mod copies;
mod file;
mod folder;
mod notes;
#[cfg(any(not(unix), test))]
mod portable;
mod system;
#[cfg(test)]
#[path = "../../tests/temporary/mod.rs"]
pub(crate) mod temporary;
#[cfg(unix)]
mod unix;

use crate::limit::{Quota, Store};
#[cfg(not(unix))]
use portable::{self as here, Portable as Here};
#[cfg(unix)]
use unix::{self as here, Unix as Here};

/// Opens the file of a workspace's limit. `name` is the name of the file: 32 hexadecimal digits.
///
/// # Errors
/// The file or its folder cannot be used, or `quota` has more requests than a file can hold. The error is the reason,
/// worded as the end of a sentence.
pub(crate) fn store(name: &str, quota: Quota) -> Result<Box<dyn Store>, String> {
    let folder = here::folder()?;
    let path = folder.join(name);
    if !path.exists() {
        folder::sweep(&folder, file::remove_if_unused::<Here>);
    }
    Ok(Box::new(file::LimitFile::<Here>::at(path, quota)?))
}

/// Returns a name of the clock that the rate limits of this machine use. Only processes with the same clock share a
/// file, so the name of the file depends on this name.
pub(crate) fn clock_name() -> String {
    here::clock_name()
}
