//! The server that keeps the limit fails while several processes use the limit. The API must refuse no request, and the
//! processes must report that they keep a limit alone. Once the server is back, they must share the limit again.

use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};

use super::worker::{LATE, Seen, Worker};
use super::{PROGRAMS, REQUESTS, none_refused, settings, world_counting};
use crate::support::redis::{Redis, free_port};

/// The number of worker processes. In each window, the server keeps two of the [`REQUESTS`] free for processes that
/// cannot reach the server. So each of the two workers makes a call soon after it has lost the server.
const WORKERS: usize = 2;

/// Lets workers make calls while `fault` runs. `share` is the client setting `share` (the part of the limit that a
/// process may use); null leaves it unset.
fn during(what: &str, counter: &str, share: &Value, url: &str, fault: impl FnOnce(&[Worker])) -> Vec<Seen> {
    let world = world_counting(counter, REQUESTS);
    let more = if share.is_null() { json!({}) } else { json!({"share": share}) };
    let settings = settings(&world, url, &more);
    let workers: Vec<_> = (0..WORKERS).map(|_| Worker::start(&settings)).collect();
    fault(&workers);
    each(&workers, "fleet", 10);
    sleep(Duration::from_secs(1));
    workers.iter().for_each(Worker::until_shared);
    let seen: Vec<_> = workers.into_iter().map(Worker::end).collect();
    none_refused(&world, &format!("{what}, {counter}, share {share}"), &seen);
    world.delete();
    seen
}

/// Waits until each worker has made `calls` more calls while its limit had this scope: `fleet` if the limit was
/// shared, `process` if not.
fn each(workers: &[Worker], scope: &str, calls: u64) {
    let until: Vec<_> = workers.iter().map(|worker| worker.calls(scope) + calls).collect();
    for (worker, calls) in workers.iter().zip(until) {
        worker.until(scope, calls);
    }
}

/// Waits until each worker has made a call with a limit of its own for a reason in `why`, and has printed a finding of
/// its diagnosis.
fn alone(workers: &[Worker], why: &[&str]) {
    each(workers, "process", 1);
    for worker in workers {
        worker.until_alone(why);
        worker.until_diagnosed();
    }
}

/// Fails unless each worker stopped sharing the limit for a reason in `why`, reported this, and shares the limit again
/// at the end.
fn fell_back_and_returned(seen: &[Seen], why: &[&str]) {
    for seen in seen {
        assert_eq!(seen.scopes.last().map(String::as_str), Some("fleet"), "{seen:?}");
        let told = |reason: &String| why.iter().any(|why| reason.contains(why));
        assert!(seen.reasons.iter().any(told), "{seen:?}");
        assert!(seen.notices.iter().any(|event| event == "alone"), "{seen:?}");
        assert_eq!(seen.notices.last().map(String::as_str), Some("shared"), "{seen:?}");
        assert!(seen.findings.iter().any(|code| code == "limit_not_shared"), "{seen:?}");
    }
}

/// Plays the fault twice: with a Redis server and a `share` of 0.3 for each worker, and with a Valkey server and no
/// `share`.
fn on_both(what: &str, why: &[&str], fault: impl Fn(&mut Redis, &[Worker], &[&str]) + Sync) {
    std::thread::scope(|scope| {
        for (program, share) in PROGRAMS.into_iter().zip([json!(0.3), Value::Null]) {
            let fault = &fault;
            scope.spawn(move || {
                let mut redis = Redis::start(program, &[]);
                let url = redis.url();
                let seen = during(what, "two-bucket", &share, &url, |workers| {
                    each(workers, "fleet", 10);
                    fault(&mut redis, workers, why);
                });
                fell_back_and_returned(&seen, why);
            });
        }
    });
}

#[test]
fn a_server_that_is_stopped_and_continued() {
    on_both("stopped", &[LATE], |redis, workers, why| {
        redis.signal("STOP");
        alone(workers, why);
        redis.signal("CONT");
    });
}

#[test]
fn a_server_that_is_stopped_and_continued_with_the_other_counters() {
    for (program, counter) in PROGRAMS.into_iter().zip(["exact", "fixed"]) {
        let redis = Redis::start(program, &[]);
        let seen = during("stopped", counter, &json!(0.3), &redis.url(), |workers| {
            each(workers, "fleet", 10);
            redis.signal("STOP");
            alone(workers, &[LATE]);
            redis.signal("CONT");
        });
        fell_back_and_returned(&seen, &[LATE]);
    }
}

#[test]
fn a_server_that_is_restarted_without_what_it_knew() {
    // A worker reports the second reason if it is asking the server for permits at the very moment at which the test
    // kills the server.
    on_both("restarted", &["it cannot be reached", "the connection was lost"], |redis, workers, why| {
        redis.kill();
        alone(workers, why);
        redis.restart();
    });
}

#[test]
fn a_server_that_pauses_its_clients() {
    on_both("paused", &[LATE], |redis, workers, why| {
        redis.command(&["CLIENT", "PAUSE", "12000"]);
        alone(workers, why);
    });
}

#[test]
fn a_server_that_comes_later() {
    let why = ["it cannot be reached"];
    for (program, share) in PROGRAMS.into_iter().zip([json!(0.3), Value::Null]) {
        let port = free_port();
        let mut redis = None;
        let url = format!("redis://127.0.0.1:{port}");
        let seen = during("absent", "two-bucket", &share, &url, |workers| {
            alone(workers, &why);
            redis = Some(Redis::start_at(program, port, &[]));
        });
        fell_back_and_returned(&seen, &why);
    }
}

#[test]
fn connections_that_are_cut_are_opened_again() {
    on_a_server_that_goes_on("cut", |redis| {
        redis.command(&["CLIENT", "KILL", "TYPE", "normal"]);
    });
}

#[test]
fn a_server_that_forgets_everything() {
    on_a_server_that_goes_on("flushed", |redis| {
        redis.command(&["FLUSHALL"]);
    });
}

/// Plays a fault after which the server answers at once, so that no worker has a limit of its own for long.
fn on_a_server_that_goes_on(what: &str, fault: impl Fn(&Redis) + Sync) {
    std::thread::scope(|scope| {
        for (program, share) in PROGRAMS.into_iter().zip([json!(0.3), Value::Null]) {
            let fault = &fault;
            scope.spawn(move || {
                let redis = Redis::start(program, &[]);
                let seen = during(what, "two-bucket", &share, &redis.url(), |workers| {
                    for _ in 0..3 {
                        each(workers, "fleet", 5);
                        fault(&redis);
                    }
                });
                for seen in seen {
                    assert_eq!(seen.scopes.last().map(String::as_str), Some("fleet"), "{seen:?}");
                }
            });
        }
    });
}

#[test]
fn workers_that_are_killed_and_stopped_let_the_others_go_on() {
    let (world, redis) = (world_counting("two-bucket", REQUESTS), Redis::start("valkey-server", &[]));
    let settings = settings(&world, &redis.url(), &Value::Null);
    let mut workers: Vec<_> = (0..5).map(|_| Worker::start(&settings)).collect();
    each(&workers, "fleet", 5);
    drop(workers.pop().unwrap());
    let stopped = workers.pop().unwrap();
    stopped.signal("STOP");
    each(&workers, "fleet", 20);
    stopped.signal("CONT");
    each(&workers, "fleet", 20);
    let mut seen: Vec<_> = workers.into_iter().map(Worker::end).collect();
    assert!(seen.iter().any(|seen| !seen.was_late()), "all answers were late: {seen:?}");
    for seen in seen.iter().filter(|seen| !seen.was_late()) {
        assert!(seen.notices.is_empty(), "{seen:?}");
    }
    seen.push(stopped.end());
    none_refused(&world, "killed and stopped", &seen);
    world.delete();
}
