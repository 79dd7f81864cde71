//! Two gates that share a limit in a file, as the gates of two processes do.
#![cfg(unix)]

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

    /// Returns the number of requests in flight that the second gate knows of.
    fn told(&self) -> usize {
        usize::try_from(self.other.stats().in_flight).unwrap()
    }
}

impl Drop for Two {
    fn drop(&mut self) {
        let folder = format!("hightouch-sdk-{}", nix::unistd::geteuid());
        let _ = std::fs::remove_file(std::env::temp_dir().join(folder).join(&self.file));
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

#[tokio::test]
async fn an_end_is_told_at_once_if_a_request_waits_here_or_it_was_not_answered() {
    let two = Two::new(3);
    let mut held = take(&two.one, Class::Read, 200).await;
    held.pop().unwrap().never_sent();
    assert_eq!(two.told(), 199);
    held.extend(take(&two.one, Class::Read, 1).await);
    let mut waiting = pin!(two.one.acquire(Ask::new(Class::Read)));
    assert!(poll_once(waiting.as_mut()).is_pending());
    held.pop().unwrap().seen();
    assert_eq!(two.told(), 199);
    assert!(poll_once(waiting.as_mut()).is_pending(), "the end still counts");
}
