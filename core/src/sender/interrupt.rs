//! Cancels calls through the door. The signal goes to the request loop, which knows whether a request was in flight.

use std::future::Future;

use tokio_util::sync::CancellationToken;

tokio::task_local! {
    static SIGNAL: CancellationToken;
}

/// Runs a call that `signal` may end.
pub(crate) async fn with_signal<F: Future>(signal: CancellationToken, call: F) -> F::Output {
    SIGNAL.scope(signal, call).await
}

/// Resolves once the current call is cancelled. Never resolves outside [`with_signal`]: there, dropping the call
/// cancels it.
pub(super) async fn cancelled() {
    match SIGNAL.try_with(Clone::clone) {
        Ok(signal) => signal.cancelled().await,
        Err(_) => std::future::pending().await,
    }
}
