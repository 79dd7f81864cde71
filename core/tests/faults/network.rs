//! Faults of connections, TLS and HTTP/2.

use crate::answers::{answer, begun, good, whole};
use crate::frames::{self, CANCEL, INTERNAL_ERROR, NO_ERROR, REFUSED_STREAM};
use crate::matrix::{Expected, Row, alike, always, always2, ambiguous, good2, once2, over, row, send, text};
use crate::play::{Column, Peer};
use crate::server::{After, Behaviour, Speaks, Step};

pub fn connections() -> Vec<Row> {
    vec![
        row("no such name (DNS)", |_| Peer::NoName, alike("connect", 0)),
        row("connection refused", |_| Peer::Nobody, alike("connect", 0)),
        row("keep-alive connection closed as it is used", kept(&[Step::Close]), used(ambiguous("connect")))
            .warm(),
        row("keep-alive connection reset as it is used", kept(&[Step::Reset]), used(ambiguous("connect")))
            .warm(),
        row("keep-alive connection closed before it is used", closed_idle, alike("ok", 2)).warm(),
        row("connection closed", always(After::Request, |_| vec![Step::Close]), ambiguous("connect")),
    ]
}

/// Returns a server that answers the first request and keeps the connection. The fault happens at later requests.
fn kept(steps: &[Step]) -> impl Fn(Column) -> Peer + use<> {
    let steps = steps.to_vec();
    move |column| {
        over(Speaks::Plain, After::Request, vec![vec![send(whole("", &good(column)))], steps.clone()])
    }
}

/// Returns a server that answers each request, and then closes the connection properly but without `Connection: close`.
fn closed_idle(column: Column) -> Peer {
    over(Speaks::Plain, After::Request, vec![vec![send(whole("", &good(column))), Step::Close]])
}

/// Returns `expected` with one more request in each result: the request of the first call (see [`Row::warm`]).
fn used(expected: [Expected; 3]) -> [Expected; 3] {
    expected.map(|(kind, requests)| (kind, requests + 1))
}

pub fn resets() -> Vec<Row> {
    let reset = |steps: fn(Column) -> Vec<Step>| {
        move |column| steps(column).into_iter().chain([Step::Reset]).collect::<Vec<_>>()
    };
    vec![
        row("reset in the request", always(After::Head, reset(|_| vec![])), ambiguous("connect")),
        row("reset before headers", always(After::Request, reset(|_| vec![])), ambiguous("connect")),
        row(
            "reset in headers",
            always(After::Request, reset(|_| vec![text("HTTP/1.1 200 OK\r\ncontent-le")])),
            ambiguous("connect"),
        ),
        row(
            "reset in the body",
            always(After::Request, reset(|column| vec![send(begun(column))])),
            ambiguous("connect"),
        ),
        row(
            "reset after the body",
            always(After::Request, reset(|column| vec![send(whole("", &good(column)))])),
            alike("ok", 1),
        ),
        row(
            "closed in the body",
            always(After::Request, |column| vec![send(begun(column)), Step::Close]),
            ambiguous("connect"),
        ),
    ]
}

pub fn stalls() -> Vec<Row> {
    let stall = |steps: fn(Column) -> Vec<Step>| {
        move |column| steps(column).into_iter().chain([Step::Stall]).collect::<Vec<_>>()
    };
    vec![
        row("stall in the request", always(After::Head, stall(|_| vec![])), ambiguous("timeout")).stalls(),
        row("stall before headers", always(After::Request, stall(|_| vec![])), ambiguous("timeout")).stalls(),
        row(
            "stall in headers",
            always(After::Request, stall(|_| vec![text("HTTP/1.1 200 OK\r\ncontent-le")])),
            ambiguous("timeout"),
        )
        .stalls(),
        row(
            "stall in the body",
            always(After::Request, stall(|column| vec![send(begun(column))])),
            ambiguous("timeout"),
        )
        .stalls(),
        row(
            "stall after the body",
            always(After::Request, stall(|column| vec![send(whole("", &good(column)))])),
            alike("ok", 1),
        ),
        row(
            "a byte a second",
            always(After::Request, |column| vec![Step::Drip(whole("", &good(column)))]),
            ambiguous("timeout"),
        )
        .stalls(),
        row(
            "stall on a stream (HTTP/2)",
            always2(|_| vec![frames::headers(), Step::Stall]),
            ambiguous("timeout"),
        )
        .stalls(),
    ]
}

pub fn tls() -> Vec<Row> {
    let raw =
        |steps: Vec<Step>| Behaviour { speaks: Speaks::Plain, after: After::FirstBytes, steps: vec![steps] };
    let behaved = |_| Behaviour { speaks: Speaks::Http1InTls, after: After::Request, steps: vec![vec![]] };
    vec![
        row(
            "TLS: an authority that is not trusted",
            move |column| Peer::Untrusted(behaved(column)),
            alike("tls", 0),
        ),
        row(
            "TLS: a server that speaks plain text",
            move |_| Peer::AskedForTls(raw(vec![send(answer("400 Bad Request", "", b"{}")), Step::Close])),
            alike("tls", 0),
        ),
        row(
            "TLS: the handshake is cut",
            move |_| Peer::AskedForTls(raw(vec![Step::Close])),
            alike("connect", 0),
        ),
        row(
            "TLS: the handshake stalls",
            move |_| Peer::AskedForTls(raw(vec![Step::Stall])),
            alike("timeout", 0),
        )
        .stalls(),
    ]
}

pub fn http2() -> Vec<Row> {
    let ours_not_taken = || vec![frames::go_away(false, NO_ERROR)];
    vec![
        // A client may repeat a request if the server says that it did not process the request (RFC 9113 §8.7).
        row("GOAWAY excluding the request, once", once2(ours_not_taken), alike("ok", 2)),
        row("GOAWAY excluding the request, always", always2(move |_| ours_not_taken()), alike("connect", 4)),
        row(
            "GOAWAY including the request, then the answer",
            always2(|column| [vec![frames::go_away(true, NO_ERROR)], good2(column)].concat()),
            alike("ok", 1),
        ),
        row(
            "GOAWAY including the request, then the end",
            always2(|_| vec![frames::go_away(true, INTERNAL_ERROR), Step::Close]),
            ambiguous("connect"),
        ),
        row("RST_STREAM REFUSED_STREAM, once", once2(|| vec![frames::reset(REFUSED_STREAM)]), alike("ok", 2)),
        row(
            "RST_STREAM REFUSED_STREAM, always",
            always2(|_| vec![frames::reset(REFUSED_STREAM)]),
            alike("connect", 4),
        ),
        row(
            "RST_STREAM INTERNAL_ERROR",
            always2(|_| vec![frames::reset(INTERNAL_ERROR)]),
            ambiguous("connect"),
        ),
        row("RST_STREAM CANCEL", always2(|_| vec![frames::reset(CANCEL)]), ambiguous("connect")),
        row(
            "RST_STREAM REFUSED_STREAM in the body",
            always2(|_| vec![frames::headers(), frames::data(b"{", false), frames::reset(REFUSED_STREAM)]),
            ambiguous("connect"),
        ),
        row("connection closed (HTTP/2)", always2(|_| vec![Step::Close]), ambiguous("connect")),
    ]
}
