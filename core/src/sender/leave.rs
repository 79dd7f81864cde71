//! Waits for a permit to send one request, and sends notices of long waits.

use std::pin::{Pin, pin};
use std::time::Duration;

use tokio::time::Instant;

use super::attempts::sent;
use super::notices::tell_of;
use super::{Event, Sender, millis};
use crate::attempt::{Meta, ScopeChanged};
use crate::call::{Call, Spent};
use crate::error::{Error, Kind};
use crate::limit::{Ask, NotGranted, Permit, Scope, ScopeChange};
use crate::reason::Reason;
use crate::text::span;

/// How long a call waits for the limit before a notice is sent.
const LONG_WAIT: Duration = Duration::from_secs(5);

impl Sender {
    /// Waits for a permit to send one request.
    pub(super) async fn leave(
        &self,
        call: &Call,
        spent: &mut Spent,
        meta: &mut Meta,
        rejoin: bool,
    ) -> Result<Permit, Error> {
        let class = call.class(&spent.options);
        let began = Instant::now();
        let taken = loop {
            let ask = Ask { class, max_wait: spent.wait(), rejoin, look: call.look().cloned() };
            let workspace = self.workspace()?;
            let acquired = pin!(workspace.gate().acquire(ask));
            // A look (a request that reads a followed run) sends no notice. It often waits long, because all looks
            // share a small part of the limit.
            let taken = match call.look() {
                Some(_) => acquired.await,
                None => self.told_while_waiting(acquired, meta, spent).await,
            };
            match taken {
                Ok(permit) => break Ok(permit),
                Err(NotGranted::TooLong(at_least)) => {
                    break Err(spent.refusal(at_least, !meta.attempts.is_empty()));
                }
                Err(NotGranted::Hopeless(since)) => break Err(self.hopeless(since)),
                // The workspace was merged into another workspace. The loop waits next at the gate of that workspace.
                Err(NotGranted::Moved) => {}
            }
        };
        let waited = began.elapsed();
        spent.waited(waited);
        self.tell_of_scope(meta, spent, spent.waited_so_far());
        if taken.is_ok() && call.look().is_none() && waited >= self.scaled(LONG_WAIT) {
            tell_of(
                meta,
                sent(spent, meta),
                spent.waited_so_far(),
                &Event::Waited(waited.mul_f64(self.config().scale)),
            );
        }
        meta.waited_ms = meta.waited_ms.saturating_add(millis(waited));
        taken
    }

    /// Sends a notice of each change of the limit's scope that no call has reported yet: this process stopped sharing
    /// the limit, or shares it again. Adds the changes to `meta`.
    fn tell_of_scope(&self, meta: &mut Meta, spent: &Spent, waited: Duration) {
        let Ok(workspace) = self.workspace() else { return };
        for change in workspace.gate().changes_of_scope() {
            let (event, scope, fallback) = match change {
                ScopeChange::Alone(why) => (Event::Alone(why.clone()), Scope::Process, Some(why)),
                ScopeChange::Shared => (Event::Shared, workspace.gate().stats().scope, None),
            };
            meta.scope_changes.push(ScopeChanged::new(scope, fallback));
            tell_of(meta, sent(spent, meta), waited, &event);
        }
    }

    /// Waits for the permit. Sends a notice if the wait takes long, and a notice of each change of the limit's scope.
    async fn told_while_waiting<T>(
        &self,
        mut acquired: Pin<&mut impl Future<Output = T>>,
        meta: &mut Meta,
        spent: &Spent,
    ) -> T {
        let mut waited = Duration::ZERO;
        loop {
            // The timer is polled only if the permit is not granted at once, so that most calls set no timer.
            tokio::select! {
                biased;
                taken = &mut acquired => return taken,
                () = crate::timers::sleep(self.scaled(LONG_WAIT)) => {}
            }
            let is_first = waited.is_zero();
            waited += self.scaled(LONG_WAIT);
            let so_far = spent.waited_so_far() + waited;
            self.tell_of_scope(meta, spent, so_far);
            if is_first {
                tell_of(meta, sent(spent, meta), so_far, &Event::Waiting(LONG_WAIT));
            }
        }
    }

    /// The error of a call if the server has refused every request for the duration `since`.
    pub(super) fn hopeless(&self, since: Duration) -> Error {
        let since = span(since.mul_f64(self.config().scale));
        let what = format!("the server has refused every request (429) for {since}");
        Error::new(Kind::RateLimited, what).with_status(429).with_reason(Reason::QuotaExhausted).with_hint(
            "Something else uses up the workspace's limit, or the server refuses this client. Try again later.",
        )
    }
}
