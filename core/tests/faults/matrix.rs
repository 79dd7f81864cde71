//! The matrix: a row for each fault, with the expected results of a read, a write and a trigger.
//!
//! The rule: a read is repeated up to three times if a retry may help. A write or a trigger is repeated only if it
//! certainly had no effect. If a write or a trigger may have had an effect, it is sent once and ends with
//! `outcome_unknown`.

use std::sync::Arc;

use crate::answers::{answer, good, good_with, whole};
use crate::frames;
use crate::play::{Column, Peer};
use crate::server::{After, Behaviour, Speaks, Step};
use crate::{codings, content, network};

/// What a caller gets (`ok` or the kind of the error), and how many requests reach the server.
pub type Expected = (&'static str, usize);

pub struct Row {
    pub name: &'static str,
    /// Returns the peer of the client for the call in a column: a server, or an address without a server. The fault is
    /// the same in all columns, but the good answers differ.
    pub peer: Box<dyn Fn(Column) -> Peer + Send + Sync>,
    /// The expected results of a read, a write and a trigger.
    pub expected: [Expected; 3],
    /// Whether attempts end at their time limit. Such a row is played with a short time limit.
    pub stalls: bool,
    /// Whether the same call succeeds once before the fault, and leaves its connection in the connection pool.
    pub warm: bool,
    /// Whether a call takes so much memory that no other call may be played at the same time.
    pub heavy: bool,
}

impl Row {
    pub fn stalls(self) -> Self {
        Self { stalls: true, ..self }
    }

    pub fn warm(self) -> Self {
        Self { warm: true, ..self }
    }

    pub fn heavy(self) -> Self {
        Self { heavy: true, ..self }
    }
}

/// Returns the expected results of a fault after which the request may have taken effect and a retry may help.
pub fn ambiguous(kind: &'static str) -> [Expected; 3] {
    [(kind, 4), ("outcome_unknown", 1), ("outcome_unknown", 1)]
}

/// Returns the expected results of an unusable answer. A retry cannot help, because the server would send the same
/// answer again.
pub fn unusable(kind: &'static str) -> [Expected; 3] {
    [(kind, 1), ("outcome_unknown", 1), ("outcome_unknown", 1)]
}

/// Returns the same expected result for a read, a write and a trigger.
pub fn alike(kind: &'static str, requests: usize) -> [Expected; 3] {
    [(kind, requests); 3]
}

pub fn row(
    name: &'static str,
    peer: impl Fn(Column) -> Peer + Send + Sync + 'static,
    expected: [Expected; 3],
) -> Row {
    Row { name, peer: Box::new(peer), expected, stalls: false, warm: false, heavy: false }
}

pub fn over(speaks: Speaks, after: After, steps: Vec<Vec<Step>>) -> Peer {
    Peer::Server(Behaviour { speaks, after, steps })
}

/// Returns a server without TLS, over HTTP/1.1, that takes the same steps for every request.
pub fn always(after: After, steps: impl Fn(Column) -> Vec<Step>) -> impl Fn(Column) -> Peer {
    move |column| over(Speaks::Plain, after, vec![steps(column)])
}

/// Like [`always`], but over HTTP/2 with TLS.
pub fn always2(steps: impl Fn(Column) -> Vec<Step>) -> impl Fn(Column) -> Peer {
    move |column| over(Speaks::Http2, After::Request, vec![steps(column)])
}

/// Returns a server over HTTP/2 with TLS: the fault happens at the first request, and later requests get a good answer.
pub fn once2(steps: impl Fn() -> Vec<Step>) -> impl Fn(Column) -> Peer {
    move |column| over(Speaks::Http2, After::Request, vec![steps(), good2(column)])
}

pub fn good2(column: Column) -> Vec<Step> {
    vec![frames::headers(), frames::data(&good(column), true)]
}

pub fn send(bytes: impl Into<Arc<[u8]>>) -> Step {
    Step::Send(bytes.into())
}

pub fn text(text: &str) -> Step {
    send(text.as_bytes())
}

/// Returns a server that gives this answer to every request.
pub fn answered(status: &'static str, headers: &'static str, body: &'static str) -> impl Fn(Column) -> Peer {
    always(After::Request, move |_| vec![send(answer(status, headers, body.as_bytes()))])
}

/// Returns a server that gives this answer to the first request, and a good answer to later requests.
pub fn first(status: &'static str, headers: &'static str) -> impl Fn(Column) -> Peer {
    move |column| {
        let steps = vec![vec![send(answer(status, headers, b"{}"))], vec![send(whole("", &good(column)))]];
        over(Speaks::Plain, After::Request, steps)
    }
}

/// Returns a server that gives every request a good answer with this additional member.
pub fn member(text: impl Fn() -> String) -> impl Fn(Column) -> Peer {
    always(After::Request, move |column| vec![send(whole("", &good_with(column, &text())))])
}

pub fn rows() -> Vec<Row> {
    [
        network::connections(),
        network::resets(),
        network::stalls(),
        network::tls(),
        network::http2(),
        content::bodies(),
        codings::codings(),
        content::statuses(),
        content::contents(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
