//! Reads and unpacks the body of an answer. The size of a body and the memory for all bodies of a client are bounded.

use std::io;
use std::pin::Pin;

use async_compression::tokio::bufread::GzipDecoder;
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use http_body::Body as _;
use http_body_util::BodyDataStream;
use hyper::body::Incoming;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, BufReader};
use tokio::task::coop::consume_budget;
use tokio::time::Instant;
use tokio_util::io::StreamReader;

use super::room::{LARGEST_BODY, Room, Rooms, SMALL_BODY};
use crate::timers::timeout_at;

/// A body that was read to its end.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub bytes: Bytes,
    pub room: Room,
    pub was_packed: bool,
}

/// Why a body could not be read to its end.
#[derive(Debug)]
pub(super) enum Unread {
    /// The body did not end in time.
    Late,
    /// The deadline of the call passed before memory was free for the body.
    NoRoom,
    TooLarge,
    /// The body is compressed with these codings, which the request did not ask for.
    Unasked(String),
    /// The headers say that the body is gzip, but it is not valid gzip.
    Malformed(io::Error),
    Lost(hyper::Error),
}

/// Reads a body, which must end by `until`. A wait for memory postpones `until`, but never past `deadline`. `is_packed`
/// is the result of [`coding::is_packed`](super::coding::is_packed).
pub(super) async fn read(
    incoming: Incoming,
    is_packed: Result<bool, String>,
    rooms: &Rooms,
    mut until: Instant,
    deadline: Option<Instant>,
) -> Result<Body, Unread> {
    let expected = incoming.size_hint().exact().and_then(|length| usize::try_from(length).ok());
    let wire = StreamReader::new(BodyDataStream::new(incoming).map_err(io::Error::other));
    let mut source: Pin<Box<dyn AsyncBufRead + Send>> = Box::pin(wire);
    // An empty body is not compressed, even if the headers say so.
    if piece(&mut source, until).await?.is_empty() {
        return Ok(Body::default());
    }
    let was_packed = is_packed.map_err(Unread::Unasked)?;
    if was_packed {
        let mut unpacked = GzipDecoder::new(source);
        // A gzip body may consist of several members (RFC 1952 §2.2).
        unpacked.multiple_members(true);
        source = Box::pin(BufReader::new(unpacked));
    }
    let mut room = Room::default();
    let mut bytes = Vec::new();
    // A wrong `Content-Length` must not make the client allocate much. So the client trusts the header only up to the
    // size of a small body.
    let expected = if was_packed { 0 } else { expected.unwrap_or_default().min(SMALL_BODY) };
    loop {
        let piece = piece(&mut source, until).await?;
        if piece.is_empty() {
            return Ok(Body { bytes: bytes.into(), room, was_packed });
        }
        let (length, size) = (piece.len(), bytes.len() + piece.len());
        if size > LARGEST_BODY {
            return Err(Unread::TooLarge);
        }
        if size > bytes.capacity() {
            let capacity = size.max(2 * bytes.capacity()).max(expected).min(LARGEST_BODY);
            let began = Instant::now();
            let growing = rooms.grow(&mut room, capacity);
            match deadline {
                Some(deadline) => timeout_at(deadline, growing).await.map_err(|_| Unread::NoRoom)?,
                None => growing.await,
            }
            until = deadline.into_iter().chain(until.checked_add(began.elapsed())).min().unwrap_or(until);
            bytes.reserve_exact(capacity - bytes.len());
        }
        bytes.extend_from_slice(piece);
        source.as_mut().consume(length);
        // Unpacking rarely waits for I/O, so this line lets other tasks run.
        consume_budget().await;
    }
}

/// Returns the next bytes, or an empty slice at the end of the body.
async fn piece(source: &mut Pin<Box<dyn AsyncBufRead + Send>>, until: Instant) -> Result<&[u8], Unread> {
    match timeout_at(until, source.fill_buf()).await {
        Ok(Ok(piece)) => Ok(piece),
        Ok(Err(error)) => Err(error.downcast().map_or_else(Unread::Malformed, Unread::Lost)),
        Err(_) => Err(Unread::Late),
    }
}
