//! Whether a request is sent again, and when: a pure rule.

use std::time::Duration;

use crate::operation::Safety;

/// The first pause's upper bound; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// What no pause exceeds.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// How an attempt ended, as far as repeating it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The request never left, or the server said that it did not take it: nothing can have happened.
    NeverTaken,
    /// It left, and no whole answer came back.
    Lost,
    /// The server answered that it failed (5xx).
    ServerFailed,
    /// The server answered, and asking again would bring the same answer.
    Final,
    /// The server answered what cannot be read, and would again.
    Unusable,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Send again after this pause.
    Again(Duration),
    /// Report the failure as it is.
    GiveUp,
    /// Report that whether it happened cannot be known.
    Unknown,
}

/// Decides after the `retries`-th repetition (0 after the first attempt); `jitter` is in `[0, 1)`.
pub(crate) fn decide(retries: u32, allowed: u32, safety: Safety, outcome: Outcome, jitter: f64) -> Verdict {
    match (outcome, safety) {
        (Outcome::Final, _) | (Outcome::Unusable, Safety::Read) => Verdict::GiveUp,
        (Outcome::Lost | Outcome::ServerFailed | Outcome::Unusable, Safety::Write) => Verdict::Unknown,
        _ if retries >= allowed => Verdict::GiveUp,
        _ => Verdict::Again(pause(retries, jitter)),
    }
}

/// Full jitter: anywhere between nothing and the bound, so that clients that failed together do not return together.
fn pause(retries: u32, jitter: f64) -> Duration {
    let bound = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(retries.min(16))).min(LONGEST_PAUSE);
    bound.mul_f64(jitter.clamp(0.0, 1.0))
}

/// A client's allowance for retries: an outage must not be met with a multiple of the usual load.
#[derive(Debug)]
pub(crate) struct Budget {
    /// Tenths of a retry.
    tenths: u32,
}

impl Budget {
    const FULL: u32 = 100;

    pub(crate) fn new() -> Self {
        Self { tenths: Self::FULL }
    }

    /// A call that went well earns a tenth of a retry.
    pub(crate) fn earn(&mut self) {
        self.tenths = (self.tenths + 1).min(Self::FULL);
    }

    /// Takes one retry, if there is one.
    pub(crate) fn spend(&mut self) -> bool {
        match self.tenths.checked_sub(10) {
            Some(rest) => {
                self.tenths = rest;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READS_ARE_REPEATED: [Outcome; 3] = [Outcome::NeverTaken, Outcome::Lost, Outcome::ServerFailed];

    #[test]
    fn a_read_is_repeated_after_any_failure_that_may_pass() {
        for outcome in READS_ARE_REPEATED {
            assert!(matches!(decide(0, 3, Safety::Read, outcome, 0.5), Verdict::Again(_)), "{outcome:?}");
        }
    }

    /// Guards against one integration's four triggers from a single 502.
    #[test]
    fn a_write_is_repeated_only_when_it_was_never_taken() {
        assert!(matches!(decide(0, 3, Safety::Write, Outcome::NeverTaken, 0.5), Verdict::Again(_)));
        for outcome in [Outcome::Lost, Outcome::ServerFailed, Outcome::Unusable] {
            assert_eq!(decide(0, 3, Safety::Write, outcome, 0.5), Verdict::Unknown, "{outcome:?}");
        }
    }

    #[test]
    fn a_final_answer_is_never_asked_for_again() {
        for safety in [Safety::Read, Safety::Write] {
            assert_eq!(decide(0, 3, safety, Outcome::Final, 0.5), Verdict::GiveUp);
        }
    }

    /// Guards against 64 MB that were fetched four times to be refused four times.
    #[test]
    fn an_answer_that_cannot_be_used_is_not_asked_for_again() {
        assert_eq!(decide(0, 3, Safety::Read, Outcome::Unusable, 0.5), Verdict::GiveUp);
    }

    #[test]
    fn retries_end_at_the_number_allowed() {
        assert!(matches!(decide(2, 3, Safety::Read, Outcome::Lost, 0.5), Verdict::Again(_)));
        assert_eq!(decide(3, 3, Safety::Read, Outcome::Lost, 0.5), Verdict::GiveUp);
        assert_eq!(decide(0, 0, Safety::Write, Outcome::NeverTaken, 0.5), Verdict::GiveUp);
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
        assert_eq!((0..20).filter(|_| budget.spend()).count(), 10);
        for _ in 0..9 {
            budget.earn();
        }
        assert!(!budget.spend());
        budget.earn();
        assert!(budget.spend());
    }
}
