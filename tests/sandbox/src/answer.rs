//! The bodies of answers: whole, in pieces, cut short or broken off by a reset.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::time::{Sleep, sleep};

use crate::connection::Control;
use crate::script::Trickle;
use crate::world::World;

/// Long enough for what was written to reach the client before the end does.
const BEFORE_A_BREAK: Duration = Duration::from_millis(20);

/// The answer is not finished on purpose; the HTTP server then closes the connection or resets the stream.
#[derive(Debug)]
pub(crate) struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the script breaks this answer off")
    }
}

impl std::error::Error for Broken {}

impl From<Infallible> for Broken {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// Notes in the log whether the client was still there when its answer went out.
#[derive(Debug)]
pub(crate) struct Presence {
    world: Arc<World>,
    index: usize,
    settled: bool,
}

impl Presence {
    pub(crate) fn new(world: Arc<World>, index: usize) -> Self {
        Self { world, index, settled: false }
    }

    /// Everything that was meant to go out went out.
    pub(crate) fn settle(&mut self) {
        if !std::mem::replace(&mut self.settled, true) {
            self.world.note_end(self.index, true);
        }
    }
}

impl Drop for Presence {
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
    Reset(Arc<Control>),
}

/// A body that goes out as its answer says.
#[derive(Debug)]
pub(crate) struct AnswerBody {
    pieces: VecDeque<Bytes>,
    pause: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
    end: End,
    presence: Option<Presence>,
}

impl AnswerBody {
    /// All at once; for what is in nobody's log.
    pub(crate) fn whole(bytes: Vec<u8>) -> Self {
        Self::new(bytes.into(), None, End::Whole, None)
    }

    pub(crate) fn new(bytes: Bytes, trickle: Option<Trickle>, end: End, presence: Option<Presence>) -> Self {
        let size = trickle.map_or(usize::MAX, |trickle| trickle.bytes.max(1));
        let mut rest = bytes;
        let mut pieces = VecDeque::new();
        while !rest.is_empty() {
            pieces.push_back(rest.split_to(size.min(rest.len())));
        }
        let pause = trickle.map_or(Duration::ZERO, |trickle| Duration::from_millis(trickle.every_ms));
        let mut body = Self { pieces, pause, sleep: None, end, presence };
        if body.pieces.is_empty() && matches!(body.end, End::Whole) {
            body.settle();
        }
        body.rest();
        body
    }

    /// Waits before what comes next.
    fn rest(&mut self) {
        let pause = match (self.pieces.is_empty(), &self.end) {
            (false, _) => self.pause,
            (true, End::Whole) => Duration::ZERO,
            (true, _) => BEFORE_A_BREAK,
        };
        self.sleep = (!pause.is_zero()).then(|| Box::pin(sleep(pause)));
    }

    fn settle(&mut self) {
        if let Some(mut presence) = self.presence.take() {
            presence.settle();
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
