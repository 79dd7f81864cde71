//! Starting a run of a sync: what comes before the trigger, and after one whose answer was lost.

use super::trigger::trigger_call;
use super::{IfRunning, SyncReference, SyncRun, TriggerSync, resolve};
use crate::client::{Call, Client, Meta, Options};
use crate::error::{Error, Kind};
use crate::resources::Fields as _;
use crate::runs::{self, Lost, RunToken, Source, StartedNumber, State as _};

/// A trigger that can be sent.
pub(crate) struct Prepared {
    /// The sync's id.
    pub id: i64,
    pub call: Call,
    /// What looking the slug up did.
    pub resolved: Option<Meta>,
    /// With what time that left.
    pub options: Options,
}

/// Starts a run, unless one is under way that shall be joined.
pub(crate) async fn start(
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
    match client.value::<StartedNumber>(&call, &options).await {
        Ok((started, meta)) => {
            let token = RunToken::new(client, SyncRun::KIND, parent, started.id.to_string());
            Ok((token, meta.after(resolved)))
        }
        Err(error) => {
            let lost = Lost { client, parent: &parent, plain: is_plain(how), error, options: &options };
            let (run, meta) =
                SyncRun::recovered(lost).await.map_err(|error| error.after(resolved.clone()))?;
            let token = RunToken::new(client, SyncRun::KIND, parent, run);
            Ok((token.from(Source::Adopted), meta.after(resolved)))
        }
    }
}

/// The call that starts a run, by a slug once the sync's id is known: a run is followed by the numeric id.
pub(crate) async fn prepare(
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

/// The call whose raw answer is given. There is none where a run may be joined instead.
pub(crate) async fn prepare_raw(
    client: &Client,
    sync: &SyncReference,
    how: &TriggerSync,
    options: &Options,
) -> Result<Prepared, Error> {
    if how.if_running == Some(IfRunning::Join) {
        let what =
            "ifRunning \"join\" has no raw answer of its own: it may send no trigger; nothing was sent";
        return Err(Error::new(Kind::InvalidRequest, what).at(&trigger_call(sync, how)?));
    }
    prepare(client, sync, how, options).await
}

/// Whether no option was set.
fn is_plain(how: &TriggerSync) -> bool {
    how.place().body.map(|body| body.to_string())
        == TriggerSync::default().place().body.map(|body| body.to_string())
}
