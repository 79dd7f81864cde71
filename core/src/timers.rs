//! Timers. Each timer of the core is noted with an alarm before tokio starts it, because tokio does not tell when its
//! next timer ends. An event loop that does the I/O has to know (`wire/driver`).

use std::cell::Cell;
use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;
pub(crate) use tokio::time::error::Elapsed;

/// Is told when timers end.
pub(crate) trait Alarm: Sync {
    /// A timer ends at `at`.
    fn note(&self, at: Instant);
}

thread_local! {
    static ALARM: Cell<Option<&'static dyn Alarm>> = const { Cell::new(None) };
}

/// Runs `inside`. The timers that start meanwhile on this thread are noted with `alarm`.
pub(crate) fn with_alarm<T>(alarm: &'static dyn Alarm, inside: impl FnOnce() -> T) -> T {
    let before = ALARM.replace(Some(alarm));
    let done = inside();
    ALARM.set(before);
    done
}

/// Notes a timer that another crate starts.
pub(crate) fn note(at: Instant) {
    if let Some(alarm) = ALARM.get() {
        alarm.note(at);
    }
}

/// Waits until `at`.
pub(crate) async fn sleep_until(at: Instant) {
    note(at);
    tokio::time::sleep_until(at).await;
}

/// Waits for `time`.
pub(crate) async fn sleep(time: Duration) {
    sleep_until(Instant::now() + time).await;
}

/// Waits for a future until `at`.
///
/// # Errors
/// The future was not ready at that time.
pub(crate) async fn timeout_at<F: Future>(at: Instant, future: F) -> Result<F::Output, Elapsed> {
    note(at);
    tokio::time::timeout_at(at, future).await
}

/// Waits for a future for at most `time`.
///
/// # Errors
/// The future was not ready within that time.
pub(crate) async fn timeout<F: Future>(time: Duration, future: F) -> Result<F::Output, Elapsed> {
    timeout_at(Instant::now() + time, future).await
}
