//! How a gate uses what is kept of its limit outside the process: a store of the host, or a server.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::errands::Courier;
use super::gate::{Core, Shared};
use super::pool::Pool;
use super::store::Unavailable;
use super::{NEVER, Nanos, Quota};

/// How often the first waiter of a limit that processes share looks whether a request of another process has ended.
const LOOK_AT_STORE: Duration = Duration::from_millis(50);
/// How soon it looks again if another process holds the lock of the store.
const LOOK_AT_LOCK: Duration = Duration::from_millis(2);

impl Core {
    /// Notes why the limit is not shared from now on.
    pub(super) fn fall_back(&self, why: Option<String>) {
        if why.is_some() {
            *self.fallback.lock().unwrap_or_else(PoisonError::into_inner) = why;
            self.untold.store(true, Ordering::Relaxed);
        }
    }

    /// Notes that the limit is shared again.
    pub(super) fn returned(&self) {
        *self.fallback.lock().unwrap_or_else(PoisonError::into_inner) = None;
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

    /// The place where the store keeps the limit.
    pub(super) fn place(&self) -> Option<String> {
        self.store.as_ref().map(|store| store.place())
    }

    /// Whether the limit is shared through a store.
    pub(super) fn shares(&self) -> bool {
        self.store.is_some()
    }

    pub(super) fn ask_through(&mut self, quota: Quota, now: Nanos, courier: Box<dyn Courier>) {
        self.turns.draw_from(Pool::new(quota, now));
        self.courier = Some(courier);
    }

    /// Wakes the courier if it has something to do before it wakes by itself.
    pub(super) fn wake_courier(&mut self, now: Nanos) {
        if self.courier.is_none() {
            return;
        }
        let wanted = self.turns.wanted(now);
        let asks_at = self.turns.pool().map_or(NEVER, |pool| pool.asks_at(now, wanted));
        let moves = self.joining.is_some() && self.turns.pool().is_some_and(|pool| !pool.is_down());
        if asks_at < self.courier_sleeps_until || moves {
            self.courier_sleeps_until = 0;
            if let Some(courier) = &self.courier {
                courier.wake();
            }
        }
    }

    fn lost(&mut self, now: Nanos, result: Result<(), Unavailable>) -> Option<String> {
        let Err(Unavailable::Lost(why)) = result else { return None };
        self.turns.unshare(now);
        self.store = None;
        Some(why)
    }

    /// When the first waiter looks at the store again, because what other processes do wakes nobody here.
    pub(super) fn looks_at_store(&self, now: Nanos) -> Nanos {
        let pause = match &self.store {
            None => return NEVER,
            Some(_) if self.turns.can_grant() => LOOK_AT_STORE,
            Some(_) => LOOK_AT_LOCK,
        };
        now.saturating_add(self.turns.state().quota().scaled(pause).max(1))
    }
}
