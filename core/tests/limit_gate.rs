//! The gate, with the clock standing still except where somebody waits.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hightouch_sdk::limit::{Class, Gate, GateHandle, Permit, Quota, RefusedBy429};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{Instant, advance, sleep};

const SPAN: Duration = Duration::from_millis(10_050);

fn open() -> (Arc<Gate>, Arc<GateHandle>) {
    let gate = Gate::new(Quota::default());
    let handle = Arc::new(gate.with_share(1.0));
    (gate, handle)
}

async fn take(handle: &GateHandle, class: Class, count: usize) -> Vec<Permit> {
    let mut permits = Vec::new();
    for _ in 0..count {
        permits.push(handle.acquire(class, None, false).await.unwrap());
    }
    permits
}

/// Uses up the limit with answers that are seen at once.
async fn use_up(handle: &GateHandle) {
    take(handle, Class::Trigger, 200).await.into_iter().for_each(Permit::seen);
}

/// Waits in a task of its own, and ends as seen.
fn wait_in_line(
    handle: &Arc<GateHandle>,
    class: Class,
    name: &'static str,
    order: &Arc<Mutex<Vec<&'static str>>>,
) -> JoinHandle<()> {
    let (handle, order) = (Arc::clone(handle), Arc::clone(order));
    tokio::spawn(async move {
        let permit = handle.acquire(class, None, false).await.unwrap();
        order.lock().unwrap().push(name);
        permit.seen();
    })
}

/// Lets every task that can go on do so.
async fn settle() {
    for _ in 0..2000 {
        yield_now().await;
    }
}

fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test(start_paused = true)]
async fn the_whole_limit_leaves_at_once_and_the_next_waits_for_the_window() {
    let (gate, handle) = open();
    let start = Instant::now();
    use_up(&handle).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    let permit = handle.acquire(Class::Read, None, false).await.unwrap();
    assert!((SPAN..SPAN + Duration::from_millis(100)).contains(&start.elapsed()), "{:?}", start.elapsed());
    assert_eq!(permit.waited().as_millis() / 10, start.elapsed().as_millis() / 10);
    assert_eq!((gate.stats().limit, gate.stats().granted, gate.stats().in_flight), (200, 201, 1));
}

#[tokio::test(start_paused = true)]
async fn the_scale_divides_the_window() {
    let gate = Gate::new(Quota { scale: 20.0, ..Quota::default() });
    let handle = gate.with_share(1.0);
    let start = Instant::now();
    use_up(&handle).await;
    handle.acquire(Class::Read, None, false).await.unwrap().seen();
    assert!((SPAN / 20..SPAN / 19).contains(&start.elapsed()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn waiting_classes_share_eight_four_two_one() {
    let (gate, handle) = open();
    use_up(&handle).await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let classes =
        [(Class::Bulk, "bulk"), (Class::Read, "read"), (Class::Poll, "poll"), (Class::Trigger, "trigger")];
    let mut tasks = Vec::new();
    for (class, name) in classes {
        for _ in 0..100 {
            tasks.push(wait_in_line(&handle, class, name, &order));
        }
    }
    settle().await;
    assert_eq!(gate.stats().waiting.bulk, 100);
    while order.lock().unwrap().len() < 75 {
        sleep(Duration::from_millis(5)).await;
    }
    let mut counts = BTreeMap::new();
    for name in order.lock().unwrap().iter().take(75) {
        *counts.entry(*name).or_insert(0) += 1;
    }
    assert_eq!(counts, BTreeMap::from([("trigger", 40), ("poll", 20), ("read", 10), ("bulk", 5)]));
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn bulk_leaves_a_tenth_so_that_triggers_after_it_leave_at_once() {
    let (gate, handle) = open();
    let order = Arc::new(Mutex::new(Vec::new()));
    let tasks: Vec<_> = (0..300).map(|_| wait_in_line(&handle, Class::Bulk, "bulk", &order)).collect();
    settle().await;
    assert_eq!((order.lock().unwrap().len(), gate.stats().waiting.bulk), (180, 120));
    let start = Instant::now();
    take(&handle, Class::Trigger, 20).await.into_iter().for_each(Permit::seen);
    assert_eq!(start.elapsed(), Duration::ZERO, "all twenty, though bulk waited all the while");
    assert_eq!(gate.stats().waiting.bulk, 120);
    for task in tasks {
        task.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn a_trigger_does_not_queue_behind_reads_and_bulk_that_came_before() {
    let (_gate, handle) = open();
    use_up(&handle).await;
    let order = Arc::new(Mutex::new(Vec::new()));
    for _ in 0..200 {
        wait_in_line(&handle, Class::Bulk, "bulk", &order);
        wait_in_line(&handle, Class::Read, "read", &order);
    }
    sleep(SPAN + Duration::from_secs(1)).await;
    let before = order.lock().unwrap().len();
    assert!(before > 0);
    handle.acquire(Class::Trigger, None, false).await.unwrap().seen();
    let passed_by = order.lock().unwrap().len() - before;
    assert!(passed_by <= 2, "{passed_by} went first");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_waiter_gives_its_place_back() {
    let (gate, handle) = open();
    use_up(&handle).await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let first = wait_in_line(&handle, Class::Read, "first", &order);
    settle().await;
    let second = wait_in_line(&handle, Class::Read, "second", &order);
    settle().await;
    let start = Instant::now();
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    assert_eq!(gate.stats().waiting.read, 1);
    second.await.unwrap();
    assert!(start.elapsed() < SPAN + Duration::from_millis(100), "{:?}", start.elapsed());
    assert_eq!(*order.lock().unwrap(), ["second"]);
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_is_cancelled_after_its_grant_has_used_nothing() {
    let (gate, handle) = open();
    let held = take(&handle, Class::Read, 200).await;
    {
        let mut waiting = pin!(handle.acquire(Class::Read, None, false));
        assert!(poll_once(waiting.as_mut()).is_pending());
        held.into_iter().for_each(Permit::never_sent);
        assert_eq!((gate.stats().in_flight, gate.stats().waiting.read), (1, 0), "granted, not fetched");
    }
    assert_eq!((gate.stats().in_flight, gate.stats().used), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_wait_known_to_be_too_long_fails_at_once() {
    let (gate, handle) = open();
    use_up(&handle).await;
    let start = Instant::now();
    let refused = handle.acquire(Class::Read, Some(Duration::from_secs(10)), false).await.unwrap_err();
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert!((SPAN..SPAN * 2).contains(&refused.at_least), "{refused:?}");
    assert_eq!((gate.stats().granted, gate.stats().waiting.read), (200, 0));
    let permit = handle.acquire(Class::Read, Some(refused.at_least), false).await;
    assert!(permit.is_ok(), "what it named was enough");
}

#[tokio::test(start_paused = true)]
async fn bulk_that_would_have_to_wait_for_its_tenth_alone_is_told_so_at_once() {
    let (_gate, handle) = open();
    take(&handle, Class::Read, 180).await.into_iter().for_each(Permit::seen);
    let second = Some(Duration::from_secs(1));
    let start = Instant::now();
    assert!(handle.acquire(Class::Bulk, second, false).await.is_err());
    assert_eq!(start.elapsed(), Duration::ZERO);
    handle.acquire(Class::Read, second, false).await.unwrap().seen();
}

#[tokio::test(start_paused = true)]
async fn a_wait_of_unknown_length_fails_when_its_time_is_over() {
    let (gate, handle) = open();
    let held = take(&handle, Class::Read, 200).await;
    let start = Instant::now();
    let wait = Duration::from_secs(3);
    let refused = handle.acquire(Class::Read, Some(wait), false).await.unwrap_err();
    assert!((wait..wait * 2).contains(&start.elapsed()), "{:?}", start.elapsed());
    assert!(refused.at_least >= wait);
    assert_eq!((gate.stats().in_flight, gate.stats().waiting.read), (200, 0));
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn no_wait_at_all_is_enough_while_there_is_room() {
    let (_gate, handle) = open();
    for _ in 0..200 {
        handle.acquire(Class::Read, Some(Duration::ZERO), false).await.unwrap().seen();
    }
    assert!(handle.acquire(Class::Read, Some(Duration::ZERO), false).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn clients_of_one_gate_share_one_limit() {
    let (gate, one) = open();
    let other = gate.with_share(1.0);
    let mut permits = take(&one, Class::Read, 120).await;
    permits.extend(take(&other, Class::Read, 80).await);
    assert!(poll_once(pin!(one.acquire(Class::Read, None, false))).is_pending());
    assert!(poll_once(pin!(other.acquire(Class::Read, None, false))).is_pending());
    drop(permits);
}

#[tokio::test(start_paused = true)]
async fn a_share_caps_its_client_and_holds_up_nobody_else() {
    let (gate, whole) = open();
    let quarter = Arc::new(gate.with_share(0.25));
    let order = Arc::new(Mutex::new(Vec::new()));
    let tasks: Vec<_> = (0..60).map(|_| wait_in_line(&quarter, Class::Read, "quarter", &order)).collect();
    settle().await;
    assert_eq!((order.lock().unwrap().len(), gate.stats().waiting.read), (50, 10));
    let start = Instant::now();
    take(&whole, Class::Read, 150).await.into_iter().for_each(Permit::seen);
    assert_eq!(start.elapsed(), Duration::ZERO);
    for task in tasks {
        task.await.unwrap();
    }
    assert!(start.elapsed() >= SPAN, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_share_is_no_right_to_more_than_is_free() {
    let (gate, whole) = open();
    let half = gate.with_share(0.5);
    let held = take(&whole, Class::Read, 150).await;
    let mut permits = take(&half, Class::Read, 50).await;
    assert!(poll_once(pin!(half.acquire(Class::Read, None, false))).is_pending());
    permits.extend(held);
    drop(permits);
}

#[tokio::test(start_paused = true)]
async fn many_refusals_at_once_cut_once() {
    let (gate, handle) = open();
    let mut permits = take(&handle, Class::Read, 200).await;
    for permit in permits.drain(..100) {
        assert!(matches!(permit.refused(None).next, RefusedBy429::Closed(_)));
    }
    permits.into_iter().for_each(Permit::seen);
    let stats = gate.stats();
    assert_eq!(
        (stats.limit, stats.allowed, stats.refused),
        (200, 70, 100),
        "half of a burst of 200 got through"
    );
    assert!((1..2).contains(&stats.closed_for.as_secs()), "{:?}", stats.closed_for);
    // One more, granted after the cut, cuts again.
    let permit = handle.acquire(Class::Read, None, false).await.unwrap();
    let _ = permit.refused(None);
    assert_eq!(gate.stats().allowed, 49);
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_of_a_minute_is_waited_for_and_a_longer_one_is_told() {
    let (gate, handle) = open();
    let minute = Duration::from_mins(1);
    let permits = take(&handle, Class::Read, 2).await;
    let mut permits = permits.into_iter();
    let start = Instant::now();
    assert_eq!(permits.next().unwrap().refused(Some(minute)).next, RefusedBy429::Closed(minute));
    let longer = minute + Duration::from_secs(1);
    assert_eq!(permits.next().unwrap().refused(Some(longer)).next, RefusedBy429::TooLong(longer));
    handle.acquire(Class::Trigger, None, true).await.unwrap().seen();
    assert!((minute..longer).contains(&start.elapsed()), "{:?}", start.elapsed());
    assert_eq!(gate.stats().closed_for, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_refused_request_rejoins_at_the_head_of_its_class() {
    let (_gate, handle) = open();
    let permit = handle.acquire(Class::Read, None, false).await.unwrap();
    let _ = permit.refused(None);
    let order = Arc::new(Mutex::new(Vec::new()));
    let early = wait_in_line(&handle, Class::Read, "came before", &order);
    settle().await;
    handle.acquire(Class::Read, None, true).await.unwrap().seen();
    assert!(order.lock().unwrap().is_empty(), "{order:?}");
    early.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_dropped_permit_counts_as_abandoned() {
    let (gate, handle) = open();
    drop(handle.acquire(Class::Read, None, false).await.unwrap());
    advance(Duration::from_millis(4999)).await;
    assert_eq!(gate.stats().in_flight, 1, "it may still arrive");
    advance(Duration::from_millis(1)).await;
    assert_eq!((gate.stats().in_flight, gate.stats().used), (0, 1), "from here on it has ended");
    advance(SPAN + Duration::from_millis(1)).await;
    assert_eq!(gate.stats().used, 0);
}

#[tokio::test(start_paused = true)]
async fn what_never_was_sent_is_free_at_once() {
    let (gate, handle) = open();
    take(&handle, Class::Read, 200).await.into_iter().for_each(Permit::never_sent);
    assert_eq!((gate.stats().used, gate.stats().granted), (0, 0));
    let start = Instant::now();
    use_up(&handle).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_was_stopped_does_not_wake_into_a_burst() {
    let (gate, handle) = open();
    let held = take(&handle, Class::Read, 200).await;
    advance(Duration::from_mins(10)).await;
    let start = Instant::now();
    held.into_iter().for_each(Permit::seen);
    assert_eq!(gate.stats().used, 200);
    handle.acquire(Class::Read, None, false).await.unwrap().seen();
    assert!(start.elapsed() >= SPAN, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_first_waiter_that_nobody_polls_does_not_hold_up_the_others() {
    let (_gate, handle) = open();
    use_up(&handle).await;
    let mut forgotten = pin!(handle.acquire(Class::Read, None, false));
    assert!(poll_once(forgotten.as_mut()).is_pending());
    let start = Instant::now();
    handle.acquire(Class::Read, None, false).await.unwrap().seen();
    let latest = SPAN + Duration::from_secs(2);
    assert!((SPAN..latest).contains(&start.elapsed()), "{:?}", start.elapsed());
    assert!(poll_once(forgotten.as_mut()).is_ready(), "its turn came all the same");
}

#[tokio::test(start_paused = true)]
async fn sixty_four_tasks_use_the_limit_and_stay_within_it() {
    let (gate, handle) = open();
    let arrivals = Arc::new(Mutex::new(Vec::new()));
    let start = Instant::now();
    let tasks: Vec<_> = (0..64_u64)
        .map(|task| {
            let (handle, arrivals) = (Arc::clone(&handle), Arc::clone(&arrivals));
            tokio::spawn(async move {
                let mut rng = fastrand::Rng::with_seed(task);
                while start.elapsed() < Duration::from_mins(1) {
                    let permit = handle.acquire(Class::Read, None, false).await.unwrap();
                    sleep(Duration::from_millis(rng.u64(15..125))).await;
                    arrivals.lock().unwrap().push(start.elapsed());
                    sleep(Duration::from_millis(rng.u64(15..125))).await;
                    match rng.u32(0..20) {
                        0 => drop(permit),
                        _ => permit.seen(),
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let arrivals = arrivals.lock().unwrap();
    let window = Duration::from_secs(10);
    assert!(arrivals.windows(201).all(|some| some[200] > some[0] + window));
    assert!(arrivals.len() > 1100, "{} arrived", arrivals.len());
    assert_eq!(gate.stats().granted, arrivals.len() as u64);
}
