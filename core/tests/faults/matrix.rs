//! The table: each fault, and what a read, a write and a trigger make of it.
//!
//! The rule: a read is repeated up to three times if that may help. A write is repeated only if it certainly had no
//! effect. Otherwise it is sent once and ends with `outcome_unknown`.

use std::sync::Arc;

use crate::answers::{answer, good, good_with, whole};
use crate::frames;
use crate::play::{Column, Peer};
use crate::server::{After, Behaviour, Speaks, Step};
use crate::{codings, content, network};

/// A kind, or `ok`, and how many requests reach the server.
pub type Expected = (&'static str, usize);

pub struct Row {
    pub name: &'static str,
    /// The fault for a column. Between columns, only the bodies of answers differ.
    pub peer: Box<dyn Fn(Column) -> Peer + Send + Sync>,
    /// For a read, a write and a trigger.
    pub expected: [Expected; 3],
    /// Whether attempts end by their time-out.
    pub stalls: bool,
    /// Whether a successful call of the same kind comes first, which leaves its connection in the pool.
    pub warm: bool,
    /// Whether it moves tens of megabytes.
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

/// A fault after which the request may have taken effect.
pub fn ambiguous(kind: &'static str) -> [Expected; 3] {
    [(kind, 4), ("outcome_unknown", 1), ("outcome_unknown", 1)]
}

/// A useless answer that would be sent again.
pub fn unusable(kind: &'static str) -> [Expected; 3] {
    [(kind, 1), ("outcome_unknown", 1), ("outcome_unknown", 1)]
}

/// The same result for reads and writes.
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

/// The same steps for every request.
pub fn always(after: After, steps: impl Fn(Column) -> Vec<Step>) -> impl Fn(Column) -> Peer {
    move |column| over(Speaks::Plain, after, vec![steps(column)])
}

pub fn always2(steps: impl Fn(Column) -> Vec<Step>) -> impl Fn(Column) -> Peer {
    move |column| over(Speaks::Http2, After::Request, vec![steps(column)])
}

/// One request meets the fault; later ones succeed.
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

/// Every request gets this answer.
pub fn answered(status: &'static str, headers: &'static str, body: &'static str) -> impl Fn(Column) -> Peer {
    always(After::Request, move |_| vec![send(answer(status, headers, body.as_bytes()))])
}

/// The first request gets this answer, the next a good one.
pub fn first(status: &'static str, headers: &'static str) -> impl Fn(Column) -> Peer {
    move |column| {
        let steps = vec![vec![send(answer(status, headers, b"{}"))], vec![send(whole("", &good(column)))]];
        over(Speaks::Plain, After::Request, steps)
    }
}

/// A good answer except for one member.
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
