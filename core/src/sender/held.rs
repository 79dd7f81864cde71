//! The permit of one attempt, and the error of a call that was interrupted.

use std::time::Duration;

use tokio::time::Instant;

use super::unknown;
use crate::attempt::Outcome;
use crate::call::Call;
use crate::error::{Error, Kind};
use crate::limit::{Linger, Permit, Refusal};
use crate::transport::Departure;

/// A permit to send one request. If the permit is dropped and the request was certainly not sent, the request does not
/// count towards the limit.
pub(super) struct Held<'a> {
    permit: Option<Permit>,
    pub(super) departure: &'a Departure,
}

impl<'a> Held<'a> {
    pub(super) fn new(permit: Permit, departure: &'a Departure) -> Self {
        Self { permit: Some(permit), departure }
    }

    pub(super) fn seen(mut self) {
        if let Some(permit) = self.permit.take() {
            permit.seen();
        }
    }

    pub(super) fn refused(mut self, after: Option<Duration>) -> Option<Refusal> {
        self.permit.take().map(|permit| permit.refused(after))
    }

    pub(super) fn failed(mut self, outcome: Outcome) {
        let Some(permit) = self.permit.take() else { return };
        match outcome {
            Outcome::NeverLeft | Outcome::Barred => permit.never_sent(),
            // The server answered or refused the request. It may have counted the request, and the request cannot
            // arrive later.
            Outcome::Refused | Outcome::Unusable { .. } | Outcome::Answered { .. } => permit.seen(),
            Outcome::Lost { silent, .. } => {
                permit.abandoned(if silent { Linger::Window } else { Linger::Brief });
            }
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take()
            && !self.departure.happened()
        {
            permit.never_sent();
        }
    }
}

/// The error of a call that was interrupted. If the call is a write that may have been sent, the error says that the
/// write may have taken effect.
pub(super) fn interrupted(kind: Kind, what: &'static str, call: &Call, departure: &Departure) -> Error {
    let error = Error::new(kind, what);
    match (call.is_write() && departure.happened(), kind) {
        (false, _) => error,
        // The caller cancelled the call, so the kind stays `cancelled`; the hint says what may have happened.
        (true, Kind::Cancelled) => error
            .with_hint("The request had been sent, so it may have taken effect.")
            .with_outcome(lost(departure)),
        (true, _) => unknown(error.with_outcome(lost(departure))),
    }
}

fn lost(departure: &Departure) -> Outcome {
    Outcome::Lost { since: departure.since().unwrap_or_else(Instant::now), silent: false }
}
