//! Processes that share a limit through a Redis or Valkey server.

mod faults;
mod hostile;
mod joined;
mod quiet;
mod told;
mod ways;
mod worker;

use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::redis::Redis;
use crate::support::sandbox::{World, sandbox};
use worker::{SCALE, Seen, Worker};

pub const PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];
/// The limit of most worlds in these tests, in requests per window. It is lower than the real limit, so that the
/// machine has time for other tests.
const REQUESTS: u64 = 80;

fn world_counting(counter: &str, requests: u64) -> World {
    let limit = json!({"requests": requests, "seconds": 10, "counter": counter, "phase": 0.3});
    sandbox().world(&json!({"syncs": 1, "timeScale": SCALE, "limit": limit}))
}

fn world() -> World {
    world_counting("two-bucket", REQUESTS)
}

/// Returns the settings of a worker in a world with the limit [`REQUESTS`].
fn settings(world: &World, redis: &str, more: &Value) -> Value {
    let mut settings = worker::settings(world, redis, &json!({"limit": [REQUESTS, 10]}));
    for (name, value) in more.as_object().into_iter().flatten() {
        settings[name] = value.clone();
    }
    settings
}

/// Fails if the server of the API has refused a request.
fn none_refused(world: &World, what: &str, seen: &[Seen]) {
    let log = world.log();
    let all = log["requests"].as_array().map_or(0, Vec::len);
    eprintln!(
        "{what}: {all} requests, peak {}, done {:?}",
        log["peak"],
        seen.iter().map(|seen| seen.done).collect::<Vec<_>>()
    );
    assert_eq!(log["refused"], 0, "{what}: {seen:?}");
}

#[test]
fn processes_that_name_one_server_keep_one_limit_and_share_it_evenly() {
    for program in PROGRAMS {
        let (world, redis) = (world_counting("two-bucket", 200), Redis::start(program, &[]));
        let settings = worker::settings(&world, &redis.url(), &Value::Null);
        // The first worker is nearer to the server than the other workers, and has five of six calls that wait. Each
        // other worker must still get at least a third of an even part.
        let far = worker::settings(&world, &redis.far_away(), &Value::Null);
        let workers: Vec<_> = [(&settings, 192), (&far, 12), (&far, 12), (&far, 12)]
            .into_iter()
            .map(|(settings, tasks)| Worker::with_tasks(settings, tasks))
            .collect();
        // The server has just been started, so it grants nothing in the first window.
        for worker in &workers {
            worker.until("fleet", 1);
        }
        // On a busy machine, some workers begin much later than others. So the calls until now do not count.
        let before: Vec<_> = workers.iter().map(|worker| worker.calls("fleet")).collect();
        sleep(Duration::from_secs(12));
        let seen: Vec<_> = workers.into_iter().map(Worker::end).collect();
        none_refused(&world, program, &seen);
        let done: Vec<_> = seen.iter().zip(before).map(|(seen, before)| seen.done - before).collect();
        let sum: u64 = done.iter().sum();
        assert!(seen.iter().any(|seen| !seen.was_late()), "all answers were late: {seen:?}");
        for (each, own) in seen.iter().zip(&done).filter(|(seen, _)| !seen.was_late()) {
            assert!(*own >= sum / 12, "one has had less than a third of its part: {done:?}");
            assert_eq!(each.scopes, ["fleet"], "{each:?}");
            assert_eq!((each.members, each.notices.len()), (4, 0), "{each:?}");
        }
        // Six windows allow 1,200 requests. Half of these requests is enough, because the machine may be busy.
        assert!(sum > 200 * 3, "the limit is hardly used: {sum}");
        world.delete();
    }
}
