//! Reads the files that settings name.

use std::io::{self, ErrorKind, Read as _};
use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::descriptors;
use crate::error::{Error, Kind};
use crate::message::{Message, Name};
use crate::reason::Reason;
use crate::text::visible;

/// The largest key file that is read, in bytes: many times the size of a key. The bound protects against a large file
/// that was named by mistake.
const LARGEST_KEY_FILE: u64 = 64 << 10;
/// The largest file of certificates that is read, in bytes. The certificates of all public authorities together take
/// about a quarter of a MiB.
const LARGEST_BUNDLE: u64 = 16 << 20;

enum Unreadable {
    NoDescriptors,
    Because(String),
}

impl Unreadable {
    fn error(self, error: impl FnOnce(String) -> Error) -> Error {
        match self {
            Self::NoDescriptors => error(descriptors::NONE_LEFT.to_owned())
                .with_reason(Reason::NoDescriptors)
                .with_hint(descriptors::HINT),
            Self::Because(why) => error(why),
        }
    }
}

impl From<&str> for Unreadable {
    fn from(why: &str) -> Self {
        Self::Because(why.to_owned())
    }
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            _ if descriptors::ran_out(&error) => Self::NoDescriptors,
            ErrorKind::NotFound => "the file does not exist".into(),
            kind => Self::Because(kind.to_string()),
        }
    }
}

/// Reads a file that a setting names. The file may have at most `most` bytes.
///
/// Only regular files are opened: opening a named pipe would wait until somebody writes to it.
fn contents(path: &Path, most: u64) -> Result<Vec<u8>, Unreadable> {
    let found = std::fs::metadata(path)?;
    if found.is_dir() {
        return Err("it is a directory".into());
    }
    if !found.is_file() {
        return Err("it is a pipe or a device, and only regular files are read".into());
    }
    let mut bytes = Vec::new();
    // Reads one byte more than is allowed, to detect a larger file.
    std::fs::File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let (size, unit) = if most < 1 << 20 { (most >> 10, "KiB") } else { (most >> 20, "MiB") };
        return Err(Unreadable::Because(format!("it is larger than {size} {unit}")));
    }
    Ok(bytes)
}

/// Reads the text of the file that holds the key.
pub(super) fn key_text(path: &Path) -> Result<String, Error> {
    // The error does not show the path: the caller may have passed the key itself in place of a path.
    contents(path, LARGEST_KEY_FILE)
        .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".into()))
        .map_err(|unreadable| {
            unreadable.error(|why| {
                let what = message![
                    "the file that the setting ",
                    Name("apiKeyFile"),
                    " names cannot be read: ",
                    why
                ];
                Error::new(Kind::Config, what)
            })
        })
}

/// Reads the certificates of a PEM file. `named_by` is the setting or variable that names the file; errors mention it.
pub(crate) fn certificates(
    path: &Path,
    named_by: impl Into<Message>,
) -> Result<Vec<CertificateDer<'static>>, Error> {
    let named_by = named_by.into();
    let unusable = |why: String| {
        let path = visible(&path.display().to_string());
        let what = message![named_by.clone(), format!(" names {path}, which {why}")];
        Error::new(Kind::Config, what)
            .with_hint("The file must hold certificates in PEM form (-----BEGIN CERTIFICATE-----).")
    };
    let unreadable = |why: String| unusable(format!("cannot be read: {why}"));
    let bytes = contents(path, LARGEST_BUNDLE).map_err(|why| why.error(unreadable))?;
    let certificates = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unreadable(error.to_string()))?;
    if certificates.is_empty() {
        return Err(unusable("holds no certificate".to_owned()));
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::temporary::Folder;

    #[test]
    fn a_file_without_usable_certificates_is_refused_with_the_reason() {
        let folder = Folder::new("bundles");
        let file = folder.0.join("ca.pem");
        let refused = |path: &Path, why: &str| {
            let error = certificates(path, "the setting").unwrap_err();
            assert_eq!(error.to_string(), format!("The setting names {}, which {why}.", path.display()));
        };
        refused(&folder.0, "cannot be read: it is a directory");
        refused(&file, "cannot be read: the file does not exist");
        refused(
            Path::new("/dev/zero"),
            "cannot be read: it is a pipe or a device, and only regular files are read",
        );
        std::fs::write(&file, b"\xff\xfe").unwrap();
        refused(&file, "holds no certificate");
        // The file is sparse, so its 16 MiB are not written to the disk.
        std::fs::File::create(&file).unwrap().set_len(LARGEST_BUNDLE + 1).unwrap();
        refused(&file, "cannot be read: it is larger than 16 MiB");
    }
}
