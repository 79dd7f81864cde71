//! Limits the memory for the bodies of answers: all answers that a client reads at once share one bound.
//!
//! A small body needs no reservation. Larger bodies reserve bytes of a shared memory, and wait while this memory is
//! used up. But one body at a time may grow to the largest size without waiting. Once that body has ended, another body
//! may grow. Therefore bodies cannot wait for each other for ever.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The largest unpacked body, in bytes: a hundred times the largest known page.
pub(super) const LARGEST_BODY: usize = 64 << 20;
/// Bytes that each body may hold without a reservation: the size of two pages of 100 syncs. So small answers never wait
/// for large answers.
pub(super) const SMALL_BODY: usize = 256 << 10;
/// Bytes that larger bodies share: fifty times the largest known page. Bodies that need more are read one by one.
const SHARED: usize = 32 << 20;

/// Bounds the memory that the bodies of all answers of one client use together.
#[derive(Debug)]
pub(super) struct Rooms {
    shared: Arc<Semaphore>,
    largest: Arc<Semaphore>,
}

/// The memory reserved for one body. Drop this value together with the body, before the caller gets the value that was
/// read from the body.
#[derive(Debug, Default)]
pub(crate) struct Room {
    shared: Option<OwnedSemaphorePermit>,
    largest: Option<OwnedSemaphorePermit>,
}

impl Rooms {
    pub(super) fn new() -> Self {
        Self { shared: Arc::new(Semaphore::new(SHARED)), largest: Arc::new(Semaphore::new(1)) }
    }

    /// Waits until the body may hold `size` bytes; `size` is at most [`LARGEST_BODY`].
    pub(super) async fn grow(&self, room: &mut Room, size: usize) {
        let held = SMALL_BODY + room.shared.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let Some(more) = size.checked_sub(held).filter(|more| *more > 0 && room.largest.is_none()) else {
            return;
        };
        let of_all = async {
            // A request for more permits than exist would never be granted, and would block all requests behind it.
            match u32::try_from(more) {
                Ok(more) if size - SMALL_BODY <= SHARED => {
                    Arc::clone(&self.shared).acquire_many_owned(more).await
                }
                _ => std::future::pending().await,
            }
        };
        // Neither semaphore is ever closed, so one of the first two arms is taken.
        tokio::select! {
            biased;
            Ok(more) = of_all => match &mut room.shared {
                Some(shared) => shared.merge(more),
                none => *none = Some(more),
            },
            Ok(largest) = Arc::clone(&self.largest).acquire_owned() => {
                *room = Room { shared: None, largest: Some(largest) };
            }
            else => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use tokio::task::JoinSet;
    use tokio::time::{sleep, timeout};

    use super::*;

    const BODIES: usize = 100;

    /// Guards against a deadlock: together the bodies need more memory than they share, and each body holds some memory
    /// while it waits for more.
    #[tokio::test(start_paused = true)]
    async fn bodies_that_wait_for_each_other_all_end_within_the_bound() {
        let rooms = Arc::new(Rooms::new());
        let total = Arc::new(AtomicUsize::new(0));
        let most = Arc::new(AtomicUsize::new(0));
        let mut reading = JoinSet::new();
        for nth in 0..BODIES {
            let (rooms, total, most) = (Arc::clone(&rooms), Arc::clone(&total), Arc::clone(&most));
            reading.spawn(async move {
                let (mut room, mut size) = (Room::default(), 0);
                while size < LARGEST_BODY >> (nth % 3) {
                    let larger = (2 * size).clamp(100 << 10, LARGEST_BODY);
                    rooms.grow(&mut room, larger).await;
                    let now = total.fetch_add(larger - size, Ordering::SeqCst) + larger - size;
                    most.fetch_max(now, Ordering::SeqCst);
                    size = larger;
                    sleep(Duration::from_millis(1)).await;
                }
                total.fetch_sub(size, Ordering::SeqCst);
            });
        }
        // The paused clock advances only when every task waits, so the timeout passes only if the bodies wait for each
        // other.
        assert!(timeout(Duration::from_hours(1), reading.join_all()).await.is_ok(), "they wait for ever");
        let most = most.load(Ordering::SeqCst);
        assert!(most <= BODIES * SMALL_BODY + SHARED + LARGEST_BODY, "{} MB at once", most >> 20);
        assert_eq!((rooms.shared.available_permits(), rooms.largest.available_permits()), (SHARED, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_small_body_waits_for_nobody_and_one_that_gives_up_leaves_its_place() {
        let rooms = Rooms::new();
        let (mut large, mut shared) = (Room::default(), Room::default());
        rooms.grow(&mut large, LARGEST_BODY).await;
        rooms.grow(&mut shared, SHARED).await;
        let brief = Duration::from_secs(1);
        let mut waiting = Room::default();
        assert!(timeout(brief, rooms.grow(&mut waiting, 2 * SMALL_BODY + 1)).await.is_err());
        assert!(timeout(brief, rooms.grow(&mut Room::default(), SMALL_BODY)).await.is_ok());
        drop(large);
        assert!(timeout(brief, rooms.grow(&mut waiting, LARGEST_BODY)).await.is_ok());
    }
}
