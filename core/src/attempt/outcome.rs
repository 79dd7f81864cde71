//! What happened to one attempt. Retries, the limit and adoption depend on it.

use tokio::time::Instant;

/// What happened to an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// No byte of the request reached the server: another attempt may succeed.
    NeverLeft,
    /// The request was sent, and the server itself said that it did nothing with it (RFC 9113 §8.7).
    Refused,
    /// The request was sent, or may have been, and no whole answer came back.
    Lost {
        /// When its first byte was sent, as far as this process can tell.
        since: Instant,
        /// Whether the server may still read the request later: the connection went silent and did not close.
        silent: bool,
    },
    /// The server answered.
    Answered {
        /// The HTTP status.
        status: u16,
    },
    /// The server answered with something that cannot be read and that it would send again.
    Unusable {
        /// When the attempt's first byte was sent.
        since: Instant,
    },
    /// No byte of the request reached the server, and another attempt would fail in the same way, as with a certificate
    /// that is not trusted.
    Barred,
}

impl Outcome {
    /// When the request was sent, if its effect is unknown.
    pub(crate) fn since(self) -> Option<Instant> {
        match self {
            Self::Lost { since, .. } | Self::Unusable { since } => Some(since),
            Self::NeverLeft | Self::Refused | Self::Answered { .. } | Self::Barred => None,
        }
    }
}
