//! Decides whether and when a request is sent again. Does no I/O and reads no clock.

use std::time::Duration;

use crate::attempt::Outcome;
use crate::operation::Safety;

/// The upper bound of the first pause. Each further pause doubles the bound.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// What happens after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Send again after this pause.
    Again(Duration),
    /// Report the failure as it is.
    GiveUp,
    /// Report that nobody can know whether the write happened.
    Unknown,
}

/// Whether this status may be temporary: a gateway or the server gave up (408, 499, 5xx), or the request came on a
/// wrong connection (421, RFC 9110 §15.5.20) or too early (425, RFC 8470 §5.2).
pub(super) fn passes(status: u16) -> bool {
    matches!(status, 408 | 421 | 425 | 499 | 500..600)
}

/// Whether the server or a gateway gave up on a request that may have been processed.
fn gave_up(status: u16) -> bool {
    // 421 and 425 say that the server did nothing. A success (2xx) is passed to this function only if its body is
    // "Internal Server Error", so the function returns true for it.
    !matches!(status, 421 | 425)
}

/// Decides what happens after an attempt. `retries` is the number of retries so far, and `allowed` their maximum
/// number. `passes` says whether the failure may be temporary. `jitter` is in `[0, 1)`.
pub(super) fn decide(
    retries: u32,
    allowed: u32,
    safety: Safety,
    outcome: Outcome,
    passes: bool,
    jitter: f64,
) -> Verdict {
    match (outcome, safety) {
        (Outcome::Barred, _) | (Outcome::Unusable { .. }, Safety::Read) => Verdict::GiveUp,
        (Outcome::Answered { .. }, _) if !passes => Verdict::GiveUp,
        (Outcome::Answered { status }, Safety::Write) if !gave_up(status) => Verdict::GiveUp,
        (Outcome::Answered { .. } | Outcome::Lost { .. } | Outcome::Unusable { .. }, Safety::Write) => {
            Verdict::Unknown
        }
        _ if retries >= allowed => Verdict::GiveUp,
        _ => Verdict::Again(pause(retries, jitter)),
    }
}

/// The pause before a retry, with full jitter: a random time below a bound. Clients that failed at the same time thus
/// retry at different times.
fn pause(retries: u32, jitter: f64) -> Duration {
    let bound = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(retries.min(16))).min(LONGEST_PAUSE);
    bound.mul_f64(jitter.clamp(0.0, 1.0))
}

/// The retry budget of a client: bounds the retries of all calls together. Without this bound, retries would multiply
/// the requests in an outage.
#[derive(Debug)]
pub(super) struct Budget {
    /// How many retries remain, in tenths of a retry.
    tenths: u32,
    /// The number of the latest lost connection for which a retry was taken. Later connections have higher numbers.
    paid: Option<u64>,
}

impl Budget {
    const FULL: u32 = 100;

    pub(super) fn new() -> Self {
        Self { tenths: Self::FULL, paid: None }
    }

    /// Adds a tenth of a retry to the budget. Called after each successful call.
    pub(super) fn earn(&mut self) {
        self.tenths = (self.tenths + 1).min(Self::FULL);
    }

    /// Takes one retry; returns false if no retry remains. Calls that lost the same connection share one retry, because
    /// the loss was one failure.
    pub(super) fn spend(&mut self, connection: Option<u64>) -> bool {
        if connection.is_some() && connection <= self.paid {
            return true;
        }
        match self.tenths.checked_sub(10) {
            Some(rest) => {
                self.tenths = rest;
                self.paid = connection.max(self.paid);
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost() -> Outcome {
        Outcome::Lost { since: tokio::time::Instant::now(), silent: false }
    }

    fn unusable() -> Outcome {
        Outcome::Unusable { since: tokio::time::Instant::now() }
    }

    fn answered(safety: Safety, status: u16) -> Verdict {
        decide(0, 3, safety, Outcome::Answered { status }, passes(status), 0.5)
    }

    #[test]
    fn a_read_is_repeated_after_any_failure_that_may_pass() {
        for outcome in [Outcome::NeverLeft, Outcome::Refused, lost()] {
            assert!(
                matches!(decide(0, 3, Safety::Read, outcome, false, 0.5), Verdict::Again(_)),
                "{outcome:?}"
            );
        }
        for status in [408, 421, 425, 499, 500, 502, 503, 504, 520] {
            assert!(matches!(answered(Safety::Read, status), Verdict::Again(_)), "{status}");
        }
    }

    /// Guards against sending a trigger four times because of a single 502.
    #[test]
    fn a_write_is_repeated_only_if_the_server_certainly_did_not_process_it() {
        for outcome in [Outcome::NeverLeft, Outcome::Refused] {
            assert!(matches!(decide(0, 3, Safety::Write, outcome, false, 0.5), Verdict::Again(_)));
        }
        for outcome in [lost(), unusable()] {
            assert_eq!(decide(0, 3, Safety::Write, outcome, false, 0.5), Verdict::Unknown, "{outcome:?}");
        }
    }

    /// Guards against a past bug: after a gateway answered a trigger with 408, the error said that the answer had the
    /// wrong shape.
    #[test]
    fn a_gateway_that_gave_up_on_a_write_leaves_its_outcome_unknown() {
        for status in [408, 499, 500, 502, 504] {
            assert_eq!(answered(Safety::Write, status), Verdict::Unknown, "{status}");
        }
        for status in [421, 425] {
            assert_eq!(
                answered(Safety::Write, status),
                Verdict::GiveUp,
                "{status} says that nothing was done"
            );
        }
    }

    #[test]
    fn a_final_answer_is_never_asked_for_again() {
        for safety in [Safety::Read, Safety::Write] {
            for status in [200, 301, 400, 401, 403, 404, 409, 422] {
                assert_eq!(answered(safety, status), Verdict::GiveUp, "{status}");
            }
            assert_eq!(decide(0, 3, safety, Outcome::Barred, false, 0.5), Verdict::GiveUp);
        }
    }

    /// Guards against fetching an answer of 64 MB four times only to reject it each time.
    #[test]
    fn an_answer_that_cannot_be_used_is_not_asked_for_again() {
        assert_eq!(decide(0, 3, Safety::Read, unusable(), false, 0.5), Verdict::GiveUp);
    }

    #[test]
    fn retries_end_at_the_number_allowed() {
        assert!(matches!(decide(2, 3, Safety::Read, lost(), false, 0.5), Verdict::Again(_)));
        assert_eq!(decide(3, 3, Safety::Read, lost(), false, 0.5), Verdict::GiveUp);
        assert_eq!(decide(0, 0, Safety::Write, Outcome::NeverLeft, false, 0.5), Verdict::GiveUp);
    }

    #[test]
    fn pauses_double_up_to_eight_seconds_and_jitter_fills_the_whole_range() {
        let bounds: Vec<_> = (0..7).map(|retries| pause(retries, 1.0).as_millis()).collect();
        assert_eq!(bounds, [500, 1000, 2000, 4000, 8000, 8000, 8000]);
        assert_eq!(pause(3, 0.0), Duration::ZERO);
        assert_eq!(pause(u32::MAX, 1.0), LONGEST_PAUSE);
    }

    #[test]
    fn the_budget_allows_ten_retries_and_earns_one_back_in_ten_calls() {
        let mut budget = Budget::new();
        assert_eq!((0..20).filter(|_| budget.spend(None)).count(), 10);
        for _ in 0..9 {
            budget.earn();
        }
        assert!(!budget.spend(None));
        budget.earn();
        assert!(budget.spend(None));
    }

    /// Guards against a past bug: 200 reads shared one connection. When the connection broke, each read took a retry
    /// from the budget of ten, so 190 reads failed.
    #[test]
    fn all_calls_that_lost_one_connection_take_one_retry() {
        let mut budget = Budget::new();
        for connection in 0..10 {
            assert!((0..200).all(|_| budget.spend(Some(connection))), "{connection}");
        }
        assert!(!budget.spend(Some(10)), "the eleventh connection finds nothing left");
        assert!(!budget.spend(None));
        assert!(budget.spend(Some(9)), "a latecomer of one that was paid for");
    }
}
