//! Why an attempt has no answer, and whether the request can have taken effect.

use std::error::Error as StdError;
use std::io;

use hyper_util::client::legacy;
use tokio::time::Instant;

use super::body::Unread;
use super::proxy::Way;
use super::refusal::{self, chain, find};
use super::response::Scrub;
use super::room::LARGEST_BODY;
use super::watched::Departure;
use crate::attempt::Outcome;
use crate::error::{Error, Kind};
use crate::message::Message;
use crate::reason::Reason;
use crate::text::brief;

/// How many characters of the `Content-Encoding` of an answer are shown.
const LONGEST_CODING: usize = 60;

/// Why an attempt has no answer.
#[derive(Debug)]
pub(crate) struct Failed {
    pub outcome: Outcome,
    pub kind: Kind,
    pub what: Message,
    pub causes: Vec<Message>,
    pub reason: Option<Reason>,
    pub hint: Option<Message>,
    /// The number of the connection that broke, if other requests may have used it. The errors of these requests have
    /// the same number.
    pub connection: Option<u64>,
}

impl Failed {
    pub(super) fn new(outcome: Outcome, kind: Kind, what: impl Into<Message>) -> Self {
        Self {
            outcome,
            kind,
            what: what.into(),
            causes: Vec::new(),
            reason: None,
            hint: None,
            connection: None,
        }
    }

    /// Describes an attempt that failed with this error before the request was sent. Another attempt would fail too.
    pub(crate) fn before(error: &Error) -> Self {
        Self {
            causes: error.cause_messages().to_vec(),
            reason: error.reason(),
            hint: error.hint_message().cloned(),
            ..Self::new(Outcome::Barred, error.kind(), error.what())
        }
    }

    /// Describes an attempt that got no answer.
    pub(super) fn unanswered(error: &legacy::Error, way: &Way, departure: &Departure) -> Self {
        let causes = causes(error);
        if error.is_connect() {
            let lasting = refusal::lasts(error);
            let failed = Self::before(&refusal::of(error, causes, way));
            return if lasting { failed } else { Self { outcome: Outcome::NeverLeft, ..failed } };
        }
        let since = departure.since().unwrap_or_else(Instant::now);
        let lost = |silent| Outcome::Lost { since, silent };
        let (outcome, kind, what) = if is_timeout(error) {
            (lost(true), Kind::Timeout, "no answer in time")
        } else if was_refused(error) {
            (
                Outcome::Refused,
                Kind::Connect,
                "the server closed the connection or refused the request before it processed the request",
            )
        } else if is_unreadable(error) {
            (
                Outcome::Unusable { since },
                Kind::Protocol,
                "the answer is not valid HTTP, or its headers are too large",
            )
        } else {
            (lost(false), Kind::Connect, "the connection broke before the answer")
        };
        let innermost = causes.last().map_or_else(String::new, |cause| format!(": {cause}"));
        Self { causes: texts(causes), ..Self::new(outcome, kind, format!("{what}{innermost}")) }
    }

    /// Converts the failed attempt to the error of its call. Used if the attempt is not repeated.
    pub(crate) fn into_error(self) -> Error {
        let error = Error::new(self.kind, self.what)
            .with_causes(self.causes)
            .with_reason(self.reason)
            .with_outcome(self.outcome);
        match self.hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }

    /// Describes an attempt that got an answer but could not read the body of the answer.
    pub(super) fn unread(why: &Unread, since: Instant, scrub: Scrub<'_>) -> Self {
        let unusable = |kind, what: String| Self::new(Outcome::Unusable { since }, kind, what);
        let lost = |silent, kind, what: String| Self::new(Outcome::Lost { since, silent }, kind, what);
        match why {
            Unread::TooLarge => {
                let what = format!("the answer is larger than {} MB when decompressed", LARGEST_BODY >> 20);
                unusable(Kind::Protocol, what)
            }
            Unread::Unasked(coding) => {
                let coding = brief(&scrub(coding), LONGEST_CODING);
                let what = format!(
                    "the answer is compressed with `{coding}`, which was not requested: only gzip is accepted"
                );
                let hint = "A proxy may have compressed the answer. It must pass answers on unchanged.";
                Self { hint: Some(hint.into()), ..unusable(Kind::Protocol, what) }
            }
            Unread::NoRoom => {
                let what = "the call ran out of time while its answer waited for memory that other large answers used";
                unusable(Kind::Timeout, what.to_owned())
            }
            Unread::Malformed(error) => {
                let what = format!("the answer cannot be decompressed: {error}");
                Self { causes: vec![error.to_string().into()], ..lost(false, Kind::Protocol, what) }
            }
            Unread::Late => lost(true, Kind::Timeout, "the answer began and did not end in time".to_owned()),
            Unread::Lost(error) => {
                let causes = causes(error);
                let innermost = causes.last().map_or("", String::as_str);
                let what = format!("the answer broke off: {innermost}");
                Self { causes: texts(causes), ..lost(false, Kind::Connect, what) }
            }
        }
    }
}

/// Whether the server said that it did nothing with the request (RFC 9113 §8.7): the server refused the stream, or sent
/// a GOAWAY that names an earlier stream as the last processed stream. If h2 fails a request with a GOAWAY, the stream
/// of the request comes after the named stream.
fn was_refused(error: &(dyn StdError + 'static)) -> bool {
    find::<h2::Error>(error).is_some_and(|error| {
        error.is_remote()
            && (error.is_go_away()
                || (error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM)))
    })
}

/// Whether the error ended a whole connection that can carry several requests, and not only the stream of this request.
/// `multiplexes` says whether the connection uses HTTP/2.
pub(super) fn ended_all(error: &(dyn StdError + 'static), multiplexes: bool) -> bool {
    match find::<h2::Error>(error) {
        _ if find::<legacy::Error>(error).is_some_and(legacy::Error::is_connect) => false,
        Some(error) => !error.is_reset(),
        None => multiplexes && find::<hyper::Error>(error).is_some(),
    }
}

/// Whether the peer was silent for too long.
fn is_timeout(error: &(dyn StdError + 'static)) -> bool {
    find::<hyper::Error>(error).is_some_and(hyper::Error::is_timeout)
        || find::<io::Error>(error).is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
}

/// Whether the server sent bytes that are not HTTP, or headers that are too large.
fn is_unreadable(error: &(dyn StdError + 'static)) -> bool {
    find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse)
        || find::<h2::Error>(error).is_some_and(h2::Error::is_library)
}

fn texts(causes: Vec<String>) -> Vec<Message> {
    causes.into_iter().map(Message::from).collect()
}

/// The texts of an error's causes, outermost first; or the text of the error itself if it has no cause.
fn causes(error: &(dyn StdError + 'static)) -> Vec<String> {
    let causes = chain(error);
    if causes.is_empty() { vec![error.to_string()] } else { causes }
}
