//! How a gate uses a limit that is kept outside the process: in a store on this machine, or on a server.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::errands::Courier;
use super::gate::{Core, Shared};
use super::pool::Pool;
use super::stats::ScopeChange;
use super::store::Unavailable;
use super::turn::Grant;
use super::{NEVER, Nanos, Quota};

/// How often the first waiter checks whether a request of another process has ended.
const LOOK_AT_STORE: Duration = Duration::from_millis(50);
/// How soon the first waiter checks again while another process holds the lock of the store.
const LOOK_AT_LOCK: Duration = Duration::from_millis(2);
/// At most this many changes of the scope (this process keeps the limit alone, or shares it again) wait until a call
/// reports them. Older changes are dropped.
const UNTOLD_CHANGES: usize = 4;

impl Core {
    /// Notes that this process keeps the limit alone from now on, and why. Does nothing if `why` is `None`.
    pub(super) fn fall_back(&self, why: Option<String>) {
        if let Some(why) = why {
            *self.fallback.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.clone());
            self.has_changed(ScopeChange::Alone(why));
        }
    }

    /// Notes that the limit is shared again.
    pub(super) fn returned(&self) {
        *self.fallback.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.has_changed(ScopeChange::Shared);
    }

    fn has_changed(&self, change: ScopeChange) {
        self.told.note(&change);
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        changes.push(change);
        let old = changes.len().saturating_sub(UNTOLD_CHANGES);
        changes.drain(..old);
        drop(changes);
        self.untold.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    /// Locks the store and reads the shared limit. Returns the reason if the store is lost for good. If the store is
    /// only busy, returns `None` and leaves the limit closed.
    pub(super) fn open(&mut self, now: Nanos) -> Option<String> {
        let store = self.store.as_mut()?;
        let joining = &mut self.joining;
        let opened = self.turns.opened(now, |state| {
            store.open(state)?;
            match joining.take().map(|name| (store.join(&name, state), name)) {
                Some((Err(Unavailable::Busy), name)) => *joining = Some(name),
                Some((Err(lost), _)) => return Err(lost),
                Some((Ok(()), _)) | None => {}
            }
            Ok(())
        });
        self.lost(now, opened)
    }

    /// Writes the shared limit to the store and unlocks the store. Returns the reason if the store is lost for good.
    pub(super) fn close(&mut self, now: Nanos) -> Option<String> {
        let closed = self.store.as_mut()?.close(self.turns.closed()?);
        self.lost(now, closed)
    }

    /// Writes a note to the store: the request with this grant was answered, so it has ended. Returns the grant if no
    /// note was written, for example because the limit must move to another place first; the caller must then change
    /// the shared limit instead.
    pub(super) fn note_end(&mut self, now: Nanos, grant: Grant) -> Option<Grant> {
        let store = self.store.as_mut().filter(|_| self.joining.is_none() && self.answers.is_empty());
        let is_noted =
            store.zip(self.turns.end_note(now, &grant)).is_some_and(|(store, note)| store.note(&note));
        if !is_noted {
            return Some(grant);
        }
        self.turns.ended_with_note(now, grant);
        None
    }

    /// The place where the store keeps the limit.
    pub(super) fn place(&self) -> Option<String> {
        self.store.as_ref().map(|store| store.place())
    }

    pub(super) fn shares(&self) -> bool {
        self.store.is_some()
    }

    pub(super) fn ask_through(&mut self, quota: Quota, now: Nanos, courier: Box<dyn Courier>) {
        self.turns.draw_from(Pool::new(quota, now));
        self.courier = Some(courier);
    }

    /// Wakes the courier, which asks the server, if there is something to ask before the courier wakes by itself. If
    /// the courier cannot run, this process keeps the limit alone from now on. Returns the reason, unless this process
    /// kept the limit alone already.
    pub(super) fn wake_courier(&mut self, now: Nanos) -> Option<String> {
        let courier = self.courier.as_ref()?;
        let wanted = self.turns.wanted(now);
        let pool = self.turns.pool_mut()?;
        let moves = self.joining.is_some() && !pool.is_down();
        let asks_at = pool.asks_at(now, wanted);
        let asks = asks_at < self.courier_sleeps_until && (asks_at <= now || !pool.is_down());
        if !asks && !moves {
            return None;
        }
        match courier.wake() {
            Ok(()) => {
                self.courier_sleeps_until = 0;
                None
            }
            Err(why) => {
                let was_down = pool.is_down();
                let question = pool.question(now, wanted);
                pool.unanswered(now, question);
                // Every question is due before `NEVER`, so the next question tries again to wake the courier.
                self.courier_sleeps_until = NEVER;
                (!was_down).then_some(why)
            }
        }
    }

    fn lost(&mut self, now: Nanos, result: Result<(), Unavailable>) -> Option<String> {
        let Err(Unavailable::Lost(why)) = result else { return None };
        self.turns.unshare(now);
        self.store = None;
        Some(why)
    }

    /// When the first waiter checks the store again. The waiter must check, because changes by other processes wake no
    /// waiter of this process.
    pub(super) fn looks_at_store(&self, now: Nanos) -> Nanos {
        let pause = match &self.store {
            None => return NEVER,
            Some(_) if self.turns.can_grant() => LOOK_AT_STORE,
            Some(_) => LOOK_AT_LOCK,
        };
        now.saturating_add(self.turns.state().quota().scaled(pause).max(1))
    }
}
