//! Cancelling from outside a call: the door's signal reaches the request loop, so that what was under way is known.

use std::future::Future;

use tokio_util::sync::CancellationToken;

tokio::task_local! {
    static SIGNAL: CancellationToken;
}

/// Runs a call that `signal` may end.
pub(crate) async fn with_signal<F: Future>(signal: CancellationToken, call: F) -> F::Output {
    SIGNAL.scope(signal, call).await
}

/// Comes when the call around it is cancelled; never where nothing can cancel it but dropping it.
pub(super) async fn cancelled() {
    match SIGNAL.try_with(Clone::clone) {
        Ok(signal) => signal.cancelled().await,
        Err(_) => std::future::pending().await,
    }
}
