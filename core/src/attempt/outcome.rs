//! What happened to one attempt. The outcome decides whether the call is sent again, how the rate limit counts the
//! attempt, and whether the SDK searches for a run that the attempt may have started.

use tokio::time::Instant;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// No byte of the request reached the server: another attempt may succeed.
    NeverLeft,
    /// The request was sent, and the server said that it did not process the request (RFC 9113 §8.7).
    Refused,
    /// The request was sent, or may have been sent, and no complete answer came.
    Lost {
        /// When the first byte of the request was sent, as far as this process can tell.
        since: Instant,
        /// Whether the connection went silent without closing, so that the server may still read the request later.
        silent: bool,
    },
    Answered {
        status: u16,
    },
    /// The server answered, but the answer cannot be used, and another attempt would not help. For example, the answer
    /// is too large.
    Unusable {
        /// When the first byte of the request was sent.
        since: Instant,
    },
    /// No byte of the request reached the server, and another attempt would fail in the same way, as with a certificate
    /// that is not trusted.
    Barred,
}

impl Outcome {
    /// When the request was sent, if its answer was lost or cannot be used; otherwise `None`.
    pub(crate) fn since(self) -> Option<Instant> {
        match self {
            Self::Lost { since, .. } | Self::Unusable { since } => Some(since),
            Self::NeverLeft | Self::Refused | Self::Answered { .. } | Self::Barred => None,
        }
    }
}
