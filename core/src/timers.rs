//! Timers. The core notes each timer with an alarm before tokio starts the timer. An event loop that does the I/O must
//! know when the next timer ends (`wire/driver`), and tokio does not say it.

use std::cell::Cell;
use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, Sleep, Timeout};

/// Learns when timers end.
pub(crate) trait Alarm: Sync {
    /// Notes that a timer ends at `at`.
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
#[expect(clippy::disallowed_methods, reason = "the timer is noted")]
pub(crate) fn sleep_until(at: Instant) -> Sleep {
    note(at);
    tokio::time::sleep_until(at)
}

/// Waits for `time`.
pub(crate) fn sleep(time: Duration) -> Sleep {
    sleep_until(Instant::now() + time)
}

/// Waits for a future until `at`. The result is an error if the future is not ready at that time.
#[expect(clippy::disallowed_methods, reason = "the timer is noted")]
pub(crate) fn timeout_at<F: Future>(at: Instant, future: F) -> Timeout<F> {
    note(at);
    tokio::time::timeout_at(at, future)
}

/// Waits for a future for at most `time`. The result is an error if the future is not ready within that time.
pub(crate) fn timeout<F: Future>(time: Duration, future: F) -> Timeout<F> {
    timeout_at(Instant::now() + time, future)
}
