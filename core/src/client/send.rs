//! The one request loop: grant, attempt, classify, repeat or return.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

use super::interrupt::cancelled;
use super::limits::Limits;
use super::meta::Used;
use super::{Answer, Attempt, Call, Client, Meta, Options, lock, meta, unknown};
use crate::auth::Key;
use crate::error::{Error, Kind};
use crate::limit::{Ask, Linger, NotGranted, Permit, RefusedBy429};
use crate::reason::Reason;
use crate::retry::{self, Outcome, Verdict};
use crate::transport::{self, Departure, Exchange, Failed, Request, Stage};

impl Client {
    /// Makes a call: the one way in which requests leave this crate.
    pub(super) async fn send_once(&self, call: &Call, options: &Options) -> Result<Answer, Error> {
        let mut meta = Meta::new(call);
        let started = Instant::now();
        let departure = Departure::default();
        let sent = tokio::select! {
            biased;
            () = self.0.closed.cancelled() => Err(interrupted(Kind::Closed, "the client is closed", call, &departure)),
            () = cancelled() => Err(interrupted(Kind::Cancelled, "the call was cancelled", call, &departure)),
            sent = self.attempts(call, options, &mut meta, &departure) => sent,
        };
        meta.duration_ms = millis(started.elapsed());
        match sent {
            Ok(exchange) => {
                lock(&self.0.budget).earn();
                if options.raw == Some(true) {
                    meta.status = Some(exchange.status);
                    meta.headers = Some(meta::headers(&exchange.headers, |text| self.scrub(text)));
                }
                Ok(Answer { body: exchange.body, meta })
            }
            Err(error) => Err(error.at(call).with_meta(meta).scrubbed(|text| self.scrub(text))),
        }
    }

    async fn attempts(
        &self,
        call: &Call,
        options: &Options,
        meta: &mut Meta,
        departure: &Departure,
    ) -> Result<Exchange, Error> {
        let started = Instant::now();
        let limits = Limits::new(self.config(), options, started);
        let class = call.class(options)?;
        let allowed = options.max_retries.unwrap_or(self.config().max_retries);
        let headers = options.checked_headers()?;
        let (_, gate) = self.key()?;
        let (mut retries, mut waited, mut rejoin) = (0, Duration::ZERO, false);
        loop {
            let ask = Ask { class, max_wait: limits.wait(waited), rejoin, look: None };
            let permit = match gate.acquire(ask).await {
                Ok(permit) => permit,
                Err(NotGranted::TooLong(at_least)) => return Err(limits.refusal(waited, at_least, meta)),
                Err(NotGranted::Hopeless(refusing)) => {
                    let why = format!("the server has refused everything for {} s", refusing.as_secs());
                    return Err(Error::new(Kind::RateLimited, why).with_reason(Reason::QuotaExhausted));
                }
                Err(NotGranted::Moved) => {
                    return Err(Error::new(Kind::Internal, "the client's limit is another one now"));
                }
            };
            waited += permit.waited();
            meta.waited_ms = millis(waited);
            let Some(within) = limits.attempt() else {
                permit.never_sent();
                return Err(limits.expired());
            };
            departure.reset();
            let permit = Held { permit: Some(permit), departure };
            let begun = Instant::now();
            let (key, _) = self.key()?;
            meta.key = Used(Some(key.digest()));
            meta.sent = Some(begun);
            let ended = self.attempt(call, &key, &headers, meta, permit, within).await;
            let took = millis(begun.elapsed());
            let (outcome, error) = match ended {
                Ended::Answered(exchange) => {
                    meta.attempts.push(Attempt::answered(exchange.status, took));
                    match self.judge(call, options, exchange) {
                        Ok(exchange) => {
                            departure.reset();
                            return Ok(exchange);
                        }
                        Err(judged) => {
                            departure.reset();
                            judged
                        }
                    }
                }
                Ended::Refused(closed, error) => {
                    departure.reset();
                    meta.attempts.push(Attempt::answered(429, took));
                    match closed {
                        // The gate is closed for a while; waiting there spends no retry.
                        RefusedBy429::Closed(_) => {
                            rejoin = true;
                            continue;
                        }
                        RefusedBy429::TooLong(_) | RefusedBy429::Hopeless(_) => return Err(error),
                    }
                }
                Ended::Failed(failed) => {
                    // What could not even be made was no request.
                    if failed.kind != Kind::InvalidRequest {
                        meta.attempts.push(Attempt::failed(failed.kind, took));
                    }
                    let outcome = match failed.stage {
                        Stage::Connecting => Outcome::NeverTaken,
                        Stage::Barred => Outcome::Final,
                        Stage::Refused => {
                            departure.reset();
                            Outcome::NeverTaken
                        }
                        Stage::Sent | Stage::Answering => Outcome::Lost,
                        Stage::Unusable => Outcome::Unusable,
                    };
                    (outcome, failed.into_error())
                }
            };
            match retry::decide(retries, allowed, call.safety(), outcome, fastrand::f64()) {
                Verdict::GiveUp => return Err(error),
                Verdict::Unknown => return Err(unknown(error)),
                Verdict::Again(pause) => {
                    let pause = self.scaled(pause);
                    if !limits.has_time_for(pause) || !lock(&self.0.budget).spend() {
                        return Err(error);
                    }
                    tokio::time::sleep(pause).await;
                    retries += 1;
                    rejoin = false;
                }
            }
        }
    }

    /// One attempt, from the grant to the end of the answer.
    async fn attempt(
        &self,
        call: &Call,
        key: &Key,
        headers: &HeaderMap,
        meta: &Meta,
        permit: Held<'_>,
        within: Duration,
    ) -> Ended {
        let request = match self.outgoing(call, key, headers, meta) {
            Ok(request) => request,
            Err(error) => return Ended::Failed(Failed::before(&error)),
        };
        let incoming = match self.0.http.send(request, within, permit.departure).await {
            Ok(incoming) => incoming,
            Err(failed) => {
                // A server that does not answer may be stopped, and read what was given up when it goes on.
                let linger = if failed.kind == Kind::Timeout { Linger::Window } else { Linger::Brief };
                permit.failed(failed.stage, linger);
                return Ended::Failed(failed);
            }
        };
        self.learn_time(incoming.status(), incoming.headers(), meta.sent);
        // The server has counted what it answers: the headers are as good an end as the body's last byte.
        let refused = if incoming.status() == 429 {
            permit.refused(transport::retry_after(incoming.headers()))
        } else {
            permit.seen();
            None
        };
        let scrub = |text: &str| self.scrub(text);
        let after = transport::retry_after(incoming.headers());
        let whole = incoming.whole().await;
        match (refused, whole) {
            (Some(closed), Ok(exchange)) => {
                let error = transport::check(&exchange, &scrub).err();
                Ended::Refused(
                    closed,
                    error.unwrap_or_else(|| Error::new(Kind::RateLimited, "the limit refused it")),
                )
            }
            (Some(closed), Err(_)) => Ended::Refused(
                closed,
                Error::new(Kind::RateLimited, "the limit refused it")
                    .with_status(429)
                    .with_retry_after(after),
            ),
            (None, Ok(exchange)) => Ended::Answered(exchange),
            (None, Err(failed)) => Ended::Failed(failed),
        }
    }

    /// Keeps what an answer says of the server's clock; where it failed, something before it may have dated the answer.
    fn learn_time(&self, status: u16, headers: &HeaderMap, sent: Option<Instant>) {
        if let (Some(date), Some(sent), ..500) = (transport::date(headers), sent, status) {
            lock(&self.0.clock).observe(date, sent, Instant::now(), self.0.config.scale);
        }
    }

    /// Tells a value from an error; the latter with what it means for repeating the request.
    fn judge(
        &self,
        call: &Call,
        options: &Options,
        exchange: Exchange,
    ) -> Result<Exchange, (Outcome, Error)> {
        let scrub = |text: &str| self.scrub(text);
        if let Err(error) = transport::check(&exchange, &scrub) {
            let outcome = if exchange.status >= 500 { Outcome::ServerFailed } else { Outcome::Final };
            return Err((outcome, error));
        }
        if options.raw == Some(true) {
            return Ok(exchange);
        }
        match transport::error_under_200(&exchange, call.operation().is_some(), &scrub) {
            None => Ok(exchange),
            Some(error) if error.kind() == Kind::Server => Err((Outcome::ServerFailed, error)),
            Some(error) => Err((Outcome::Final, error)),
        }
    }

    fn outgoing(&self, call: &Call, key: &Key, extra: &HeaderMap, meta: &Meta) -> Result<Request, Error> {
        // Another key may be another workspace's, where the id behind the slug is another sync's.
        if call.era().is_some_and(|era| era != self.slugs().era()) {
            return Err(Error::new(Kind::InvalidRequest, KEY_CHANGED));
        }
        let mut headers = extra.clone();
        headers.insert(AUTHORIZATION, key.header()?);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let text = |value: &str| {
            HeaderValue::try_from(value)
                .map_err(|_| Error::new(Kind::Internal, "a header of ours cannot be sent"))
        };
        headers.insert(USER_AGENT, text(&self.0.config.user_agent)?);
        headers.insert(HeaderName::from_static("x-request-id"), text(&meta.request_id)?);
        let body = call.body().map(|body| Bytes::from(body.to_owned()));
        if body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Ok(Request { method: call.method(), url: call.url(&self.0.config.base), headers, body })
    }
}

/// Why a call on a sync by its slug was not sent.
const KEY_CHANGED: &str = "the key was changed after the sync's slug was looked up; nothing was sent";

/// Whether it is the error of a call that was not sent since the key had changed.
pub(crate) fn key_changed(error: &Error) -> bool {
    error.what() == KEY_CHANGED
}

/// How an attempt ended.
enum Ended {
    Answered(Exchange),
    Refused(RefusedBy429, Error),
    Failed(Failed),
}

/// A granted place, ended by what is known of its request when it is dropped.
struct Held<'a> {
    permit: Option<Permit>,
    departure: &'a Departure,
}

impl Held<'_> {
    fn seen(mut self) {
        if let Some(permit) = self.permit.take() {
            permit.seen();
        }
    }

    fn refused(mut self, after: Option<Duration>) -> Option<RefusedBy429> {
        self.permit.take().map(|permit| permit.refused(after).next)
    }

    fn failed(mut self, stage: Stage, linger: Linger) {
        match (self.permit.take(), stage) {
            (Some(permit), Stage::Connecting | Stage::Barred) => permit.never_sent(),
            // The server answered, if not with an answer: it may have counted it, and nothing arrives later.
            (Some(permit), Stage::Refused | Stage::Unusable) => permit.seen(),
            (Some(permit), Stage::Sent | Stage::Answering) => permit.abandoned(linger),
            (None, _) => {}
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take()
            && !self.departure.happened()
        {
            permit.never_sent();
        }
    }
}

/// A call that ended before its answer. A write that may have left is not reported as one that did not happen.
fn interrupted(kind: Kind, what: &str, call: &Call, departure: &Departure) -> Error {
    let error = Error::new(kind, what);
    match (call.is_write() && departure.happened(), kind) {
        (false, _) => error,
        // Whoever cancelled asked for it to be given up; the kind says that, the hint says the rest.
        (true, Kind::Cancelled) => {
            error.with_hint("The request had been sent; it may have happened all the same.")
        }
        (true, _) => unknown(error),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
