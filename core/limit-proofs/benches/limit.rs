//! Measures how long the limit takes to decide whether a request may be sent, while its log of requests is full.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use std::time::Duration;

use divan::{Bencher, black_box};
use limit_proofs::host_store;
use limit_proofs::limit::line::Class;
use limit_proofs::limit::state::{Decision, Reach, State};
use limit_proofs::limit::turn::{End, Next, Turns};
use limit_proofs::limit::{Ask, Gate, Nanos, Permit, Quota};

fn main() {
    divan::main();
}

/// Two limits, in requests per window: Hightouch's, and a large one. The cost of a decision must not grow in proportion
/// to the limit.
const LIMITS: [u32; 2] = [200, 100_000];

/// Returns a state after five windows of steady load with three requests in flight, and the time at which the last
/// request was granted.
fn full(requests: u32) -> (State, Nanos) {
    let mut state = State::new(Quota { requests, ..Quota::default() });
    let mut now = 0;
    let mut flying = std::collections::VecDeque::new();
    for _ in 0..5 * requests {
        while let Decision::WaitUntil(time) = state.decide(now, Reach::Whole) {
            now = time.min(now + state.span() / 1000);
        }
        flying.push_back(state.grant(now));
        if flying.len() > 3 {
            state.seen(now, flying.pop_front().unwrap());
        }
    }
    (state, now)
}

#[divan::bench(args = LIMITS)]
fn a_decision_to_wait_with_a_full_log(bencher: Bencher<'_, '_>, requests: u32) {
    let (mut state, now) = full(requests);
    bencher.bench_local(|| state.decide(black_box(now), Reach::Whole));
}

#[divan::bench(args = LIMITS)]
fn a_decision_to_grant_with_a_full_log(bencher: Bencher<'_, '_>, requests: u32) {
    let (mut state, mut now) = full(requests);
    while let Decision::WaitUntil(time) = state.decide(now, Reach::Whole) {
        now = time;
    }
    bencher.bench_local(|| state.decide(black_box(now), Reach::Whole));
}

/// Measures how long it takes to decide that a request must wait. Before, two hundred requests ended within a
/// millisecond.
#[divan::bench]
fn a_decision_to_wait_after_a_burst(bencher: Bencher<'_, '_>) {
    let mut state = State::new(Quota::default());
    let tickets: Vec<_> = (0..200).map(|_| state.grant(0)).collect();
    for (now, ticket) in (1..).map(|nth| nth * 5000).zip(tickets) {
        state.seen(now, ticket);
    }
    bencher.bench_local(|| state.decide(black_box(2_000_000), Reach::Whole));
}

/// One turn at the gate: a request is granted and ends, and another request joins the queue. If no request may be sent,
/// time moves to the next grant.
#[divan::bench(args = [100, 10_000])]
fn a_turn_with_others_waiting(bencher: Bencher<'_, '_>, others: u32) {
    let mut turns = Turns::new(Quota::default());
    for nth in 0..others {
        turns.join(0, if nth % 2 == 0 { Class::Read } else { Class::Bulk }, None, false, ());
    }
    let mut now = 0;
    bencher.bench_local(|| match turns.next(now) {
        Next::Goes(place, (), grant) => {
            turns.end(now, grant, End::Seen);
            turns.join(now, place.class, None, false, ());
        }
        Next::Later(_, time) => now = time,
        Next::Nobody => unreachable!("others wait"),
    });
}

/// The name of a file that keeps a limit. The file is removed at the end.
struct File(String);

impl File {
    fn new(kind: &str) -> Self {
        Self(format!("{kind}{:028x}", std::process::id()))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let folder = format!("hightouch-sdk-{}", nix::unistd::geteuid());
        let _ = std::fs::remove_file(std::env::temp_dir().join(folder).join(&self.0));
    }
}

/// Measures a call from the request for a permit to the end of the permit, in a process that calls again and again. No
/// other process uses the limit, which is kept in the process or in a file. With a window of 2000 µs, the log of ended
/// requests is about as long as if the limit were used up; with a window of 1 µs, the log is empty.
#[divan::bench(args = [(false, 2000), (true, 2000), (false, 1), (true, 1)])]
fn a_call_of_a_process_that_is_alone(bencher: Bencher<'_, '_>, (shared, micros): (bool, u64)) {
    let quota = Quota { requests: 40_000, window: Duration::from_micros(micros), ..Quota::default() };
    let file = File::new("a10e");
    let gate = if shared { Gate::shared(quota, host_store(&file.0, quota)) } else { Gate::new(quota) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let call = || runtime.block_on(async { gate.acquire(Ask::new(Class::Read)).await.unwrap().seen() });
    (0..5000).for_each(|_| call());
    bencher.bench_local(call);
    assert_eq!(gate.fallback(), None);
}

/// Measures one part of a call: the request for a permit, or the end of the permit. No other process uses the limit.
/// The limit's file holds a full log of ended requests.
#[divan::bench(args = ["grant", "end"], sample_count = 5000, sample_size = 1)]
fn a_part_of_a_call_in_a_file(bencher: Bencher<'_, '_>, part: &str) {
    let quota = Quota { requests: 40_000, window: Duration::from_millis(2), ..Quota::default() };
    let file = File::new("b10e");
    let gate = Gate::shared(quota, host_store(&file.0, quota));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let grant = || runtime.block_on(async { gate.acquire(Ask::new(Class::Read)).await.unwrap() });
    (0..5000).for_each(|_| grant().seen());
    if part == "grant" {
        let held = std::cell::Cell::new(None);
        bencher.with_inputs(|| held.take().map(Permit::seen)).bench_local_values(|_| held.set(Some(grant())));
    } else {
        bencher.with_inputs(grant).bench_local_values(Permit::seen);
    }
    assert_eq!(gate.fallback(), None);
}

/// Measures the grant and the end of a request while the log of ended requests in the file is full. Two stores, as
/// of two processes, take turns to change the state. So each change reads the file first and writes it afterwards.
#[divan::bench]
fn a_grant_and_an_end_in_a_shared_file(bencher: Bencher<'_, '_>) {
    let quota = Quota::default();
    let file = File::new("5a2e");
    let mut stores = [(); 2].map(|()| host_store(&file.0, quota).unwrap());
    let now = stores[0].clock();
    let mut states = [(); 2].map(|()| State::shared(quota, now()));
    let mut turn = 0;
    let mut change = |change: &mut dyn FnMut(&mut State)| {
        turn = 1 - turn;
        stores[turn].open(&mut states[turn]).unwrap();
        change(&mut states[turn]);
        stores[turn].close(&states[turn]).unwrap();
    };
    change(&mut |state| {
        for _ in 0..200 {
            let ticket = state.grant(now());
            state.seen(now(), ticket);
        }
    });
    bencher.bench_local(|| {
        let mut ticket = None;
        change(&mut |state| {
            black_box(state.decide(now(), Reach::Whole));
            ticket = Some(state.grant(now()));
        });
        change(&mut |state| state.never_sent(now(), ticket.take().unwrap()));
    });
}
