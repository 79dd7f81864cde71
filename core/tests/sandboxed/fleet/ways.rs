//! Ways to reach a server: passwords, users, databases, TLS, clusters, Sentinels and addresses.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use hightouch_sdk::wire::with_time_scale;
use hightouch_sdk::{Client, LimitScope, LimitStats, Scope};

use super::worker::LATE;
use super::{PROGRAMS, world};
use crate::support::redis::{Redis, free_port};
use crate::support::tls::with_tls;
use crate::temporary::Folder;

const PATIENCE: Duration = Duration::from_mins(1);
/// The permissions that a user of the server needs, as the documentation lists them.
const PERMISSIONS: [&str; 8] =
    ["resetchannels", "~hightouch-limit:*", "+evalsha", "+eval", "+info", "+time", "+get", "+set"];

/// Whether the server or its Sentinels answered too late, as on a busy machine.
fn is_late(stats: &LimitStats) -> bool {
    stats.fallback.as_ref().is_some_and(|told| told.contains(LATE) || told.contains("no Sentinel answered"))
}

/// Makes a call with a client that shares its limit through the server at `url`. If the server answers too late, makes
/// more calls, until `is_met` returns true for the statistics of the limit. Returns the last statistics, and all texts
/// that could show the URL.
async fn called(
    url: &str,
    ca_bundle: Option<PathBuf>,
    is_met: impl Fn(&LimitStats) -> bool,
) -> (LimitStats, String) {
    let world = world();
    let settings = world.settings().limit_scope(LimitScope::Fleet(url.into())).share(0.5);
    let settings = match ca_bundle {
        Some(file) => settings.ca_bundle(file),
        None => settings,
    };
    let settings = with_time_scale(settings, 20.0);
    let client = Client::new(&settings).unwrap();
    let (end, mut was_late) = (Instant::now() + PATIENCE, false);
    let (got, stats) = loop {
        let got = client.syncs().get(1).await;
        let stats = client.stats();
        was_late |= is_late(&stats);
        if got.is_err() || is_met(&stats) || !was_late || Instant::now() > end {
            break (got, stats);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let diagnosis = client.diagnose().await;
    let shown = format!("{got:?} {stats:?} {diagnosis:?} {diagnosis} {client:?} {settings:?}");
    got.unwrap();
    world.delete();
    (stats, shown)
}

async fn shared(what: &str, url: &str, ca_bundle: Option<PathBuf>) {
    let is_shared =
        |stats: &LimitStats| (stats.scope, &stats.fallback, stats.members) == (Scope::Fleet, &None, Some(1));
    let (stats, shown) = called(url, ca_bundle, is_shared).await;
    assert!(is_shared(&stats) && !shown.contains("hunter2"), "{what}: {shown}");
}

fn is_alone(stats: &LimitStats, why: &str) -> bool {
    stats.scope == Scope::Process && stats.fallback.as_ref().is_some_and(|told| told.contains(why))
}

async fn alone(what: &str, url: &str, why: &str) {
    let (stats, shown) = called(url, None, |stats| is_alone(stats, why)).await;
    assert!(is_alone(&stats, why), "{what}: {stats:?}");
    assert!(shown.contains("limit_not_shared") && !shown.contains("hunter2"), "{what}: {shown}");
}

#[tokio::test]
async fn a_password_and_a_database() {
    for program in PROGRAMS {
        let redis = Redis::start(program, &["--requirepass", "hunter2"]);
        let at = format!("127.0.0.1:{}", redis.port);
        shared(program, &format!("redis://:hunter2@{at}"), None).await;
        shared(program, &format!("redis://:hunter2@{at}/3"), None).await;
        let keys = redis.commands(&[&["AUTH", "hunter2"], &["INFO", "keyspace"]]);
        assert!(keys.contains("db0:keys=2") && keys.contains("db3:keys=2"), "{keys}");
        alone(program, &format!("redis://:hunter2x@{at}"), "it refuses the user name and the password").await;
        alone(program, &format!("redis://{at}"), "it asks for a password").await;
        alone(program, &format!("redis://:hunter2@{at}/99"), "it has no such database").await;
    }
}

#[tokio::test]
async fn a_user_with_no_more_permissions_than_needed() {
    for program in PROGRAMS {
        let redis = Redis::start(program, &[]);
        let url = format!("redis://limits:hunter2@127.0.0.1:{}", redis.port);
        let user = ["ACL", "SETUSER", "limits", "reset", "on", ">hunter2"];
        redis.command(&[&user[..], &PERMISSIONS].concat());
        shared(program, &url, None).await;
        // If one of the permissions is missing, the limit cannot be shared.
        for without in PERMISSIONS.iter().filter(|permission| !permission.starts_with("reset")) {
            redis.command(&["SCRIPT", "FLUSH"]);
            let rest: Vec<_> = PERMISSIONS.into_iter().filter(|permission| permission != without).collect();
            redis.command(&[&user[..], &rest].concat());
            redis.command(&["CLIENT", "KILL", "TYPE", "normal"]);
            let why = "the user has no permission";
            let (stats, shown) = called(&url, None, |stats| is_alone(stats, why)).await;
            assert!(is_alone(&stats, why), "{program} without {without}: {shown}");
        }
        // A database other than 0 needs one more permission.
        redis.command(&[&user[..], &PERMISSIONS, &["+select"]].concat());
        shared(program, &format!("{url}/2"), None).await;
    }
}

#[tokio::test]
async fn tls_with_a_certificate_that_is_trusted_or_not() {
    let redis = Redis::start("valkey-server", &["--requirepass", "hunter2"]);
    let folder = Folder::new("authorities");
    let ca = folder.0.join("ca.pem");
    let port = with_tls(redis.port, &ca).await;
    let url = format!("rediss://:hunter2@127.0.0.1:{port}");
    alone("not trusted", &url, "its TLS certificate or handshake was refused").await;
    let plain = format!("rediss://:hunter2@127.0.0.1:{}", redis.port);
    alone("no TLS", &plain, "it did not answer within 800 ms").await;
    shared("trusted", &url, Some(ca)).await;
}

#[tokio::test]
async fn an_address_of_ipv6() {
    for program in PROGRAMS {
        let redis = Redis::start(program, &["--bind", "127.0.0.1", "::1"]);
        shared(program, &format!("redis://[::1]:{}", redis.port), None).await;
    }
}

/// Starts a cluster of two nodes. The second node stores all keys of the database.
async fn cluster() -> (Redis, Redis) {
    let start = || {
        let bus = free_port().to_string();
        let more = ["--cluster-enabled", "yes", "--cluster-port", &bus, "--cluster-node-timeout", "20000"];
        (Redis::start("valkey-server", &more), bus)
    };
    let ((one, _), (other, bus)) = (start(), start());
    other.command(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    one.command(&["CLUSTER", "MEET", "127.0.0.1", &other.port.to_string(), &bus]);
    let end = Instant::now() + PATIENCE;
    let is_ok = |redis: &Redis| {
        let told = redis.command(&["CLUSTER", "INFO"]);
        told.contains("cluster_state:ok") && told.contains("cluster_known_nodes:2")
    };
    while !is_ok(&one) || !is_ok(&other) {
        assert!(Instant::now() < end, "{}", one.command(&["CLUSTER", "INFO"]));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    (one, other)
}

#[tokio::test]
async fn a_cluster_of_which_another_node_has_the_limit() {
    let (one, other) = cluster().await;
    shared("cluster", &one.url(), None).await;
    assert_eq!(one.command(&["DBSIZE"]), ":0\r\n");
    assert_eq!(other.command(&["DBSIZE"]), ":2\r\n", "the key's limit, which leads to that of the workspace");
}

/// Fails unless the client shares its limit. If the server answered too late, makes calls until the client shares its
/// limit again.
async fn until_shared(client: &Client, what: &str) {
    let (end, stats) = (Instant::now() + PATIENCE, client.stats());
    assert!(stats.scope == Scope::Fleet || is_late(&stats), "{what}: {stats:?}");
    while client.stats().scope != Scope::Fleet {
        assert!(Instant::now() < end, "{what}: {:?}", client.stats());
        tokio::time::sleep(Duration::from_millis(50)).await;
        client.syncs().get(1).await.unwrap();
    }
}

/// Some of a cluster's keys move to another node while a client uses them.
#[tokio::test]
async fn a_cluster_whose_keys_are_on_their_way_to_another_node() {
    let (one, other) = cluster().await;
    let world = world();
    let settings = world.settings().limit_scope(LimitScope::Fleet(other.url().into())).share(0.5);
    let client = Client::new(&with_time_scale(settings, 20.0)).unwrap();
    let works = async |what: &str| {
        for _ in 0..3 {
            client.syncs().get(1).await.unwrap();
        }
        until_shared(&client, what).await;
    };
    works("before").await;
    let id = |redis: &Redis| {
        let told = redis.command(&["CLUSTER", "MYID"]);
        told.lines().nth(1).unwrap_or_default().to_owned()
    };
    let (from, to) = (id(&other), id(&one));
    let keys = other.command(&["KEYS", "*"]);
    let keys: Vec<_> = keys.lines().filter(|line| line.starts_with("hightouch")).collect();
    assert_eq!(keys.len(), 2);
    let slots: Vec<_> = keys
        .iter()
        .map(|key| other.command(&["CLUSTER", "KEYSLOT", key]).trim_start_matches(':').trim().to_owned())
        .collect();
    for (slot, key) in slots.iter().zip(&keys) {
        assert_eq!(one.command(&["CLUSTER", "SETSLOT", slot, "IMPORTING", &from]), "+OK\r\n");
        assert_eq!(other.command(&["CLUSTER", "SETSLOT", slot, "MIGRATING", &to]), "+OK\r\n");
        works("before the key moves").await;
        let port = one.port.to_string();
        assert_eq!(other.command(&["MIGRATE", "127.0.0.1", &port, key, "0", "5000"]), "+OK\r\n");
    }
    works("the keys are there and their part of the cluster is not").await;
    assert!(one.command(&["INFO", "commandstats"]).contains("cmdstat_asking"), "nobody was sent there");
    for slot in &slots {
        for redis in [&one, &other] {
            assert_eq!(redis.command(&["CLUSTER", "SETSLOT", slot, "NODE", &to]), "+OK\r\n");
        }
    }
    works("after").await;
    assert_eq!((one.command(&["DBSIZE"]), other.command(&["DBSIZE"])), (":2\r\n".into(), ":0\r\n".into()));
    world.delete();
}

/// The Redis Sentinels, which name the current server, have another password than the server.
#[tokio::test]
async fn sentinels_that_ask_for_a_password() {
    let server = Redis::start("valkey-server", &["--requirepass", "hunter2server"]);
    let folder = Folder::new("sentinel");
    let file = folder.0.join("sentinel.conf");
    let told = format!(
        "requirepass hunter2\n\
         user limits on >hunter2limits -@all +auth +sentinel|get-master-addr-by-name\n\
         user nobody on >hunter2nobody -@all +auth\n\
         sentinel monitor limits 127.0.0.1 {} 1\nsentinel auth-pass limits hunter2server\n",
        server.port
    );
    std::fs::write(&file, told).unwrap();
    let sentinel = Redis::sentinel(&file);
    let at = format!("redis+sentinel://:hunter2server@127.0.0.1:{}/limits", sentinel.port);
    alone("no password", &at, "its Sentinel asks for a password").await;
    let refuses = "its Sentinel refuses the user name and the password";
    alone("a wrong password", &format!("{at}?sentinel_password=hunter2x"), refuses).await;
    let nobody = format!("{at}?sentinel_username=nobody&sentinel_password=hunter2nobody");
    alone("no permission", &nobody, "its Sentinel gives the user no permission").await;
    let swapped = at.replace("hunter2server", "hunter2") + "?sentinel_password=hunter2";
    alone("the password of the Sentinel", &swapped, "it refuses the user name and the password").await;
    shared("a password", &format!("{at}?sentinel_password=hunter2"), None).await;
    let user = format!("{at}?sentinel_username=limits&sentinel_password=hunter2limits");
    shared("a user", &user, None).await;
}

#[tokio::test]
async fn sentinels_that_know_the_server_and_its_successor() {
    let mut first = Redis::start("valkey-server", &[]);
    let second = Redis::start("valkey-server", &["--replicaof", "127.0.0.1", &first.port.to_string()]);
    let folder = Folder::new("sentinel");
    let file = folder.0.join("sentinel.conf");
    let told = format!(
        "sentinel monitor limits 127.0.0.1 {} 1\nsentinel down-after-milliseconds limits 500\n\
         sentinel failover-timeout limits 3000\n",
        first.port
    );
    std::fs::write(&file, told).unwrap();
    let sentinel = Redis::sentinel(&file);
    let end = Instant::now() + PATIENCE;
    while !sentinel.command(&["SENTINEL", "REPLICAS", "limits"]).contains(&second.port.to_string()) {
        assert!(Instant::now() < end, "the Sentinel does not find the replica");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let closed = free_port();
    let at = format!("redis+sentinel://127.0.0.1:{closed},127.0.0.1:{}", sentinel.port);
    alone("another service", &format!("{at}/other"), "its Sentinel does not know the service").await;

    let world = world();
    let settings = world.settings().limit_scope(LimitScope::Fleet(format!("{at}/limits").into())).share(0.5);
    let client = Client::new(&with_time_scale(settings, 20.0)).unwrap();
    client.syncs().get(1).await.unwrap();
    until_shared(&client, "before").await;
    first.kill();
    let end = Instant::now() + PATIENCE;
    let moved = || second.command(&["ROLE"]).contains("master") && client.stats().scope == Scope::Fleet;
    while !moved() {
        client.syncs().get(1).await.unwrap();
        assert!(Instant::now() < end, "{:?}", client.stats());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    client.syncs().get(1).await.unwrap();
    assert!(second.command(&["INFO", "commandstats"]).contains("cmdstat_eval"));
    world.delete();
}
