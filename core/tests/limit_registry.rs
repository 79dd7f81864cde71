//! One gate for each origin and key, kept for a while after its last user.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;
use std::time::Duration;

use hightouch_sdk::limit::{Ask, Class, Gate, Quota};
use tokio::sync::Mutex;
use tokio::time::advance;

const ORIGIN: &str = "https://api.example.com";

/// The registry is one for the process and each test moves its clock, so they take turns.
static TURN: Mutex<()> = Mutex::const_new(());

async fn send(gate: &Arc<Gate>, count: usize) {
    for _ in 0..count {
        gate.acquire(Ask::new(Class::Read)).await.unwrap().seen();
    }
}

fn at_once() -> Ask {
    Ask { max_wait: Some(Duration::ZERO), ..Ask::new(Class::Read) }
}

#[tokio::test(start_paused = true)]
async fn clients_of_one_origin_and_key_share_a_gate_and_others_do_not() {
    let _turn = TURN.lock().await;
    let quota = Quota::default();
    let one = Gate::shared(ORIGIN, [1; 32], quota);
    assert!(Arc::ptr_eq(&one, &Gate::shared(ORIGIN, [1; 32], quota)));
    assert!(!Arc::ptr_eq(&one, &Gate::shared(ORIGIN, [2; 32], quota)));
    assert!(!Arc::ptr_eq(&one, &Gate::shared("https://eu.example.com", [1; 32], quota)));
}

#[tokio::test(start_paused = true)]
async fn a_client_made_anew_within_thirty_seconds_knows_what_was_sent() {
    let _turn = TURN.lock().await;
    let gate = Gate::shared(ORIGIN, [3; 32], Quota::default());
    send(&gate, 150).await;
    drop(gate);
    advance(Duration::from_millis(29_999)).await;
    let gate = Gate::shared(ORIGIN, [3; 32], Quota::default());
    assert_eq!(gate.stats().granted, 150);
    drop(gate);
    advance(Duration::from_secs(30)).await;
    let gate = Gate::shared(ORIGIN, [3; 32], Quota::default());
    assert_eq!(gate.stats().granted, 0, "forgotten thirty seconds after its last user");
}

#[tokio::test(start_paused = true)]
async fn a_permit_in_flight_is_a_user_too() {
    let _turn = TURN.lock().await;
    let gate = Gate::shared(ORIGIN, [4; 32], Quota::default());
    let permit = gate.acquire(Ask::new(Class::Read)).await.unwrap();
    drop(gate);
    advance(Duration::from_mins(2)).await;
    assert_eq!(Gate::shared(ORIGIN, [4; 32], Quota::default()).stats().in_flight, 1);
    permit.seen();
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_the_server_asked_for_outlives_the_thirty_seconds() {
    let _turn = TURN.lock().await;
    let gate = Gate::shared(ORIGIN, [5; 32], Quota::default());
    let permit = gate.acquire(Ask::new(Class::Read)).await.unwrap();
    let _ = permit.refused(Some(Duration::from_mins(1)));
    drop(gate);
    advance(Duration::from_secs(45)).await;
    let gate = Gate::shared(ORIGIN, [5; 32], Quota::default());
    assert_eq!(gate.stats().closed_for, Duration::from_secs(15));
}

#[tokio::test(start_paused = true)]
async fn of_two_quotas_for_one_gate_the_stricter_holds_for_both() {
    let _turn = TURN.lock().await;
    let wide = Gate::shared(ORIGIN, [6; 32], Quota::default());
    let narrow = Gate::shared(ORIGIN, [6; 32], Quota { requests: 50, ..Quota::default() });
    assert_eq!((wide.stats().limit, narrow.stats().limit), (50, 50));
    let again = Gate::shared(ORIGIN, [6; 32], Quota::default());
    assert_eq!(again.stats().limit, 50);
    send(&again, 50).await;
    assert!(again.acquire(at_once()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_share_is_one_of_the_stricter_quota_once_there_is_one() {
    let _turn = TURN.lock().await;
    let gate = Gate::shared(ORIGIN, [7; 32], Quota::default());
    gate.set_share(0.5);
    let _stricter = Gate::shared(ORIGIN, [7; 32], Quota { requests: 50, ..Quota::default() });
    for _ in 0..25 {
        gate.acquire(at_once()).await.unwrap().seen();
    }
    assert!(gate.acquire(at_once()).await.is_err());
}
