//! Two clients have different API keys of one workspace. Their limits become one limit on the server.

use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};

use super::worker::Worker;
use super::{PROGRAMS, none_refused, settings, world};
use crate::support::redis::Redis;

#[test]
fn processes_with_different_keys_of_one_workspace_share_its_limit() {
    for program in PROGRAMS {
        let (world, redis) = (world(), Redis::start(program, &[]));
        let first = settings(&world, &redis.url(), &Value::Null);
        let second = settings(&world, &redis.url(), &json!({"apiKey": world.info["keys"]["second"]}));
        let workers: Vec<_> = [&first, &second, &first, &second].into_iter().map(Worker::start).collect();
        for worker in &workers {
            worker.until("fleet", 40);
        }
        sleep(Duration::from_secs(2));
        let seen: Vec<_> = workers.into_iter().map(Worker::end).collect();
        none_refused(&world, program, &seen);
        assert!(seen.iter().all(|seen| seen.members == 4), "{seen:?}");
        let keys = redis.command(&["KEYS", "hightouch-limit:*"]);
        assert!(keys.starts_with("*3\r\n"), "two keys lead to the limit of the workspace: {keys}");
        let kept: Vec<_> = keys
            .lines()
            .filter(|line| line.starts_with("hightouch-limit"))
            .map(|key| redis.command(&["GET", key]))
            .filter(|kept| kept.contains("moved "))
            .collect();
        // The limit has moved to the place of the workspace (an entry on the server). The entries of the two keys now
        // hold only the name of this place.
        assert_eq!(kept.len(), 2, "{kept:?}");
        assert!(kept.iter().all(|kept| kept.len() < 60), "{kept:?}");
        world.delete();
    }
}
