//! A request body that notes when it is first read. The HTTP client first reads the body when it has a connection on
//! which it can send the body.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;

/// When the first byte of a request was sent, as far as this process can tell; `None` until then. Clones share the
/// instant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Departure(Arc<Mutex<Option<Instant>>>);

impl Departure {
    pub(crate) fn happened(&self) -> bool {
        self.since().is_some()
    }

    /// The instant at which the request's first byte was sent.
    pub(crate) fn since(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets when the request was sent. Called before each attempt, and once the outcome of the attempt is known.
    pub(crate) fn reset(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(super) fn happens(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(Instant::now);
    }
}

/// The body of a request, or none. Records when the HTTP client first reads the body.
pub(super) struct Watched {
    pub bytes: Option<Bytes>,
    pub departure: Departure,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.departure.happens();
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
