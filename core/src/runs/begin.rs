//! From a trigger to its run.

use std::future::Future;

use tokio::time::Instant;

use super::claims::Of;
use super::newest::Newest;
use super::state::{Listed, Lost, Started, State};
use super::token::{RunToken, Source};
use crate::client::{Call, Client, Id, Meta, Options};
use crate::error::Error;
use crate::operation::Endpoint;
use crate::resources::call_on;

/// Starts a run of what the call's path names; after a lost answer the run is looked for.
pub(crate) async fn begin<E, S>(
    client: &Client,
    call: &Call,
    options: &Options,
) -> Result<(RunToken, Meta), Error>
where
    E: Endpoint<Answer = S::Started, Fields: Default>,
    S: State,
{
    let parent = call.ids().first().map(Id::text).unwrap_or_default();
    let plain = call_on::<E>(call.ids().to_vec(), &E::Fields::default())?.body() == call.body();
    started::<S>(client, parent, plain, client.value::<S::Started>(call, options), options).await
}

/// The run of a trigger, by its answer or, where that was lost, by what the list of runs shows.
pub(crate) async fn started<S: State>(
    client: &Client,
    parent: String,
    plain: bool,
    trigger: impl Future<Output = Result<(S::Started, Meta), Error>>,
    options: &Options,
) -> Result<(RunToken, Meta), Error> {
    let of = Of { kind: S::KIND, parent };
    let mut open = Open::new(client, &of);
    match trigger.await {
        Ok((started, meta)) => {
            let run = started.id();
            client.claims().take(&of, &run);
            open.is_known = true;
            Ok((RunToken::new(client, S::KIND, of.parent.clone(), run), meta))
        }
        Err(error) => {
            let lost = Lost { client, of: &of, plain, error, options };
            let (run, meta) = S::recovered(lost).await?;
            open.is_known = true;
            Ok((RunToken::new(client, S::KIND, of.parent.clone(), run).from(Source::Adopted), meta))
        }
    }
}

/// A trigger that has not come to its end. One that ends, or is dropped, without its run may have started one all the
/// same.
struct Open<'a> {
    client: &'a Client,
    of: &'a Of,
    is_known: bool,
}

impl<'a> Open<'a> {
    fn new(client: &'a Client, of: &'a Of) -> Self {
        client.claims().begin(of);
        Self { client, of, is_known: false }
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let mut claims = self.client.claims();
        claims.end(self.of);
        if !self.is_known {
            claims.lose(self.of, Instant::now());
        }
    }
}

/// The newest run that has not ended, if there is one.
pub(crate) async fn under_way<S: Listed>(
    client: &Client,
    parent: &str,
    options: &Options,
) -> Result<(Option<S>, Meta), Error> {
    let mut newest = Newest::<S>::new(client, parent, options.clone());
    newest.until =
        options.deadline(client.config()).and_then(|deadline| Instant::now().checked_add(deadline));
    let found = newest.find(S::is_under_way).await?;
    let meta = newest.meta.unwrap_or_else(|| Meta::named("runs"));
    Ok((found.into_iter().max_by_key(S::created), meta))
}
