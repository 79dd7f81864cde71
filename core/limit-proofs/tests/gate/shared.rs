//! Two gates that share a limit in a file, as the gates of two processes do.
#![cfg(unix)]

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;

use limit_proofs::host_store;
use limit_proofs::limit::{Ask, Class, Gate, Permit, Quota};

use crate::{poll_once, take};

/// Two gates, and the file that they share. The file is removed at the end.
struct Two {
    one: Arc<Gate>,
    other: Arc<Gate>,
    file: String,
}

impl Two {
    fn new(kind: u32) -> Self {
        let file = format!("{kind:08x}{:024x}", std::process::id());
        let gate = || Gate::shared(Quota::default(), host_store(&file, Quota::default()));
        Self { one: gate(), other: gate(), file }
    }

    fn path(&self) -> PathBuf {
        let folder = format!("hightouch-sdk-{}", nix::unistd::geteuid());
        std::env::temp_dir().join(folder).join(&self.file)
    }

    fn has_notes(&self) -> bool {
        let mut notes = vec![0; NOTES.1];
        File::open(self.path()).unwrap().read_exact_at(&mut notes, NOTES.0).unwrap();
        notes.iter().any(|byte| *byte != 0)
    }

    fn write_notes(&self, notes: &[u8]) {
        let file = File::options().write(true).open(self.path()).unwrap();
        file.write_all_at(notes, NOTES.0).unwrap();
    }

    /// Returns the number of requests in flight that the second gate knows of.
    fn told(&self) -> usize {
        usize::try_from(self.other.stats().in_flight).unwrap()
    }
}

impl Drop for Two {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(self.path());
    }
}

#[tokio::test]
async fn few_ends_wait_to_be_told_and_only_while_many_requests_are_in_flight() {
    let two = Two::new(1);
    let mut held = take(&two.one, Class::Read, 40).await;
    assert_eq!(two.told(), 40);
    let mut most = 0;
    while let Some(permit) = held.pop() {
        permit.seen();
        let untold = two.told() - held.len();
        assert!(untold * 8 <= held.len(), "{untold} untold, {} in flight", held.len());
        most = most.max(untold);
    }
    assert_eq!((most, two.told()), (4, 0));
}

#[tokio::test]
async fn the_next_request_tells_the_ends_before_it() {
    let two = Two::new(2);
    let mut held = take(&two.one, Class::Read, 40).await;
    held.drain(..3).for_each(Permit::seen);
    assert_eq!(two.told(), 40);
    held.extend(take(&two.one, Class::Read, 1).await);
    assert_eq!((held.len(), two.told()), (38, 38));
}

/// The first byte of the notes in the file, and how many bytes they take.
const NOTES: (u64, usize) = ((32 << 10) + (1 << 20) + 56, 64 * 32);

#[tokio::test]
async fn an_end_whose_note_is_lost_is_told_by_the_next_request() {
    let two = Two::new(4);
    let mut held = take(&two.one, Class::Read, 5).await;
    held.pop().unwrap().seen();
    assert!(two.has_notes());
    two.write_notes(&vec![0; NOTES.1]);
    assert_eq!(two.told(), 5);
    held.extend(take(&two.one, Class::Read, 1).await);
    assert_eq!((held.len(), two.told()), (5, 5));
    assert_eq!(two.other.stats().used, 6, "the end counts once");
    held.pop().unwrap().seen();
    assert_eq!((two.told(), two.other.stats().used), (4, 6));
    assert_eq!(two.one.stats().used, 6, "an end that others have added is not told again");
}

#[tokio::test]
async fn an_end_is_not_only_noted_if_a_request_waits_here() {
    let two = Two::new(6);
    let mut held = take(&two.one, Class::Read, 200).await;
    held.drain(3..).for_each(Permit::seen);
    assert_eq!(two.told(), 3);
    let mut waiting = pin!(two.one.acquire(Ask::new(Class::Read)));
    assert!(poll_once(waiting.as_mut()).is_pending());
    two.write_notes(&vec![0; NOTES.1]);
    held.pop().unwrap().seen();
    assert!(!two.has_notes());
    assert_eq!(two.told(), 2);
}

/// After a refusal has lowered the limit, each successful request raises it again for all processes. So the end of a
/// request must change the shared state at once. A note of the end, which is read later, is not enough.
#[tokio::test]
async fn while_a_cut_is_in_force_ends_are_not_noted() {
    let two = Two::new(5);
    let mut held = take(&two.one, Class::Read, 6).await;
    let _ = held.pop().unwrap().refused(None);
    held.pop().unwrap().seen();
    assert!(!two.has_notes());
    assert_eq!(two.told(), 4);
}

#[tokio::test]
async fn an_end_is_told_at_once_if_a_request_waits_here_or_it_was_not_answered() {
    let two = Two::new(3);
    let mut held = take(&two.one, Class::Read, 200).await;
    held.pop().unwrap().never_sent();
    assert_eq!(two.told(), 199);
    held.extend(take(&two.one, Class::Read, 1).await);
    let mut waiting = Box::pin(two.one.acquire(Ask::new(Class::Read)));
    assert!(poll_once(waiting.as_mut()).is_pending());
    held.pop().unwrap().seen();
    assert_eq!(two.told(), 199);
    assert!(poll_once(waiting.as_mut()).is_pending(), "the end still counts");
    // These ends let the gate grant the waiting request, but the request does not fetch its permit.
    held.drain(4..).for_each(Permit::never_sent);
    assert_eq!(two.told(), 5);
    held.pop().unwrap().seen();
    assert!(!two.has_notes(), "a grant that nobody fetches must be taken back");
    drop(waiting);
    held.pop().unwrap().seen();
    assert!(two.has_notes());
}
