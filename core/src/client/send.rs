//! The one request loop: grant, attempt, classify, repeat or return.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

use super::limits::Limits;
use super::{Answer, Attempt, Call, Client, Meta, Options, lock, meta, unknown};
use crate::error::{Error, Kind};
use crate::limit::{Permit, RefusedBy429};
use crate::retry::{self, Outcome, Verdict};
use crate::transport::{self, Exchange, Failed, Request, Stage};

impl Client {
    /// Makes a call: the one way in which requests leave this crate.
    pub(crate) async fn send(&self, call: &Call, options: &Options) -> Result<Answer, Error> {
        let mut meta = Meta::new(call);
        let started = Instant::now();
        let sent = tokio::select! {
            biased;
            () = self.0.closed.cancelled() => Err(Error::new(Kind::Closed, "the client is closed")),
            sent = self.attempts(call, options, &mut meta) => sent,
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

    async fn attempts(&self, call: &Call, options: &Options, meta: &mut Meta) -> Result<Exchange, Error> {
        let started = Instant::now();
        let limits = Limits::new(self.config(), options, started);
        let class = call.class(options)?;
        let allowed = options.max_retries.unwrap_or(self.config().max_retries);
        let headers = options.header_map()?;
        let (mut retries, mut waited, mut rejoin) = (0, Duration::ZERO, false);
        loop {
            let permit =
                self.0.gate.acquire(class, limits.wait(waited), rejoin).await.map_err(|refused| {
                    let why = format!(
                        "the limit would have made the call wait {:.1} s or more",
                        refused.at_least.as_secs_f64()
                    );
                    Error::new(Kind::RateLimited, why)
                        .with_retry_after(Some(refused.at_least))
                        .hint("Allow a longer max_wait or deadline, or send less; nothing was sent.")
                })?;
            waited += permit.waited();
            meta.waited_ms = millis(waited);
            let within = limits.attempt().ok_or_else(|| {
                Error::new(Kind::Timeout, format!("the deadline of {:?} passed", limits.deadline_given()))
            });
            let within = match within {
                Ok(within) => within,
                Err(error) => {
                    permit.never_sent();
                    return Err(error);
                }
            };
            let begun = Instant::now();
            let ended = self.attempt(call, &headers, meta, permit, within).await;
            let took = millis(begun.elapsed());
            let (outcome, error) = match ended {
                Ended::Answered(exchange) => {
                    meta.attempts.push(Attempt::answered(exchange.status, took));
                    match judge(options, exchange) {
                        Ok(exchange) => return Ok(exchange),
                        Err(judged) => judged,
                    }
                }
                Ended::Refused(closed, error) => {
                    meta.attempts.push(Attempt::answered(429, took));
                    match closed {
                        // The gate is closed for a while; waiting there spends no retry.
                        RefusedBy429::Closed(_) => {
                            rejoin = true;
                            continue;
                        }
                        RefusedBy429::TooLong(_) => return Err(error),
                    }
                }
                Ended::Failed(failed) => {
                    meta.attempts.push(Attempt::failed(failed.kind, took));
                    let outcome = match failed.stage {
                        Stage::Connecting => Outcome::NeverSent,
                        Stage::Sent | Stage::Answering => Outcome::Lost,
                    };
                    // A policy that fails once fails always: a certificate does not become trusted by asking again.
                    let outcome = match failed.kind {
                        Kind::Tls | Kind::Config => Outcome::Final,
                        _ => outcome,
                    };
                    (outcome, Error::new(failed.kind, failed.what).with_causes(failed.causes))
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
        headers: &HeaderMap,
        meta: &Meta,
        permit: Permit,
        within: Duration,
    ) -> Ended {
        let request = match self.outgoing(call, headers, meta) {
            Ok(request) => request,
            Err(error) => {
                permit.never_sent();
                return Ended::Failed(Failed::before(&error));
            }
        };
        let incoming = match self.0.http.send(request, within).await {
            Ok(incoming) => incoming,
            Err(failed) => {
                match failed.stage {
                    Stage::Connecting => permit.never_sent(),
                    Stage::Sent | Stage::Answering => permit.abandoned(),
                }
                return Ended::Failed(failed);
            }
        };
        // The server has counted what it answers: the headers are as good an end as the body's last byte.
        let refused = if incoming.status() == 429 {
            Some(permit.refused(transport::retry_after(incoming.headers())))
        } else {
            permit.seen();
            None
        };
        let whole = incoming.whole().await;
        match (refused, whole) {
            (Some(closed), Ok(exchange)) => {
                let error = transport::check(&exchange).err();
                Ended::Refused(
                    closed,
                    error.unwrap_or_else(|| Error::new(Kind::RateLimited, "the limit refused it")),
                )
            }
            (Some(closed), Err(_)) => {
                Ended::Refused(closed, Error::new(Kind::RateLimited, "the limit refused it").with_status(429))
            }
            (None, Ok(exchange)) => Ended::Answered(exchange),
            (None, Err(failed)) => Ended::Failed(failed),
        }
    }

    fn outgoing(&self, call: &Call, extra: &HeaderMap, meta: &Meta) -> Result<Request, Error> {
        let mut headers = extra.clone();
        headers.insert(AUTHORIZATION, lock(&self.0.key).header()?);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let text = |value: &str| {
            HeaderValue::try_from(value)
                .map_err(|_| Error::new(Kind::Internal, "a header of ours cannot be sent"))
        };
        headers.insert(USER_AGENT, text(&self.0.config.user_agent)?);
        headers.insert(HeaderName::from_static("x-request-id"), text(&meta.request_id)?);
        let body = call.body().map(|body| Bytes::from(body.to_string()));
        if body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Ok(Request { method: call.method(), url: call.url(&self.0.config.base), headers, body })
    }
}

/// How an attempt ended.
enum Ended {
    Answered(Exchange),
    Refused(RefusedBy429, Error),
    Failed(Failed),
}

/// Tells a value from an error; the latter with what it means for repeating the request.
fn judge(options: &Options, exchange: Exchange) -> Result<Exchange, (Outcome, Error)> {
    if let Err(error) = transport::check(&exchange) {
        let outcome = if exchange.status >= 500 { Outcome::ServerFailed } else { Outcome::Final };
        return Err((outcome, error));
    }
    if options.raw == Some(true) {
        return Ok(exchange);
    }
    match transport::error_under_200(&exchange.body) {
        None => Ok(exchange),
        Some(error) if error.kind() == Kind::Server => Err((Outcome::ServerFailed, error)),
        Some(error) => Err((Outcome::Final, error)),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
