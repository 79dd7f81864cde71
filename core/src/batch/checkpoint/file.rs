//! The file of a checkpoint: opens it, keeps other writers away, and appends lines that survive a crash.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::lines::{self, BEGINNING};

/// Why a file cannot be used: the rest of a sentence that begins with the name of the file.
pub(super) type Unusable = String;

/// A file that was opened and locked, and its events so far.
pub(super) struct Opened {
    pub log: Log,
    pub events: String,
}

/// The locked file of a checkpoint, to which lines are appended.
pub(super) struct Log {
    file: File,
    /// How many of the queued lines are on the disk.
    written: u64,
    /// Why a line could not be written. After this failure, no further line is written, because a part of the failed
    /// line may be in the file.
    broken: Option<String>,
}

impl Drop for Log {
    fn drop(&mut self) {
        // Closing the file would not end the lock if a forked process has the file open too.
        let _ = self.file.unlock();
    }
}

/// Opens the file, or creates it with `header` as its first line.
pub(super) fn open(path: &Path, header: &str) -> Result<Opened, Unusable> {
    check_place(path)?;
    let failed = |what: &str| {
        let what = what.to_owned();
        move |error: io::Error| format!("cannot be {what}: {error}")
    };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(failed("opened"))?;
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => "is in use by another batch, perhaps in another process".to_owned(),
        TryLockError::Error(error) => failed("locked")(error),
    })?;
    let mut text = Vec::new();
    file.read_to_end(&mut text).map_err(failed("read"))?;
    // A line counts only if it ends with a line break. An incomplete last line can be dropped, because its process
    // ended before acting on the line.
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    if whole == 0 {
        let begun = text.len().min(BEGINNING.len());
        if text.get(..begun) != BEGINNING.as_bytes().get(..begun) {
            return Err("is not a checkpoint of this method".to_owned());
        }
        // No run is started before the header is complete. So a file with an incomplete header can be begun anew.
        rewrite(&mut file, path, header).map_err(failed("written"))?;
        return Ok(Opened { log: Log { file, written: 0, broken: None }, events: String::new() });
    }
    let damaged = |line: usize| format!("is damaged in line {line}");
    let (lines, torn) = text.split_at(whole);
    let lines = std::str::from_utf8(lines).map_err(|error| {
        let before = lines.get(..error.valid_up_to()).unwrap_or_default();
        damaged(before.split(|byte| *byte == b'\n').count())
    })?;
    let (first, events) = lines.split_once('\n').unwrap_or_default();
    lines::check_header(first, header)?;
    let events = events.to_owned();
    if !torn.is_empty() {
        let length = u64::try_from(whole).unwrap_or(u64::MAX);
        file.set_len(length).and_then(|()| file.sync_all()).map_err(failed("written"))?;
    }
    file.seek(SeekFrom::End(0)).map_err(failed("read"))?;
    Ok(Opened { log: Log { file, written: 0, broken: None }, events })
}

/// Checks that the path names a regular file, or nothing yet. A link is refused, because it may lead to a file that
/// another batch uses under another name.
fn check_place(path: &Path) -> Result<(), Unusable> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => Err("is a link, and must be a file".to_owned()),
        Ok(found) if found.is_dir() => Err("is a directory, and must be a file".to_owned()),
        Ok(found) if !found.is_file() => Err("is not a regular file".to_owned()),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(format!("cannot be opened: {error}")),
    }
}

fn rewrite(file: &mut File, path: &Path, header: &str) -> io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(format!("{header}\n").as_bytes())?;
    file.sync_all()?;
    // The name of a new file is on the disk only after its folder was flushed. Windows cannot open a folder as a file,
    // and some network file systems cannot flush a folder.
    #[cfg(unix)]
    {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        match File::open(folder.unwrap_or(Path::new(".")))?.sync_all() {
            Err(error)
                if !matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) =>
            {
                return Err(error);
            }
            _ => {}
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Appends lines to the file. Lines that are queued at the same time are flushed to the disk together.
pub(super) struct Appender {
    queue: Mutex<Queue>,
    log: Arc<tokio::sync::Mutex<Log>>,
    pub path: PathBuf,
}

/// Lines that wait to be written.
#[derive(Default)]
struct Queue {
    text: String,
    /// How many lines were ever queued.
    added: u64,
}

impl Appender {
    pub(super) fn new(path: PathBuf, log: Log) -> Self {
        Self { queue: Mutex::default(), log: Arc::new(tokio::sync::Mutex::new(log)), path }
    }

    /// Appends a line, and returns once the disk has it.
    pub(super) async fn append(&self, line: &str) -> Result<(), Unusable> {
        let own = {
            let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.text.push_str(line);
            queue.text.push('\n');
            queue.added += 1;
            queue.added
        };
        let mut log = Arc::clone(&self.log).lock_owned().await;
        if log.written < own && log.broken.is_none() {
            let Queue { text, added } = {
                let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
                Queue { text: std::mem::take(&mut queue.text), added: queue.added }
            };
            // Writing and flushing can block, so a thread for blocking work does both. The thread keeps the lock of the
            // file if this future is dropped.
            let flushed = tokio::task::spawn_blocking(move || {
                let done = log.file.write_all(text.as_bytes()).and_then(|()| log.file.sync_data());
                match done {
                    Ok(()) => log.written = added,
                    Err(error) => log.broken = Some(format!("cannot be written: {error}")),
                }
                log
            });
            log = flushed.await.map_err(|_| "cannot be written: the runtime has ended".to_owned())?;
        }
        match &log.broken {
            Some(why) if log.written < own => Err(why.clone()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::temporary::Folder;

    /// Returns a path at which no file exists, and its folder.
    fn place() -> (PathBuf, Folder) {
        let folder = Folder::new("checkpoint");
        (folder.0.join("checkpoint"), folder)
    }

    fn header() -> String {
        lines::header("o", &[1.into()], &crate::resources::TriggerSync::default())
    }

    fn refused(path: &Path) -> String {
        open(path, &header()).err().unwrap()
    }

    #[test]
    fn a_file_is_created_with_its_header_and_locked() {
        let (path, _folder) = place();
        let first = open(&path, &header()).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{}\n", header()));
        assert_eq!(refused(&path), "is in use by another batch, perhaps in another process");
        drop(first);
        assert_eq!(open(&path, &header()).unwrap().events, "");
    }

    #[test]
    fn a_torn_line_at_the_end_is_dropped_and_a_foreign_file_is_left_as_it_is() {
        let (path, _folder) = place();
        for torn in ["", r#"{"chec"#, BEGINNING] {
            std::fs::write(&path, torn).unwrap();
            assert_eq!(open(&path, &header()).unwrap().events, "");
        }
        std::fs::write(&path, format!("{}\nabc\n{{\"item", header())).unwrap();
        assert_eq!(open(&path, &header()).unwrap().events, "abc\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{}\nabc\n", header()));
        for foreign in ["id,name", "id,name\n1,2\n", "{\"check\":1}"] {
            std::fs::write(&path, foreign).unwrap();
            assert_eq!(refused(&path), "is not a checkpoint of this method");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), foreign);
        }
        let invalid = [header().as_bytes(), b"\nabc\n\xff\n"].concat();
        std::fs::write(&path, invalid).unwrap();
        assert_eq!(refused(&path), "is damaged in line 3");
    }

    #[test]
    fn only_a_regular_file_is_used() {
        let (path, _folder) = place();
        assert_eq!(refused(path.parent().unwrap()), "is a directory, and must be a file");
        assert!(refused(&path.join("in-no-folder")).starts_with("cannot be opened: "));
        #[cfg(unix)]
        {
            assert_eq!(refused(Path::new("/dev/null")), "is not a regular file");
            std::os::unix::fs::symlink("/nowhere", &path).unwrap();
            assert_eq!(refused(&path), "is a link, and must be a file");
        }
    }

    #[tokio::test]
    async fn lines_that_wait_together_are_all_written_once() {
        let (path, _folder) = place();
        let appender = Arc::new(Appender::new(path.clone(), open(&path, &header()).unwrap().log));
        let lines: Vec<String> = (0..200).map(|nth| format!("line {nth}")).collect();
        let results = futures_util::future::join_all(lines.iter().map(|line| appender.append(line))).await;
        assert!(results.iter().all(Result::is_ok));
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().skip(1).collect::<Vec<_>>(), lines);
    }
}
