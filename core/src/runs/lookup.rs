//! Finds runs that were started elsewhere: by the scheduler, in the web app or by another process.

use super::newest::Newest;
use super::state::Listed;
use super::token::{RunOrigin, RunToken};
use crate::call::{Call, Id, Spent};
use crate::error::{Error, Kind};
use crate::operation::Page;
use crate::sender::Sender;

/// Returns the run that the call names. The ids in the call are the id of the parent and the id of the run.
///
/// # Errors
/// Kind `not_found` if the server does not list the run.
pub(crate) async fn lookup<S: Listed>(
    sender: &Sender,
    call: &Call,
    spent: &mut Spent,
) -> Result<RunToken, Error> {
    let mut ids = call.ids().iter().map(Id::text);
    let (parent, run) = (ids.next().unwrap_or_default(), ids.next().unwrap_or_default());
    let page = sender.value::<Page<S>>(&call.clone().with("runId", run.clone()), spent).await?;
    if S::pick(page, &run).is_some() {
        return Ok(RunToken::new(sender, S::KIND, parent, run).from(RunOrigin::LookedUp));
    }
    let named = call.subject().resource.clone().unwrap_or_default();
    let error = Error::new(Kind::NotFound, format!("the server lists no {named}"))
        .with_hint("Check both ids. A run that was requested a moment ago may not be listed yet.")
        .with_meta(spent.meta());
    Err(sender.error_at(call, error))
}

/// Returns the most recently requested run of the sync or identity graph that the call names.
pub(crate) async fn latest<S: Listed>(
    sender: &Sender,
    call: &Call,
    spent: &mut Spent,
) -> Result<Option<RunToken>, Error> {
    let parent = call.ids().first().map(Id::text).unwrap_or_default();
    let found = Newest::<S>::new(sender, &parent, spent).latest().await;
    // The requests belong to the method that lists runs, but the error must name the method that the caller called.
    let run = found.map_err(|error| sender.error_at(call, error))?;
    Ok(run.map(|run| RunToken::new(sender, S::KIND, parent, run.id()).from(RunOrigin::LookedUp)))
}
