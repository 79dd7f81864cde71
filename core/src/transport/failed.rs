//! Why an attempt brought no answer, and what that says of whether it happened.

use std::error::Error as StdError;

use h2::Reason;

use crate::error::{Error, Kind};

/// How far an attempt got before it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// No connection: nothing was sent.
    Connecting,
    /// Nothing was sent either, and trying again would end the same: a certificate does not become trusted, nor a
    /// password right, by being shown once more.
    Barred,
    /// It was, or may have been, sent.
    Sent,
    /// It was sent, and the server said that it did not take it.
    Refused,
    /// The answer had begun.
    Answering,
    /// There was an answer that cannot be read, and asking again would bring the same.
    Unusable,
}

/// Why an attempt brought no answer.
#[derive(Debug)]
pub(crate) struct Failed {
    pub stage: Stage,
    pub kind: Kind,
    pub what: String,
    pub causes: Vec<String>,
    pub hint: Option<&'static str>,
}

impl Failed {
    pub(super) fn new(stage: Stage, kind: Kind, what: impl Into<String>) -> Self {
        Self { stage, kind, what: what.into(), causes: Vec::new(), hint: None }
    }

    /// A request that could not be made.
    pub(crate) fn before(error: &Error) -> Self {
        Self::new(Stage::Barred, error.kind(), error.what())
    }

    /// A pool that could not be made.
    pub(super) fn unbuilt(error: &reqwest::Error) -> Self {
        Self::new(Stage::Barred, Kind::Config, text_of(error)).because(error)
    }

    /// A request that brought no headers.
    pub(super) fn unanswered(error: &reqwest::Error, proxied: bool) -> Self {
        let (stage, kind, what) = if error.is_connect() {
            not_connected(error, proxied)
        } else if error.is_timeout() {
            (Stage::Sent, Kind::Timeout, "no answer in time")
        } else if was_refused(error) {
            (Stage::Refused, Kind::Connect, "the server closed or refused before it took the request")
        } else if is_unreadable(error) {
            (Stage::Unusable, Kind::Protocol, "what answered is not HTTP that can be read")
        } else {
            (Stage::Sent, Kind::Connect, "the connection broke before the answer")
        };
        let mut failed = Self::new(stage, kind, what).because(error);
        if let Some(innermost) = failed.causes.last() {
            failed.what = format!("{what}: {innermost}");
        }
        if kind == Kind::Proxy && stage == Stage::Barred {
            failed.hint = Some(
                "The proxy asks for a user and a password: give them in its URL (http://user:password@host:port), with \
                 special characters percent-encoded.",
            );
        }
        failed
    }

    /// An answer that broke off in its body.
    pub(super) fn broken_off(error: &reqwest::Error) -> Self {
        // reqwest calls every error of a body one of decoding; only those beneath which there is no connection's are.
        let kind = if find::<hyper::Error>(error).is_some() { Kind::Connect } else { Kind::Protocol };
        Self::new(Stage::Answering, kind, format!("the answer broke off: {}", text_of(error))).because(error)
    }

    fn because(mut self, error: &reqwest::Error) -> Self {
        self.causes = chain(error);
        self
    }
}

fn not_connected(error: &reqwest::Error, proxied: bool) -> (Stage, Kind, &'static str) {
    let chain = chain(error);
    let says = |text: &str| chain.iter().any(|cause| cause.contains(text));
    if find::<rustls::Error>(error).is_some() {
        (Stage::Barred, Kind::Tls, "no trusted TLS connection could be made")
    // hyper-util's words for a 407; its type is private.
    } else if says("proxy authorization required") {
        (Stage::Barred, Kind::Proxy, "the proxy refused for want of the right credentials")
    } else if proxied || says("tunnel") || says("proxy") {
        (Stage::Connecting, Kind::Proxy, "the proxy could not be reached or refused")
    } else if error.is_timeout() {
        (Stage::Connecting, Kind::Connect, "no connection in 10 s")
    } else {
        (Stage::Connecting, Kind::Connect, "no connection could be made")
    }
}

/// Whether the server itself said that it did nothing with the request (RFC 9113 §8.7): it refused the stream, or went
/// away naming an earlier one as the last that it took. h2 ends only streams above that one with the frame's error.
fn was_refused(error: &reqwest::Error) -> bool {
    find::<h2::Error>(error).is_some_and(|error| {
        error.is_remote()
            && (error.is_go_away() || (error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM)))
    })
}

/// Whether there were bytes that are no answer, or a head larger than any that is read.
fn is_unreadable(error: &reqwest::Error) -> bool {
    find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse)
        || find::<h2::Error>(error).is_some_and(h2::Error::is_library)
}

/// The causes beneath an error, outermost first; its own line is left out, since it repeats the URL.
fn chain(error: &reqwest::Error) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if causes.last() != Some(&text) {
            causes.push(text);
        }
        next = cause.source();
    }
    causes
}

fn text_of(error: &reqwest::Error) -> String {
    chain(error).pop().unwrap_or_else(|| "no cause was given".to_owned())
}

/// The outermost error of a type beneath another.
fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref::<E>() {
            return Some(found);
        }
        // An I/O error keeps what it wraps apart from its source.
        if let Some(inner) = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref)
            && let Some(found) = find::<E>(inner)
        {
            return Some(found);
        }
        next = cause.source();
    }
    None
}
