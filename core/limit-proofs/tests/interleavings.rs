//! Runs the gate under loom (`make test-loom`): every interleaving of the threads that use it, with up to two
//! preemptions. If a wake-up is lost, a waiter sleeps for ever, and loom reports that all threads are blocked.
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

/// A gate with room for `room` requests in a window, and the number of permits that threads hold.
struct SmallGate {
    gate: Arc<Gate>,
    holding: Arc<AtomicUsize>,
    room: usize,
}

impl SmallGate {
    fn new(room: u32) -> Self {
        let gate = Gate::new(Quota { requests: room, ..Quota::default() });
        Self { gate, holding: Arc::default(), room: usize::try_from(room).unwrap() }
    }

    fn take(&self) -> Permit {
        block_on(self.gate.acquire(Ask::new(Class::Read))).unwrap()
    }

    /// Starts a thread that waits for a permit, holds the permit, and ends it with `end`.
    fn waits(&self, class: Class, end: fn(Permit)) -> JoinHandle<()> {
        self.asks(Ask::new(class), end)
    }

    fn asks(&self, ask: Ask, end: fn(Permit)) -> JoinHandle<()> {
        let (gate, holding, room) = (Arc::clone(&self.gate), Arc::clone(&self.holding), self.room);
        spawn(move || {
            let permit = block_on(gate.acquire(ask)).unwrap();
            let others = holding.fetch_add(1, Ordering::SeqCst);
            assert!(others < room, "{} hold a permit, and there is room for {room}", others + 1);
            holding.fetch_sub(1, Ordering::SeqCst);
            end(permit);
        })
    }

    /// Starts a thread that asks for a permit and gives up if the permit is not granted at once.
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

    /// Checks that nobody waits, that nothing is in flight, and that the whole limit can be used.
    fn is_as_new(&self) {
        let stats = self.gate.stats();
        let waiting = stats.waiting;
        assert_eq!(waiting.trigger + waiting.poll + waiting.read + waiting.bulk, 0, "somebody still waits");
        assert_eq!(stats.in_flight, 0, "a permit was lost");
        let all: Vec<_> = (0..self.room)
            .map(|_| {
                let mut taking = pin!(self.gate.acquire(Ask::new(Class::Trigger)));
                block_on(once(&mut taking)).expect("the whole limit can be used at once").unwrap()
            })
            .collect();
        all.into_iter().for_each(Permit::never_sent);
    }
}

/// Polls a future once; returns `None` if it is pending.
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
        let small = SmallGate::new(1);
        let held = small.take();
        let waiters = [Class::Read, Class::Trigger].map(|class| small.waits(class, Permit::never_sent));
        held.never_sent();
        for waiter in waiters {
            waiter.join().unwrap();
        }
        small.is_as_new();
    });
}

/// A waiter that is dropped after its grant must pass the grant on.
#[test]
fn a_waiter_that_gives_up_takes_no_place_with_it_and_no_wake_up() {
    explore(PREEMPTIONS, || {
        let small = SmallGate::new(1);
        let held = small.take();
        let quitter = small.gives_up(Class::Trigger);
        let waiter = small.waits(Class::Read, Permit::never_sent);
        held.never_sent();
        quitter.join().unwrap();
        waiter.join().unwrap();
        small.is_as_new();
    });
}

/// Only the first waiter in the queue waits for the time at which a request may be sent. If this waiter gives up, the
/// next waiter must wait for that time.
#[test]
fn when_the_one_who_watches_the_clock_gives_up_the_next_watches_it() {
    explore(PREEMPTIONS, || {
        let small = SmallGate::new(1);
        small.take().seen();
        let quitter = small.gives_up(Class::Trigger);
        let waiter = small.waits(Class::Read, Permit::never_sent);
        quitter.join().unwrap();
        advance(2 * SPAN);
        waiter.join().unwrap();
        small.is_as_new();
    });
}

#[test]
fn a_refusal_closes_the_gate_and_time_opens_it_again_for_all_who_wait() {
    explore(PREEMPTIONS, || {
        let small = SmallGate::new(2);
        let (refused, other) = (small.take(), small.take());
        let waiters = [Class::Read, Class::Poll].map(|class| small.waits(class, Permit::never_sent));
        assert!(matches!(refused.refused(None).next, RefusedBy429::Closed(_)));
        other.never_sent();
        advance(Duration::from_secs(2));
        advance(2 * SPAN);
        for waiter in waiters {
            waiter.join().unwrap();
        }
        assert_eq!(small.gate.stats().refused, 1);
        assert_eq!(small.gate.stats().in_flight, 0);
    });
}

/// The request of a dropped permit counts as in flight for 5 s, and as ended after that. Once a window has passed since
/// that end, the request no longer counts, and the gate must wake the waiter.
#[test]
fn a_request_that_was_given_up_frees_its_place_after_a_while() {
    explore(PREEMPTIONS, || {
        let small = SmallGate::new(1);
        let held = small.take();
        let waiter = small.waits(Class::Read, Permit::never_sent);
        let ender = spawn(move || drop(held));
        ender.join().unwrap();
        advance(Duration::from_secs(5));
        // The request of a dropped permit counts as ended only when the gate is next used, here by `stats`.
        let _ = small.gate.stats();
        advance(2 * SPAN);
        waiter.join().unwrap();
        small.is_as_new();
    });
}

/// Two looks (requests that read the state of a run) wait for one permit. `hint` makes the second look more urgent, and
/// the first look gives up.
#[test]
fn a_hint_meets_looks_that_join_leave_and_go() {
    explore(PREEMPTIONS, || {
        let small = SmallGate::new(2);
        let (first, second) = (Look::new(1), Look::new(2));
        let looks = |look: &Arc<Look>| Ask { look: Some(Arc::clone(look)), ..Ask::new(Class::Poll) };
        let held = block_on(small.gate.acquire(looks(&Look::new(0)))).unwrap();
        let quitter = small.asks_and_gives_up(looks(&first));
        let waiter = small.asks(looks(&second), Permit::never_sent);
        small.gate.hint(&second, Urgency::Ended);
        held.never_sent();
        quitter.join().unwrap();
        waiter.join().unwrap();
        small.is_as_new();
    });
}

/// The gate may take a grant back while the waiter fetches the grant. Then the gate must grant again.
#[test]
fn a_grant_that_is_taken_back_is_not_lost() {
    explore(PREEMPTIONS, || {
        let small = SmallGate::new(1);
        let held = small.take();
        let waiters = [Class::Read, Class::Trigger].map(|class| small.waits(class, Permit::never_sent));
        held.never_sent();
        advance(Duration::from_secs(1));
        // Every change of the share takes back the grants that no waiter has fetched.
        small.gate.set_share(1.0);
        for waiter in waiters {
            waiter.join().unwrap();
        }
        small.is_as_new();
    });
}

#[test]
fn whoever_waits_at_a_gate_that_is_absorbed_is_told_whenever_it_comes() {
    explore(PREEMPTIONS, || {
        let (small, other) = (SmallGate::new(2), SmallGate::new(1));
        let held = other.take();
        let waiter = {
            let gate = Arc::clone(&other.gate);
            spawn(move || match block_on(gate.acquire(Ask::new(Class::Read))) {
                Ok(permit) => permit.never_sent(),
                Err(why) => assert_eq!(why, NotGranted::Moved),
            })
        };
        let gate = Arc::clone(&small.gate);
        let absorber = spawn(move || gate.absorb(&other.gate));
        held.never_sent();
        waiter.join().unwrap();
        absorber.join().unwrap();
        advance(2 * SPAN);
        let _ = small.gate.stats();
        advance(2 * SPAN);
        assert_eq!(small.gate.stats().in_flight, 0);
    });
}
