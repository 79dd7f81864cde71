//! The core uses aws-lc-rs with its own cipher suites, whether or not the program has installed a default TLS provider.
//! The core installs none itself. Its `ClientHello` is the same whatever features of rustls are turned on.
//!
//! The default belongs to a whole process and cannot be taken back, so each test starts itself again in a process of its
//! own.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected shall fail loudly"
)]

#[allow(dead_code, reason = "the TLS tests of the core use the rest")]
#[path = "../../tests/tls/client.rs"]
mod client;
#[path = "../../tests/tls/hello.rs"]
mod hello;
#[allow(dead_code, reason = "the tests of the documentation use the rest")]
#[path = "../../tests/docs/user/tests/world/mod.rs"]
mod world;

use std::process::Command;
use std::time::Duration;

use hightouch_sdk::wire::with_time_scale;
use hightouch_sdk::{Client, Diagnosis, LimitScope, Scope};
use rustls::crypto::{CryptoProvider, ring};
use tokio::time::{Instant, sleep};

use world::World;

/// The environment variable that is set in the process of a single test.
const CHILD: &str = "HIGHTOUCH_PROVIDER_CHILD";
/// The longest wait for the server of the limit to be asked.
const PATIENCE: Duration = Duration::from_mins(1);

/// Returns whether this process runs this test alone. If not, runs the test in such a process.
fn is_alone(test: &str) -> bool {
    if std::env::var_os(CHILD).is_some() {
        return true;
    }
    let ran = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let (shown, complained) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success() && shown.contains("1 passed"), "{shown}{complained}");
    false
}

/// Fails unless the connection was made with aws-lc-rs. In this build, ring has no post-quantum key exchange.
fn made_with_aws_lc_rs(diagnosis: &Diagnosis) {
    assert!(diagnosis.ok, "{diagnosis}");
    assert_eq!(diagnosis.tls.as_ref().unwrap().key_exchange, "X25519MLKEM768", "{diagnosis}");
}

/// Reads over HTTPS, diagnoses the connection, and connects over TLS to the server of a shared limit.
async fn works() {
    let client = World::new().await.client();
    assert_eq!(client.syncs().get(1).await.unwrap().id, 1);
    made_with_aws_lc_rs(&client.diagnose().await);

    // The clients of a workspace share one limit, so this client needs another workspace. The sandbox completes the TLS
    // handshake, and then does not speak the protocol of Redis. Without the handshake, another reason would be told.
    let settings = World::new().await.settings();
    let server = settings.base_url.as_ref().unwrap().split('/').nth(2).unwrap();
    let fleet = LimitScope::Fleet(format!("rediss://{server}").into());
    // At first the client waits for a window of the limit, which is short with this time scale.
    let settings = with_time_scale(settings.clone().limit_scope(fleet).share(0.5), 20.0);
    let client = Client::new(&settings).unwrap();
    let end = Instant::now() + PATIENCE;
    loop {
        assert_eq!(client.syncs().get(1).await.unwrap().id, 1);
        let stats = client.stats();
        if stats.fallback.as_ref().is_some_and(|why| why.contains("its answer cannot be read")) {
            assert_eq!(stats.scope, Scope::Process);
            break;
        }
        // On a busy machine, the first answers may come too late, which the client reports instead.
        assert!(Instant::now() < end, "{stats:?}");
        sleep(Duration::from_millis(200)).await;
    }
    made_with_aws_lc_rs(&client.diagnose().await);
}

#[tokio::test]
async fn a_client_needs_no_default_provider_and_installs_none() {
    if !is_alone("a_client_needs_no_default_provider_and_installs_none") {
        return;
    }
    assert!(CryptoProvider::get_default().is_none());
    works().await;
    assert!(CryptoProvider::get_default().is_none());
}

#[tokio::test]
async fn a_client_does_not_use_the_default_provider_of_the_program() {
    if !is_alone("a_client_does_not_use_the_default_provider_of_the_program") {
        return;
    }
    ring::default_provider().install_default().unwrap();
    let installed = std::ptr::from_ref(CryptoProvider::get_default().unwrap());
    works().await;
    assert!(std::ptr::eq(installed, CryptoProvider::get_default().unwrap()));
}
