//! A minimal HTTP/2 server (RFC 9113). Unlike a server from a library, it can end streams and connections at any point.

use std::sync::Arc;

use tokio::io::AsyncReadExt as _;

use crate::server::{Shared, Step, Wire, act};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// Error codes (RFC 9113 §7).
pub const NO_ERROR: u32 = 0;
pub const INTERNAL_ERROR: u32 = 2;
pub const REFUSED_STREAM: u32 = 7;
pub const CANCEL: u32 = 8;

/// Stands for the stream of the current request. [`addressed`] replaces it with the id of the stream.
const THIS_STREAM: u32 = 0x7fff_fff0;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

fn step(bytes: Vec<u8>) -> Step {
    Step::Send(Arc::from(bytes))
}

pub fn reset(code: u32) -> Step {
    step(frame(RST_STREAM, 0, THIS_STREAM, &code.to_be_bytes()))
}

/// Returns a GOAWAY frame (RFC 9113 §6.8), which names the last stream that the server may have processed. If
/// `took_ours` is true, the frame names the stream of the current request. Otherwise the frame names stream 0, which
/// means that the server has processed no request.
pub fn go_away(took_ours: bool, code: u32) -> Step {
    let last = if took_ours { THIS_STREAM } else { 0 };
    step(frame(GOAWAY, 0, 0, &[last.to_be_bytes(), code.to_be_bytes()].concat()))
}

/// Returns a head with `:status: 200`, which is entry 8 of the static table (RFC 7541, appendix A).
pub fn headers() -> Step {
    step(frame(HEADERS, END_HEADERS, THIS_STREAM, &[0x88]))
}

pub fn data(body: &[u8], ends: bool) -> Step {
    step(frame(DATA, if ends { END_STREAM } else { 0 }, THIS_STREAM, body))
}

/// Returns a head of a megabyte: a header with a long value, as a literal without indexing (RFC 7541 §6.2.2).
pub fn header_bomb() -> Vec<Step> {
    let size = 1_usize << 20;
    let mut block = vec![0x88, 0x00, 1, b'x', 0x7f];
    let mut rest = size - 127;
    while rest >= 128 {
        block.push(u8::try_from(rest % 128).unwrap() | 128);
        rest /= 128;
    }
    block.push(u8::try_from(rest).unwrap());
    block.resize(block.len() + size, b'a');
    let chunks: Vec<&[u8]> = block.chunks(16 << 10).collect();
    let last = chunks.len() - 1;
    chunks
        .iter()
        .enumerate()
        .map(|(nth, chunk)| {
            let kind = if nth == 0 { HEADERS } else { CONTINUATION };
            step(frame(kind, if nth == last { END_HEADERS } else { 0 }, THIS_STREAM, chunk))
        })
        .collect()
}

/// Serves a connection. Counts a request with a body as a write, and any other request as a read.
pub async fn serve(mut stream: impl Wire, shared: Shared) -> Option<()> {
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).await.ok()?;
    act(&mut stream, &[step(frame(SETTINGS, 0, 0, &[]))]).await?;
    let mut writes = false;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let (kind, flags) = (head[3], head[4]);
        let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut payload).await.ok()?;
        let ends = matches!(kind, HEADERS | DATA) && flags & END_STREAM != 0;
        match kind {
            SETTINGS if flags & ACK == 0 => act(&mut stream, &[step(frame(SETTINGS, ACK, 0, &[]))]).await?,
            PING if flags & ACK == 0 => act(&mut stream, &[step(frame(PING, ACK, 0, &payload))]).await?,
            HEADERS => writes = !ends,
            _ => {}
        }
        if ends {
            let steps: Vec<Step> = shared.count(writes).into_iter().map(|step| addressed(step, id)).collect();
            act(&mut stream, &steps).await?;
        }
    }
}

/// Replaces [`THIS_STREAM`] with the id of the stream.
fn addressed(given: Step, id: u32) -> Step {
    let Step::Send(bytes) = given else { return given };
    let mut bytes = bytes.to_vec();
    let (placeholder, id) = (THIS_STREAM.to_be_bytes(), id.to_be_bytes());
    // The id of a frame's own stream begins at byte 5, and the id of the last stream in a GOAWAY begins at byte 9.
    for at in [5, 9] {
        if bytes.get(at..at + 4) == Some(&placeholder[..]) {
            bytes[at..at + 4].copy_from_slice(&id);
        }
    }
    step(bytes)
}
