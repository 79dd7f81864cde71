//! How a granted request has ended.

use std::time::Duration;

use super::Nanos;
use super::backoff::Refusal;
use super::state::{Linger, State, Ticket};

/// How a granted request ended, unless it was refused (429).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The server answered the request.
    Seen,
    /// The request certainly never reached the server.
    NeverSent,
    /// The request was abandoned after it was sent.
    Abandoned(Linger),
}

/// How a request ended, in a form that can be reported to the shared limit later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The request ended, and the server did not refuse it.
    Otherwise(End),
    /// The server refused the request with this `Retry-After`. The random number varies the length of the pause.
    Refused(Option<Duration>, u32),
}

impl Ended {
    /// Tells `state` how the request with this ticket has ended. Returns the consequences of a refusal.
    pub fn tell(self, state: &mut State, now: Nanos, ticket: Ticket) -> Option<Refusal> {
        match self {
            Self::Otherwise(End::Seen) => state.seen(now, ticket),
            Self::Otherwise(End::NeverSent) => state.never_sent(now, ticket),
            Self::Otherwise(End::Abandoned(linger)) => state.abandoned(now, ticket, linger),
            Self::Refused(retry_after, jitter) => {
                return Some(state.refused(now, ticket, retry_after, jitter));
            }
        }
        None
    }
}
