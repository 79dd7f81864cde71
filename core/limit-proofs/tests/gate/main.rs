//! Tests of the gate. Except in `runtimes`, tokio's clock is paused and moves only while all tasks wait, so no test
//! depends on the speed of the machine.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod looks;
mod merge;
mod refusals;
mod runtimes;
mod scope;
mod shared;
mod waiting;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use limit_proofs::limit::{Ask, Class, Gate, Permit, Quota};
use tokio::task::yield_now;

/// The default window of 10 s, plus half a percent that allows for a slower clock of the server.
pub(crate) const SPAN: Duration = Duration::from_millis(10_050);

/// Creates a gate with the default limit.
pub(crate) fn open() -> Arc<Gate> {
    Gate::new(Quota::default())
}

pub(crate) async fn take(gate: &Arc<Gate>, class: Class, count: usize) -> Vec<Permit> {
    let mut permits = Vec::new();
    for _ in 0..count {
        permits.push(gate.acquire(Ask::new(class)).await.unwrap());
    }
    permits
}

/// Polls a future once. Nothing wakes the future afterwards.
pub(crate) fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Lets every task run until it waits.
pub(crate) async fn settle() {
    for _ in 0..2000 {
        yield_now().await;
    }
}
