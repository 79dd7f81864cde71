//! Starting a run of a sync: what comes before the trigger, and after one whose answer was lost.

use super::trigger::trigger_call;
use super::{IfRunning, SyncReference, SyncRun, TriggerSync, resolve};
use crate::client::{Call, Client, Meta, Options, RawAnswer, key_changed, raw};
use crate::error::{Error, Kind};
use crate::resources::Fields as _;
use crate::runs::{self, RunToken, Source, StartedNumber, State as _};

/// A trigger that can be sent.
struct Prepared {
    /// The sync's id.
    id: i64,
    call: Call,
    /// What looking the slug up did.
    resolved: Option<Meta>,
    /// With what time that left.
    options: Options,
}

/// Starts a run, unless one is under way that shall be joined. Where the key was changed after a slug was looked up, it
/// is looked up once more under the new one: the first key of a function is such a change.
pub(crate) async fn start(
    client: &Client,
    sync: &SyncReference,
    how: &TriggerSync,
    options: &Options,
) -> Result<(RunToken, Meta), Error> {
    // Boxed: with the second time it would be twice as large.
    match Box::pin(start_once(client, sync, how, options)).await {
        Err(error) if key_changed(&error) => {
            let (before, rest) = rest(client, options, &error)?;
            let again = Box::pin(start_once(client, sync, how, &rest)).await;
            again
                .map(|(token, meta)| (token, meta.after(before.clone())))
                .map_err(|error| error.after(before.clone()))
        }
        started => started,
    }
}

/// Makes the trigger and gives its answer as it came. There is none where a run may be joined instead.
pub(crate) async fn start_raw(
    client: &Client,
    sync: &SyncReference,
    how: &TriggerSync,
    options: &Options,
) -> Result<RawAnswer, Error> {
    if how.if_running == Some(IfRunning::Join) {
        let what =
            "ifRunning \"join\" has no raw answer of its own: it may send no trigger; nothing was sent";
        return Err(Error::new(Kind::InvalidRequest, what).at(&trigger_call(sync, how)?));
    }
    let once = async |options: Options| {
        let Prepared { call, resolved, options, .. } = prepare(client, sync, how, &options).await?;
        match raw(client, &call, &options).await {
            Ok(answer) => Ok(RawAnswer { meta: answer.meta.after(resolved), ..answer }),
            Err(error) => Err(error.after(resolved)),
        }
    };
    match once(options.clone()).await {
        Err(error) if key_changed(&error) => {
            let (before, rest) = rest(client, options, &error)?;
            match once(rest).await {
                Ok(answer) => Ok(RawAnswer { meta: answer.meta.after(before), ..answer }),
                Err(error) => Err(error.after(before)),
            }
        }
        answer => answer,
    }
}

/// What was done before the error, and the options with what time that left.
fn rest(client: &Client, options: &Options, error: &Error) -> Result<(Option<Meta>, Options), Error> {
    let before = error.meta().cloned();
    let rest = match &before {
        Some(meta) => client.rest_of(options, meta).map_err(|error| error.after(before.clone()))?,
        None => options.clone(),
    };
    Ok((before, rest))
}

async fn start_once(
    client: &Client,
    sync: &SyncReference,
    how: &TriggerSync,
    options: &Options,
) -> Result<(RunToken, Meta), Error> {
    let joins = how.if_running == Some(IfRunning::Join);
    if joins && !is_plain(how) {
        let what = "ifRunning \"join\" takes no other option: a run that is under way may have been started without \
                    it; nothing was sent";
        return Err(Error::new(Kind::InvalidRequest, what).at(&trigger_call(sync, how)?));
    }
    let Prepared { id, call, mut resolved, mut options } = prepare(client, sync, how, options).await?;
    let parent = id.to_string();
    if joins {
        let (found, looked) = runs::under_way::<SyncRun>(client, &parent, &options)
            .await
            .map_err(|error| error.after(resolved.clone()))?;
        if let Some(run) = found {
            let token = RunToken::new(client, SyncRun::KIND, parent, run.id.to_string());
            return Ok((token.from(Source::Joined), looked.after(resolved)));
        }
        options = client.rest_of(&options, &looked).map_err(|error| error.after(resolved.clone()))?;
        resolved = Some(looked.after(resolved));
    }
    let trigger = client.value::<StartedNumber>(&call, &options);
    match runs::started::<SyncRun>(client, parent, is_plain(how), trigger, &options).await {
        Ok((token, meta)) => Ok((token, meta.after(resolved))),
        Err(error) => Err(error.after(resolved)),
    }
}

/// The call that starts a run, by a slug once the sync's id is known: a run is followed by the numeric id.
async fn prepare(
    client: &Client,
    sync: &SyncReference,
    how: &TriggerSync,
    options: &Options,
) -> Result<Prepared, Error> {
    match sync {
        SyncReference::Id(id) => {
            Ok(Prepared { id: *id, call: trigger_call(sync, how)?, resolved: None, options: options.clone() })
        }
        SyncReference::Slug(slug) => {
            let resolved = resolve(client, slug, None, options).await?;
            let options = match &resolved.meta {
                Some(meta) => {
                    client.rest_of(options, meta).map_err(|error| error.after(Some(meta.clone())))?
                }
                None => options.clone(),
            };
            let call = trigger_call(sync, how)?.in_era(resolved.era);
            Ok(Prepared { id: resolved.id, call, resolved: resolved.meta, options })
        }
    }
}

/// Whether no option was set.
fn is_plain(how: &TriggerSync) -> bool {
    how.place().body.map(|body| body.to_string())
        == TriggerSync::default().place().body.map(|body| body.to_string())
}
