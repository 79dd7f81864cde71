//! The bodies of answers: sent at once or in pieces, truncated, or broken off by a reset.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::runtime::Handle;
use tokio::time::{Sleep, sleep};

use crate::connection::ConnectionHandle;
use crate::script::Trickle;
use crate::world::World;

/// The pause before an answer is broken off. Without this pause the client might not receive the bytes that were sent
/// before the break.
const BEFORE_A_BREAK: Duration = Duration::from_millis(20);

/// The error for an answer that the script breaks off, or for a connection that fails. If a handler returns this error,
/// the HTTP server closes the connection or resets the stream.
#[derive(Debug)]
pub(crate) struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the script ends the answer before it is complete")
    }
}

impl std::error::Error for Broken {}

impl From<Infallible> for Broken {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// Logs how a request ended. If a recorder is dropped before [`Self::settle`] is called, the client has disconnected.
#[derive(Debug)]
pub(crate) struct EndRecorder {
    world: Arc<World>,
    index: usize,
    settled: bool,
}

impl EndRecorder {
    pub(crate) fn new(world: Arc<World>, index: usize) -> Self {
        Self { world, index, settled: false }
    }

    /// Logs that the answer was sent as planned.
    pub(crate) fn settle(&mut self) {
        if !std::mem::replace(&mut self.settled, true) {
            self.world.note_end(self.index, true);
        }
    }
}

impl Drop for EndRecorder {
    fn drop(&mut self) {
        if !self.settled {
            self.world.note_end(self.index, false);
        }
    }
}

/// How a body ends.
#[derive(Debug)]
pub(crate) enum End {
    Whole,
    Cut,
    Reset(Arc<ConnectionHandle>),
}

/// The body of an answer, sent as the script says.
#[derive(Debug)]
pub(crate) struct AnswerBody {
    pieces: VecDeque<Bytes>,
    pause: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
    end: End,
    recorder: Option<EndRecorder>,
    closing: Option<(Duration, Arc<ConnectionHandle>)>,
}

impl AnswerBody {
    /// Creates a body that is sent at once. Its end is not logged.
    pub(crate) fn whole(bytes: Vec<u8>) -> Self {
        Self::new(bytes.into(), None, End::Whole, None)
    }

    pub(crate) fn new(
        bytes: Bytes,
        trickle: Option<Trickle>,
        end: End,
        recorder: Option<EndRecorder>,
    ) -> Self {
        let size = trickle.map_or(usize::MAX, |trickle| trickle.bytes.max(1));
        let mut rest = bytes;
        let mut pieces = VecDeque::new();
        while !rest.is_empty() {
            pieces.push_back(rest.split_to(size.min(rest.len())));
        }
        let pause = trickle.map_or(Duration::ZERO, |trickle| Duration::from_millis(trickle.every_ms));
        let mut body = Self { pieces, pause, sleep: None, end, recorder, closing: None };
        if body.pieces.is_empty() && matches!(body.end, End::Whole) {
            body.settle();
        }
        body.rest();
        body
    }

    /// Closes the connection after a pause that begins once this body is sent. The head of the answer, which could
    /// announce that, has been written by then.
    pub(crate) fn then_close(mut self, pause: Duration, connection: Arc<ConnectionHandle>) -> Self {
        self.closing = Some((pause, connection));
        self
    }

    /// Sets the timer for the next piece or the end.
    fn rest(&mut self) {
        let pause = match (self.pieces.is_empty(), &self.end) {
            (false, _) => self.pause,
            (true, End::Whole) => Duration::ZERO,
            (true, _) => BEFORE_A_BREAK,
        };
        self.sleep = (!pause.is_zero()).then(|| Box::pin(sleep(pause)));
    }

    fn settle(&mut self) {
        if let Some(mut recorder) = self.recorder.take() {
            recorder.settle();
        }
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        // There is no runtime if the server ends meanwhile.
        if let (Some((pause, connection)), Ok(runtime)) = (self.closing.take(), Handle::try_current()) {
            runtime.spawn(async move {
                sleep(pause).await;
                connection.close();
            });
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = &mut *self;
        if let Some(sleep) = &mut this.sleep {
            ready!(sleep.as_mut().poll(cx));
            this.sleep = None;
        }
        if let Some(piece) = this.pieces.pop_front() {
            if this.pieces.is_empty() && matches!(this.end, End::Whole) {
                this.settle();
            }
            this.rest();
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        match std::mem::replace(&mut this.end, End::Whole) {
            End::Whole => Poll::Ready(None),
            broken => {
                this.settle();
                if let End::Reset(control) = broken {
                    control.reset();
                }
                Poll::Ready(Some(Err(Broken)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty() && matches!(self.end, End::Whole)
    }
}
