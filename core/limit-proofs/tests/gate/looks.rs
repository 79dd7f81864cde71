//! Looks (requests that read the state of a run) share a tenth of the limit. A waiter that nobody polls does not hold
//! up the other waiters.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use limit_proofs::limit::{Ask, Class, Gate, Look, NotGranted, Quota, Urgency};
use tokio::task::JoinHandle;
use tokio::time::{Instant, advance, sleep};

use crate::{SPAN, poll_once, settle};

fn of(requests: u32) -> Arc<Gate> {
    Gate::new(Quota { requests, ..Quota::default() })
}

fn looking(look: &Arc<Look>) -> Ask {
    Ask { look: Some(Arc::clone(look)), ..Ask::new(Class::Poll) }
}

/// Asks for a permit for a read. The wait fails after a minute, so that a test cannot hang.
fn soon() -> Ask {
    Ask { max_wait: Some(Duration::from_mins(1)), ..Ask::new(Class::Read) }
}

type Order = Arc<Mutex<Vec<&'static str>>>;

/// Starts a task that waits for the permit of a look (a request that reads the state of a run), and then appends `name`
/// to `order`.
fn waits(gate: &Arc<Gate>, look: &Arc<Look>, name: &'static str, order: &Order) -> JoinHandle<()> {
    let (gate, ask, order) = (Arc::clone(gate), looking(look), Arc::clone(order));
    tokio::spawn(async move {
        let permit = gate.acquire(ask).await.unwrap();
        order.lock().unwrap().push(name);
        permit.seen();
    })
}

/// Sends `count` looks (requests that read the state of a run), one after another. Each is answered at once.
async fn look_often(gate: &Arc<Gate>, count: usize) {
    for _ in 0..count {
        gate.acquire(looking(&Look::new(0))).await.unwrap().seen();
    }
}

#[tokio::test(start_paused = true)]
async fn all_looks_together_get_a_tenth_of_a_window_and_hold_up_nobody_else() {
    let gate = of(200);
    assert_eq!(gate.looks_in_window(), 20);
    let order = Order::default();
    let tasks: Vec<_> = (0..60).map(|nth| waits(&gate, &Look::new(nth), "look", &order)).collect();
    settle().await;
    assert_eq!((order.lock().unwrap().len(), gate.stats().waiting.poll), (15, 45), "a quarter is kept");
    let start = Instant::now();
    for class in Class::ALL {
        for _ in 0..20 {
            gate.acquire(Ask::new(class)).await.unwrap().seen();
        }
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    sleep(SPAN).await;
    settle().await;
    assert_eq!(order.lock().unwrap().len(), 30);
    for task in tasks {
        task.await.unwrap();
    }
    assert!((SPAN * 3..SPAN * 4).contains(&start.elapsed()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn looks_get_a_tenth_of_the_share_and_of_what_refusals_left() {
    let gate = of(200);
    gate.set_share(0.5);
    assert_eq!(gate.looks_in_window(), 10);
    let _ = gate.acquire(Ask::new(Class::Read)).await.unwrap().refused(None);
    assert_eq!((gate.stats().allowed, gate.looks_in_window()), (70, 7));
}

#[tokio::test(start_paused = true)]
async fn a_hint_moves_a_look_that_waits_ahead_and_wakes_it() {
    let gate = of(200);
    look_often(&gate, 15).await;
    let order = Order::default();
    let (first, second) = (Look::new(1), Look::new(2));
    let waiting = waits(&gate, &first, "first", &order);
    waits(&gate, &second, "second", &order);
    settle().await;
    assert_eq!(order.lock().unwrap().len(), 0);
    let start = Instant::now();
    gate.hint(&second, Urgency::Changed);
    settle().await;
    assert_eq!((start.elapsed(), order.lock().unwrap().as_slice()), (Duration::ZERO, ["second"].as_slice()));
    assert_eq!(second.urgency(), Urgency::Usual, "it was looked at");
    waiting.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_hint_wakes_whoever_waits_until_there_is_something_to_see() {
    let gate = of(200);
    let look = Look::new(0);
    let mut until_urgent = pin!(look.urgent());
    assert!(poll_once(until_urgent.as_mut()).is_pending());
    gate.hint(&look, Urgency::Ended);
    assert!(poll_once(until_urgent.as_mut()).is_ready());
    gate.hint(&look, Urgency::Changed);
    assert_eq!(look.urgency(), Urgency::Ended, "a hint makes nothing less urgent");
    assert!(poll_once(pin!(look.urgent())).is_ready());
    gate.acquire(looking(&look)).await.unwrap().seen();
    assert!(poll_once(pin!(look.urgent())).is_pending());
}

#[tokio::test(start_paused = true)]
async fn a_look_that_is_dropped_or_never_sent_gives_its_turn_back_at_once() {
    let gate = of(10);
    let order = Order::default();
    let held = gate.acquire(looking(&Look::new(0))).await.unwrap();
    let mut dropped = Box::pin(gate.acquire(looking(&Look::new(1))));
    assert!(poll_once(dropped.as_mut()).is_pending());
    let waiting = waits(&gate, &Look::new(2), "behind it", &order);
    settle().await;
    assert_eq!(gate.stats().waiting.poll, 2);
    drop(dropped);
    let start = Instant::now();
    held.never_sent();
    waiting.await.unwrap();
    assert_eq!((start.elapsed(), gate.stats().waiting.poll), (Duration::ZERO, 0));
}

#[tokio::test(start_paused = true)]
async fn a_look_that_would_have_to_wait_for_the_lane_too_long_is_told_so_at_once() {
    let gate = of(10);
    look_often(&gate, 1).await;
    let start = Instant::now();
    let ask = Ask { max_wait: Some(Duration::from_secs(10)), ..looking(&Look::new(0)) };
    let refused = gate.acquire(ask).await.unwrap_err();
    assert!(matches!(refused, NotGranted::TooLong(at_least) if at_least >= SPAN), "{refused:?}");
    assert_eq!((start.elapsed(), gate.stats().waiting.poll), (Duration::ZERO, 0));
}

/// A user may keep the stream of a run's states without reading from it. Then nobody polls the future that waits for
/// permission to read the run.
#[tokio::test(start_paused = true)]
async fn a_look_that_nobody_polls_holds_up_no_other_look() {
    let gate = of(10);
    look_often(&gate, 1).await;
    let ended = Look::new(0);
    gate.hint(&ended, Urgency::Ended);
    let mut forgotten = pin!(gate.acquire(looking(&ended)));
    assert!(poll_once(forgotten.as_mut()).is_pending());
    let start = Instant::now();
    let ask = Ask { look: Some(Look::new(1)), ..soon() };
    gate.acquire(ask).await.unwrap().seen();
    let latest = SPAN + Duration::from_secs(3);
    assert!((SPAN..latest).contains(&start.elapsed()), "{:?}", start.elapsed());
    assert_eq!(ended.urgency(), Urgency::Ended, "nobody has looked at it");
    sleep(SPAN).await;
    assert!(poll_once(forgotten.as_mut()).is_ready(), "its turn came all the same");
}

#[tokio::test(start_paused = true)]
async fn a_grant_that_nobody_fetches_is_taken_back_and_given_to_the_next() {
    let gate = of(1);
    let held = gate.acquire(Ask::new(Class::Read)).await.unwrap();
    let mut forgotten = pin!(gate.acquire(Ask::new(Class::Trigger)));
    assert!(poll_once(forgotten.as_mut()).is_pending());
    let start = Instant::now();
    held.never_sent();
    assert_eq!(gate.stats().in_flight, 1, "granted to the forgotten one");
    let permit = gate.acquire(soon()).await.unwrap();
    assert!((1..3).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    assert!(poll_once(forgotten.as_mut()).is_pending(), "it waits again");
    assert_eq!(gate.stats().waiting.trigger, 1);
    permit.never_sent();
    let granted = poll_once(forgotten.as_mut());
    assert!(matches!(granted, Poll::Ready(Ok(_))), "{granted:?}");
}

#[tokio::test(start_paused = true)]
async fn whoever_missed_its_grant_is_still_before_those_that_came_later() {
    let gate = of(1);
    let held = gate.acquire(Ask::new(Class::Read)).await.unwrap();
    let mut forgotten = pin!(gate.acquire(Ask::new(Class::Read)));
    assert!(poll_once(forgotten.as_mut()).is_pending());
    held.never_sent();
    let holder = gate.acquire(soon()).await.unwrap();
    let mut later = pin!(gate.acquire(Ask::new(Class::Read)));
    assert!(poll_once(later.as_mut()).is_pending());
    assert!(poll_once(forgotten.as_mut()).is_pending());
    holder.never_sent();
    assert!(poll_once(later.as_mut()).is_pending());
    assert!(poll_once(forgotten.as_mut()).is_ready());
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_missed_its_grant_and_is_dropped_leaves_nothing_behind() {
    let gate = of(1);
    let held = gate.acquire(Ask::new(Class::Read)).await.unwrap();
    let mut forgotten = Box::pin(gate.acquire(looking(&Look::new(0))));
    assert!(poll_once(forgotten.as_mut()).is_pending());
    held.never_sent();
    advance(Duration::from_secs(2)).await;
    let permit = gate.acquire(Ask::new(Class::Read)).await.unwrap();
    drop(forgotten);
    assert_eq!((gate.stats().in_flight, gate.stats().waiting.poll), (1, 0));
    permit.never_sent();
    gate.acquire(looking(&Look::new(0))).await.unwrap().never_sent();
    assert_eq!((gate.stats().used, gate.stats().granted), (0, 0));
}
