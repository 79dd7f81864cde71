//! Tests which thread does the I/O of several event loops, and of an event loop without calls.

use super::*;

/// Makes calls in several event loops, which all have a call in progress. Returns a member for each event loop.
fn calls_of_loops<T: Send>(
    driver: &'static Driver,
    each: impl Fn(&mut EventLoop) -> T + Sync,
) -> Vec<(ThreadId, T)> {
    let all_begun = Barrier::new(4);
    let work = || {
        let mut event_loop = EventLoop::of(driver);
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        event_loop.spawn(async { ended.await.unwrap() });
        event_loop.turn();
        all_begun.wait();
        event_loop.turns = 0;
        let result = each(&mut event_loop);
        all_begun.wait();
        end.send(()).unwrap();
        (thread::current().id(), result)
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn event_loops_with_calls_at_once_leave_the_io_to_the_thread_of_the_driver() {
    let driver = Driver::start().unwrap();
    let results = calls_of_loops(driver, |event_loop| {
        let calls = (0..20).flat_map(|_| event_loop.call(async { assert_eq!(echoed(1000).await, 1000) }));
        (calls.collect::<Vec<_>>(), event_loop.turns)
    });
    let loops: Vec<_> = results.iter().map(|(id, _)| *id).collect();
    for (_, (seen, turns)) in results {
        assert!(seen.iter().all(|id| !loops.contains(id)), "an event loop did the I/O");
        assert!(turns <= 1, "an event loop was woken {turns} times");
    }
}

#[test]
fn an_event_loop_does_the_io_again_some_time_after_other_loops_had_calls() {
    let driver = Driver::start().unwrap();
    driver.lock().calm = Duration::from_hours(1);
    calls_of_loops(driver, |event_loop| event_loop.call(async {}));
    let mut event_loop = EventLoop::of(driver);
    let mut call = || event_loop.call(async { assert_eq!(echoed(10).await, 10) });
    let own = thread::current().id();
    assert!(call().iter().all(|id| *id != own), "the I/O changed its thread too soon");
    driver.lock().calm = Duration::ZERO;
    // The thread of the driver begins this call.
    call();
    assert!(call().iter().all(|id| *id == own), "the event loop did not do the I/O");
}

/// Starts a task in the background that counts its steps. Returns an event loop without calls, and the count. Nobody
/// waits for the task.
fn loop_with_task(driver: &'static Driver) -> (EventLoop, Arc<AtomicU64>) {
    let mut event_loop = EventLoop::of(driver);
    let steps = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&steps);
    event_loop.call(async move {
        spawn(async move {
            loop {
                sleep(Duration::from_millis(1)).await;
                seen.fetch_add(1, Ordering::SeqCst);
            }
        });
    });
    (event_loop, steps)
}

/// Asserts that the task goes on, although no event loop watches.
fn goes_on(steps: &AtomicU64) {
    let (before, since) = (steps.load(Ordering::SeqCst), Instant::now());
    while steps.load(Ordering::SeqCst) < before + 20 {
        thread::sleep(Duration::from_millis(1));
        assert!(since.elapsed() < Duration::from_mins(1), "nobody does the I/O");
    }
}

/// Incident: an event loop stopped watching once it had no calls, and a batch in the background stood still for
/// seconds.
#[test]
fn an_event_loop_without_calls_goes_on_with_tasks_in_the_background() {
    let driver = Driver::start().unwrap();
    // With pauses of an hour, the driver's thread does not help an event loop that has missed an event.
    (driver.lock().busy, driver.lock().quiet) = (Duration::from_hours(1), Duration::from_hours(1));
    let (mut event_loop, steps) = loop_with_task(driver);
    event_loop.run_until(|| steps.load(Ordering::SeqCst) >= 20);
    assert!(event_loop.watches, "the event loop stopped watching");

    // The event loop stops watching, because another one has a call. Then the other one ends.
    let has_stopped = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut other = EventLoop::of(driver);
            let (end, ended) = tokio::sync::oneshot::channel::<()>();
            other.spawn(async { ended.await.unwrap() });
            other.run_until(|| has_stopped.load(Ordering::SeqCst));
            end.send(()).unwrap();
        });
        while event_loop.watches {
            event_loop.wait(PollTimeout::from(1_u8));
            event_loop.turn();
        }
        has_stopped.store(true, Ordering::SeqCst);
    });
    goes_on(&steps);
}

#[test]
fn tasks_in_the_background_go_on_after_a_blocking_call() {
    let driver = Driver::start().unwrap();
    let hour = Duration::from_hours(1);
    (driver.lock().busy, driver.lock().quiet) = (Duration::from_millis(10), hour);
    let (mut event_loop, steps) = loop_with_task(driver);
    event_loop.run_until(|| driver.lock().listens_for == Some(hour));
    // The event loop stops watching, because the thread of the blocking call does the I/O.
    driver.run(async {
        while event_loop.watches {
            sleep(Duration::from_millis(1)).await;
            event_loop.turn();
        }
    });
    goes_on(&steps);
}

#[test]
fn no_event_is_lost_when_the_io_changes_its_thread() {
    let driver = Driver::start().unwrap();
    // With pauses of an hour, the driver's thread does not help an event loop that has missed an event.
    (driver.lock().calm, driver.lock().busy) = (Duration::from_millis(2), Duration::from_hours(1));
    let work = |mut random: u64| {
        let mut event_loop = EventLoop::of(driver);
        let mut below = move |end: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 33) % end
        };
        for _ in 0..300 {
            let ended = Arc::new(AtomicU64::new(0));
            let calls = below(4);
            for _ in 0..calls {
                let (ended, kind, wait) = (Arc::clone(&ended), below(3), Duration::from_millis(below(3)));
                event_loop.spawn(async move {
                    match kind {
                        0 => assert_eq!(echoed(100).await, 100),
                        1 => sleep(wait).await,
                        _ => spawn_blocking(move || thread::sleep(wait)).await.unwrap(),
                    }
                    ended.fetch_add(1, Ordering::SeqCst);
                });
            }
            event_loop.run_until(|| ended.load(Ordering::SeqCst) == calls);
            thread::sleep(Duration::from_micros(below(6) * 1000));
        }
    };
    thread::scope(|scope| (0..3).for_each(|seed| drop(scope.spawn(move || work(seed)))));
    let waiting = driver.lock();
    assert_eq!((waiting.calls, waiting.watching.len()), (0, 0));
}
