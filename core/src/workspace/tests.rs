//! Tests when clients share a workspace, how long a workspace is kept after its last user, and when workspaces are
//! merged.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::advance;

use super::{Part, Tenancy, Workspace};
use crate::config::CheckedScope;
use crate::limit::{Ask, Class, Quota};

const ORIGIN: &str = "https://api.example.com";

/// All tests use the one registry of the process and advance the clock, so the tests take turns.
static TURN: Mutex<()> = Mutex::const_new(());

fn enter(key: u8) -> Tenancy {
    Tenancy::of(ORIGIN, [key; 32], Quota::default(), None, &CheckedScope::Process)
}

async fn send(workspace: &Workspace, count: usize) {
    for _ in 0..count {
        workspace.gate().acquire(Ask::new(Class::Read)).await.unwrap().seen();
    }
}

async fn may_send_now(workspace: &Workspace) -> bool {
    let ask = Ask { max_wait: Some(Duration::ZERO), ..Ask::new(Class::Read) };
    workspace.gate().acquire(ask).await.is_ok_and(|permit| {
        permit.never_sent();
        true
    })
}

#[tokio::test(start_paused = true)]
async fn clients_of_one_origin_and_key_share_a_workspace_and_others_do_not() {
    let _turn = TURN.lock().await;
    let one = enter(1);
    assert!(Arc::ptr_eq(&one.workspace(), &enter(1).workspace()));
    assert!(!Arc::ptr_eq(&one.workspace(), &enter(2).workspace()));
    let elsewhere =
        Tenancy::of("https://eu.example.com", [1; 32], Quota::default(), None, &CheckedScope::Process);
    assert!(!Arc::ptr_eq(&one.workspace(), &elsewhere.workspace()));
}

#[tokio::test(start_paused = true)]
async fn a_new_client_within_thirty_seconds_counts_earlier_requests() {
    let _turn = TURN.lock().await;
    let first = enter(3);
    send(&first.workspace(), 150).await;
    drop(first);
    advance(Duration::from_millis(29_999)).await;
    let second = enter(3);
    assert_eq!(second.workspace().gate().stats().granted, 150);
    drop(second);
    advance(Duration::from_secs(30)).await;
    assert_eq!(
        enter(3).workspace().gate().stats().granted,
        0,
        "forgotten thirty seconds after its last user"
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_in_flight_keeps_its_workspace() {
    let _turn = TURN.lock().await;
    let first = enter(4);
    let permit = first.workspace().gate().acquire(Ask::new(Class::Read)).await.unwrap();
    drop(first);
    advance(Duration::from_mins(2)).await;
    assert_eq!(enter(4).workspace().gate().stats().in_flight, 1);
    permit.seen();
}

/// Incident: the last client of a workspace abandoned a request. The request counted as in flight until the next
/// request to the workspace, which never came. So the process kept the workspace for ever.
#[tokio::test(start_paused = true)]
async fn an_abandoned_request_does_not_keep_its_workspace_for_ever() {
    let _turn = TURN.lock().await;
    let first = enter(40);
    drop(first.workspace().gate().acquire(Ask::new(Class::Read)).await.unwrap());
    drop(first);
    advance(Duration::from_mins(1)).await;
    // When a client is created, the registry checks all workspaces. The check ends the abandoned request of workspace
    // 40, but an ended request still counts for two windows.
    drop(enter(41));
    advance(Duration::from_mins(1)).await;
    assert_eq!(enter(40).workspace().gate().stats().granted, 0);
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_the_server_asked_for_outlives_the_thirty_seconds() {
    let _turn = TURN.lock().await;
    let first = enter(5);
    let permit = first.workspace().gate().acquire(Ask::new(Class::Read)).await.unwrap();
    let _ = permit.refused(Some(Duration::from_mins(1)));
    drop(first);
    advance(Duration::from_secs(45)).await;
    assert_eq!(enter(5).workspace().gate().stats().closed_for, Duration::from_secs(15));
}

/// Guards against a separate limit for each client: two clients of one workspace could then send twice as many
/// requests.
#[tokio::test(start_paused = true)]
async fn of_two_quotas_and_shares_the_stricter_holds_for_all_clients() {
    let _turn = TURN.lock().await;
    let wide = enter(6);
    let narrow = Tenancy::of(
        ORIGIN,
        [6; 32],
        Quota { requests: 100, ..Quota::default() },
        Some(0.5),
        &CheckedScope::Process,
    );
    assert_eq!(wide.workspace().gate().stats().limit, 100);
    send(&narrow.workspace(), 25).await;
    send(&wide.workspace(), 25).await;
    assert!(!may_send_now(&wide.workspace()).await, "half of 100 is the process's");
}

/// Guards against a second limit for the same workspace after the API key was replaced.
#[tokio::test(start_paused = true)]
async fn a_key_that_replaced_another_leads_to_the_same_workspace() {
    let _turn = TURN.lock().await;
    let first = enter(7);
    send(&first.workspace(), 200).await;
    first.alias([8; 32]);
    assert!(!may_send_now(&enter(8).workspace()).await);
}

#[tokio::test(start_paused = true)]
async fn a_workspace_takes_over_the_requests_of_an_assigned_key() {
    let _turn = TURN.lock().await;
    let (first, other) = (enter(9), enter(10));
    send(&first.workspace(), 100).await;
    send(&other.workspace(), 100).await;
    first.alias([10; 32]);
    assert!(Arc::ptr_eq(&first.workspace(), &other.workspace()));
    assert!(!may_send_now(&other.workspace()).await);
}

#[derive(Default)]
struct Count(AtomicU32);

impl Part for Count {
    fn absorb(&self, from: &Self) {
        self.0.fetch_add(from.0.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// Guards against two API keys of one workspace that together exceed the limit of the workspace.
#[tokio::test(start_paused = true)]
async fn keys_whose_answers_show_one_workspace_share_all_that_it_keeps() {
    let _turn = TURN.lock().await;
    let (first, second) = (enter(11), enter(12));
    first.workspace().part::<Count>().0.store(2, Ordering::Relaxed);
    second.workspace().part::<Count>().0.store(3, Ordering::Relaxed);
    send(&first.workspace(), 100).await;
    send(&second.workspace(), 100).await;
    first.learn_id(77);
    assert!(!Arc::ptr_eq(&first.workspace(), &second.workspace()));
    second.learn_id(77);
    assert!(Arc::ptr_eq(&first.workspace(), &second.workspace()));
    assert_eq!(second.workspace().part::<Count>().0.load(Ordering::Relaxed), 5);
    assert!(!may_send_now(&second.workspace()).await);
    drop(first);
    advance(Duration::from_secs(31)).await;
    assert!(Arc::ptr_eq(&enter(11).workspace(), &second.workspace()), "a user of either is a user of both");
}

#[tokio::test(start_paused = true)]
async fn workspaces_with_different_ids_or_servers_stay_separate() {
    let _turn = TURN.lock().await;
    let (first, second) = (enter(13), enter(14));
    first.learn_id(78);
    second.learn_id(79);
    assert!(!Arc::ptr_eq(&first.workspace(), &second.workspace()));
    let elsewhere =
        Tenancy::of("https://eu.example.com", [13; 32], Quota::default(), None, &CheckedScope::Process);
    elsewhere.learn_id(78);
    assert!(!Arc::ptr_eq(&first.workspace(), &elsewhere.workspace()));
}
