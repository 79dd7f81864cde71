//! The cost of a decision with a full log.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use divan::{Bencher, black_box};
use limit_proofs::limit::line::Class;
use limit_proofs::limit::state::{Decision, Reach, State};
use limit_proofs::limit::turn::{End, Next, Turns};
use limit_proofs::limit::{Nanos, Quota};

fn main() {
    divan::main();
}

/// Returns a state after two windows of steady load with three requests in flight, and the time of the last departure.
fn full() -> (State, Nanos) {
    let mut state = State::new(Quota::default());
    let mut now = 0;
    let mut flying = std::collections::VecDeque::new();
    for _ in 0..1000 {
        while let Decision::WaitUntil(time) = state.decide(now, Reach::Whole) {
            now = time.min(now + 10_000_000);
        }
        flying.push_back(state.grant(now));
        if flying.len() > 3 {
            state.seen(now, flying.pop_front().unwrap());
        }
    }
    (state, now)
}

#[divan::bench]
fn a_decision_to_wait_with_a_full_log(bencher: Bencher<'_, '_>) {
    let (mut state, now) = full();
    assert!(matches!(state.decide(now, Reach::Whole), Decision::WaitUntil(_)));
    assert!(state.remembered() >= 390);
    bencher.bench_local(|| state.decide(black_box(now), Reach::Whole));
}

#[divan::bench]
fn a_decision_to_grant_with_a_full_log(bencher: Bencher<'_, '_>) {
    let (mut state, mut now) = full();
    while let Decision::WaitUntil(time) = state.decide(now, Reach::Whole) {
        now = time;
    }
    bencher.bench_local(|| state.decide(black_box(now), Reach::Whole));
}

/// After a burst, a decision to wait must check two hundred requests that ended within a millisecond.
#[divan::bench]
fn a_decision_to_wait_after_a_burst(bencher: Bencher<'_, '_>) {
    let mut state = State::new(Quota::default());
    let tickets: Vec<_> = (0..200).map(|_| state.grant(0)).collect();
    for (now, ticket) in (1..).map(|nth| nth * 5000).zip(tickets) {
        state.seen(now, ticket);
    }
    bencher.bench_local(|| state.decide(black_box(2_000_000), Reach::Whole));
}

/// One turn of the gate: a waiter is granted and ends, and another one joins; or time passes.
#[divan::bench]
fn a_turn_with_a_thousand_waiting(bencher: Bencher<'_, '_>) {
    let mut turns = Turns::new(Quota::default());
    for nth in 0..1000 {
        turns.join(0, if nth % 2 == 0 { Class::Read } else { Class::Bulk }, None, false, ());
    }
    let mut now = 0;
    bencher.bench_local(|| match turns.next(now) {
        Next::Goes(place, (), grant) => {
            turns.end(now, grant, End::Seen);
            turns.join(now, place.class, None, false, ());
        }
        Next::Later(_, time) => now = time,
        Next::Nobody => unreachable!("a thousand wait"),
    });
}
