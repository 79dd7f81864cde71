//! Recognises that the process has reached the system's limit of open files and connections, and says what to do.

use std::io;

pub(crate) const NONE_LEFT: &str = "too many open files: this process has no file descriptors left";
pub(crate) const HINT: &str =
    "Close files and connections that are no longer needed, or raise the limit with `ulimit -n`.";

/// Whether a file or a connection could not be opened because too many are open in the process or in the system.
pub(crate) fn ran_out(error: &io::Error) -> bool {
    // EMFILE and ENFILE have these numbers on every Unix.
    const UNIX: [i32; 2] = [24, 23];
    // On Windows, ERROR_TOO_MANY_OPEN_FILES and WSAEMFILE have these numbers.
    const WINDOWS: [i32; 2] = [4, 10024];
    let codes = if cfg!(windows) { WINDOWS } else { UNIX };
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}

/// Whether opening a file fails now because too many are open. Callers ask this after an error that does not name its
/// cause, such as an error of the system's resolver.
pub(crate) fn are_gone() -> bool {
    std::env::current_exe()
        .is_ok_and(|program| std::fs::File::open(program).is_err_and(|error| ran_out(&error)))
}
