//! From a trigger to its run.

use super::newest::Newest;
use super::state::{Listed, Lost, Started as _, State};
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
    match client.value::<S::Started>(call, options).await {
        Ok((started, meta)) => Ok((RunToken::new(client, S::KIND, parent, started.id()), meta)),
        Err(error) => {
            let plain = call_on::<E>(call.ids().to_vec(), &E::Fields::default())?.body() == call.body();
            let (run, meta) = S::recovered(Lost { client, parent: &parent, plain, error, options }).await?;
            Ok((RunToken::new(client, S::KIND, parent, run).from(Source::Adopted), meta))
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
    let found = newest.find(|run| run.ending().is_none()).await?;
    let meta = newest.meta.unwrap_or_else(|| Meta::named("client"));
    Ok((found.into_iter().max_by_key(S::created), meta))
}
