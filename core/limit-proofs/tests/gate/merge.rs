//! Two gates of the same workspace become one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use limit_proofs::limit::state::{Decision, Reach, State, Ticket};
use limit_proofs::limit::{Ask, Class, Gate, Linger, Nanos, NotGranted, Permit, Quota};
use tokio::time::{Instant, advance};

use crate::{SPAN, open, poll_once, take};

fn at_once() -> Ask {
    Ask { max_wait: Some(Duration::ZERO), ..Ask::new(Class::Trigger) }
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_through_the_other_gate_weighs_as_if_it_had_been_sent_here() {
    let gate = open();
    advance(Duration::from_secs(3)).await;
    let other = open();
    take(&gate, Class::Read, 100).await.into_iter().for_each(Permit::seen);
    advance(Duration::from_secs(3)).await;
    take(&other, Class::Read, 100).await.into_iter().for_each(Permit::seen);
    let start = Instant::now();
    gate.absorb(&other);
    assert_eq!((gate.stats().used, gate.stats().granted), (200, 200));
    gate.acquire(Ask::new(Class::Read)).await.unwrap().seen();
    let waited = start.elapsed();
    assert!(
        (SPAN.saturating_sub(Duration::from_secs(3))..SPAN).contains(&waited),
        "until the first of its own left: {waited:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_or_comes_at_the_other_gate_is_told_to_move_at_once() {
    let (gate, other) = (open(), open());
    let held = take(&other, Class::Read, 200).await;
    let waiting: Vec<_> = Class::ALL
        .into_iter()
        .map(|class| {
            let other = Arc::clone(&other);
            tokio::spawn(async move { other.acquire(Ask::new(class)).await.map(Permit::never_sent) })
        })
        .collect();
    while other.stats().waiting.bulk == 0 {
        tokio::task::yield_now().await;
    }
    let start = Instant::now();
    gate.absorb(&other);
    for task in waiting {
        assert_eq!(task.await.unwrap(), Err(NotGranted::Moved));
    }
    assert_eq!(other.acquire(at_once()).await.unwrap_err(), NotGranted::Moved);
    assert_eq!(start.elapsed(), Duration::ZERO);
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn what_the_other_gate_had_in_flight_counts_for_a_window_and_ends_there_in_silence() {
    let (gate, other) = (open(), open());
    let mut held = take(&other, Class::Read, 150).await;
    held.pop().unwrap().abandoned(Linger::Brief);
    gate.absorb(&other);
    assert_eq!(gate.stats().in_flight, 150);
    let mut held = held.into_iter();
    held.next().unwrap().never_sent();
    let _ = held.next().unwrap().refused(None);
    held.for_each(Permit::seen);
    assert_eq!((gate.stats().in_flight, gate.stats().allowed), (150, 200), "known here from the merge alone");
    advance(SPAN.saturating_sub(Duration::from_millis(1))).await;
    assert_eq!(gate.stats().in_flight, 150);
    advance(Duration::from_millis(1)).await;
    assert_eq!((gate.stats().in_flight, gate.stats().used), (0, 150));
    advance(SPAN + Duration::from_millis(1)).await;
    assert_eq!(gate.stats().used, 0);
}

#[tokio::test(start_paused = true)]
async fn a_grant_of_the_other_gate_that_was_not_fetched_was_not_sent() {
    let (gate, other) = (open(), Gate::new(Quota { requests: 1, ..Quota::default() }));
    let held = take(&other, Class::Read, 1).await.pop().unwrap();
    let mut waiting = pin!(other.acquire(Ask::new(Class::Read)));
    assert!(poll_once(waiting.as_mut()).is_pending());
    held.never_sent();
    gate.absorb(&other);
    assert_eq!((gate.stats().used, other.stats().used), (0, 0));
    let told = poll_once(waiting.as_mut());
    assert!(matches!(told, Poll::Ready(Err(NotGranted::Moved))), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn the_stricter_of_both_holds_in_all() {
    let (gate, other) = (open(), open());
    other.set_share(0.5);
    let _ = take(&other, Class::Read, 1).await.pop().unwrap().refused(Some(Duration::from_secs(30)));
    let cut = other.stats();
    assert_eq!((cut.allowed, cut.closed_for), (70, Duration::from_secs(30)));
    advance(Duration::from_secs(1)).await;
    gate.absorb(&other);
    let stats = gate.stats();
    assert_eq!((stats.allowed, stats.closed_for), (70, Duration::from_secs(29)));
    assert_eq!((stats.refused, stats.cuts), (1, 1));
    let start = Instant::now();
    gate.acquire(Ask::new(Class::Trigger)).await.unwrap().seen();
    assert_eq!(start.elapsed().as_secs(), 29);
    assert!(gate.acquire(at_once()).await.is_ok(), "the first after the pause was answered");
}

#[tokio::test(start_paused = true)]
async fn absorbing_twice_or_oneself_changes_nothing_and_no_two_gates_lose_each_other() {
    let (gate, other) = (open(), open());
    take(&other, Class::Read, 50).await.into_iter().for_each(Permit::seen);
    gate.absorb(&gate);
    gate.absorb(&other);
    gate.absorb(&other);
    other.absorb(&gate);
    assert_eq!(gate.stats().used, 50);
    assert!(gate.acquire(at_once()).await.is_ok());
}

/// Two clients of one server, each with a limit of its own, in virtual time.
struct TwoStates {
    states: [State; 2],
    rng: fastrand::Rng,
    /// For each request in flight: when it ends, the index of its state in `states`, and the index of its ticket in
    /// `tickets`.
    flying: BinaryHeap<Reverse<(Nanos, usize, usize)>>,
    tickets: Vec<Option<Ticket>>,
    /// When each request arrived, and when it was granted.
    arrivals: Vec<(Nanos, Nanos)>,
}

impl TwoStates {
    fn pass(&mut self, now: Nanos) {
        while let Some(Reverse((end, at, index))) = self.flying.peek().copied().filter(|next| next.0.0 <= now)
        {
            self.flying.pop();
            self.states[at].seen(end, self.tickets[index].take().unwrap());
        }
    }

    fn send(&mut self, now: Nanos, at: usize) {
        while self.states[at].decide(now, Reach::Whole) == Decision::Granted {
            let end = now + self.rng.u64(30_000_000..9_000_000_000);
            self.arrivals.push((self.rng.u64(now..=end), now));
            self.flying.push(Reverse((end, at, self.tickets.len())));
            self.tickets.push(Some(self.states[at].grant(now)));
        }
    }
}

/// Before the merge, the two gates together may exceed the limit. After the merge, no granted request may exceed the
/// limit.
#[test]
fn once_two_full_gates_are_merged_no_request_is_one_of_more_than_the_limit() {
    const STEP: Nanos = 5_000_000;
    for seed in 0..20 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let merged = rng.u64(1..40_000_000_000) / STEP * STEP;
        let states = [State::new(Quota::default()), State::new(Quota::default())];
        let mut both =
            TwoStates { states, rng, flying: BinaryHeap::new(), tickets: Vec::new(), arrivals: Vec::new() };
        for now in (0..merged + 60_000_000_000).step_by(usize::try_from(STEP).unwrap()) {
            both.pass(now);
            if now == merged {
                let other = both.states[1].clone();
                both.states[0].absorb(now, &other, |time| time);
            }
            both.send(now, 0);
            if now < merged {
                both.send(now, 1);
            }
        }
        both.arrivals.sort_unstable();
        let arrived: Vec<_> = both.arrivals.iter().map(|(at, _)| *at).collect();
        for (index, (at, granted)) in both.arrivals.iter().enumerate() {
            let begins = arrived.partition_point(|earlier| earlier + 10_000_000_000 <= *at);
            assert!(
                *granted < merged || index - begins < 200,
                "{} arrived in the 10 s before {at}, merged at {merged}, seed {seed}",
                index - begins + 1
            );
        }
        let after = both.arrivals.iter().filter(|(_, granted)| *granted >= merged).count();
        assert!(after > 500, "{after} in the minute after");
    }
}
