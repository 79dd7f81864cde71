//! Simulates processes on several machines that keep one limit on a Redis server, with the real Lua script.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, dead_code, reason = "the worlds are shared with other tests")]

mod hosts;
mod server;
mod world;

use std::ops::Range;

use hosts::{Fault, Hosts, Outcome, play};
use limit_proofs::limit::Nanos;
use world::{MS, SECOND};

/// Returns how many simulations of each kind a test runs; `make prove-limit` runs more.
fn seeds() -> u64 {
    std::env::var("LIMIT_SEEDS").map_or(1, |seeds| seeds.parse().unwrap())
}

/// The part of a simulation, in time since its start, in which the load is steady. Requests from the beginning no
/// longer count by then.
const STEADY: Range<Nanos> = 60 * SECOND..180 * SECOND;

fn hosts(processes: usize, delay: Nanos) -> Hosts {
    Hosts {
        processes,
        delay: delay..delay + delay / 4 + 1,
        patience: 800 * MS,
        share: None,
        faults: Vec::new(),
        crash_in: None,
        stops: false,
        broken: &[],
        own_clocks: false,
        duration: 180 * SECOND,
        seed: 0,
    }
}

/// Runs a simulation with several seeds, and checks each result.
fn played(hosts: &Hosts, check: impl Fn(&Outcome, u64)) {
    for seed in 0..seeds() {
        let began = std::time::Instant::now();
        let outcome = play(Hosts { seed, ..hosts.clone() });
        println!(
            "{} processes, {} ms, {:?}, crash {:?}, stops {}, share {:?}: {} refusals, {:.2} a second, fairness {:.2}, {} \
             questions a second, alone {}, back {} ({:?})",
            hosts.processes,
            hosts.delay.start / MS,
            hosts.faults,
            hosts.crash_in,
            hosts.stops,
            hosts.share,
            outcome.refusals,
            outcome.rate(&STEADY),
            outcome.fairness(hosts.processes, &STEADY),
            outcome.asked * SECOND / hosts.duration,
            outcome.alone.len(),
            outcome.back.len(),
            began.elapsed(),
        );
        check(&outcome, seed);
    }
}

#[test]
fn hosts_together_keep_the_limit_and_share_it_evenly() {
    for (processes, delay) in [(2, MS), (8, 20 * MS), (64, 20 * MS)] {
        played(&hosts(processes, delay), |outcome, seed| {
            assert_eq!(outcome.refusals, 0, "seed {seed}");
            assert!(outcome.rate(&STEADY) >= 18.5, "seed {seed}: {}", outcome.rate(&STEADY));
            assert!(outcome.fairness(processes, &STEADY) >= 0.5, "seed {seed}");
        });
    }
}

#[test]
fn processes_that_crash_or_are_stopped_leave_the_others_within_the_limit() {
    let crash = Hosts { crash_in: Some(100), ..hosts(8, 20 * MS) };
    played(&crash, |outcome, seed| {
        assert_eq!(outcome.refusals, 0, "seed {seed}");
        assert!(outcome.rate(&STEADY) >= 16.0, "seed {seed}");
    });
    for share in [None, Some(0.125)] {
        let stops = Hosts { stops: true, share, ..hosts(8, 20 * MS) };
        played(&stops, |outcome, seed| {
            assert_eq!(outcome.refusals, 0, "seed {seed}");
            // While a process is stopped, no other process uses its share. So the rate is lower with shares.
            let least = if share.is_some() { 12.0 } else { 17.5 };
            assert!(outcome.rate(&STEADY) >= least, "seed {seed}");
        });
    }
}

#[test]
fn a_server_that_fails_never_lets_more_than_the_limit_through() {
    let faults = [
        vec![Fault::ForgetsAll(70 * SECOND), Fault::ForgetsAll(110 * SECOND)],
        vec![Fault::ForgetsLastSecond(70 * SECOND), Fault::ForgetsLastSecond(110 * SECOND)],
        vec![Fault::Hangs(70 * SECOND..100 * SECOND)],
        (0..8).map(|nth| Fault::Hangs((70 + 6 * nth) * SECOND..(72 + 6 * nth) * SECOND)).collect(),
        vec![Fault::CutOff(70 * SECOND..100 * SECOND)],
    ];
    for faults in faults {
        for share in [None, Some(0.125)] {
            let world = Hosts { faults: faults.clone(), share, ..hosts(8, 20 * MS) };
            played(&world, |outcome, seed| {
                assert_eq!(outcome.refusals, 0, "seed {seed}");
                assert!(outcome.rate(&(150 * SECOND..180 * SECOND)) >= 18.0, "seed {seed}: not recovered");
                assert_eq!(outcome.alone.len(), outcome.back.len(), "seed {seed}: some did not come back");
            });
        }
    }
}

/// Combines every number of processes with every delay and every fault of the server, with and without crashes and
/// stops of processes.
#[test]
#[ignore = "takes about half an hour; `make prove-limit` plays it"]
fn no_combination_of_crashes_stops_and_faults_lets_more_than_the_limit_through() {
    let faults = [
        vec![],
        vec![Fault::ForgetsAll(70 * SECOND), Fault::ForgetsAll(110 * SECOND)],
        vec![Fault::ForgetsLastSecond(70 * SECOND), Fault::ForgetsLastSecond(110 * SECOND)],
        vec![Fault::Hangs(70 * SECOND..100 * SECOND)],
        vec![Fault::CutOff(70 * SECOND..100 * SECOND)],
    ];
    for (processes, delay) in [(2, MS), (2, 20 * MS), (8, MS), (8, 20 * MS), (64, MS), (64, 20 * MS)] {
        for faults in &faults {
            for (crash_in, stops) in [(None, false), (Some(100), false), (None, true), (Some(100), true)] {
                let world = Hosts { faults: faults.clone(), crash_in, stops, ..hosts(processes, delay) };
                played(&world, |outcome, seed| assert_eq!(outcome.refusals, 0, "seed {seed}"));
            }
        }
    }
}

/// The server keeps only five requests of a window free for processes that cannot reach it. Incident: 64 processes lost
/// the server at the same moment, and each sent a request immediately. So 64 requests were sent, and not five.
#[test]
fn many_processes_that_lose_the_server_at_once_keep_within_the_limit() {
    let faults = vec![Fault::Hangs(33 * SECOND..53 * SECOND)];
    let world = Hosts { faults, duration: 75 * SECOND, ..hosts(64, MS) };
    played(&world, |outcome, seed| {
        assert_eq!(outcome.refusals, 0, "seed {seed}");
        assert!(outcome.alone.len() >= 64, "seed {seed}: {}", outcome.alone.len());
        assert_eq!(outcome.alone.len(), outcome.back.len(), "seed {seed}: some did not come back");
    });
}

/// Incident: a process no longer waited for the server's answer to its question, and sent requests alone. Then the
/// question reached the server. The server assumed that the process shared the limit again, and did not count the
/// requests that the process sent alone.
#[test]
fn what_a_process_sends_while_it_asks_whether_the_server_is_back_counts() {
    for (processes, share) in [(3, 0.3), (2, 0.5)] {
        // The first fault lasts longer than a lease (a minute), and the second one is shorter.
        let faults = vec![Fault::Hangs(20 * SECOND..95 * SECOND), Fault::Hangs(110 * SECOND..157 * SECOND)];
        let world = Hosts { share: Some(share), patience: 4 * SECOND, faults, ..hosts(processes, 20 * MS) };
        played(&world, |outcome, seed| assert_eq!(outcome.refusals, 0, "seed {seed}"));
    }
}

/// Each change in this list breaks one promise of the server's Lua script. The API then refuses requests, although it
/// refuses none with the unchanged script.
#[test]
fn a_script_that_breaks_a_promise_is_found_out() {
    let plain = Hosts { duration: 130 * SECOND, ..hosts(4, 20 * MS) };
    let forgets = vec![Fault::ForgetsAll(70 * SECOND), Fault::ForgetsLastSecond(100 * SECOND)];
    let worlds = [
        (
            "requests in flight are not counted",
            Hosts { broken: &[("state.flying + claims, allowed", "claims, allowed")], ..plain.clone() },
        ),
        (
            "the requests of processes that crash are forgotten",
            Hosts {
                broken: &[(
                    "  while state.leases[1] and state.leases[1].ends <= state.last do\n    table.remove(state.leases, 1)\n    \
                 ended(state.last)",
                    "  while state.leases[1] and state.leases[1].at + 20000 <= state.last do\n    table.remove(state.leases, 1)\n    \
                 state.flying = state.flying - 1",
                )],
                crash_in: Some(3),
                ..plain.clone()
            },
        ),
        (
            "a lost state counts as empty",
            Hosts {
                broken: &[("  count_as_full(now, now", "  local _ = math.max(now, now")],
                faults: forgets,
                ..plain.clone()
            },
        ),
        ("each process goes by its own clock", Hosts { own_clocks: true, ..plain.clone() }),
        (
            "each process has the whole limit while the server is silent",
            Hosts {
                share: Some(1.0),
                faults: vec![Fault::Hangs(70 * SECOND..140 * SECOND)],
                ..plain.clone()
            },
        ),
        (
            "nothing is kept free for processes that do not reach the server",
            Hosts {
                share: Some(0.25),
                broken: &[
                    ("if silent or other.alone == 1 then", "if false then"),
                    ("local sum = kept_free", "local sum = 0"),
                ],
                faults: vec![Fault::CutOff(70 * SECOND..130 * SECOND)],
                ..plain
            },
        ),
    ];
    for (promise, world) in worlds {
        let outcome = play(world);
        println!("{promise}: {} refusals", outcome.refusals);
        assert!(outcome.refusals > 0, "{promise}, and nothing was refused");
    }
}
