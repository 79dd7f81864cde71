//! Calls that are sent when they are awaited.

use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;

use bytes::Bytes;

use super::syncs::BySlug;
use crate::attempt::{Meta, Subject};
use crate::call::{Call, Id, Options, Spent, call_on};
use crate::error::Error;
use crate::model::Readable;
use crate::operation::Endpoint;
use crate::runs::{self, Run, RunState};
use crate::sender::{Answer, Sender};

type Boxed<T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;
type Make<T> = Box<dyn FnOnce(Sender, Spent) -> Boxed<(T, Spent)> + Send>;
type MakeRaw = Box<dyn FnOnce(Sender, Spent) -> Boxed<RawAnswer> + Send>;

/// A call that is sent once it is awaited. [`with`](Self::with) sets its options.
#[must_use = "nothing is sent before it is awaited"]
pub struct Pending<T> {
    sender: Sender,
    subject: Subject,
    options: Options,
    make: Make<T>,
    make_raw: MakeRaw,
}

/// The answer of the server. The key is removed from its headers; the body is untouched.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RawAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Headers by their lower-case names.
    pub headers: BTreeMap<String, String>,
    /// The body, untouched.
    pub body: Bytes,
    /// How the call went.
    pub meta: Meta,
}

impl<T: Send + 'static> Pending<T> {
    /// Sets the options of this call.
    pub fn with(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Makes the call and returns the answer as the server wrote it. An error body under a status of success is returned
    /// too.
    pub async fn raw(self) -> Result<RawAnswer, Error> {
        let spent = self.sender.account(&self.subject, &self.options, true);
        (self.make_raw)(self.sender, spent).await
    }

    /// Makes the call and returns its value, and an account of the call.
    pub async fn with_meta(self) -> Result<(T, Meta), Error> {
        let spent = self.sender.account(&self.subject, &self.options, false);
        (self.make)(self.sender, spent).await.map(|(value, spent)| (value, spent.meta()))
    }

    /// A call that is made by a function; its raw answer is that of `call`.
    fn other(
        sender: &Sender,
        call: Result<Call, Error>,
        make: impl FnOnce(Sender, Spent) -> Boxed<(T, Spent)> + Send + 'static,
    ) -> Self {
        let subject = call.as_ref().map_or(Subject::method(""), |call| call.subject().clone());
        let make_raw = move |sender: Sender, spent: Spent| -> Boxed<RawAnswer> {
            Box::pin(async move { raw(&sender, &call?, spent).await })
        };
        Self::made(sender, subject, make, make_raw)
    }

    /// A call that is made by one function, and raw by another.
    pub(crate) fn made(
        sender: &Sender,
        subject: Subject,
        make: impl FnOnce(Sender, Spent) -> Boxed<(T, Spent)> + Send + 'static,
        make_raw: impl FnOnce(Sender, Spent) -> Boxed<RawAnswer> + Send + 'static,
    ) -> Self {
        Self {
            sender: sender.clone(),
            subject,
            options: Options::default(),
            make: Box::new(make),
            make_raw: Box::new(make_raw),
        }
    }
}

#[expect(private_bounds, reason = "values are this crate's own types")]
impl<T: Readable + Send + 'static> Pending<T> {
    /// The call of one operation, whose answer is its value.
    pub(crate) fn new(sender: &Sender, call: Result<Call, Error>) -> Self {
        let again = call.clone();
        Self::other(sender, call, move |sender, mut spent| {
            Box::pin(async move {
                let value = value::<T>(&sender, &again?, &mut spent).await?;
                Ok((value, spent))
            })
        })
    }
}

#[expect(private_bounds, reason = "states are this crate's own types")]
impl<S: RunState> Pending<Run<S>> {
    /// A call that starts a run of what its path names.
    pub(crate) fn started<E>(sender: &Sender, parent: String, fields: &E::Fields) -> Self
    where
        E: Endpoint<Answer = S::Started, Fields: Default>,
    {
        let call = call_on::<E>(vec![Id::Text(parent)], fields);
        let again = call.clone();
        Self::other(sender, call, move |sender, mut spent| {
            Box::pin(async move {
                let token = runs::begin::<E, S>(&sender, &again?, &mut spent).await?;
                Ok((Run::new(&sender, token), spent))
            })
        })
    }
}

/// Makes a call, whose path may name a sync by its slug, and reads its answer.
pub(crate) async fn value<T: Readable>(sender: &Sender, call: &Call, spent: &mut Spent) -> Result<T, Error> {
    let mut by_slug = BySlug::default();
    loop {
        // Boxed, since looking up a slug is a call too and would double the future's size.
        let ready = Box::pin(by_slug.ready(sender, call, spent)).await?;
        match sender.value(&ready, spent).await {
            Err(error) if by_slug.again(sender, &ready, &error) => {}
            made => return made,
        }
    }
}

/// Makes a call, whose path may name a sync by its slug, for the answer as the server wrote it.
pub(crate) async fn raw(sender: &Sender, call: &Call, mut spent: Spent) -> Result<RawAnswer, Error> {
    let mut by_slug = BySlug::default();
    loop {
        let ready = Box::pin(by_slug.ready(sender, call, &mut spent)).await?;
        match sender.answer(&ready, &mut spent).await {
            Err(error) if by_slug.again(sender, &ready, &error) => {}
            made => return made.map(|answer| RawAnswer::new(answer, &spent)),
        }
    }
}

impl RawAnswer {
    pub(crate) fn new(answer: Answer, spent: &Spent) -> Self {
        let (status, headers) =
            (answer.meta.status.unwrap_or_default(), answer.meta.headers.unwrap_or_default());
        Self { status, headers, body: answer.body, meta: spent.meta() }
    }
}

impl<T: Send + 'static> IntoFuture for Pending<T> {
    type Output = Result<T, Error>;
    type IntoFuture = Boxed<T>;

    fn into_future(self) -> Boxed<T> {
        Box::pin(async move { self.with_meta().await.map(|(value, _)| value) })
    }
}

impl<T> fmt::Debug for Pending<T> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Pending").field("options", &self.options).finish_non_exhaustive()
    }
}
