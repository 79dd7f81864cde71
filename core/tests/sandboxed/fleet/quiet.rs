//! How many commands a client sends to the server that keeps its limit.

use std::time::{Duration, Instant};

use hightouch_sdk::{Client, LimitScope, Settings};
use serde_json::json;

use super::PROGRAMS;
use crate::support::redis::Redis;
use crate::support::sandbox::{World, sandbox};

const PATIENCE: Duration = Duration::from_secs(90);

/// Creates a world in which time passes at a fiftieth of its real speed. The SDK's shortest waits then last long enough
/// for a busy machine.
fn slow() -> World {
    sandbox().world(&json!({"syncs": 1, "timeScale": 0.02, "limit": {"requests": 200, "seconds": 0.04}}))
}

fn client(world: &World, redis: &Redis) -> Client {
    Client::new(&settings(world, redis)).unwrap()
}

fn settings(world: &World, redis: &Redis) -> Settings {
    world.settings().limit_scope(LimitScope::Fleet(redis.url().into()))
}

/// Returns how often clients have called the Lua script of the limit, and how many other commands they have sent.
fn commands(redis: &Redis) -> (u64, u64) {
    let told = redis.command(&["INFO", "commandstats"]);
    let calls = told.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        let calls: u64 = rest.split(',').next()?.parse().ok()?;
        Some((name.to_owned(), calls))
    });
    let (mut script, mut others) = (0, 0);
    for (name, calls) in calls {
        match name.as_str() {
            "evalsha" | "eval" => script += calls,
            // The Lua script of the limit and this test send these commands.
            "info" | "get" | "set" | "time" | "client" | "client|list" => {}
            _ => others += calls,
        }
    }
    (script, others)
}

/// Waits until the server has received no command for a second.
async fn quiet(redis: &Redis) -> (u64, u64) {
    let (end, mut before) = (Instant::now() + PATIENCE, commands(redis));
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = commands(redis);
        if now == before {
            return now;
        }
        before = now;
        assert!(Instant::now() < end, "the client asks without end: {now:?}");
    }
}

#[tokio::test]
async fn a_caller_costs_one_round_trip_a_call_and_an_idle_client_none() {
    for program in PROGRAMS {
        let redis = Redis::start(program, &[]);
        let world = slow();
        let client = Client::new(&settings(&world, &redis).limit(200, Duration::from_millis(40))).unwrap();
        client.syncs().get(1).await.unwrap();
        let before = quiet(&redis).await;
        for _ in 0..30 {
            client.syncs().get(1).await.unwrap();
        }
        let after = quiet(&redis).await;
        let asked = after.0 - before.0;
        assert!((30..=36).contains(&asked), "{program}: 30 calls have asked {asked} times");
        assert_eq!(after.1, before.1, "{program}: other commands");
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(commands(&redis), after, "{program}: an idle client sends something");
        world.delete();
    }
}

/// A server allows a limited number of connections. So a client must close a connection that it no longer uses.
#[tokio::test]
async fn an_idle_client_closes_its_connection() {
    let redis = Redis::start("valkey-server", &[]);
    let world = slow();
    let client = Client::new(&settings(&world, &redis).limit(200, Duration::from_millis(40))).unwrap();
    let connections = || redis.command(&["CLIENT", "LIST"]).matches("cmd=eval").count();
    let end = Instant::now() + PATIENCE;
    while connections() == 0 {
        client.syncs().get(1).await.unwrap();
        assert!(Instant::now() < end, "{:?}", client.stats());
    }
    let end = Instant::now() + PATIENCE;
    while connections() > 0 {
        assert!(Instant::now() < end, "the connection stays open");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    client.syncs().get(1).await.unwrap();
    assert_eq!(client.stats().fallback, None);
    world.delete();
}

#[tokio::test]
async fn a_workspace_without_clients_closes_its_connection() {
    let redis = Redis::start("valkey-server", &[]);
    let world = sandbox().world(&json!({"syncs": 1, "timeScale": 50}));
    let connections = || redis.command(&["CLIENT", "LIST"]).matches("cmd=eval").count();
    let first = client(&world, &redis);
    let end = Instant::now() + PATIENCE;
    while connections() == 0 {
        // One call may not be enough: if the server of the limit answers too late, the client keeps a limit of its own
        // for a while.
        first.syncs().get(1).await.unwrap();
        assert!(Instant::now() < end, "{:?}", first.stats());
    }
    drop(first);
    let end = Instant::now() + PATIENCE;
    while connections() > 0 {
        // Creating another client makes the process forget workspaces that nobody has used for long.
        let other = sandbox().world(&json!({"syncs": 1}));
        drop(other.client());
        other.delete();
        assert!(Instant::now() < end, "the connection stays open");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    world.delete();
}
