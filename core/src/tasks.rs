//! Tasks that count how often they are woken. So an event loop that does the I/O knows whether a task can go on
//! (`wire/driver`).

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use futures_util::task::AtomicWaker;

thread_local! {
    static WAKES: Cell<u64> = const { Cell::new(0) };
}

/// How many times this thread has woken tasks that are [`noticed`].
pub(crate) fn wakes() -> u64 {
    WAKES.get()
}

/// Returns a future that does the same as `task`, and counts how often its task is woken.
pub(crate) async fn noticed<F: Future>(task: F) -> F::Output {
    let wake = Arc::new(Noticed(AtomicWaker::new()));
    let waker = Waker::from(Arc::clone(&wake));
    let mut task = pin!(task);
    poll_fn(|context| {
        wake.0.register(context.waker());
        task.as_mut().poll(&mut Context::from_waker(&waker))
    })
    .await
}

struct Noticed(AtomicWaker);

impl Wake for Noticed {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        WAKES.set(WAKES.get().wrapping_add(1));
        self.0.wake();
    }
}
