//! Faults in the content of answers: bodies, statuses and headers.

use crate::answers::{filler, good, good_with, gzip, gzip_bomb, nested, whole};
use crate::frames;
use crate::matrix::{
    Row, alike, always, always2, ambiguous, answered, first, member, row, send, text, unusable,
};
use crate::server::{After, Step};

pub fn bodies() -> Vec<Row> {
    let zipped = |bytes: fn() -> Vec<u8>| {
        always(After::Request, move |_| vec![send(whole("content-encoding: gzip\r\n", &bytes()))])
    };
    vec![
        row(
            "gzip cut short",
            always(After::Request, |column| {
                let zipped = gzip(&good_with(column, &filler(10_000)));
                vec![send(whole("content-encoding: gzip\r\n", &zipped[..zipped.len() / 2]))]
            }),
            ambiguous("protocol"),
        ),
        row(
            "a body that is not the gzip that its headers declare",
            zipped(|| b"{\"id\":5}".to_vec()),
            ambiguous("protocol"),
        ),
        row("gzip bomb (1 GB)", zipped(gzip_bomb), unusable("protocol")).heavy(),
        row("50 MB", member(|| filler(50 << 20)), alike("ok", 1)).heavy(),
        row("65 MB", member(|| filler(65 << 20)), unusable("protocol")).heavy(),
        row(
            "header bomb",
            always(After::Request, |_| {
                vec![text(&format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "a".repeat(1 << 20)))]
            }),
            unusable("protocol"),
        ),
        row("header bomb (HTTP/2)", always2(|_| frames::header_bomb()), unusable("protocol")),
        row(
            "an answer that is not HTTP",
            always(After::Request, |_| vec![text("SSH-2.0-OpenSSH_9.2\r\n\r\n"), Step::Close]),
            unusable("protocol"),
        ),
    ]
}

const AHEAD: &str = "date: Wed, 01 Jan 2098 00:00:00 GMT\r\nretry-after: Wed, 01 Jan 2098 00:00:02 GMT\r\n";
const BEHIND: &str = "date: Mon, 01 Jan 2001 00:00:00 GMT\r\nretry-after: Mon, 01 Jan 2001 00:00:02 GMT\r\n";
const NEXT_YEAR: &str =
    "date: Mon, 01 Jan 2001 00:00:00 GMT\r\nretry-after: Tue, 01 Jan 2002 00:00:00 GMT\r\n";

pub fn statuses() -> Vec<Row> {
    vec![
        row("429", first("429 Too Many Requests", ""), alike("ok", 2)),
        row(
            "429, Retry-After in seconds",
            first("429 Too Many Requests", "retry-after: 2\r\n"),
            alike("ok", 2),
        ),
        row(
            "429, Retry-After that is neither a number nor a date",
            first("429 Too Many Requests", "retry-after: soon\r\n"),
            alike("ok", 2),
        ),
        // The SDK compares a date in `Retry-After` with the `Date` of the same answer. So the SDK waits for the right
        // time even if the server's clock or this machine's clock is wrong.
        row(
            "429, Retry-After as a date, the server's clock ahead",
            first("429 Too Many Requests", AHEAD),
            alike("ok", 2),
        ),
        row(
            "429, Retry-After as a date, the server's clock behind",
            first("429 Too Many Requests", BEHIND),
            alike("ok", 2),
        ),
        row(
            "429, Retry-After as a date without a Date",
            first("429 Too Many Requests", "retry-after: Wed, 01 Jan 2098 00:00:02 GMT\r\n"),
            alike("ok", 2),
        ),
        row(
            "429, Retry-After of a year",
            first("429 Too Many Requests", "retry-after: 31536000\r\n"),
            alike("rate_limited", 1),
        ),
        row(
            "429, Retry-After as a date in a year",
            first("429 Too Many Requests", NEXT_YEAR),
            alike("rate_limited", 1),
        ),
        row("500", answered("500 Internal Server Error", "", r#"{"message":"oops"}"#), ambiguous("server")),
        row(
            "502 in HTML",
            answered(
                "502 Bad Gateway",
                "content-type: text/html\r\n",
                "<html><title>502 Bad Gateway</title></html>",
            ),
            ambiguous("server"),
        ),
        row("503", answered("503 Service Unavailable", "retry-after: 1\r\n", ""), ambiguous("server")),
        row("204 instead of a body", answered("204 No Content", "", ""), unusable("protocol")),
    ]
}

pub fn contents() -> Vec<Row> {
    let html = "<html><title>Please log in</title></html>";
    vec![
        row("an empty 200", answered("200 OK", "", ""), unusable("protocol")),
        row(
            "JSON cut short",
            always(After::Request, |column| {
                let body = good(column);
                vec![send(whole("", &body[..body.len() / 2]))]
            }),
            unusable("protocol"),
        ),
        row(
            "JSON with the type text/plain",
            always(After::Request, |column| vec![send(whole("content-type: text/plain\r\n", &good(column)))]),
            alike("ok", 1),
        ),
        row(
            "HTML 200 of a proxy",
            answered("200 OK", "content-type: text/html\r\n", html),
            unusable("protocol"),
        ),
        // The SDK does not decode `configuration`. It leaves the member out if its JSON is nested too deeply, and
        // keeps a lone surrogate in it.
        row("JSON nested 100,000 deep", member(|| nested(100_000)), [("ok", 1); 3]),
        row("a lone surrogate", member(|| r#""configuration":{"x":"\ud800"}"#.to_owned()), [("ok", 1); 3]),
        row(
            "bytes that are not UTF-8",
            always(After::Request, |_| vec![send(whole("", b"{\"id\":\"5\xff\",\"slug\":\"\xff\"}"))]),
            unusable("protocol"),
        ),
        row("a number too large", member(|| r#""configuration":{"x":1e999}"#.to_owned()), [("ok", 1); 3]),
    ]
}
