//! Reads the body of an answer: unpacks it, within its bound and that of all bodies of the client.

use std::io;
use std::pin::Pin;

use async_compression::tokio::bufread::GzipDecoder;
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, BufReader};
use tokio::task::coop::consume_budget;
use tokio::time::{Instant, timeout_at};
use tokio_util::io::StreamReader;

use super::room::{LARGEST_BODY, Room, Rooms};

/// A whole body.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub bytes: Bytes,
    pub room: Room,
    pub was_packed: bool,
}

/// Why there is no whole body.
#[derive(Debug)]
pub(super) enum Unread {
    /// It did not end in time.
    Late,
    /// The call's time was over before there was room for it.
    NoRoom,
    TooLarge,
    /// It is packed in these codings, which were not asked for.
    Unasked(String),
    /// It is not the gzip that its headers promise.
    Malformed(io::Error),
    Lost(reqwest::Error),
}

/// Reads a body. `until` bounds the reading; waiting for room is no part of it, and is bounded by `deadline` alone.
pub(super) async fn read(
    response: reqwest::Response,
    is_packed: Result<bool, String>,
    rooms: &Rooms,
    mut until: Instant,
    deadline: Option<Instant>,
) -> Result<Body, Unread> {
    let wire = StreamReader::new(response.bytes_stream().map_err(io::Error::other));
    let mut source: Pin<Box<dyn AsyncBufRead + Send>> = Box::pin(wire);
    // An empty body is not packed, whatever the headers say.
    if piece(&mut source, until).await?.is_empty() {
        return Ok(Body::default());
    }
    let was_packed = is_packed.map_err(Unread::Unasked)?;
    if was_packed {
        let mut unpacked = GzipDecoder::new(source);
        // A body may be several members (RFC 1952 §2.2).
        unpacked.multiple_members(true);
        source = Box::pin(BufReader::new(unpacked));
    }
    let mut room = Room::default();
    let mut bytes = Vec::new();
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
            let capacity = size.max(2 * bytes.capacity()).min(LARGEST_BODY);
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
        // Unpacking rarely waits, and other tasks need their turns.
        consume_budget().await;
    }
}

/// The next bytes; none at the end.
async fn piece(source: &mut Pin<Box<dyn AsyncBufRead + Send>>, until: Instant) -> Result<&[u8], Unread> {
    match timeout_at(until, source.fill_buf()).await {
        Ok(Ok(piece)) => Ok(piece),
        Ok(Err(error)) => Err(error.downcast().map_or_else(Unread::Malformed, Unread::Lost)),
        Err(_) => Err(Unread::Late),
    }
}
