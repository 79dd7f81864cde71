//! Compressed answers (RFC 9110 §8.4): the SDK reads gzip, and refuses other codings with an error that names the
//! codings.

use crate::answers::{answer, good, good_with, gzip, whole};
use crate::matrix::{Expected, Row, alike, always, ambiguous, row, send, unusable};
use crate::play::{Column, play};
use crate::server::After;

/// Returns a row of the matrix in which `pack` compresses every answer, and `Content-Encoding` is `coding`.
fn packed(
    name: &'static str,
    coding: &'static str,
    pack: fn(&[u8]) -> Vec<u8>,
    expected: [Expected; 3],
) -> Row {
    let peer = move |column| {
        vec![send(whole(&format!("content-encoding: {coding}\r\n"), &pack(&good_with(column, ""))))]
    };
    row(name, always(After::Request, peer), expected)
}

fn two_members(body: &[u8]) -> Vec<u8> {
    let (first, second) = body.split_at(body.len() / 2);
    [gzip(first), gzip(second)].concat()
}

fn trailed(body: &[u8]) -> Vec<u8> {
    [&gzip(body), &b"more"[..]].concat()
}

pub fn codings() -> Vec<Row> {
    let br = "content-encoding: br\r\n";
    vec![
        packed("packed as GZIP", "GZIP", gzip, alike("ok", 1)),
        packed("packed as x-gzip", "x-gzip", gzip, alike("ok", 1)),
        packed("packed as identity, gzip", "identity, gzip", gzip, alike("ok", 1)),
        packed("packed as identity", "Identity", <[u8]>::to_vec, alike("ok", 1)),
        packed("two gzip members", "gzip", two_members, alike("ok", 1)),
        packed("gzip with more bytes behind its end", "gzip", trailed, ambiguous("protocol")),
        packed("packed as br", "br", <[u8]>::to_vec, unusable("protocol")),
        packed("packed as deflate", "deflate", <[u8]>::to_vec, unusable("protocol")),
        packed("packed as zstd, then gzip", "zstd, gzip", gzip, unusable("protocol")),
        packed("packed twice", "gzip, gzip", |body| gzip(&gzip(body)), unusable("protocol")),
        row(
            "nothing, packed as gzip",
            always(After::Request, |_| vec![send(whole("content-encoding: gzip\r\n", b""))]),
            unusable("protocol"),
        ),
        row(
            "503 packed as br",
            always(After::Request, move |_| vec![send(answer("503 Service Unavailable", br, b"?"))]),
            ambiguous("server"),
        ),
        row(
            "404 whose body is not the gzip that its headers declare",
            always(After::Request, move |_| {
                vec![send(answer("404 Not Found", "content-encoding: gzip\r\n", b"{}"))]
            }),
            alike("not_found", 1),
        ),
    ]
}

async fn message(status: &'static str, coding: &str) -> String {
    let headers = format!("content-encoding: {coding}\r\n");
    let peer = always(After::Request, move |column| vec![send(answer(status, &headers, &good(column)))]);
    play(&peer(Column::Read), Column::Read, false, false).await.message
}

/// Incident: for an answer in brotli, the error said only "expected value at line 1 column 1".
#[tokio::test(flavor = "multi_thread")]
async fn the_error_names_a_coding_that_the_sdk_does_not_accept() {
    let said = message("200 OK", "br").await;
    assert!(said.contains("compressed with `br`, which was not requested: only gzip is accepted"), "{said}");
    let said = message("404 Not Found", "br").await;
    assert!(said.contains("answered 404, compressed with `br`"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_name_of_a_coding_is_shortened_and_does_not_show_the_key() {
    for status in ["200 OK", "404 Not Found"] {
        let said =
            message(status, &format!("{}key-of-the-matrix-{}", "a".repeat(50), "b".repeat(2000))).await;
        assert!(said.contains("compressed with `aaa") && said.len() < 600, "{said}");
        assert!(!said.contains("key-of"), "{said}");
    }
}
