//! Tests which requests wait, for how long, and which request goes first.

use std::collections::BTreeMap;
use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use limit_proofs::limit::{Ask, Class, Gate, Linger, NotGranted, Permit, Quota};
use tokio::task::JoinHandle;
use tokio::time::{Instant, advance, sleep};

use crate::{SPAN, open, poll_once, settle, take};

/// Asks for a permit and waits no longer than `max_wait`.
async fn within(gate: &Arc<Gate>, class: Class, max_wait: Duration) -> Result<Permit, NotGranted> {
    gate.acquire(Ask { max_wait: Some(max_wait), ..Ask::new(class) }).await
}

fn too_long(refused: Result<Permit, NotGranted>) -> Duration {
    match refused.unwrap_err() {
        NotGranted::TooLong(at_least) => at_least,
        other => panic!("{other:?}"),
    }
}

/// Uses up the limit with requests that are answered at once.
async fn use_up(gate: &Arc<Gate>) {
    take(gate, Class::Trigger, 200).await.into_iter().for_each(Permit::seen);
}

/// Starts a task that waits for a permit, then appends `name` to `order` and reports an answer at once.
fn wait_in_line(
    gate: &Arc<Gate>,
    class: Class,
    name: &'static str,
    order: &Arc<Mutex<Vec<&'static str>>>,
) -> JoinHandle<()> {
    let (gate, order) = (Arc::clone(gate), Arc::clone(order));
    tokio::spawn(async move {
        let permit = gate.acquire(Ask::new(class)).await.unwrap();
        order.lock().unwrap().push(name);
        permit.seen();
    })
}

#[tokio::test(start_paused = true)]
async fn the_whole_limit_leaves_at_once_and_the_next_waits_for_the_window() {
    let gate = open();
    let start = Instant::now();
    use_up(&gate).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    let _permit = gate.acquire(Ask::new(Class::Read)).await.unwrap();
    assert!((SPAN..SPAN + Duration::from_millis(100)).contains(&start.elapsed()), "{:?}", start.elapsed());
    assert_eq!((gate.stats().limit, gate.stats().granted, gate.stats().in_flight), (200, 201, 1));
}

#[tokio::test(start_paused = true)]
async fn the_scale_divides_the_window() {
    let gate = Gate::new(Quota { scale: 20.0, ..Quota::default() });
    let start = Instant::now();
    use_up(&gate).await;
    gate.acquire(Ask::new(Class::Read)).await.unwrap().seen();
    assert!((SPAN / 20..SPAN / 19).contains(&start.elapsed()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn waiting_classes_share_eight_four_two_one() {
    let gate = open();
    use_up(&gate).await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let classes =
        [(Class::Bulk, "bulk"), (Class::Read, "read"), (Class::Poll, "poll"), (Class::Trigger, "trigger")];
    let mut tasks = Vec::new();
    for (class, name) in classes {
        for _ in 0..100 {
            tasks.push(wait_in_line(&gate, class, name, &order));
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
    let gate = open();
    let order = Arc::new(Mutex::new(Vec::new()));
    let tasks: Vec<_> = (0..300).map(|_| wait_in_line(&gate, Class::Bulk, "bulk", &order)).collect();
    settle().await;
    assert_eq!((order.lock().unwrap().len(), gate.stats().waiting.bulk), (180, 120));
    let start = Instant::now();
    take(&gate, Class::Trigger, 20).await.into_iter().for_each(Permit::seen);
    assert_eq!(start.elapsed(), Duration::ZERO, "all twenty, though bulk waited all the while");
    assert_eq!(gate.stats().waiting.bulk, 120);
    for task in tasks {
        task.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn a_trigger_does_not_queue_behind_reads_and_bulk_that_came_before() {
    let gate = open();
    use_up(&gate).await;
    let order = Arc::new(Mutex::new(Vec::new()));
    for _ in 0..200 {
        wait_in_line(&gate, Class::Bulk, "bulk", &order);
        wait_in_line(&gate, Class::Read, "read", &order);
    }
    sleep(SPAN + Duration::from_secs(1)).await;
    let before = order.lock().unwrap().len();
    assert!(before > 0);
    gate.acquire(Ask::new(Class::Trigger)).await.unwrap().seen();
    let passed_by = order.lock().unwrap().len() - before;
    assert!(passed_by <= 2, "{passed_by} went first");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_waiter_gives_its_place_back() {
    let gate = open();
    use_up(&gate).await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let first = wait_in_line(&gate, Class::Read, "first", &order);
    settle().await;
    let second = wait_in_line(&gate, Class::Read, "second", &order);
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
    let gate = open();
    let held = take(&gate, Class::Read, 200).await;
    {
        let mut waiting = pin!(gate.acquire(Ask::new(Class::Read)));
        assert!(poll_once(waiting.as_mut()).is_pending());
        held.into_iter().for_each(Permit::never_sent);
        assert_eq!((gate.stats().in_flight, gate.stats().waiting.read), (1, 0), "granted, not fetched");
    }
    assert_eq!((gate.stats().in_flight, gate.stats().used), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_wait_known_to_be_too_long_fails_at_once() {
    let gate = open();
    use_up(&gate).await;
    let start = Instant::now();
    let at_least = too_long(within(&gate, Class::Read, Duration::from_secs(10)).await);
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert!((SPAN..SPAN * 2).contains(&at_least), "{at_least:?}");
    assert_eq!((gate.stats().granted, gate.stats().waiting.read), (200, 0));
    let permit = within(&gate, Class::Read, at_least).await;
    assert!(permit.is_ok(), "what it named was enough");
}

#[tokio::test(start_paused = true)]
async fn bulk_that_would_have_to_wait_for_its_tenth_alone_is_told_so_at_once() {
    let gate = open();
    take(&gate, Class::Read, 180).await.into_iter().for_each(Permit::seen);
    let second = Duration::from_secs(1);
    let start = Instant::now();
    assert!(within(&gate, Class::Bulk, second).await.is_err());
    assert_eq!(start.elapsed(), Duration::ZERO);
    within(&gate, Class::Read, second).await.unwrap().seen();
}

#[tokio::test(start_paused = true)]
async fn a_wait_of_unknown_length_fails_when_its_time_is_over() {
    let gate = open();
    let held = take(&gate, Class::Read, 200).await;
    let start = Instant::now();
    let wait = Duration::from_secs(3);
    let at_least = too_long(within(&gate, Class::Read, wait).await);
    assert!((wait..wait * 2).contains(&start.elapsed()), "{:?}", start.elapsed());
    assert!(at_least >= wait);
    assert_eq!((gate.stats().in_flight, gate.stats().waiting.read), (200, 0));
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn no_wait_at_all_is_enough_while_there_is_room() {
    let gate = open();
    for _ in 0..200 {
        within(&gate, Class::Read, Duration::ZERO).await.unwrap().seen();
    }
    assert!(within(&gate, Class::Read, Duration::ZERO).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_share_caps_all_who_use_the_gate_together() {
    let gate = open();
    gate.set_share(0.25);
    gate.set_share(0.5);
    take(&gate, Class::Trigger, 30).await.into_iter().for_each(Permit::seen);
    let other = Arc::clone(&gate);
    take(&other, Class::Read, 20).await.into_iter().for_each(Permit::seen);
    assert!(within(&gate, Class::Trigger, SPAN / 2).await.is_err(), "the strictest that was named holds");
    let stats = gate.stats();
    assert_eq!((stats.limit, stats.allowed, stats.used), (200, 50, 50));
    let start = Instant::now();
    gate.acquire(Ask::new(Class::Read)).await.unwrap().seen();
    assert!(start.elapsed() >= SPAN, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_before_a_share_was_named_counts_towards_it() {
    let gate = open();
    take(&gate, Class::Read, 150).await.into_iter().for_each(Permit::seen);
    gate.set_share(0.5);
    assert!(within(&gate, Class::Read, SPAN / 2).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_share_that_is_no_part_of_one_changes_nothing() {
    let gate = open();
    for share in [1.0, 7.0, f64::NAN, f64::INFINITY] {
        gate.set_share(share);
    }
    assert_eq!(gate.stats().allowed, 200);
    gate.set_share(0.0);
    assert_eq!(gate.stats().allowed, 1);
}

#[tokio::test(start_paused = true)]
async fn what_went_unanswered_counts_as_in_flight_for_longer_the_longer_it_was() {
    for (seconds, linger) in [(1, 10.05), (20, 25.0), (300, 35.0)] {
        let gate = open();
        let permit = gate.acquire(Ask::new(Class::Read)).await.unwrap();
        advance(Duration::from_secs(seconds)).await;
        permit.abandoned(Linger::Window);
        advance(Duration::from_secs_f64(linger).saturating_sub(Duration::from_millis(1))).await;
        assert_eq!(gate.stats().in_flight, 1, "after {seconds} s");
        advance(Duration::from_millis(1)).await;
        assert_eq!((gate.stats().in_flight, gate.stats().used), (0, 1), "after {seconds} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_permit_counts_as_abandoned() {
    let gate = open();
    drop(gate.acquire(Ask::new(Class::Read)).await.unwrap());
    advance(Duration::from_millis(4999)).await;
    assert_eq!(gate.stats().in_flight, 1, "it may still arrive");
    advance(Duration::from_millis(1)).await;
    assert_eq!((gate.stats().in_flight, gate.stats().used), (0, 1), "from here on it has ended");
    advance(SPAN + Duration::from_millis(1)).await;
    assert_eq!(gate.stats().used, 0);
}

#[tokio::test(start_paused = true)]
async fn what_never_was_sent_is_free_at_once() {
    let gate = open();
    take(&gate, Class::Read, 200).await.into_iter().for_each(Permit::never_sent);
    assert_eq!((gate.stats().used, gate.stats().granted), (0, 0));
    let start = Instant::now();
    use_up(&gate).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_was_stopped_does_not_wake_into_a_burst() {
    let gate = open();
    let held = take(&gate, Class::Read, 200).await;
    advance(Duration::from_mins(10)).await;
    let start = Instant::now();
    held.into_iter().for_each(Permit::seen);
    assert_eq!(gate.stats().used, 200);
    gate.acquire(Ask::new(Class::Read)).await.unwrap().seen();
    assert!(start.elapsed() >= SPAN, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_first_waiter_that_nobody_polls_does_not_hold_up_the_others() {
    let gate = open();
    use_up(&gate).await;
    let mut forgotten = pin!(gate.acquire(Ask::new(Class::Read)));
    assert!(poll_once(forgotten.as_mut()).is_pending());
    let start = Instant::now();
    gate.acquire(Ask::new(Class::Read)).await.unwrap().seen();
    let latest = SPAN + Duration::from_secs(2);
    assert!((SPAN..latest).contains(&start.elapsed()), "{:?}", start.elapsed());
    assert!(poll_once(forgotten.as_mut()).is_ready(), "its turn came all the same");
}

#[tokio::test(start_paused = true)]
async fn sixty_four_tasks_use_the_limit_and_stay_within_it() {
    let gate = open();
    let arrivals = Arc::new(Mutex::new(Vec::new()));
    let start = Instant::now();
    let tasks: Vec<_> = (0..64_u64)
        .map(|task| {
            let (gate, arrivals) = (Arc::clone(&gate), Arc::clone(&arrivals));
            tokio::spawn(async move {
                let mut rng = fastrand::Rng::with_seed(task);
                while start.elapsed() < Duration::from_mins(1) {
                    let permit = gate.acquire(Ask::new(Class::Read)).await.unwrap();
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

/// Each waiter checks now and then whether the first waiter missed its wake-up. If every waiter checked once a second,
/// many waiters would keep the processor busy.
#[tokio::test(start_paused = true)]
async fn ten_thousand_waiters_check_no_more_often_than_a_hundred() {
    let gate = Gate::new(Quota { requests: 1, ..Quota::default() });
    let held = gate.acquire(Ask::new(Class::Read)).await.unwrap();
    let polls = Arc::new(AtomicUsize::new(0));
    for _ in 0..10_000 {
        let (gate, polls) = (Arc::clone(&gate), Arc::clone(&polls));
        tokio::spawn(async move {
            let mut acquire = pin!(gate.acquire(Ask::new(Class::Read)));
            poll_fn(|context| {
                polls.fetch_add(1, Ordering::Relaxed);
                acquire.as_mut().poll(context)
            })
            .await
            .map(Permit::seen)
        });
    }
    // Each waiter chose the time of its first check while fewer requests waited. After five minutes, every waiter has
    // chosen a new time.
    sleep(Duration::from_mins(5)).await;
    let before = polls.load(Ordering::Relaxed);
    sleep(Duration::from_secs(100)).await;
    let checks = polls.load(Ordering::Relaxed) - before;
    assert!((6000..7000).contains(&checks), "{checks} checks in 100 s");
    held.seen();
}

#[tokio::test(start_paused = true)]
async fn among_many_waiters_one_that_nobody_polls_holds_up_the_others_for_seconds() {
    let gate = Gate::new(Quota { requests: 1, ..Quota::default() });
    gate.acquire(Ask::new(Class::Read)).await.unwrap().seen();
    let start = Instant::now();
    let free = SPAN * 2;
    let mut forgotten = pin!(gate.acquire(Ask::new(Class::Trigger)));
    assert!(poll_once(forgotten.as_mut()).is_pending());
    let order = Arc::new(Mutex::new(Vec::new()));
    for _ in 0..1000 {
        wait_in_line(&gate, Class::Read, "read", &order);
    }
    while order.lock().unwrap().is_empty() {
        sleep(Duration::from_millis(50)).await;
    }
    let latest = free + Duration::from_secs(3);
    assert!((free..latest).contains(&start.elapsed()), "{:?}", start.elapsed());
}
