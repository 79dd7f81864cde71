//! The gate in every order in which its users can meet, as far as two preemptions go (`make test-loom`). Where a wake-up
//! is lost, a waiter sleeps for ever, and the model says that all threads are blocked.
#![cfg(limit_loom)]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use limit_proofs::limit::{
    Ask, Class, Gate, Look, NotGranted, Permit, Quota, RefusedBy429, Urgency, advance, explore,
};
use loom::future::block_on;
use loom::thread::{JoinHandle, spawn};

const PREEMPTIONS: usize = 2;
const SPAN: Duration = Duration::from_millis(10_050);

/// A gate with room for `requests` in a window, and who holds a place of it.
struct Meeting {
    gate: Arc<Gate>,
    holding: Arc<AtomicUsize>,
    room: usize,
}

impl Meeting {
    fn new(room: u32) -> Self {
        let gate = Gate::new(Quota { requests: room, ..Quota::default() });
        Self { gate, holding: Arc::default(), room: usize::try_from(room).unwrap() }
    }

    fn take(&self) -> Permit {
        block_on(self.gate.acquire(Ask::new(Class::Read))).unwrap()
    }

    /// A thread that waits for a place, holds it, and gives it back as `end` says.
    fn waits(&self, class: Class, end: fn(Permit)) -> JoinHandle<()> {
        self.asks(Ask::new(class), end)
    }

    fn asks(&self, ask: Ask, end: fn(Permit)) -> JoinHandle<()> {
        let (gate, holding, room) = (Arc::clone(&self.gate), Arc::clone(&self.holding), self.room);
        spawn(move || {
            let permit = block_on(gate.acquire(ask)).unwrap();
            let others = holding.fetch_add(1, Ordering::SeqCst);
            assert!(others < room, "{} hold a place where there is room for {room}", others + 1);
            holding.fetch_sub(1, Ordering::SeqCst);
            end(permit);
        })
    }

    /// A thread that waits for a place and gives up as soon as it would have to sleep.
    fn gives_up(&self, class: Class) -> JoinHandle<()> {
        self.asks_and_gives_up(Ask::new(class))
    }

    fn asks_and_gives_up(&self, ask: Ask) -> JoinHandle<()> {
        let gate = Arc::clone(&self.gate);
        spawn(move || {
            let mut waiting = Box::pin(gate.acquire(ask));
            let given = block_on(once(&mut waiting));
            drop(waiting);
            if let Some(permit) = given {
                permit.unwrap().never_sent();
            }
        })
    }

    /// When all have gone, nobody waits, nothing flies, and every place can be taken.
    fn is_as_new(&self) {
        let stats = self.gate.stats();
        let waiting = stats.waiting;
        assert_eq!(waiting.trigger + waiting.poll + waiting.read + waiting.bulk, 0, "somebody still waits");
        assert_eq!(stats.in_flight, 0, "a place was lost");
        let all: Vec<_> = (0..self.room)
            .map(|_| {
                let mut taking = pin!(self.gate.acquire(Ask::new(Class::Trigger)));
                block_on(once(&mut taking)).expect("every place can be taken at once").unwrap()
            })
            .collect();
        all.into_iter().for_each(Permit::never_sent);
    }
}

/// What a future gives at once.
async fn once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    poll_fn(|context| match std::pin::Pin::new(&mut *future).poll(context) {
        Poll::Ready(given) => Poll::Ready(Some(given)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

#[test]
fn whoever_waits_is_woken_when_a_place_is_given_back() {
    explore(PREEMPTIONS, || {
        let meeting = Meeting::new(1);
        let held = meeting.take();
        let waiters = [Class::Read, Class::Trigger].map(|class| meeting.waits(class, Permit::never_sent));
        held.never_sent();
        for waiter in waiters {
            waiter.join().unwrap();
        }
        meeting.is_as_new();
    });
}

/// A waiter that was let go and dropped before it fetched its place must give it on.
#[test]
fn a_waiter_that_gives_up_takes_no_place_with_it_and_no_wake_up() {
    explore(PREEMPTIONS, || {
        let meeting = Meeting::new(1);
        let held = meeting.take();
        let quitter = meeting.gives_up(Class::Trigger);
        let waiter = meeting.waits(Class::Read, Permit::never_sent);
        held.never_sent();
        quitter.join().unwrap();
        waiter.join().unwrap();
        meeting.is_as_new();
    });
}

/// The first in line sleeps until the window opens on behalf of all; whoever is first after it must take that over.
#[test]
fn when_the_one_who_watches_the_clock_gives_up_the_next_watches_it() {
    explore(PREEMPTIONS, || {
        let meeting = Meeting::new(1);
        meeting.take().seen();
        let quitter = meeting.gives_up(Class::Trigger);
        let waiter = meeting.waits(Class::Read, Permit::never_sent);
        quitter.join().unwrap();
        advance(2 * SPAN);
        waiter.join().unwrap();
        meeting.is_as_new();
    });
}

#[test]
fn a_refusal_closes_the_gate_and_time_opens_it_again_for_all_who_wait() {
    explore(PREEMPTIONS, || {
        let meeting = Meeting::new(2);
        let (refused, other) = (meeting.take(), meeting.take());
        let waiters = [Class::Read, Class::Poll].map(|class| meeting.waits(class, Permit::never_sent));
        assert!(matches!(refused.refused(None).next, RefusedBy429::Closed(_)));
        other.never_sent();
        advance(Duration::from_secs(2));
        advance(2 * SPAN);
        for waiter in waiters {
            waiter.join().unwrap();
        }
        assert_eq!(meeting.gate.stats().refused, 1);
        assert_eq!(meeting.gate.stats().in_flight, 0);
    });
}

/// A permit that is dropped counts as sent for 5 s: nobody may go before, and somebody must go then.
#[test]
fn a_request_that_was_given_up_frees_its_place_after_a_while() {
    explore(PREEMPTIONS, || {
        let meeting = Meeting::new(1);
        let held = meeting.take();
        let waiter = meeting.waits(Class::Read, Permit::never_sent);
        let ender = spawn(move || drop(held));
        ender.join().unwrap();
        advance(Duration::from_secs(5));
        // It counts as ended when somebody looks, not when it was due.
        let _ = meeting.gate.stats();
        advance(2 * SPAN);
        waiter.join().unwrap();
        meeting.is_as_new();
    });
}

/// Two looks, of which one is hinted at and one gives up, while the lane has room for one.
#[test]
fn a_hint_meets_looks_that_join_leave_and_go() {
    explore(PREEMPTIONS, || {
        let meeting = Meeting::new(2);
        let (first, second) = (Look::new(1), Look::new(2));
        let looks = |look: &Arc<Look>| Ask { look: Some(Arc::clone(look)), ..Ask::new(Class::Poll) };
        let held = block_on(meeting.gate.acquire(looks(&Look::new(0)))).unwrap();
        let quitter = meeting.asks_and_gives_up(looks(&first));
        let waiter = meeting.asks(looks(&second), Permit::never_sent);
        meeting.gate.hint(&second, Urgency::Ended);
        held.never_sent();
        quitter.join().unwrap();
        waiter.join().unwrap();
        meeting.is_as_new();
    });
}

/// A grant that is taken back while its waiter comes for it is given again.
#[test]
fn a_grant_that_is_taken_back_is_not_lost() {
    explore(PREEMPTIONS, || {
        let meeting = Meeting::new(1);
        let held = meeting.take();
        let waiters = [Class::Read, Class::Trigger].map(|class| meeting.waits(class, Permit::never_sent));
        held.never_sent();
        advance(Duration::from_secs(1));
        // Whoever changes anything takes back what was not fetched.
        meeting.gate.set_share(1.0);
        for waiter in waiters {
            waiter.join().unwrap();
        }
        meeting.is_as_new();
    });
}

#[test]
fn whoever_waits_at_a_gate_that_is_absorbed_is_told_whenever_it_comes() {
    explore(PREEMPTIONS, || {
        let (meeting, other) = (Meeting::new(2), Meeting::new(1));
        let held = other.take();
        let waiter = {
            let gate = Arc::clone(&other.gate);
            spawn(move || match block_on(gate.acquire(Ask::new(Class::Read))) {
                Ok(permit) => permit.never_sent(),
                Err(why) => assert_eq!(why, NotGranted::Moved),
            })
        };
        let gate = Arc::clone(&meeting.gate);
        let absorber = spawn(move || gate.absorb(&other.gate));
        held.never_sent();
        waiter.join().unwrap();
        absorber.join().unwrap();
        advance(2 * SPAN);
        let _ = meeting.gate.stats();
        advance(2 * SPAN);
        assert_eq!(meeting.gate.stats().in_flight, 0);
    });
}
