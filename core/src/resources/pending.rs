//! Calls that are sent when they are awaited.

use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;

use bytes::Bytes;

use super::syncs::BySlug;
use crate::attempt::{Meta, Received, Subject};
use crate::call::{Call, Id, Options, Spent, call_on};
use crate::error::{Error, Kind};
use crate::model::Readable;
use crate::operation::Endpoint;
use crate::runs::{self, Listed, Run, RunState, RunToken};
use crate::sender::{AnswerReader, Sender, kept};

type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;
type Make<T> = Box<dyn for<'a> FnOnce(&'a Sender, &'a mut Spent) -> Boxed<'a, T> + Send>;

/// A call that is sent when it is awaited. [`with`](Self::with) sets its options.
#[must_use = "nothing is sent before it is awaited"]
pub struct Pending<T> {
    sender: Sender,
    subject: Subject,
    options: Options,
    make: Make<T>,
}

/// The answer as the server wrote it, and the result that the SDK reads from it. The API key is removed from the
/// headers; the body is untouched.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RawAnswer<T> {
    /// The HTTP status.
    pub status: u16,
    /// The headers of the answer, by their lower-case names.
    pub headers: BTreeMap<String, String>,
    /// The body, untouched.
    pub body: Bytes,
    /// The report of the call: its attempts, how long it waited, and the 429 answers that lowered the rate limit.
    pub meta: Meta,
    /// The result that the call would have without [`raw`](Pending::raw): the value, or the error if the answer reports
    /// an error or cannot be read.
    pub parsed: Result<T, Error>,
}

impl<T: Send + 'static> Pending<T> {
    /// Sets the options of this call.
    pub fn with(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Makes the call. Returns the answer as the server wrote it, and the result that the SDK reads from the answer.
    /// Fails if the HTTP status is not a success (2xx). If a successful answer reports an error or cannot be read,
    /// `parsed` is an error.
    pub async fn raw(self) -> Result<RawAnswer<T>, Error> {
        let mut spent = self.sender.account(&self.subject, &self.options, true);
        let parsed = (self.make)(&self.sender, &mut spent).await;
        RawAnswer::new(spent, parsed)
    }

    /// Makes the call. Returns the value, and the report of how the call went.
    pub async fn with_meta(self) -> Result<(T, Meta), Error> {
        let mut spent = self.sender.account(&self.subject, &self.options, false);
        let value = (self.make)(&self.sender, &mut spent).await?;
        Ok((value, spent.meta()))
    }

    /// Creates a call that runs the function `make` when it is awaited.
    pub(crate) fn made(
        sender: &Sender,
        subject: Subject,
        make: impl for<'a> FnOnce(&'a Sender, &'a mut Spent) -> Boxed<'a, T> + Send + 'static,
    ) -> Self {
        Self { sender: sender.clone(), subject, options: Options::default(), make: Box::new(make) }
    }
}

/// The subject of the call, or an empty subject if there is no call because the arguments are invalid.
fn subject_of(call: &Result<Call, Error>) -> Subject {
    call.as_ref().map_or(Subject::method(""), |call| call.subject().clone())
}

#[expect(private_bounds, reason = "values are this crate's own types")]
impl<T: Readable + Send + 'static> Pending<T> {
    /// Creates a call of one operation. The answer of the operation is the value of the call.
    pub(crate) fn new(sender: &Sender, call: Result<Call, Error>) -> Self {
        Self::made(sender, subject_of(&call), move |sender, spent| {
            Box::pin(async move { value::<T>(sender, &call?, spent).await })
        })
    }
}

#[expect(private_bounds, reason = "states are this crate's own types")]
impl<S: RunState> Pending<Run<S>> {
    /// Creates a call that starts a run of the sequence or graph with the id `parent`.
    pub(crate) fn started<E>(sender: &Sender, parent: String, fields: &E::Fields) -> Self
    where
        E: Endpoint<Answer = S::Started, Fields: Default>,
    {
        let call = call_on::<E>(vec![Id::Text(parent)], fields);
        Self::made(sender, subject_of(&call), move |sender, spent| {
            Box::pin(async move {
                let token = runs::begin::<E, S>(sender, &call?, spent).await?;
                Ok(Run::new(sender, token))
            })
        })
    }
}

#[expect(private_bounds, reason = "states are this crate's own types")]
impl<S: Listed> Pending<Run<S>> {
    /// Creates a call that finds the run named in `call`.
    pub(crate) fn looked_up(sender: &Sender, call: Result<Call, Error>) -> Self {
        Self::made(sender, subject_of(&call), move |sender, spent| {
            Box::pin(async move {
                let token = looked_up::<S>(sender, &call?, spent).await?;
                Ok(Run::new(sender, token))
            })
        })
    }
}

#[expect(private_bounds, reason = "states are this crate's own types")]
impl<S: Listed> Pending<Option<Run<S>>> {
    /// Creates a call that finds the latest run of the sync or graph named in `call`.
    pub(crate) fn latest(sender: &Sender, call: Result<Call, Error>) -> Self {
        Self::made(sender, subject_of(&call), move |sender, spent| {
            Box::pin(async move {
                let token = latest::<S>(sender, &call?, spent).await?;
                Ok(token.map(|token| Run::new(sender, token)))
            })
        })
    }
}

/// Finds the run named in a call. If the call names a sync by its slug, looks up the slug first.
pub(crate) async fn looked_up<S: Listed>(
    sender: &Sender,
    call: &Call,
    spent: &mut Spent,
) -> Result<RunToken, Error> {
    let mut by_slug = BySlug::default();
    loop {
        let ready = Box::pin(by_slug.ready(sender, call, spent)).await?;
        match runs::lookup::<S>(sender, &ready, spent).await {
            Err(error) if by_slug.again(sender, &ready, &error) => {}
            found => return found,
        }
    }
}

/// Finds the latest run of the sync or graph named in a call. If the call names a sync by its slug, looks up the slug
/// first.
pub(crate) async fn latest<S: Listed>(
    sender: &Sender,
    call: &Call,
    spent: &mut Spent,
) -> Result<Option<RunToken>, Error> {
    let mut by_slug = BySlug::default();
    loop {
        let ready = Box::pin(by_slug.ready(sender, call, spent)).await?;
        match runs::latest::<S>(sender, &ready, spent).await {
            Err(error) if by_slug.again(sender, &ready, &error) => {}
            found => return found,
        }
    }
}

/// Makes a call and reads its answer. If the path names a sync by its slug, looks up the slug first.
pub(crate) async fn value<T: Readable + Send>(
    sender: &Sender,
    call: &Call,
    spent: &mut Spent,
) -> Result<T, Error> {
    let mut value = None;
    read_into(&mut value, sender, call, spent).await?;
    kept(value)
}

/// Makes a call and reads its answer with `reader`. If the path names a sync by its slug, looks up the slug first.
pub(crate) async fn read_into(
    reader: &mut dyn AnswerReader,
    sender: &Sender,
    call: &Call,
    spent: &mut Spent,
) -> Result<(), Error> {
    let mut by_slug = BySlug::default();
    loop {
        // The look-up of a slug is boxed. Unboxed, the look-up would double the size of this future.
        let ready = Box::pin(by_slug.ready(sender, call, spent)).await?;
        match sender.read_into(reader, &ready, spent).await {
            Err(error) if by_slug.again(sender, &ready, &error) => {}
            made => return made,
        }
    }
}

impl<T> RawAnswer<T> {
    /// The raw answer of a call that has ended, or the error of the call if no answer with a 2xx status came.
    pub(crate) fn new(mut spent: Spent, parsed: Result<T, Error>) -> Result<Self, Error> {
        match (spent.received.take(), parsed) {
            (Some(Received { status, headers, body }), parsed) => {
                Ok(Self { status, headers, body, meta: spent.meta(), parsed })
            }
            (None, Err(error)) => Err(error),
            (None, Ok(_)) => Err(Error::new(Kind::Internal, "the raw answer was not kept")),
        }
    }
}

impl<T: Send + 'static> IntoFuture for Pending<T> {
    type Output = Result<T, Error>;
    type IntoFuture = Boxed<'static, T>;

    fn into_future(self) -> Boxed<'static, T> {
        Box::pin(async move { self.with_meta().await.map(|(value, _)| value) })
    }
}

impl<T> fmt::Debug for Pending<T> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Pending").field("options", &self.options).finish_non_exhaustive()
    }
}
