//! Builds answers and their bodies as bytes.

use std::io::Write as _;
use std::sync::Arc;

use crate::play::Column;

/// Returns the body of a good answer to the request of a column of the matrix (a read, a write or a trigger). `member`
/// is the JSON text of an additional member, or empty.
pub fn good_with(column: Column, member: &str) -> Vec<u8> {
    let start = match column {
        Column::Read | Column::Write => r#"{"id":"5","slug":"orders""#,
        Column::Trigger => r#"{"id":"9001""#,
    };
    format!("{start}{}{member}}}", if member.is_empty() { "" } else { "," }).into_bytes()
}

pub fn good(column: Column) -> Vec<u8> {
    good_with(column, "")
}

/// Returns an answer with status 200 and the right `Content-Length`.
pub fn whole(headers: &str, body: &[u8]) -> Arc<[u8]> {
    answer("200 OK", headers, body)
}

pub fn answer(status: &str, headers: &str, body: &[u8]) -> Arc<[u8]> {
    let typed = if headers.contains("content-type") { "" } else { "content-type: application/json\r\n" };
    let head = format!("HTTP/1.1 {status}\r\n{typed}{headers}content-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat().into()
}

/// Returns the beginning of an answer: a head with the length of the whole body, and the first half of the body.
pub fn begun(column: Column) -> Arc<[u8]> {
    let body = good(column);
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), &body[..body.len() / 2]].concat().into()
}

pub fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// Returns a gigabyte of spaces, packed into a few megabytes: one block of a deflate stream, repeated. The stream has
/// no final block and no checksum, because the SDK must stop reading earlier.
pub fn gzip_bomb() -> Vec<u8> {
    let spaces = vec![b' '; 8 << 20];
    let mut block = Vec::with_capacity(1 << 20);
    // With a full flush, the block ends on a byte boundary and refers to nothing before the block (RFC 1951 §3.2.3). So
    // the block can be repeated.
    flate2::Compress::new(flate2::Compression::fast(), false)
        .compress_vec(&spaces, &mut block, flate2::FlushCompress::Full)
        .unwrap();
    let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    [&head[..], &block.repeat(128)].concat()
}

/// Returns a member `configuration` with JSON that is nested `depth` levels deep. At a depth of 100,000, a recursive
/// parser would overflow its stack.
pub fn nested(depth: usize) -> String {
    format!(r#""configuration":{{"x":{}{}}}"#, "[".repeat(depth), "]".repeat(depth))
}

pub fn filler(bytes: usize) -> String {
    format!(r#""configuration":{{"x":"{}"}}"#, "a".repeat(bytes))
}
