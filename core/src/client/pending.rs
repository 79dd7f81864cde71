//! A call that is made when it is awaited.

use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;

use bytes::Bytes;

use super::{Call, Client, Meta, Options};
use crate::error::Error;
use crate::model::Model;
use crate::operation::Endpoint;
use crate::resources::call_on;
use crate::runs::{self, Run, State};

type Boxed<T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;
type Make<T> = Box<dyn FnOnce(Client, Options) -> Boxed<(T, Meta)> + Send>;
type MakeRaw = Box<dyn FnOnce(Client, Options) -> Boxed<RawAnswer> + Send>;

/// A call that is sent when it is awaited; nothing happens before. [`with`](Self::with) sets options for it alone.
#[must_use = "nothing is sent before it is awaited"]
pub struct Pending<T> {
    client: Client,
    options: Options,
    make: Make<T>,
    make_raw: MakeRaw,
}

/// An answer as the server gave it. Its headers and body may repeat the key only where the key was taken out of them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RawAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Headers by their lower-case names.
    pub headers: BTreeMap<String, String>,
    /// The body, untouched.
    pub body: Bytes,
    /// What the call did.
    pub meta: Meta,
}

impl<T: Send + 'static> Pending<T> {
    /// With options for this call alone.
    pub fn with(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Makes the call and gives the answer as the server gave it, whatever it means under a status of success.
    pub async fn raw(self) -> Result<RawAnswer, Error> {
        let options = Options { raw: Some(true), ..self.options };
        (self.make_raw)(self.client, options).await
    }

    /// Makes the call and gives its value with what the call did.
    pub async fn with_meta(self) -> Result<(T, Meta), Error> {
        (self.make)(self.client, self.options.unraw()).await
    }

    /// A call that is made by a function; its raw answer is that of `call`.
    pub(crate) fn other(
        client: &Client,
        call: Result<Call, Error>,
        make: impl FnOnce(Client, Options) -> Boxed<(T, Meta)> + Send + 'static,
    ) -> Self {
        let make_raw = move |client: Client, options: Options| -> Boxed<RawAnswer> {
            Box::pin(async move { raw(&client, &call?, &options).await })
        };
        Self::made(client, make, make_raw)
    }

    /// A call that is made by one function, and raw by another.
    pub(crate) fn made(
        client: &Client,
        make: impl FnOnce(Client, Options) -> Boxed<(T, Meta)> + Send + 'static,
        make_raw: impl FnOnce(Client, Options) -> Boxed<RawAnswer> + Send + 'static,
    ) -> Self {
        Self {
            client: client.clone(),
            options: Options::default(),
            make: Box::new(make),
            make_raw: Box::new(make_raw),
        }
    }
}

#[expect(private_bounds, reason = "values are this crate's own types")]
impl<T: Model + Send + 'static> Pending<T> {
    /// The call of one operation, whose answer is its value.
    pub(crate) fn new(client: &Client, call: Result<Call, Error>) -> Self {
        let again = call.clone();
        Self::other(client, call, move |client, options| {
            Box::pin(async move { client.value::<T>(&again?, &options).await })
        })
    }
}

#[expect(private_bounds, reason = "states are this crate's own types")]
impl<S: State> Pending<Run<S>> {
    /// A call that starts a run of what its path names.
    pub(crate) fn started<E>(client: &Client, parent: String, fields: &E::Fields) -> Self
    where
        E: Endpoint<Answer = S::Started, Fields: Default>,
    {
        let call = call_on::<E>(vec![super::Id::Text(parent)], fields);
        let again = call.clone();
        Self::other(client, call, move |client, options| {
            Box::pin(async move {
                let (token, meta) = runs::begin::<E, S>(&client, &again?, &options).await?;
                Ok((Run::new(client, token), meta))
            })
        })
    }
}

/// Makes a call and gives the answer as the server gave it.
pub(crate) async fn raw(client: &Client, call: &Call, options: &Options) -> Result<RawAnswer, Error> {
    let answer = client.told(call, client.send(call, options), |answer| &answer.meta).await?;
    let (status, headers) =
        (answer.meta.status.unwrap_or_default(), answer.meta.headers.clone().unwrap_or_default());
    Ok(RawAnswer { status, headers, body: answer.body, meta: answer.meta })
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
