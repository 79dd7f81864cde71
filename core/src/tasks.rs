//! Tasks that count how often they are woken. From these counts, an event loop that does the I/O knows whether a task
//! can go on (`wire/driver`).

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Context, Poll, Waker};

use futures_util::task::AtomicWaker;
use pin_project_lite::pin_project;
use tokio::task::JoinHandle;

thread_local! {
    static WAKES: Cell<u64> = const { Cell::new(0) };
}

/// How many times this thread has woken tasks that are [`noticed`].
pub(crate) fn wakes() -> u64 {
    WAKES.get()
}

pin_project! {
    /// A task that counts how often it is woken.
    pub(crate) struct Noticed<F> {
        #[pin]
        task: F,
        wake: Arc<Wake>,
        waker: Waker,
    }
}

/// Returns a future that does the same as `task`, and counts how often it is woken.
pub(crate) fn noticed<F: Future>(task: F) -> Noticed<F> {
    let wake = Arc::new(Wake(AtomicWaker::new()));
    Noticed { task, waker: Waker::from(Arc::clone(&wake)), wake }
}

impl<F: Future> Future for Noticed<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let own = self.project();
        own.wake.0.register(context.waker());
        own.task.poll(&mut Context::from_waker(own.waker))
    }
}

/// Spawns a task on the runtime of this thread.
#[expect(clippy::disallowed_methods, reason = "the task is noticed")]
pub(crate) fn spawn<F>(task: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::spawn(noticed(task))
}

struct Wake(AtomicWaker);

impl task::Wake for Wake {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        WAKES.set(WAKES.get().wrapping_add(1));
        self.0.wake();
    }
}
