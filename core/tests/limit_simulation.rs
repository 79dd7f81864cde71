//! The limit in virtual time, judged by every counter a server may have, at every phase.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout)]

mod limit_world;

use limit_world::counters::{Buckets, Counter, Exact, Panel, WINDOW};
use limit_world::rules::{
    DeparturesInsteadOfEnds, ForgetsTheAbandoned, Rule, SlidingDepartures, SlidingEnds, TokenBucket, real,
    without_allowance_for_clocks,
};
use limit_world::{Arrival, Latency, Pattern, SECOND, Story, World, play};

const SEEDS: u64 = 10;
const HANDSHAKES: [u64; 3] = [0, 1, 5];
const ARRIVALS: [Arrival; 4] = [Arrival::Early, Arrival::Late, Arrival::Uniform, Arrival::EarlyOrLate];

fn world(latency: Latency, handshake: u64, pattern: Pattern, arrival: Arrival, seed: u64) -> World {
    let duration = 120 * SECOND;
    World { latency, handshake: handshake * SECOND, pattern, arrival, duration, seed, stranger: None }
}

/// The server's clock against ours: up to 0.4 % either way.
fn drift(seed: u64) -> i64 {
    [0, 4000, -4000][usize::try_from(seed % 3).unwrap()]
}

fn judged<R: Rule>(world: World, mut rule: R) -> (Story, Panel) {
    let mut panel = Panel::new(drift(world.seed));
    let story = play(world, &mut rule, &mut panel);
    (story, panel)
}

/// Plays every world of one latency; gives back the lowest sustained rate under steady load.
fn no_counter_refuses(latency: Latency) -> f64 {
    let mut lowest = f64::MAX;
    for handshake in HANDSHAKES {
        for pattern in [Pattern::Steady, Pattern::Bursts, Pattern::Cancellations, Pattern::Stops] {
            for arrival in ARRIVALS {
                for seed in 0..SEEDS {
                    let world = world(latency, handshake, pattern, arrival, seed);
                    let (story, panel) = judged(world, real());
                    assert_eq!(panel.refusals, 0, "{world:?}");
                    assert!(panel.exact.peak <= 200, "{} arrivals in 10 s: {world:?}", panel.exact.peak);
                    assert!(story.granted.len() > 500, "{} grants: {world:?}", story.granted.len());
                    if pattern != Pattern::Bursts {
                        let first_second = story.granted.iter().filter(|at| **at < SECOND).count();
                        assert!(first_second >= 200 || pattern == Pattern::Stops, "{first_second}: {world:?}");
                    }
                    if pattern == Pattern::Steady {
                        lowest = lowest.min(story.rate(30 * SECOND, 120 * SECOND));
                    }
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

/// The refusals of a weaker rule in the worlds of one pattern on a LAN, and the most arrivals in 10 s.
fn refusals_of<R: Rule>(pattern: Pattern, handshake: u64, rule: impl Fn() -> R) -> (u64, usize) {
    let mut refusals = 0;
    let mut peak = 0;
    for arrival in ARRIVALS {
        for seed in 0..SEEDS {
            let (_, panel) = judged(world(Latency::Lan, handshake, pattern, arrival, seed), rule());
            refusals += panel.refusals;
            peak = peak.max(panel.exact.peak);
        }
    }
    (refusals, peak)
}

#[test]
fn the_same_worlds_refuse_a_token_bucket() {
    let (refusals, peak) = refusals_of(Pattern::Steady, 0, TokenBucket::full);
    assert!(refusals > 0 && peak > 350, "{refusals} refusals, {peak} arrivals in 10 s");
}

#[test]
fn the_same_worlds_refuse_a_window_over_departures() {
    let (refusals, peak) = refusals_of(Pattern::Steady, 5, SlidingDepartures::default);
    assert!(refusals > 0 && peak > 200, "{refusals} refusals, {peak} arrivals in 10 s");
}

#[test]
fn the_same_worlds_refuse_the_rule_when_it_logs_departures_instead_of_ends() {
    let (refusals, peak) = refusals_of(Pattern::Steady, 0, || DeparturesInsteadOfEnds(real()));
    assert!(refusals > 0, "{refusals} refusals, {peak} arrivals in 10 s");
}

#[test]
fn the_same_worlds_refuse_an_exact_window_over_ends_for_two_bucket_estimates_are_stricter() {
    let (refusals, peak) = refusals_of(Pattern::Steady, 0, SlidingEnds::default);
    assert!(refusals > 0 && peak <= 200, "{refusals} refusals, {peak} arrivals in 10 s");
}

#[test]
fn the_same_worlds_refuse_the_rule_when_it_forgets_what_was_given_up() {
    let (refusals, peak) = refusals_of(Pattern::Cancellations, 0, || ForgetsTheAbandoned(real()));
    assert!(refusals > 0 && peak > 200, "{refusals} refusals, {peak} arrivals in 10 s");
}

#[test]
fn the_same_worlds_refuse_the_rule_without_its_allowance_for_clocks() {
    let (refusals, _) = refusals_of(Pattern::Steady, 0, without_allowance_for_clocks);
    assert!(refusals > 0);
}

/// What 3,000 reads met on a server whose limit is half used by somebody else.
fn beside_a_stranger<C: Counter>(mut server: C, seed: u64, random: bool) -> (usize, usize, f64) {
    let stranger = Some((SECOND / 10, random));
    let pattern = Pattern::Batch(3000);
    let world = World { stranger, duration: 3600 * SECOND, ..world(Latency::Lan, 1, pattern, Arrival::Uniform, seed) };
    let story = play(world, &mut real(), &mut server);
    assert_eq!(story.finished.len(), 3000, "none is lost: {world:?}");
    let later = story.refused.iter().filter(|at| **at >= 10 * SECOND).count();
    #[allow(clippy::cast_precision_loss)]
    let took = *story.finished.last().unwrap() as f64 / 1e9;
    (story.refused.len(), later, took)
}

fn each_batch_beside_a_stranger_finishes<C: Counter>(name: &str, server: impl Fn(u64, bool) -> C) {
    let mut worst = (0, 0, 0.0_f64);
    for phase in 0..8 {
        for seed in 0..SEEDS {
            for (random, refused_count_too) in [(false, false), (false, true), (true, false), (true, true)] {
                let server = server(phase * WINDOW / 8, refused_count_too);
                let (refused, later, took) = beside_a_stranger(server, seed, random);
                worst = (worst.0.max(refused), worst.1.max(later), worst.2.max(took));
            }
        }
    }
    let (refused, later, took) = worst;
    println!("{name}: at most {refused} refusals, {later} after the first 10 s, done in {took:.0} s");
    assert!(refused <= 110 && later <= 30 && took <= 420.0);
}

#[test]
fn beside_a_stranger_3000_reads_finish_on_a_server_that_counts_exactly() {
    each_batch_beside_a_stranger_finishes("exact", |_, refused_count_too| Exact {
        refused_count_too,
        ..Exact::default()
    });
}

#[test]
fn beside_a_stranger_3000_reads_finish_on_a_server_with_fixed_windows() {
    each_batch_beside_a_stranger_finishes("fixed", |phase, counts| Buckets::new(phase, false, counts));
}

#[test]
fn beside_a_stranger_3000_reads_finish_on_a_server_with_two_bucket_estimates() {
    each_batch_beside_a_stranger_finishes("two buckets", |phase, counts| Buckets::new(phase, true, counts));
}
