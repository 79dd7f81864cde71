//! Keeps the limit of a workspace in a file, so that the processes of one user on one host share it.

#[cfg(unix)]
mod copies;
#[cfg(unix)]
mod file;
#[cfg(unix)]
mod folder;

use crate::limit::{Quota, Store};

/// Opens the file of a workspace's limit. `name` is the name of the file: 32 hexadecimal digits.
///
/// # Errors
/// Why processes cannot share the limit here, as the end of a sentence.
#[cfg(unix)]
pub(crate) fn store(name: &str, quota: Quota) -> Result<Box<dyn Store>, String> {
    let folder = folder::private(&std::env::temp_dir())?;
    let path = folder.join(name);
    if !path.exists() {
        folder::sweep(&folder, file::is_unused);
    }
    Ok(Box::new(file::LimitFile::at(path, quota)?))
}

/// Processes share no limit here.
#[cfg(not(unix))]
pub(crate) fn store(_name: &str, _quota: Quota) -> Result<Box<dyn Store>, String> {
    Err("sharing it is not supported on this operating system".to_owned())
}
