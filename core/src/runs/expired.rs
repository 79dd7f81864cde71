//! The error of a wait that timed out, and the advice after a wait that ended before the run did.

use std::time::Duration;

use super::follow::{FollowStep, Shown};
use super::token::RunToken;
use crate::error::{Error, Kind};
use crate::sender::Sender;
use crate::text::span;

const GOES_ON: &str = "The run goes on. Resume waiting with its token.";
const NOT_LISTED: &str = "A new run may be listed late: resume waiting with its token. Otherwise, check that the API \
                          key belongs to the workspace in which the run was started.";
const NO_LONGER_LISTED: &str =
    "Look at the runs in the workspace. To go on waiting for the run, use its token.";

/// The error of a wait that timed out. `last` is the last step of the wait.
pub(crate) fn expired<S>(sender: &Sender, token: &RunToken, last: &FollowStep<S>) -> Error {
    let age =
        Duration::from_millis(u64::try_from(sender.now_millis().saturating_sub(token.since)).unwrap_or(0));
    let (age, origin) = (span(age), if token.found { "found" } else { "started" });
    let shown = last.seen.shown();
    let what = match shown {
        Shown::State | Shown::Nothing => format!("the run had not ended {age} after it was {origin}"),
        Shown::NotListed => format!("the server does not list the run, which was {origin} {age} ago"),
        Shown::NoLongerListed => format!("the server no longer lists the run, which was {origin} {age} ago"),
    };
    let failure = last.failure.as_ref();
    let error = match failure {
        None => Error::new(Kind::WaitTimeout, what),
        Some(failure) => {
            let mut causes = vec![failure.message()];
            causes.extend_from_slice(failure.cause_messages());
            let what =
                message![what, ", as far as is known: the last look at the run failed: ", failure.what()];
            Error::new(Kind::WaitTimeout, what).with_causes(causes)
        }
    };
    error
        .at(&token.subject())
        .with_run(token.encode())
        .with_hint(advice(shown, failure.map(Error::kind)))
        .scrubbed(|text| sender.scrub(text))
}

/// What to do after a wait that timed out. `failure` is the kind of the error of the last look, if that look failed.
fn advice(shown: Shown, failure: Option<Kind>) -> &'static str {
    match (shown, failure) {
        (Shown::State, _) => GOES_ON,
        (Shown::NoLongerListed, _) => NO_LONGER_LISTED,
        // With the key of another workspace, the server may not know the sync of the run either.
        (Shown::NotListed, _) | (Shown::Nothing, Some(Kind::NotFound | Kind::Permission)) => NOT_LISTED,
        (Shown::Nothing, _) => "No answer has shown whether the run goes on. Resume waiting with its token.",
    }
}

/// What to do after a wait that was cancelled, or whose client was closed. A run that no look could read yet counts as
/// in progress, because usually it was just started.
pub(super) fn interrupted(shown: Shown) -> &'static str {
    match shown {
        Shown::State | Shown::Nothing => GOES_ON,
        Shown::NotListed => NOT_LISTED,
        Shown::NoLongerListed => NO_LONGER_LISTED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_run_that_an_answer_has_shown_is_said_to_go_on() {
        let outage = Some(Kind::Server);
        for failure in [None, outage, Some(Kind::NotFound)] {
            assert_eq!(advice(Shown::State, failure), GOES_ON);
            assert_eq!(advice(Shown::NotListed, failure), NOT_LISTED);
            assert_eq!(advice(Shown::NoLongerListed, failure), NO_LONGER_LISTED);
        }
        assert_eq!(advice(Shown::Nothing, Some(Kind::NotFound)), NOT_LISTED);
        assert_eq!(advice(Shown::Nothing, Some(Kind::Permission)), NOT_LISTED);
        for failure in [None, outage] {
            assert!(advice(Shown::Nothing, failure).starts_with("No answer has shown"));
        }
    }
}
