//! The locks, clock and wake-ups of the gate in a model: loom's locks, and a clock that moves only with [`advance`].
//!
//! `Notify` and `timeout_at` use loom's locks. They behave like tokio's in everything that the gate uses.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "a test's tools"
)]

use std::future::{Future, poll_fn};
use std::ops::Add;
use std::pin::pin;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;

pub(in crate::limit) use loom::sync::{Mutex, MutexGuard};

/// So long that the waiters never check whether the first waiter overslept. The model polls every waiter, so the check
/// is not needed, and it would hide a lost wake-up.
pub(in crate::limit) const LOOK_AFTER_FIRST: Duration = Duration::from_hours(24 * 365);

/// A waiter must fetch its grant within this time, or the grant is taken back. The value is the same as outside the
/// model, so that the model also explores a grant that is taken back while its waiter fetches it.
pub(in crate::limit) const FETCHED_WITHIN: Duration = Duration::from_secs(1);

/// The model's clock, in nanoseconds. It is not one of loom's atomics, because it changes only under the lock of
/// `SLEEPERS`. Loom explores the orders in which threads take this lock.
static NOW: AtomicU64 = AtomicU64::new(0);

loom::lazy_static! {
    static ref SLEEPERS: Mutex<Vec<(Instant, Waker)>> = Mutex::new(Vec::new());
}

/// Runs `meeting` again and again, each time with another order of the steps of its threads. Explores every order that
/// preempts threads at most `preemptions` times.
pub fn explore(preemptions: usize, meeting: impl Fn() + Sync + Send + 'static) {
    // Only one test may explore at a time, because tests run in parallel and share the clock of the process.
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(preemptions);
    model.check(move || {
        NOW.store(1_000_000_000, Ordering::SeqCst);
        // Every execution must be deterministic, including the jitter after a refusal.
        fastrand::seed(7);
        meeting();
    });
}

/// Moves the clock forward, and wakes the tasks that sleep until the new time or an earlier time.
pub fn advance(by: Duration) {
    let mut sleepers = SLEEPERS.lock().unwrap();
    NOW.fetch_add(u64::try_from(by.as_nanos()).unwrap(), Ordering::SeqCst);
    let now = Instant::now();
    let (due, rest) = sleepers.drain(..).partition::<Vec<_>, _>(|(until, _)| *until <= now);
    *sleepers = rest;
    drop(sleepers);
    for (_, waker) in due {
        waker.wake();
    }
}

/// A moment of the model's clock, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::limit) struct Instant(u64);

impl Instant {
    pub(in crate::limit) fn now() -> Self {
        Self(NOW.load(Ordering::SeqCst))
    }

    pub(in crate::limit) fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    pub(in crate::limit) fn checked_add(self, wait: Duration) -> Option<Self> {
        Some(Self(self.0.checked_add(u64::try_from(wait.as_nanos()).ok()?)?))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, wait: Duration) -> Self {
        self.checked_add(wait).unwrap()
    }
}

/// Like tokio's `Notify`, but for one waiter at a time.
#[derive(Debug)]
pub(in crate::limit) struct Notify(Mutex<(bool, Option<Waker>)>);

impl Notify {
    pub(in crate::limit) fn new() -> Self {
        Self(Mutex::new((false, None)))
    }

    pub(in crate::limit) fn notify_one(&self) {
        let waker = {
            let mut state = self.0.lock().unwrap();
            state.0 = true;
            state.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(in crate::limit) fn notified(&self) -> impl Future<Output = ()> + '_ {
        poll_fn(move |context| {
            let mut state = self.0.lock().unwrap();
            if std::mem::take(&mut state.0) {
                return Poll::Ready(());
            }
            state.1 = Some(context.waker().clone());
            Poll::Pending
        })
    }
}

/// The error of `timeout_at`: the deadline passed before the future was ready.
#[derive(Debug)]
pub(in crate::limit) struct Elapsed;

pub(in crate::limit) async fn timeout_at<T>(
    until: Instant,
    what: impl Future<Output = T>,
) -> Result<T, Elapsed> {
    let mut what = pin!(what);
    poll_fn(|context| {
        if let Poll::Ready(given) = what.as_mut().poll(context) {
            return Poll::Ready(Ok(given));
        }
        let mut sleepers = SLEEPERS.lock().unwrap();
        if until <= Instant::now() {
            return Poll::Ready(Err(Elapsed));
        }
        sleepers.push((until, context.waker().clone()));
        Poll::Pending
    })
    .await
}
