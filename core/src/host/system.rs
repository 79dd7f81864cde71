//! What the file of a limit needs of an operating system.

use std::fmt::Debug;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// How files are opened, read and recognised.
pub(super) trait System: Debug + Send + 'static {
    /// A value that tells one file from another, such as the number of its inode.
    type Identity: Copy + Debug + PartialEq + Send;

    /// Whether a new file at the same path has a lock of its own. A file can then be replaced while a stopped process
    /// holds its lock.
    const CAN_REPLACE: bool;

    /// Opens the file at `path` with these options to read and write.
    ///
    /// # Errors
    /// The file cannot be opened, it is not a regular file, or other users may use it. The error is the reason, worded
    /// as the end of a sentence.
    fn open(path: &Path, options: &mut OpenOptions) -> Result<File, String>;

    /// Opens the separate file that is locked instead of the file at `path`; `None` if the file at `path` is locked
    /// itself.
    fn open_lock(path: &Path) -> Result<Option<File>, String>;

    fn read_exact_at(file: &File, to: &mut [u8], at: u64) -> io::Result<()>;

    fn write_all_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()>;

    fn identity(file: &File) -> io::Result<Self::Identity>;

    /// The identity of the file to which `path` leads.
    fn identity_at(path: &Path) -> io::Result<Self::Identity>;

    /// Whether the file certainly has no name any more.
    fn is_removed(file: &File) -> io::Result<bool>;
}
