//! Simulates several processes that keep one limit in a store: they crash, and the store loses its state.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, dead_code, reason = "the worlds are shared with another test")]

mod world;

use std::collections::HashSet;

use fastrand::Rng;
use limit_proofs::limit::state::{LEASE, State, Ticket};
use limit_proofs::limit::turn::End;
use limit_proofs::limit::{Nanos, Quota};
use world::counters::AllCounters;
use world::rules::Rule;
use world::{Arrival, Latency, Pattern, SECOND, World, play};

const SEEDS: u64 = 6;

/// What goes wrong.
#[derive(Clone, Copy, Debug, Default)]
struct Faults {
    /// One grant in so many is followed by the crash of a process. Its requests arrive, but nobody tells their ends.
    crash_in: Option<u32>,
    /// One grant in so many is followed by the loss of the state.
    loss_in: Option<u32>,
    /// Takes lost state for empty.
    lost_is_empty: bool,
}

/// Processes that read the shared state before each change and write it after.
struct Processes {
    count: usize,
    faults: Faults,
    kept: Vec<u64>,
    rng: Rng,
    granted: u64,
    /// The numbers of the requests of each process whose ends it will tell.
    alive: Vec<HashSet<u64>>,
}

impl Processes {
    fn new(count: usize, faults: Faults, seed: u64) -> Self {
        let mut kept = Vec::new();
        State::shared(Quota::default(), 0).write(&mut kept);
        let alive = vec![HashSet::new(); count];
        Self { count, faults, kept, rng: Rng::with_seed(seed), granted: 0, alive }
    }

    fn change<R>(&mut self, change: impl FnOnce(&mut State) -> R) -> R {
        let mut state = State::read(&self.kept).expect("what was written can be read");
        let result = change(&mut state);
        self.kept.clear();
        state.write(&mut self.kept);
        result
    }

    fn happens(&mut self, one_in: Option<u32>) -> bool {
        one_in.is_some_and(|number| self.rng.u32(0..number) == 0)
    }
}

impl Rule for Processes {
    type Ticket = (usize, u64, Ticket);

    fn wait(&mut self, now: Nanos) -> Option<Nanos> {
        self.change(|state| Rule::wait(state, now))
    }

    fn grant(&mut self, now: Nanos) -> Self::Ticket {
        let ticket = self.change(|state| state.grant(now));
        let process = self.rng.usize(0..self.count);
        self.granted += 1;
        self.alive[process].insert(self.granted);
        if self.happens(self.faults.crash_in) {
            let crashed = self.rng.usize(0..self.count);
            self.alive[crashed].clear();
        }
        if self.happens(self.faults.loss_in) {
            let quota = Quota::default();
            let fresh =
                if self.faults.lost_is_empty { State::shared(quota, now) } else { State::lost(quota, now) };
            self.kept.clear();
            fresh.write(&mut self.kept);
        }
        (process, self.granted, ticket)
    }

    fn end(&mut self, now: Nanos, (process, number, ticket): Self::Ticket, end: End) {
        if self.alive[process].remove(&number) {
            self.change(|state| Rule::end(state, now, ticket, end));
        }
    }

    fn refused(&mut self, now: Nanos, (process, number, ticket): Self::Ticket, jitter: u32) {
        if self.alive[process].remove(&number) {
            self.change(|state| Rule::refused(state, now, ticket, jitter));
        }
    }
}

fn world(latency: Latency, pattern: Pattern, seed: u64) -> World {
    let arrival = [Arrival::Early, Arrival::Late, Arrival::Uniform, Arrival::EarlyOrLate]
        [usize::try_from(seed % 4).unwrap()];
    World { latency, handshake: SECOND, pattern, arrival, duration: 200 * SECOND, seed, stranger: None }
}

/// Plays worlds of one kind. Returns the number of refusals and the lowest sustained rate.
fn played(count: usize, latency: Latency, pattern: Pattern, faults: Faults) -> (u64, f64) {
    let (mut refusals, mut lowest) = (0, f64::MAX);
    for seed in 0..SEEDS {
        let world = world(latency, pattern, seed);
        let mut counters = AllCounters::new(0);
        let trace = play(world, &mut Processes::new(count, faults, seed), &mut counters);
        refusals += counters.refusals;
        lowest = lowest.min(trace.rate(80 * SECOND, 200 * SECOND));
    }
    println!(
        "{count} processes, {latency:?}, {pattern:?}, {faults:?}: {refusals} refusals, {lowest:.2} a second"
    );
    (refusals, lowest)
}

#[test]
fn processes_together_keep_the_limit_and_use_it_like_one() {
    for count in [2, 8, 64] {
        for (latency, least) in [(Latency::None, 19.7), (Latency::Lan, 19.2), (Latency::Spikes, 17.5)] {
            let (refusals, rate) = played(count, latency, Pattern::Steady, Faults::default());
            assert!(refusals == 0 && rate >= least, "{refusals} refusals, {rate} a second");
        }
        for pattern in [Pattern::Bursts, Pattern::Cancellations, Pattern::Stops] {
            assert_eq!(played(count, Latency::Lan, pattern, Faults::default()).0, 0);
        }
    }
}

#[test]
fn processes_that_crash_with_requests_in_flight_leave_the_others_within_the_limit() {
    for count in [2, 8, 64] {
        let faults = Faults { crash_in: Some(100), ..Faults::default() };
        for pattern in [Pattern::Steady, Pattern::Cancellations] {
            let (refusals, rate) = played(count, Latency::Lan, pattern, faults);
            assert!(refusals == 0 && rate >= 15.0, "{refusals} refusals, {rate} a second");
        }
    }
}

#[test]
fn a_state_that_is_lost_counts_as_full() {
    for latency in [Latency::None, Latency::Lan, Latency::Spikes] {
        let faults = Faults { loss_in: Some(500), ..Faults::default() };
        let (refusals, rate) = played(8, latency, Pattern::Steady, faults);
        assert!(refusals == 0 && rate > 5.0, "{refusals} refusals, {rate} a second");
    }
}

#[test]
fn the_same_worlds_refuse_processes_that_take_lost_state_for_empty() {
    let faults = Faults { loss_in: Some(500), lost_is_empty: true, ..Faults::default() };
    assert!(played(8, Latency::Lan, Pattern::Steady, faults).0 > 0);
}

/// Without leases the requests of crashed processes would take their places for good.
#[test]
fn a_request_that_nobody_ends_counts_until_its_lease_ends() {
    let quota = Quota::default();
    let mut state = State::shared(quota, 0);
    for _ in 0..200 {
        let _never_ended = state.grant(SECOND);
    }
    let lease = Nanos::try_from(LEASE.as_nanos()).unwrap();
    assert_eq!(Rule::wait(&mut state, 2 * SECOND), Some(SECOND + lease));
    let again = Rule::wait(&mut state, SECOND + lease).expect("the requests have only just ended");
    assert!(again > SECOND + lease);
    assert_eq!(Rule::wait(&mut state, again), None);
}

/// An end that comes after the lease has expired, or after the state was lost, counts once more.
#[test]
fn an_end_that_the_state_does_not_know_counts_too() {
    let quota = Quota::default();
    let mut earlier = State::shared(quota, 0);
    let ticket = earlier.grant(SECOND);
    let mut state = State::shared(quota, 2 * SECOND);
    state.seen(3 * SECOND, ticket);
    assert_eq!((state.in_flight(), state.ended_recently()), (0, 1));
}
