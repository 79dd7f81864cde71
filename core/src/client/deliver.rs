//! What stands around a request: looking a slug up, the key that a function gives, and telling hooks.

use std::future::Future;

use tokio::time::Instant;

use super::interrupt::cancelled;
use super::send::key_changed;
use super::{Answer, Call, Client, Meta, Options};
use crate::error::{Error, Kind};
use crate::resources;

impl Client {
    /// Makes a call and tells the hooks.
    pub(crate) async fn told<R>(
        &self,
        call: &Call,
        made: impl Future<Output = Result<R, Error>>,
        meta: impl Fn(&R) -> &Meta,
    ) -> Result<R, Error> {
        self.0.hooks.started(call);
        // What a caller gave is in errors too, and may be the key where it does not belong.
        let made = made.await.map_err(|error| error.scrubbed(|text| self.scrub(text)));
        match &made {
            Ok(answer) => self.0.hooks.ended(meta(answer), None),
            Err(error) => self.0.hooks.ended(error.meta().unwrap_or(&Meta::new(call)), Some(error)),
        }
        made
    }

    /// Makes a call; a sync that its path names by slug is looked up first.
    pub(crate) async fn send(&self, call: &Call, options: &Options) -> Result<Answer, Error> {
        let Some(slug) = call.slug() else { return self.send_ready(call, options).await };
        let mut before: Option<Meta> = None;
        loop {
            let rest = self.rest_after(options, before.as_ref())?;
            // Boxed: looking it up is a call as well.
            let found = Box::pin(resources::resolve(self, slug, Some(call), &rest)).await;
            let resolved = found.map_err(|error| error.after(before.clone()))?;
            let again = before.is_some();
            before = match resolved.meta {
                Some(meta) => Some(meta.after(before)),
                None => before,
            };
            let rest = self.rest_after(options, before.as_ref())?;
            let ready = call.clone().with_sync(resolved.id).in_era(resolved.era);
            match Box::pin(self.send_ready(&ready, &rest)).await {
                Ok(mut answer) => {
                    answer.meta = answer.meta.after(before);
                    return Ok(answer);
                }
                // The key was changed in between: it is looked up once more under the new one.
                Err(error) if key_changed(&error) && !again => {
                    before = error.after(before).meta().cloned();
                }
                Err(error) => {
                    if error.kind() == Kind::NotFound {
                        self.slugs().forget(resolved.id);
                    }
                    return Err(error.after(before));
                }
            }
        }
    }

    /// The options with the time that what was done before has left.
    fn rest_after(&self, options: &Options, before: Option<&Meta>) -> Result<Options, Error> {
        match before {
            None => Ok(options.clone()),
            Some(meta) => self.rest_of(options, meta).map_err(|error| error.after(Some(meta.clone()))),
        }
    }

    /// Makes a call that has all it needs, and once again where the key was refused and there is a new one.
    async fn send_ready(&self, call: &Call, options: &Options) -> Result<Answer, Error> {
        let began = Instant::now();
        // Nothing was refused yet: the first key is no repetition.
        if self.key_digest().is_none() {
            self.renew(call, None, began, options).await?;
        }
        let sent = Instant::now();
        let error = match self.send_once(call, options).await {
            Err(error) if error.kind() == Kind::Authentication => error,
            sent => return sent,
        };
        let mut refused = error.meta().cloned().unwrap_or_else(|| Meta::new(call));
        let renewed = self.renew(call, refused.key.0, sent, options).await;
        // The function's time is a part of the call's.
        refused.duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        match renewed {
            Ok(false) => Err(error),
            Ok(true) => {
                let rest = self.rest_after(options, Some(&refused))?;
                // Boxed: it is rare, and every call would carry the room for it.
                match Box::pin(self.send_once(call, &rest)).await {
                    Ok(mut answer) => {
                        answer.meta = answer.meta.after(Some(refused));
                        Ok(answer)
                    }
                    Err(error) => Err(error.after(Some(refused))),
                }
            }
            Err(error) => Err(error.after(Some(refused))),
        }
    }

    /// Asks for another key, unless the call is over first.
    async fn renew(
        &self,
        call: &Call,
        used: Option<[u8; 32]>,
        began: Instant,
        options: &Options,
    ) -> Result<bool, Error> {
        let deadline = options.deadline(self.config());
        let expired = async {
            match deadline.and_then(|deadline| began.checked_add(deadline)) {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        let asked = tokio::select! {
            biased;
            () = self.0.closed.cancelled() => Err(Error::new(Kind::Closed, "the client is closed")),
            () = cancelled() => Err(Error::new(Kind::Cancelled, "the call was cancelled")),
            () = expired => Err(Error::new(Kind::Timeout, "the deadline passed while the key was asked for")),
            asked = self.renewed(used, began) => asked,
        };
        asked.map_err(|error| error.at(call))
    }
}
