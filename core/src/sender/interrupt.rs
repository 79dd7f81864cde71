//! Cancels calls of host languages by a signal. The request loop watches the signal too, because only the loop knows
//! whether a request was in flight.

use std::future::Future;
use std::pin::pin;

use futures_util::FutureExt as _;
use tokio::task::unconstrained;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Kind};

tokio::task_local! {
    static SIGNAL: CancellationToken;
}

/// Runs a call until the call ends or `signal` cancels it.
pub(crate) async fn with_signal<T>(
    signal: CancellationToken,
    call: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let mut call = pin!(SIGNAL.scope(signal.clone(), call));
    tokio::select! {
        biased;
        // The call is polled first: a call with a request in flight ends itself, with an error about the request. The
        // arm below ends all other calls.
        made = &mut call => made,
        () = signal.cancelled() => {
            // The signal may have come just after the call was polled, so the call is polled once more. `unconstrained`
            // lets the call make progress even if it has used up tokio's budget for one poll.
            let made = unconstrained(call).now_or_never();
            made.unwrap_or_else(|| Err(Error::new(Kind::Cancelled, "the call was cancelled")))
        }
    }
}

/// Returns a signal for a part of the current call. The signal of the call cancels the part too.
pub(crate) fn signal_of_part() -> CancellationToken {
    SIGNAL.try_with(CancellationToken::child_token).unwrap_or_default()
}

/// Resolves once the current call is cancelled. Never resolves outside [`with_signal`].
pub(super) async fn cancelled() {
    match SIGNAL.try_with(Clone::clone) {
        Ok(signal) => signal.cancelled().await,
        Err(_) => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Poll;

    use tokio::task::{consume_budget, coop::has_budget_remaining};

    use super::*;

    /// Incident: another thread cancelled a wait just after the wait was polled, and the error lacked the token of the
    /// run.
    #[tokio::test]
    async fn a_call_that_is_cancelled_just_after_it_was_polled_says_what_it_knows() {
        for uses_the_budget_up in [false, true] {
            let signal = CancellationToken::new();
            let raised = signal.clone();
            let call = async {
                let polled = poll_fn(|_| {
                    while uses_the_budget_up && has_budget_remaining() {
                        consume_budget().now_or_never();
                    }
                    raised.cancel();
                    Poll::<()>::Pending
                });
                tokio::select! {
                    biased;
                    () = cancelled() => Err(Error::new(Kind::Cancelled, "stopped").with_run("token".to_owned())),
                    () = polled => Ok(()),
                }
            };
            let error = with_signal(signal, call).await.unwrap_err();
            assert_eq!(error.run(), Some("token"), "{error}");
        }
    }

    #[tokio::test]
    async fn the_signal_of_a_call_cancels_its_parts_but_that_of_a_part_does_not_cancel_the_call() {
        let signal = CancellationToken::new();
        let made = with_signal(signal.clone(), async {
            let [part, other] = [signal_of_part(), signal_of_part()];
            part.cancel();
            assert!(!signal.is_cancelled() && !other.is_cancelled());
            signal.cancel();
            assert!(other.is_cancelled());
            Ok(())
        });
        assert!(made.await.is_ok());
    }

    #[tokio::test]
    async fn a_call_that_ignores_its_signal_ends_with_it() {
        let signal = CancellationToken::new();
        signal.cancel();
        let error = with_signal(signal, std::future::pending::<Result<(), _>>()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Cancelled);
    }
}
