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
/// The file or its folder cannot be used, or `quota` has more requests than a file can hold. The error is the end of a
/// sentence.
#[cfg(unix)]
pub(crate) fn store(name: &str, quota: Quota) -> Result<Box<dyn Store>, String> {
    let folder = folder::private(&std::env::temp_dir())?;
    let path = folder.join(name);
    if !path.exists() {
        folder::sweep(&folder, file::remove_if_unused);
    }
    Ok(Box::new(file::LimitFile::at(path, quota)?))
}

/// Returns a name of the clock that limits use here. Processes that see the same folder may have different clocks: the
/// clock begins anew at each start of a host, and each time namespace has its own. Empty if the system does not say.
#[cfg(unix)]
pub(crate) fn clock_name() -> String {
    let start = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let namespace = std::fs::read_link("/proc/self/ns/time").unwrap_or_default();
    format!("{start}{}", namespace.display())
}

/// Processes share no limit here.
#[cfg(not(unix))]
pub(crate) fn clock_name() -> String {
    String::new()
}

/// Processes share no limit here.
#[cfg(not(unix))]
pub(crate) fn store(_name: &str, _quota: Quota) -> Result<Box<dyn Store>, String> {
    Err("sharing it is not supported on this operating system".to_owned())
}
