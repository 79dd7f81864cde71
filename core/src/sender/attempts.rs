//! The one request loop: gets an API key and a permit, makes an attempt, and then makes another attempt or returns.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

use super::held::{Held, interrupted};
use super::interrupt::cancelled;
use super::notices::tell_of;
use super::read::Begun;
use super::retry::{self, Verdict};
use super::spans;
use super::{Answer, Event, Sender, lock, millis, no_key, unknown};
use crate::attempt::{Attempt, CutMade, Meta, Outcome, Received};
use crate::call::{Call, Spent, checked_headers};
use crate::error::{Error, Kind};
use crate::limit::{Refusal, RefusedBy429};
use crate::reason::Reason;
use crate::transport::{self, Departure, Exchange, Failed, Request};

/// The longest URL that the HTTP client sends, in bytes. The SDK checks the length first, for a clearer error message.
const LONGEST_URL: usize = 65_534;
/// The end of the API's base URL. The base URL of a gateway usually ends with this path too.
const API_PATH: &str = "/api/v1";
/// The longest `Retry-After` that a retry waits for. If the server asks for a longer wait, the call fails at once. Does
/// not apply to a 429: the request then waits until the rate limit admits it again.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// How an attempt ended.
struct Ended {
    outcome: Outcome,
    /// The answer, or the error that the call returns if the request is not repeated.
    answer: Result<Exchange, Error>,
    /// Whether the failure may be temporary, so that a later attempt may succeed.
    passes: bool,
    /// What a 429 means for the request; `None` if the answer was not a 429.
    refused: Option<Refusal>,
    /// The number of the lost connection, if other requests may have used it.
    connection: Option<u64>,
}

/// How many requests the call has sent, including the attempts of the request in progress. `meta` is the report of the
/// request in progress.
pub(super) fn sent(spent: &Spent, meta: &Meta) -> usize {
    spent.sent_so_far() + meta.attempts.len()
}

impl Sender {
    /// Sends a call. The slug in the call, if any, must have been replaced by an id before.
    pub(super) async fn send(
        &self,
        call: &Call,
        spent: &mut Spent,
        begun: &Begun<'_>,
    ) -> Result<Answer, Error> {
        let mut meta = begun.meta.clone();
        let started = Instant::now();
        let departure = Departure::default();
        let made = tokio::select! {
            biased;
            () = self.0.closed.cancelled() => Err(interrupted(Kind::Closed, "the client is closed", call, &departure)),
            () = cancelled() => Err(interrupted(Kind::Cancelled, "the call was cancelled", call, &departure)),
            made = self.attempts(call, spent, begun, &mut meta, &departure) => made,
        };
        meta.duration_ms = millis(started.elapsed());
        match made {
            Ok(exchange) => {
                lock(&self.0.budget).earn();
                spent.take(meta.clone(), started);
                let reported = if spent.raw { self.keep(call, &exchange, spent, &meta) } else { None };
                Ok(Answer { body: exchange.body, meta, reported, room: exchange.room })
            }
            Err(error) => {
                spent.take(meta.clone(), started);
                let error = error.of_request(meta).with_meta(spent.meta().named(call.subject()));
                Err(self.error_at(call, error))
            }
        }
    }

    /// Keeps the raw answer for the caller. Returns the error that the body reports, if there is one.
    fn keep(&self, call: &Call, exchange: &Exchange, spent: &mut Spent, meta: &Meta) -> Option<Error> {
        let Exchange { status, headers, body, .. } = exchange;
        let scrub = |text: &str| self.scrub(text);
        spent.received = Some(Received::new(*status, headers, body.clone(), scrub));
        let error = transport::error_under_200(exchange, call.operation(), &scrub)?;
        let error = if call.is_write() && error.kind() == Kind::Server { unknown(error) } else { error };
        let error = error.with_outcome(Outcome::Answered { status: *status }).of_request(meta.clone());
        Some(self.error_at(call, error.with_meta(spent.meta().named(call.subject()))))
    }

    async fn attempts(
        &self,
        call: &Call,
        spent: &mut Spent,
        begun: &Begun<'_>,
        meta: &mut Meta,
        departure: &Departure,
    ) -> Result<Exchange, Error> {
        spent.check()?;
        call.check()?;
        self.refuse_inside_key_function()?;
        // The request is prepared before a permit is taken, because a request that cannot be prepared must not use up
        // the limit.
        let mut prepared = Some(self.outgoing(call, spent, begun)?);
        let started = Instant::now();
        self.first_key(spent).await?;
        let (mut retries, mut rejoin, mut renewed) = (0, false, false);
        loop {
            let permit = self.leave(call, spent, meta, rejoin).await?;
            // `prepare` may record the time of this attempt, so `prepare` runs after the wait for the limit. If the
            // answer is lost, the search for the run begins at the recorded time.
            if call.is_write()
                && let Err(error) = spent.prepare().await
            {
                permit.never_sent();
                return Err(error);
            }
            let Some(within) = spent.attempt() else {
                permit.never_sent();
                return Err(spent.expired());
            };
            let key = self.key().ok_or_else(no_key)?;
            // An id that was looked up with another API key may belong to another sync.
            if call.bound().is_some_and(|bound| bound != key.digest()) {
                permit.never_sent();
                let what = "the key was changed after the sync's slug was looked up. Nothing was sent";
                return Err(Error::new(Kind::InvalidRequest, what).with_reason(Reason::KeyChanged));
            }
            spent.sent_with(key.digest());
            departure.reset();
            let permit = Held::new(permit, departure);
            let departed = Instant::now();
            let mut request = match prepared.take() {
                Some(request) => request,
                None => self.outgoing(call, spent, begun)?,
            };
            request.headers.insert(AUTHORIZATION, key.header());
            let ended = self.attempt(call, request, spent, permit, within).await;
            spent.left_at(departure.since());
            // The outcome is known. If the call is interrupted later, this request no longer counts as in flight.
            departure.reset();
            let attempt =
                ended.entry().timed(millis(departed.duration_since(started)), millis(departed.elapsed()));
            spans::attempt(meta, &attempt);
            meta.attempts.push(attempt);
            if let Some(cut) = ended.refused.and_then(|refusal| refusal.cut) {
                let cut = CutMade::new(cut.allowed, cut.closed_for);
                meta.cuts.push(cut);
                self.hooks().cut(&cut);
                tell_of(meta, sent(spent, meta), spent.waited_so_far(), &Event::Cut(cut));
            }
            let error = match ended.answer {
                Ok(exchange) => return Ok(exchange),
                Err(error) => error.with_outcome(ended.outcome),
            };
            match ended.refused.map(|refusal| refusal.next) {
                // The 429 has closed the gate, where requests wait for the rate limit. Waiting at the gate costs no
                // retry.
                Some(RefusedBy429::Closed(_)) => {
                    rejoin = true;
                    continue;
                }
                Some(RefusedBy429::TooLong(_)) => return Err(error),
                Some(RefusedBy429::Hopeless(since)) => return Err(self.hopeless(since)),
                None => {}
            }
            // A 401 says that the server did nothing, so the request may be sent once more, with another API key.
            if error.kind() == Kind::Authentication && !renewed && self.keys().can_ask() {
                if !self.renew(Some(key.digest()), departed, spent.until()).await? {
                    return Err(error);
                }
                (renewed, rejoin) = (true, true);
                continue;
            }
            let allowed = spent.max_retries();
            match retry::decide(retries, allowed, call.safety(), ended.outcome, ended.passes, fastrand::f64())
            {
                Verdict::GiveUp => return Err(error),
                Verdict::Unknown => return Err(unknown(error)),
                Verdict::Again(pause) => {
                    let told = error.retry_after();
                    if told.is_some_and(|told| told > LONGEST_PAUSE) {
                        return Err(error);
                    }
                    let pause =
                        self.scaled(told.map_or(pause, |told| told + pause.min(Duration::from_secs(1))));
                    if !spent.has_time_for(pause) || !self.may_repeat(ended.connection) {
                        return Err(error);
                    }
                    tell_of(
                        meta,
                        sent(spent, meta),
                        spent.waited_so_far(),
                        &Event::Retry(error.kind().as_str().to_owned(), pause),
                    );
                    crate::timers::sleep(pause).await;
                    retries += 1;
                    rejoin = false;
                }
            }
        }
    }

    /// Asks for the first key if there is no key yet.
    async fn first_key(&self, spent: &Spent) -> Result<(), Error> {
        if self.key().is_some() {
            return Ok(());
        }
        if !self.keys().can_ask() {
            return Err(no_key());
        }
        self.renew(None, Instant::now(), spent.until()).await.map(|_| ())
    }

    /// Takes one retry from the client's budget. Calls that lost the same connection share one retry. Returns false if
    /// the budget is used up.
    fn may_repeat(&self, connection: Option<u64>) -> bool {
        lock(&self.0.budget).spend(connection)
    }

    /// Makes one attempt and reads its answer to the end. Tells the permit how the request ended.
    async fn attempt(
        &self,
        call: &Call,
        request: Request,
        spent: &Spent,
        permit: Held<'_>,
        within: Duration,
    ) -> Ended {
        let handed_over = Instant::now();
        let incoming = match self.0.http.send(request, within, spent.until(), permit.departure).await {
            Ok(incoming) => incoming,
            Err(failed) => {
                permit.failed(failed.outcome);
                return Ended::failed(failed);
            }
        };
        let status = incoming.status();
        self.learn_time(status, incoming.headers(), permit.departure.since().unwrap_or(handed_over));
        // The server counts a request before answering, so the permit ends before the body is read.
        let refused = if status == 429 {
            permit.refused(transport::retry_after(incoming.headers()))
        } else {
            permit.seen();
            None
        };
        let after = transport::retry_after(incoming.headers());
        let scrub = |text: &str| self.scrub(text);
        match (incoming.whole(&scrub).await, refused) {
            (Ok(exchange), refused) => {
                let outcome = Outcome::Answered { status };
                let (answer, passes) = self.judge(call, spent.raw, exchange);
                Ended { outcome, answer, passes, refused, connection: None }
            }
            (Err(_), refused @ Some(_)) => {
                let error = Error::new(Kind::RateLimited, "the server refused the request (429)")
                    .with_status(429)
                    .with_retry_after(after);
                let outcome = Outcome::Answered { status };
                Ended { outcome, answer: Err(error), passes: true, refused, connection: None }
            }
            (Err(failed), None) => {
                let ended = Ended::failed(failed);
                Ended { answer: ended.answer.map_err(|error| error.scrubbed(scrub)), ..ended }
            }
        }
    }

    /// Decides whether the answer is a value or an error, and whether the failure may be temporary.
    fn judge(&self, call: &Call, raw: bool, exchange: Exchange) -> (Result<Exchange, Error>, bool) {
        let scrub = |text: &str| self.scrub(text);
        if let Err(error) = transport::check(&exchange, &scrub) {
            let passes = retry::passes(exchange.status);
            return (Err(self.with_base_url_hint(error)), passes);
        }
        if raw {
            return (Ok(exchange), false);
        }
        match transport::error_under_200(&exchange, call.operation(), &scrub) {
            None => (Ok(exchange), false),
            Some(error) => {
                let passes = error.kind() == Kind::Server;
                (Err(error), passes)
            }
        }
    }

    /// Adds a hint to a 404 if the base URL lacks the API's path, because the wrong base URL may be the reason.
    fn with_base_url_hint(&self, error: Error) -> Error {
        if error.kind() != Kind::NotFound || self.config().base.path().ends_with(API_PATH) {
            return error;
        }
        let base = &self.config().base;
        error.with_hint(format!(
            "The base URL {base} does not end in {API_PATH}, as the base URL of the API does. Check it."
        ))
    }

    /// Learns the server's clock from an answer. Ignores answers with a status of 500 or more, because their date may
    /// come from a gateway.
    fn learn_time(&self, status: u16, headers: &HeaderMap, sent: Instant) {
        if let (Some(date), ..500, Some(tenancy)) = (transport::date(headers), status, self.0.tenancy.get()) {
            tenancy.workspace().clock().observe(date, sent, Instant::now(), self.0.config.scale);
        }
    }

    /// Notes the id of the workspace, taken from an answer.
    pub(super) fn learn_workspace(&self, id: i64) {
        if let Some(tenancy) = self.0.tenancy.get() {
            tenancy.learn_id(id);
        }
    }

    /// Prepares the request of a call, without the key.
    fn outgoing(&self, call: &Call, spent: &Spent, begun: &Begun<'_>) -> Result<Request, Error> {
        let url = call.url(&self.0.config.base);
        if url.as_str().len() > LONGEST_URL {
            let what = format!(
                "the request's URL would have {} bytes, and more than {LONGEST_URL} cannot be sent. Nothing was sent",
                url.as_str().len()
            );
            return Err(Error::new(Kind::InvalidRequest, what).with_hint("Shorten the filters or the path."));
        }
        let mut headers = self.0.config.headers.clone();
        // `insert` keeps one value per name, so that a header of the call replaces the client's header of the same
        // name.
        for (name, value) in
            &checked_headers(begun.headers.as_ref().unwrap_or(&spent.options.headers), Kind::InvalidRequest)?
        {
            headers.insert(name.clone(), value.clone());
        }
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let text = |value: &str| {
            HeaderValue::try_from(value)
                .map_err(|_| Error::new(Kind::Internal, "a header of the SDK's own cannot be sent"))
        };
        headers.insert(USER_AGENT, text(&self.0.config.user_agent)?);
        headers.insert(HeaderName::from_static("x-request-id"), text(&begun.meta.request_id)?);
        let body = call.body().map(|body| Bytes::from(body.to_owned()));
        if body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let uri = url.as_str().parse().map_err(|error| {
            Error::new(Kind::InvalidRequest, format!("the request's URL cannot be sent: {error}"))
        })?;
        Ok(Request { method: call.method(), uri, headers, body })
    }
}

impl Ended {
    fn failed(failed: Failed) -> Self {
        let Failed { outcome, connection, .. } = failed;
        Self { outcome, answer: Err(failed.into_error()), passes: false, refused: None, connection }
    }

    /// The attempt as logs and hooks see it.
    fn entry(&self) -> Attempt {
        match (self.outcome, &self.answer) {
            (Outcome::Answered { status }, _) => Attempt::answered(status),
            (_, Err(error)) => Attempt::failed(error.kind().as_str()),
            (_, Ok(exchange)) => Attempt::answered(exchange.status),
        }
    }
}
