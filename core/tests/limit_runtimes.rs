//! The gate between runtimes of their own, with the real clock and windows of a fraction of a second.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;

use hightouch_sdk::limit::{Class, Gate, Quota};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

#[test]
fn waiters_on_different_runtimes_pass_the_turn_to_each_other() {
    let gate = Gate::new(Quota { requests: 20, scale: 100.0, ..Quota::default() });
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let handle = gate.with_share(1.0);
            std::thread::spawn(move || {
                runtime().block_on(async {
                    for _ in 0..40 {
                        handle.acquire(Class::Read, None, false).await.unwrap().seen();
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
    let handle = Arc::new(gate.with_share(1.0));
    let goes = runtime();
    let first = Arc::clone(&handle);
    goes.block_on(async {
        for _ in 0..20 {
            first.acquire(Class::Read, None, false).await.unwrap().seen();
        }
        tokio::spawn(async move { first.acquire(Class::Read, None, false).await.unwrap().seen() });
        while gate.stats().waiting.read < 1 {
            tokio::task::yield_now().await;
        }
    });
    let second = std::thread::spawn(move || {
        runtime().block_on(async { handle.acquire(Class::Read, None, false).await.unwrap().seen() });
    });
    while gate.stats().waiting.read < 2 {
        std::thread::yield_now();
    }
    drop(goes);
    second.join().unwrap();
    assert_eq!((gate.stats().granted, gate.stats().waiting.read), (21, 0));
}
