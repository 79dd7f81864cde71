//! Processes that share a limit through a Redis or Valkey server.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hightouch_sdk::resources::ListSyncs;
use hightouch_sdk::wire::with_time_scale;
use hightouch_sdk::{Client, Kind, LimitScope, Options, Priority, Scope, Settings};
use serde_json::{Value, json};

use crate::support::redis::Redis;
use crate::support::sandbox::{World, sandbox};

/// What a process that a test starts needs to know.
const WORKER: &str = "HIGHTOUCH_FLEET_WORKER";
const SCALE: f64 = 5.0;

/// A process of the tests below: calls without pause for some time, and prints how many calls succeeded.
#[tokio::test]
#[ignore = "another test starts it as a process of its own"]
async fn worker() {
    let told: Value = serde_json::from_str(&std::env::var(WORKER).unwrap()).unwrap();
    let text = |name: &str| told[name].as_str().unwrap().to_owned();
    let settings = Settings::new()
        .api_key(text("apiKey"))
        .base_url(text("baseUrl"))
        .ca_bundle(text("ca"))
        .limit_scope(LimitScope::Fleet(text("redis").into()))
        .environment(BTreeMap::new());
    let settings = match told["share"].as_f64() {
        Some(share) => settings.share(share),
        None => settings,
    };
    let client = Client::new(&with_time_scale(settings, told["timeScale"].as_f64().unwrap())).unwrap();
    let end = Instant::now() + Duration::from_millis(told["ms"].as_u64().unwrap());
    let calls: Vec<_> =
        (0..told["tasks"].as_u64().unwrap()).map(|_| tokio::spawn(calls(client.clone(), end))).collect();
    let (mut done, mut changes, mut before) = (0, Vec::new(), None);
    let began = Instant::now();
    while Instant::now() < end {
        let stats = client.stats();
        if before != Some(stats.scope) {
            before = Some(stats.scope);
            changes.push(json!([
                began.elapsed().as_secs_f64(),
                format!("{:?}", stats.scope),
                stats.fallback
            ]));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for calls in calls {
        done += calls.await.unwrap();
    }
    let mut out = std::io::stdout();
    writeln!(out, "\n@{}", json!({"done": done, "changes": changes, "members": client.stats().members}))
        .unwrap();
}

async fn calls(client: Client, end: Instant) -> u64 {
    let mut done = 0;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return done;
        }
        // Not `bulk`, because requests with this priority leave a tenth of the limit free.
        let options = Options::new().priority(Priority::Read);
        let mut page =
            client.syncs().list(&ListSyncs { limit: Some(1), ..ListSyncs::default() }).with(options);
        match tokio::time::timeout(left, page.next_page()).await {
            Ok(Ok(_)) => done += 1,
            Ok(Err(error)) => assert_ne!(error.kind(), Kind::RateLimited, "{error}"),
            Err(_) => return done,
        }
    }
}

fn world() -> World {
    let limit = json!({"requests": 200, "seconds": 10, "counter": "two-bucket", "phase": 0.3});
    sandbox().world(&json!({"syncs": 1, "timeScale": SCALE, "limit": limit}))
}

fn start(world: &World, redis: &str, more: &Value) -> Child {
    let mut told = json!({
        "apiKey": world.info["apiKey"], "baseUrl": world.info["baseUrl"], "timeScale": SCALE,
        "ca": sandbox().line["ca"], "redis": redis, "ms": 16_000, "tasks": 16,
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        told[name] = value.clone();
    }
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "fleet::worker", "--ignored", "--nocapture"])
        .env(WORKER, told.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn told(mut child: Child) -> Value {
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(child.wait().unwrap().success(), "{text}");
    let line = text.lines().find_map(|line| line.strip_prefix('@')).expect("the process tells what it did");
    serde_json::from_str(line).unwrap()
}

fn settings(world: &World, redis: &str) -> Settings {
    world.settings().limit_scope(LimitScope::Fleet(redis.into()))
}

#[test]
fn processes_that_name_one_server_keep_one_limit_and_share_it_evenly() {
    for program in ["redis-server", "valkey-server"] {
        let (world, redis) = (world(), Redis::start(program, &[]));
        let children: Vec<_> = (0..4).map(|_| start(&world, &redis.url(), &json!({}))).collect();
        let done: Vec<_> = children.into_iter().map(told).collect();
        let log = world.log();
        eprintln!(
            "{program}: {} peak {} {done:?}",
            log["requests"].as_array().map_or(0, Vec::len),
            log["peak"]
        );
        assert_eq!(log["refused"], 0, "{done:?}");
        let calls: Vec<_> = done.iter().map(|told| told["done"].as_u64().unwrap()).collect();
        let sum: u64 = calls.iter().sum();
        for each in &calls {
            assert!(*each >= sum / 8, "one has had less than half of its part: {calls:?}");
        }
        assert!(done.iter().all(|told| told["members"] == 4), "{done:?}");
        world.delete();
    }
}

#[tokio::test]
async fn one_call() {
    let (world, redis) = (world(), Redis::start("redis-server", &[]));
    let client = Client::new(&settings(&world, &redis.url())).unwrap();
    let began = Instant::now();
    for _ in 0..3 {
        client.syncs().get(1).await.unwrap();
        eprintln!("{:?} {:?}", began.elapsed(), client.stats());
    }
    assert_eq!(client.stats().scope, Scope::Fleet);
}
