//! Waiters on different runtimes, with the real clock and windows of a fraction of a second.

use std::sync::Arc;
use std::time::Duration;

use limit_proofs::limit::{Ask, Class, Gate, Quota};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

#[test]
fn waiters_on_different_runtimes_pass_the_turn_to_each_other() {
    let gate = Gate::new(Quota { requests: 20, scale: 100.0, ..Quota::default() });
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let gate = Arc::clone(&gate);
            std::thread::spawn(move || {
                runtime().block_on(async {
                    for _ in 0..40 {
                        gate.acquire(Ask::new(Class::Read)).await.unwrap().seen();
                    }
                });
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let stats = gate.stats();
    assert_eq!((stats.granted, stats.in_flight, stats.waiting.read), (120, 0, 0));
}

#[test]
fn a_runtime_that_goes_away_with_the_first_waiter_takes_nobodys_turn_with_it() {
    let gate = Gate::new(Quota { requests: 20, scale: 20.0, ..Quota::default() });
    let handle = Arc::clone(&gate);
    let goes = runtime();
    let first = Arc::clone(&handle);
    goes.block_on(async {
        for _ in 0..20 {
            first.acquire(Ask::new(Class::Read)).await.unwrap().seen();
        }
        tokio::spawn(async move { first.acquire(Ask::new(Class::Read)).await.unwrap().seen() });
        while gate.stats().waiting.read < 1 {
            tokio::task::yield_now().await;
        }
    });
    let second = std::thread::spawn(move || {
        runtime().block_on(async { handle.acquire(Ask::new(Class::Read)).await.unwrap().seen() });
    });
    while gate.stats().waiting.read < 2 {
        std::thread::yield_now();
    }
    drop(goes);
    second.join().unwrap();
    assert_eq!((gate.stats().granted, gate.stats().waiting.read), (21, 0));
}

/// The clock is not paused, so a `max_wait` of zero has already passed when the gate looks at the clock. The request
/// must be sent anyway.
#[test]
fn a_wait_of_zero_sends_while_the_limit_is_idle() {
    let gate = Gate::new(Quota { requests: 2, ..Quota::default() });
    let now = || Ask { max_wait: Some(Duration::ZERO), ..Ask::new(Class::Read) };
    runtime().block_on(async {
        for _ in 0..2 {
            gate.acquire(now()).await.unwrap().seen();
        }
        assert!(gate.acquire(now()).await.is_err(), "now or not at all");
    });
}
