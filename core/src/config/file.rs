//! Files that settings name.

use std::io::{ErrorKind, Read as _};
use std::path::Path;

/// Reads a file that a setting names, of at most so many bytes; the error says why it cannot be read.
///
/// Only regular files are opened: to open a named pipe is to wait for whoever writes to it.
pub(crate) fn contents(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let unreadable = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => "the file does not exist".to_owned(),
        kind => kind.to_string(),
    };
    let found = std::fs::metadata(path).map_err(unreadable)?;
    if found.is_dir() {
        return Err("it is a directory".to_owned());
    }
    if !found.is_file() {
        return Err("it is a pipe or a device, and only regular files are read".to_owned());
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    // One byte more than allowed tells a larger file from one that just fits.
    file.take(most + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > most {
        let (size, unit) = if most < 1 << 20 { (most >> 10, "KiB") } else { (most >> 20, "MiB") };
        return Err(format!("it is larger than {size} {unit}"));
    }
    Ok(bytes)
}
