//! Simulates the limit in virtual time against every way in which a server may count requests. Windows begin at every
//! phase relative to the client's requests.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout)]

mod world;

use std::time::Duration;

use limit_proofs::limit::Quota;
use limit_proofs::limit::state::State;
use world::counters::{AllCounters, Buckets, Counter, Exact, Refuses, WINDOW};
use world::rules::{
    DeparturesInsteadOfEnds, ForgetsTheAbandoned, LingersBriefly, Rule, SlidingDepartures, SlidingEnds,
    TokenBucket, real, without_allowance_for_clocks,
};
use world::{Arrival, Latency, Pattern, SECOND, Stranger, Trace, World, play};

/// Returns the number of simulations of each kind: 10, or `LIMIT_SEEDS` in `make prove-limit`.
fn seeds() -> u64 {
    std::env::var("LIMIT_SEEDS").map_or(10, |seeds| seeds.parse().expect("LIMIT_SEEDS is a number"))
}

const HANDSHAKES: [u64; 3] = [0, 1, 5];
const ARRIVALS: [Arrival; 4] = [Arrival::Early, Arrival::Late, Arrival::Uniform, Arrival::EarlyOrLate];

fn world(latency: Latency, handshake: u64, pattern: Pattern, arrival: Arrival, seed: u64) -> World {
    let duration = 120 * SECOND;
    World { latency, handshake: handshake * SECOND, pattern, arrival, duration, seed, stranger: None }
}

/// Chooses when requests arrive at the server, from the duration of the handshake and the seed.
fn arrival(handshake: u64, seed: u64) -> Arrival {
    ARRIVALS[usize::try_from((handshake + seed) % 4).unwrap()]
}

/// Returns how much faster the server's clock runs than the client's, in parts per million: 0, 4000 or -4000.
fn drift(seed: u64) -> i64 {
    [0, 4000, -4000][usize::try_from(seed % 3).unwrap()]
}

fn judged<R: Rule>(world: World, mut rule: R) -> (Trace, AllCounters) {
    let mut counters = AllCounters::new(drift(world.seed));
    let trace = play(world, &mut rule, &mut counters);
    (trace, counters)
}

/// Runs every simulation with one latency, and returns the lowest sustained rate under steady load.
fn no_counter_refuses(latency: Latency) -> f64 {
    let mut lowest = f64::MAX;
    for handshake in HANDSHAKES {
        for pattern in [Pattern::Steady, Pattern::Bursts, Pattern::Cancellations, Pattern::Stops] {
            for seed in 0..seeds() {
                let world = world(latency, handshake, pattern, arrival(handshake, seed), seed);
                let (trace, counters) = judged(world, real());
                assert_eq!(counters.refusals, 0, "{world:?}");
                assert!(counters.exact.peak <= 200, "{} arrivals in 10 s: {world:?}", counters.exact.peak);
                assert!(trace.granted.len() > 400, "{} grants: {world:?}", trace.granted.len());
                if matches!(pattern, Pattern::Steady | Pattern::Cancellations) {
                    let first_second = trace.granted.iter().filter(|at| **at < SECOND).count();
                    assert!(first_second >= 200, "{first_second} from idle: {world:?}");
                }
                if pattern == Pattern::Steady {
                    lowest = lowest.min(trace.rate(30 * SECOND, 120 * SECOND));
                }
            }
        }
    }
    println!("{latency:?}: sustained at least {lowest:.2} a second");
    lowest
}

#[test]
fn without_latency_no_counter_refuses_and_19_7_a_second_are_sustained() {
    assert!(no_counter_refuses(Latency::None) >= 19.7);
}

#[test]
fn on_a_lan_no_counter_refuses_and_19_2_a_second_are_sustained() {
    assert!(no_counter_refuses(Latency::Lan) >= 19.2);
}

#[test]
fn with_spikes_of_six_seconds_no_counter_refuses() {
    assert!(no_counter_refuses(Latency::Spikes) >= 17.5);
}

#[test]
fn with_a_tail_of_forty_seconds_no_counter_refuses() {
    assert!(no_counter_refuses(Latency::Tail) >= 17.5);
}

/// Simulates a client with a weaker rule. Returns how many requests the server refuses, and the largest number of
/// requests that arrive within 10 s.
fn refusals_of<R: Rule>(
    latency: Latency,
    pattern: Pattern,
    handshake: u64,
    rule: impl Fn() -> R,
) -> (u64, usize) {
    let mut refusals = 0;
    let mut peak = 0;
    for seed in 0..seeds() {
        let arrival = arrival(handshake, seed);
        let (_, counters) = judged(world(latency, handshake, pattern, arrival, seed), rule());
        refusals += counters.refusals;
        peak = peak.max(counters.exact.peak);
    }
    (refusals, peak)
}

#[test]
fn the_same_worlds_refuse_a_token_bucket() {
    let (refusals, peak) = refusals_of(Latency::Lan, Pattern::Steady, 0, TokenBucket::full);
    assert!(refusals > 0 && peak > 350, "{refusals} refusals, {peak} arrivals in 10 s");
}

#[test]
fn the_same_worlds_refuse_a_window_over_departures() {
    let (refusals, peak) = refusals_of(Latency::Lan, Pattern::Steady, 5, SlidingDepartures::default);
    assert!(refusals > 0 && peak > 200, "{refusals} refusals, {peak} arrivals in 10 s");
}

#[test]
fn the_same_worlds_refuse_the_rule_when_it_logs_departures_instead_of_ends() {
    let (refusals, peak) = refusals_of(Latency::Lan, Pattern::Steady, 0, || DeparturesInsteadOfEnds(real()));
    assert!(refusals > 0, "{refusals} refusals, {peak} arrivals in 10 s");
}

#[test]
fn the_same_worlds_refuse_an_exact_window_over_ends_for_two_bucket_estimates_are_stricter() {
    let (refusals, peak) = refusals_of(Latency::Lan, Pattern::Steady, 0, SlidingEnds::default);
    assert!(refusals > 0 && peak <= 200, "{refusals} refusals, {peak} arrivals in 10 s");
}

#[test]
fn the_same_worlds_refuse_the_rule_when_it_forgets_what_was_given_up() {
    let (refusals, peak) =
        refusals_of(Latency::Lan, Pattern::Cancellations, 0, || ForgetsTheAbandoned(real()));
    assert!(refusals > 0 && peak > 200, "{refusals} refusals, {peak} arrivals in 10 s");
}

#[test]
fn the_same_worlds_refuse_the_rule_without_its_allowance_for_clocks() {
    let (refusals, _) = refusals_of(Latency::None, Pattern::Steady, 0, without_allowance_for_clocks);
    assert!(refusals > 0);
}

/// When a stopped server continues, it reads all requests in its sockets, including requests that timed out. These
/// requests and new requests together must not exceed the limit.
#[test]
fn a_server_that_was_stopped_and_goes_on_never_reads_more_than_the_limit() {
    for seconds in [12, 35, 60] {
        for handshake in [0, 1] {
            for seed in 0..seeds() {
                let pattern = Pattern::ServerStops(seconds * SECOND);
                let world = world(Latency::Lan, handshake, pattern, arrival(handshake, seed), seed);
                let world = World { duration: 180 * SECOND, ..world };
                let (trace, counters) = judged(world, real());
                assert_eq!(counters.refusals, 0, "{world:?}");
                assert!(counters.exact.peak <= 200, "{} arrivals in 10 s: {world:?}", counters.exact.peak);
                let last = trace.rate(160 * SECOND, 180 * SECOND);
                assert!(last >= 18.0, "{last} a second at the end: {world:?}");
            }
        }
    }
}

#[test]
fn the_same_worlds_refuse_the_rule_when_it_expects_a_stopped_server_to_read_nothing_late() {
    let met = [35, 60].map(|seconds| {
        let pattern = Pattern::ServerStops(seconds * SECOND);
        refusals_of(Latency::Lan, pattern, 0, || LingersBriefly(real()))
    });
    assert!(met.iter().any(|(refusals, peak)| *refusals > 0 && *peak > 250), "{met:?}");
}

/// The worst results over all phases and seeds. In each simulation, a client makes 3,000 reads while a stranger,
/// another client of the workspace, sends requests too.
#[derive(Debug, Default)]
struct Met {
    refused: usize,
    refused_later: usize,
    seconds: u64,
}

fn beside_a_stranger<C: Counter>(stranger: Stranger, server: impl Fn(u64, bool) -> C) -> Met {
    let mut worst = Met::default();
    for phase in 0..8 {
        for seed in 0..seeds().div_ceil(3) {
            for refused_count_too in [false, true] {
                let base = world(Latency::Lan, 1, Pattern::Batch(3000), Arrival::Uniform, seed * 8 + phase);
                let world = World { stranger: Some(stranger), duration: 3600 * SECOND, ..base };
                let mut server = server(phase * WINDOW / 8, refused_count_too);
                let trace = play(world, &mut real(), &mut server);
                assert_eq!(trace.finished.len(), 3000, "none is lost: {world:?}");
                let later = trace.refused.iter().filter(|at| **at >= 10 * SECOND).count();
                worst.refused = worst.refused.max(trace.refused.len());
                worst.refused_later = worst.refused_later.max(later);
                worst.seconds = worst.seconds.max(trace.finished[2999] / SECOND);
            }
        }
    }
    println!("{stranger:?}: {worst:?}");
    worst
}

/// Runs the simulations against each kind of counter: exact, fixed windows, and an estimate from the last two windows.
fn on_each_counter(stranger: Stranger, judge: impl Fn(&Met)) {
    judge(&beside_a_stranger(stranger, |_, counts| Exact::new(counts)));
    judge(&beside_a_stranger(stranger, |phase, counts| Buckets::new(phase, false, counts)));
    judge(&beside_a_stranger(stranger, |phase, counts| Buckets::new(phase, true, counts)));
}

fn few_refusals_and_done_in_time(met: &Met) {
    assert!(met.refused <= 110 && met.refused_later <= 30 && met.seconds < 420, "{met:?}");
}

#[test]
fn beside_a_stranger_who_takes_half_3000_reads_finish_with_few_refusals() {
    on_each_counter(Stranger::Steady, few_refusals_and_done_in_time);
}

#[test]
fn beside_a_stranger_who_takes_half_at_scattered_times_3000_reads_finish_with_few_refusals() {
    on_each_counter(Stranger::Scattered, few_refusals_and_done_in_time);
}

/// The stranger, another client of the workspace, takes half of the limit on average, but more at times. So the server
/// may refuse more requests of the first burst than beside a stranger who always takes half.
#[test]
fn beside_a_stranger_who_at_times_takes_more_than_half_3000_reads_finish_too() {
    on_each_counter(Stranger::Poisson, |met| {
        assert!(met.refused <= 140 && met.refused_later <= 30 && met.seconds < 600, "{met:?}");
    });
}

/// Counts the answers in windows of 10 s, from `from` seconds on. Checks that the average is at least 190, the first
/// window has at least 188, and every window at least 186.
fn the_limit_is_in_full_use(from: u64, server: impl Fn(Exact) -> Refuses<Exact>) {
    for latency in [Latency::None, Latency::Lan] {
        for seed in 0..seeds() {
            let base = world(latency, 1, Pattern::Steady, arrival(1, seed), seed);
            let world = World { duration: (from + 80) * SECOND, ..base };
            let trace = play(world, &mut real(), &mut server(Exact::new(true)));
            let (fewest, mean) = trace.answers(from * SECOND, (from + 70) * SECOND);
            assert!(mean >= 190 && fewest >= 186, "{mean}, and in one window {fewest}: {world:?}");
            let (first, _) = trace.answers(from * SECOND, (from + 10) * SECOND);
            assert!(first >= 188, "{first} in the first window: {world:?}");
        }
    }
}

#[test]
fn one_stray_429_costs_less_than_a_minute_below_the_limit() {
    for at in [0, 5, 15] {
        the_limit_is_in_full_use(at + 40, |counter| Refuses::one(counter, at * SECOND));
    }
}

/// The server refuses every request for 20 s. The refusals begin `at` seconds after the first request.
#[test]
fn a_minute_and_a_half_after_an_outage_of_refusals_the_limit_is_in_full_use_again() {
    for at in [0, 15] {
        let outage = at * SECOND..(at + 20) * SECOND;
        the_limit_is_in_full_use(at + 20 + 60, |counter| Refuses::everything(counter, outage.clone()));
    }
}

/// Simulates five minutes of a client that is configured with a far higher limit than the server's. Returns the number
/// of refusals in the first 30 s, the number of refusals afterwards, and the number of answers.
fn configured_too_high(requests: u32, callers: usize, refused_count_too: bool) -> (usize, usize, usize) {
    let base = world(Latency::Lan, 1, Pattern::Callers(callers), Arrival::Uniform, 3);
    let world = World { duration: 300 * SECOND, ..base };
    let quota = Quota { requests, window: Duration::from_secs(1), ..Quota::default() };
    let trace = play(world, &mut State::new(quota), &mut Exact::new(refused_count_too));
    let early = trace.refused.iter().filter(|at| **at < 30 * SECOND).count();
    let (late, finished) = (trace.refused.len() - early, trace.finished.len());
    println!("{requests} a second, {callers} callers: {early} and {late} refused, {finished} answered");
    (early, late, finished)
}

/// Cuts must be able to lower the limit to any small part of the configured limit. If no cut went below a twentieth,
/// for example, the server would refuse requests for ever.
#[test]
fn a_client_whose_limit_is_configured_far_too_high_comes_down_to_what_the_server_allows() {
    for requests in [1000, 1_000_000] {
        for callers in [3, 20, 60, 200, 600] {
            for refused_count_too in [false, true] {
                let (early, late, finished) = configured_too_high(requests, callers, refused_count_too);
                // In the first burst, the server may refuse one request of almost every caller.
                assert!(early <= 120.max(callers - callers / 6), "{early} refused");
                assert!(late <= 200, "{late} refused");
                assert!(finished >= 4400, "{finished} of at most 6,000 were answered");
            }
        }
    }
}
