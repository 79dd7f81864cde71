//! Starts a run of a sync: prepares the trigger, or joins a run that is in progress.

use super::slugs::{BySlug, resolve};
use super::trigger::trigger_call;
use super::{IfRunning, SyncReference, SyncRun, TriggerSync};
use crate::call::{Call, Spent};
use crate::error::{Error, Kind};
use crate::message::Name;
use crate::operation::{Fields as _, OfRun as _};
use crate::runs::{self, RunOrigin, RunToken};
use crate::sender::{Event, Sender, tell};

/// A trigger that is ready to be sent.
struct Prepared {
    /// The sync's id, which is needed to follow the run.
    id: i64,
    call: Call,
}

/// Starts a run. With `join`, returns the newest run in progress instead, if the sync has a run in progress.
pub(crate) async fn start(
    sender: &Sender,
    sync: &SyncReference,
    how: &TriggerSync,
    spent: &mut Spent,
) -> Result<RunToken, Error> {
    let mut by_slug = BySlug::default();
    loop {
        let call = trigger_call(sync, how)?;
        match Box::pin(start_once(sender, sync, how, spent)).await {
            Err(error) if by_slug.again(sender, &call, &error) => {}
            started => return started,
        }
    }
}

async fn start_once(
    sender: &Sender,
    sync: &SyncReference,
    how: &TriggerSync,
    spent: &mut Spent,
) -> Result<RunToken, Error> {
    let joins = how.if_running == Some(IfRunning::Join);
    if let Err(error) = check_join(how, spent.raw) {
        return Err(sender.error_at(&trigger_call(sync, how)?, error));
    }
    let Prepared { id, call } = prepare(sender, sync, how, spent).await?;
    let parent = id.to_string();
    spent.sync = Some(id);
    if joins {
        let mut looking = spent.beside(None);
        let found = runs::under_way::<SyncRun>(sender, &parent, &mut looking).await;
        spent.add(looking);
        let found = found.map_err(|error| sender.error_at(&call, error.with_meta(spent.meta())))?;
        if let Some(run) = found {
            tell(&spent.meta(), spent.waited_so_far(), &Event::Joined(run.id.to_string()));
            let token = RunToken::new(sender, SyncRun::KIND, parent, run.id.to_string());
            return Ok(token.from(RunOrigin::Joined));
        }
        if spent.left().is_some_and(|left| left.is_zero()) {
            let what = "the deadline passed before the request that starts the run was sent";
            let error = Error::new(Kind::Timeout, what).with_meta(spent.meta());
            return Err(sender.error_at(&call, error));
        }
    }
    runs::started::<SyncRun>(sender, parent, is_plain(how), &call, spent).await
}

/// Returns an error if `join` is combined with another option of the trigger or with a raw answer.
pub(crate) fn check_join(how: &TriggerSync, raw: bool) -> Result<(), Error> {
    if how.if_running != Some(IfRunning::Join) || !raw && is_plain(how) {
        return Ok(());
    }
    let why = if raw {
        " must not be \"join\" if you ask for the raw answer, because a call that joins a run sends no trigger. Nothing was \
         sent"
    } else {
        " \"join\" cannot be combined with other options of the trigger, because a run in progress may have been started \
         without them. Nothing was sent"
    };
    Err(Error::new(Kind::InvalidRequest, message![Name("ifRunning"), why]))
}

/// Prepares the call that starts a run. Looks up the sync's id if the caller named the sync by its slug.
async fn prepare(
    sender: &Sender,
    sync: &SyncReference,
    how: &TriggerSync,
    spent: &mut Spent,
) -> Result<Prepared, Error> {
    let call = trigger_call(sync, how)?;
    match sync {
        SyncReference::Id(id) => Ok(Prepared { id: *id, call }),
        SyncReference::Slug(slug) => {
            let found = resolve(sender, slug, &call, true, spent).await?;
            Ok(Prepared { id: found.id, call: call.bound_to(found.key) })
        }
    }
}

/// Whether every option in the request to the server has its default value.
pub(crate) fn is_plain(how: &TriggerSync) -> bool {
    how.place().body.map(|body| body.to_string())
        == TriggerSync::default().place().body.map(|body| body.to_string())
}
