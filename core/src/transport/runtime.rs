//! How the HTTP client starts tasks and timers.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use hyper::rt::{Executor, Sleep, Timer};
use hyper_util::rt::TokioTimer;

use crate::tasks::spawn;
use crate::timers::note;

#[derive(Clone)]
pub(super) struct Tasks;

impl<F> Executor<F> for Tasks
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, task: F) {
        spawn(task);
    }
}

#[derive(Clone)]
pub(super) struct Timers;

impl Timer for Timers {
    fn sleep(&self, time: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(Instant::now() + time)
    }

    fn sleep_until(&self, at: Instant) -> Pin<Box<dyn Sleep>> {
        note(at.into());
        TokioTimer::new().sleep_until(at)
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn Sleep>>, at: Instant) {
        note(at.into());
        TokioTimer::new().reset(sleep, at);
    }
}
