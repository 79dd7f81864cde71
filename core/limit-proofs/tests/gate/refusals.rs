//! The effect of refusals (429) on requests that wait at the gate.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use limit_proofs::limit::backoff::Cut;
use limit_proofs::limit::{Ask, Class, Gate, NotGranted, Permit, RefusedBy429};
use tokio::time::Instant;

use crate::{open, poll_once, take};

/// Waits for another permit for a request that was refused.
async fn again(gate: &Arc<Gate>, class: Class) -> Permit {
    gate.acquire(Ask { rejoin: true, ..Ask::new(class) }).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn many_refusals_at_once_cut_once() {
    let gate = open();
    let mut permits = take(&gate, Class::Read, 200).await;
    let first = permits.pop().unwrap().refused(None);
    assert!(
        matches!(first.cut, Some(Cut { allowed: 140, closed_for }) if closed_for.as_secs() == 1),
        "{first:?}"
    );
    for permit in permits.drain(..99) {
        let refusal = permit.refused(None);
        assert!(matches!(refusal.next, RefusedBy429::Closed(_)));
        assert_eq!(refusal.cut, None);
    }
    permits.into_iter().for_each(Permit::seen);
    let stats = gate.stats();
    assert_eq!(
        (stats.limit, stats.allowed, stats.refused),
        (200, 70, 100),
        "half of a burst of 200 got through"
    );
    assert!((1..2).contains(&stats.closed_for.as_secs()), "{:?}", stats.closed_for);
    // A refused request that was granted after a cut (a lowering of the limit) causes another cut.
    let permit = gate.acquire(Ask::new(Class::Read)).await.unwrap();
    let _ = permit.refused(None);
    assert_eq!((gate.stats().allowed, gate.stats().cuts), (49, 2));
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_of_a_minute_is_waited_for_and_a_longer_one_is_told() {
    let gate = open();
    let minute = Duration::from_mins(1);
    let permits = take(&gate, Class::Read, 2).await;
    let mut permits = permits.into_iter();
    let start = Instant::now();
    assert_eq!(permits.next().unwrap().refused(Some(minute)).next, RefusedBy429::Closed(minute));
    let longer = minute + Duration::from_secs(1);
    assert_eq!(permits.next().unwrap().refused(Some(longer)).next, RefusedBy429::TooLong(longer));
    again(&gate, Class::Trigger).await.seen();
    assert!((minute..longer).contains(&start.elapsed()), "{:?}", start.elapsed());
    assert_eq!(gate.stats().closed_for, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_refused_request_rejoins_at_the_head_of_its_class() {
    let gate = open();
    let permit = gate.acquire(Ask::new(Class::Read)).await.unwrap();
    let _ = permit.refused(None);
    let mut early = pin!(gate.acquire(Ask::new(Class::Read)));
    assert!(poll_once(early.as_mut()).is_pending());
    let first = again(&gate, Class::Read).await;
    assert!(poll_once(early.as_mut()).is_pending(), "one goes ahead after a pause");
    first.seen();
    assert!(poll_once(early.as_mut()).is_ready());
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_a_server_that_refuses_everything_is_told_after_minutes() {
    let gate = open();
    let start = Instant::now();
    let others: Vec<_> = (0..50)
        .map(|_| {
            let gate = Arc::clone(&gate);
            tokio::spawn(async move {
                let mut rejoin = false;
                loop {
                    match gate.acquire(Ask { rejoin, ..Ask::new(Class::Read) }).await {
                        Err(NotGranted::Hopeless(refusing)) => return refusing,
                        other => match other.unwrap().refused(None).next {
                            RefusedBy429::Hopeless(refusing) => return refusing,
                            next => assert!(matches!(next, RefusedBy429::Closed(_)), "{next:?}"),
                        },
                    }
                    rejoin = true;
                }
            })
        })
        .collect();
    for other in others {
        assert!(other.await.unwrap() >= Duration::from_mins(3));
    }
    assert!((180..200).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    assert!(gate.stats().refused < 100, "{} refusals", gate.stats().refused);
    assert_eq!(gate.stats().waiting.read, 0);
}
