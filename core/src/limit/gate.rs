//! The asynchronous gate: one lock around the limit and its queue. Each waiter sleeps in its own future.
//!
//! The gate has no background task and no runtime of its own. Each change of the state also grants every request that
//! may be sent at that time, and wakes the first of the remaining waiters if that waiter would sleep too long. Only the
//! first waiter sleeps until its turn; the other waiters check now and then that the first waiter has not overslept.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::clock::{Clock, clock};
use super::errands::{Courier, Errands};
use super::handover::Handover;
use super::line::{Class, Place};
use super::look::Look;
use super::looks::{Urgency, looks_of};
use super::state::State;
use super::stats::{LimitStats, ScopeChange, ScopeListener};
use super::store::Store;
use super::sync::{FETCHED_WITHIN, Instant, LOOK_AFTER_FIRST, Mutex, MutexGuard, Notify};
use super::told::Told;
use super::turn::{End, Next, Turns};
use super::waiter::Decision;
use super::{NEVER, Nanos, Quota};

/// The first waiter sleeps on behalf of all. At most this many waiters a second check whether it has overslept.
const WATCHES: u64 = 64;

/// The rate limit of one workspace, shared by all its clients in this process.
#[derive(Debug)]
pub struct Gate {
    core: Arc<Core>,
}

/// The locked state of a gate, and the origin of its clock.
#[derive(Debug)]
pub(super) struct Core {
    clock: Clock,
    inner: Mutex<Shared>,
    /// Why the limit is not shared at present although it should be; `None` if nothing is wrong.
    pub(super) fallback: Mutex<Option<String>>,
    /// Whether `changes` holds a change that no call has reported yet: this process began to keep the limit alone, or
    /// shared it again.
    pub(super) untold: AtomicBool,
    pub(super) changes: Mutex<Vec<ScopeChange>>,
    pub(super) told: Told,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) turns: Turns<Arc<Notify>>,
    /// Decisions that waiters have not fetched yet.
    pub(super) answers: BTreeMap<Place, Decision>,
    /// When each grant was made, and for which place in the queue; oldest first. An entry stays after the waiter has
    /// fetched its grant, and `take_back` skips such an entry.
    unfetched: VecDeque<(Nanos, Place)>,
    /// The waiting requests that read the state of a run: the place of each in the queue, by the id of its [`Look`] and
    /// the number of the place.
    pub(super) looking: BTreeMap<(u64, u64), Place>,
    /// The waiter that sleeps on behalf of all waiters, and the time until which it sleeps.
    pub(super) first: Option<(Place, Nanos)>,
    /// The store through which this process shares the limit with other processes; `None` if there is no store.
    pub(super) store: Option<Box<dyn Store>>,
    /// Asks the server that keeps the limit for several machines; `None` if no server keeps the limit.
    pub(super) courier: Option<Box<dyn Courier>>,
    /// The time until which the courier, which asks the server, has nothing to do.
    pub(super) courier_sleeps_until: Nanos,
    /// The name of the file, or of the entry on the server, to which the limit is to move; `None` if the limit need not
    /// move.
    pub(super) joining: Option<String>,
    /// Whether another gate has absorbed this gate.
    pub(super) moved: bool,
    /// The waiters to wake once the lock is released.
    wake: Vec<Arc<Notify>>,
}

impl Gate {
    /// Creates a gate that keeps within `quota`.
    #[must_use]
    pub fn new(quota: Quota) -> Arc<Self> {
        Arc::new(Self { core: Core::new(quota, None) })
    }

    /// Creates a gate that keeps within `quota` together with all other users of `store`.
    ///
    /// If `store` is an error, or once the store is lost, the gate goes on alone: its requests keep within `quota`, but
    /// the requests of other processes are not counted. [`Gate::fallback`] then returns the reason.
    #[must_use]
    pub fn shared(quota: Quota, store: Result<Box<dyn Store>, String>) -> Arc<Self> {
        let (store, why) = match store {
            Ok(store) => (Some(store), None),
            Err(why) => (None, Some(why)),
        };
        let core = Core::new(quota, store);
        core.fall_back(why);
        Arc::new(Self { core })
    }

    /// Creates a gate for a limit of `quota` that a Redis or Valkey server keeps. `courier` creates the courier, which
    /// carries the gate's questions to that server.
    #[must_use]
    pub fn fleet(quota: Quota, courier: impl FnOnce(Errands) -> Box<dyn Courier>) -> Arc<Self> {
        let core = Core::new(quota, None);
        let courier = courier(Errands::new(Arc::downgrade(&core)));
        core.lock().ask_through(quota, core.now(), courier);
        Arc::new(Self { core })
    }

    pub(super) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// Keeps within `quota` from now on, in addition to the earlier quotas.
    pub fn tighten(&self, quota: Quota) {
        self.core.tighten(quota);
    }

    /// Returns whether a gate that has had no users since `idle_since` may be forgotten: `keep` (divided by the time
    /// scale) has passed since that time, no request is in flight, no ended request counts any more, and no refusal
    /// keeps the gate closed.
    #[must_use]
    pub fn may_be_forgotten(&self, idle_since: Instant, keep: Duration) -> bool {
        let now = self.core.now();
        let mut inner = self.core.lock();
        let keep = Duration::from_nanos(inner.turns.state().quota().scaled(keep));
        inner.turns.needed_until(now) <= now && idle_since + keep <= clock()
    }

    /// From now on, multiplies the declared limit by `share`, which is above 0 and at most 1. The product is rounded
    /// down, but at least one request per window remains. The reduced limit holds for all requests of the gate
    /// together. If several shares are set, the smallest one holds. If a Redis or Valkey server keeps the limit, the
    /// share holds only while that server does not answer.
    pub fn set_share(&self, share: f64) {
        self.core.change(|inner, _| inner.turns.set_share(share));
    }

    /// Returns the state of the limit.
    #[must_use]
    pub fn stats(&self) -> LimitStats {
        let mut stats = self.core.change(|inner, now| LimitStats::of(&mut inner.turns, now));
        stats.fallback = self.fallback();
        stats
    }

    /// Returns why the limit is not shared at present although it should be; `None` if nothing is wrong.
    #[must_use]
    pub fn fallback(&self) -> Option<String> {
        self.core.fallback.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns what happened since the last call of this method, oldest first: this process began to keep the limit
    /// alone, or shared it again. Returns only the last four changes if there were more.
    #[must_use]
    pub fn changes_of_scope(&self) -> Vec<ScopeChange> {
        if !self.core.untold.swap(false, Ordering::Relaxed) {
            return Vec::new();
        }
        std::mem::take(&mut *self.core.changes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Calls `listener` each time this process stops sharing the limit with others, and each time it shares the limit
    /// again, until `listener` is dropped. If this process does not share the limit now, calls `listener` at once.
    pub fn on_change_of_scope(&self, listener: &Arc<ScopeListener>) {
        self.core.told.add(listener);
        if let Some(why) = self.fallback() {
            listener(&ScopeChange::Alone(why));
        }
    }

    /// Returns how many looks (requests that read the state of a run) the gate grants in a window at present.
    #[must_use]
    pub fn looks_in_window(&self) -> u64 {
        looks_of(self.core.lock().turns.state().allowed())
    }

    /// Raises the urgency of a look at a run to `urgency`; never lowers it. A raise moves the waiting requests of the
    /// look ahead, and wakes a task that waits for [`Look::urgent`]. The urgency becomes [`Urgency::Usual`] again when
    /// a waiter of the look fetches its permit.
    pub fn hint(&self, look: &Look, urgency: Urgency) {
        if !look.raise(urgency) || !self.core.lock().has(look) {
            return;
        }
        self.core.change(|inner, _| {
            for place in inner.looking.range((look.id(), 0)..=(look.id(), u64::MAX)).map(|(_, place)| place) {
                inner.turns.raise(*place, urgency);
            }
        });
    }

    /// Moves the shared limit to the place (a file, or an entry on a server) with this name; see [`Store::join`]. Does
    /// nothing if the limit is not shared.
    pub fn join(&self, name: &str) {
        self.core.lock().joining = Some(name.to_owned());
        self.core.change(|_, _| ());
    }

    /// Takes over from `other`, because both turned out to be gates of one workspace.
    ///
    /// From now on `other` grants nothing: a request that waits at `other` or comes to it later gets
    /// [`Moved`](super::NotGranted::Moved) at once. Requests that were sent through `other` count at this gate too. The
    /// ended requests count as if they had ended at this gate. The requests in flight count as in flight for at least
    /// another window, because their permits report their ends only to `other`. From now on, this gate keeps the
    /// smaller limit, the later end of a pause and the smaller share of the two gates.
    ///
    /// Does nothing if one of the two gates was absorbed before, or if both are the same gate.
    pub fn absorb(&self, other: &Self) {
        if Arc::ptr_eq(&self.core, &other.core) || self.core.lock().moved {
            return;
        }
        // The locks are taken one after the other and never together, so two gates that absorb each other cannot
        // deadlock.
        let Some((mut handover, place)) = other.core.hand_over() else { return };
        let theirs = &other.core;
        self.core.change(|inner, now| {
            if place.is_some() && place == inner.place() {
                handover.common = None;
            }
            inner.turns.absorb(now, &handover, |time| self.core.clock.nanos(theirs.instant(time)));
        });
        self.core.told.take_over(&theirs.told);
    }
}

impl Core {
    fn new(quota: Quota, store: Option<Box<dyn Store>>) -> Arc<Self> {
        let clock =
            store.as_ref().map_or_else(|| Clock::Since(clock()), |store| Clock::Common(store.clock()));
        let mut turns = Turns::new(quota);
        if store.is_some() {
            turns.share(State::shared(quota, clock.now()));
        }
        let inner = Shared {
            turns,
            answers: BTreeMap::new(),
            unfetched: VecDeque::new(),
            looking: BTreeMap::new(),
            first: None,
            store,
            courier: None,
            courier_sleeps_until: NEVER,
            joining: None,
            moved: false,
            wake: Vec::new(),
        };
        let (fallback, untold, changes) = (Mutex::new(None), AtomicBool::new(false), Mutex::default());
        Arc::new(Self { clock, inner: Mutex::new(inner), fallback, untold, changes, told: Told::default() })
    }

    pub(super) fn now(&self) -> Nanos {
        self.clock.now()
    }

    pub(super) fn instant(&self, time: Nanos) -> Instant {
        self.clock.instant(time)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Shared> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, grants what may be granted now, and wakes the waiters concerned.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut Shared, Nanos) -> R) -> R {
        self.change_locked(self.lock(), change)
    }

    /// Like [`Core::change`], for a caller that holds the lock already.
    pub(super) fn change_locked<R>(
        &self,
        mut inner: MutexGuard<'_, Shared>,
        change: impl FnOnce(&mut Shared, Nanos) -> R,
    ) -> R {
        let asked = self.now();
        let lost = inner.open(asked);
        // The clock is read after the lock of the store was taken, so that no other process has noted a later time.
        let now = self.now();
        if Duration::from_nanos(now.saturating_sub(asked)) >= FETCHED_WITHIN && inner.shares() {
            // This process was stopped while it read the state. Other processes may have changed the state meanwhile,
            // so this change grants nothing.
            inner.turns.withhold();
        }
        let result = change(&mut inner, now);
        inner.let_go(now);
        let lost = lost.or(inner.close(now));
        let lost = lost.or(inner.wake_courier(now));
        let wake = std::mem::take(&mut inner.wake);
        drop(inner);
        self.fall_back(lost);
        self.told.tell();
        // Wakes the waiters outside the lock, because a waker may run any code of an unknown executor.
        for waiter in wake {
            waiter.notify_one();
        }
        result
    }

    pub(super) fn tighten(&self, quota: Quota) {
        self.change(|inner, _| inner.turns.tighten(quota));
    }

    /// Closes this gate for good. Returns what another gate needs to absorb this gate; `None` if this gate was absorbed
    /// before.
    fn hand_over(&self) -> Option<(Handover, Option<String>)> {
        self.change(|inner, now| {
            if std::mem::replace(&mut inner.moved, true) {
                return None;
            }
            inner.turns.settle(now);
            // Grants that no waiter has fetched count as never sent. Their waiters learn that the gate has moved.
            for answer in std::mem::take(&mut inner.answers).into_values() {
                if let Decision::Granted(grant) = answer {
                    inner.turns.end(now, grant, End::NeverSent);
                }
            }
            inner.unfetched.clear();
            inner.looking.clear();
            inner.wake.extend(inner.turns.drain().map(|(_, notify)| notify));
            Some((inner.turns.handover(), inner.place()))
        })
    }
}

impl Shared {
    fn has(&self, look: &Look) -> bool {
        self.looking.range((look.id(), 0)..=(look.id(), u64::MAX)).next().is_some()
    }

    /// Returns how long the waiter at `place` sleeps before it checks whether the first waiter, which sleeps on behalf
    /// of all waiters, overslept. The waiters check in turns, so ten thousand waiters cause no more checks than a
    /// hundred.
    pub(super) fn watch(&self, place: Place, now: Nanos) -> Nanos {
        let beat = self.turns.state().quota().scaled(LOOK_AFTER_FIRST).max(1);
        let waiting: usize = Class::ALL.into_iter().map(|class| self.turns.waiting(class)).sum();
        let turns = waiting as u64 / WATCHES + 1;
        let passed = place.number().wrapping_add(now / beat) % turns;
        beat.saturating_mul(turns - passed)
    }

    /// Fails all waiters, because the server refuses everything.
    pub(super) fn give_up(&mut self, refusing: Duration) {
        for (place, notify) in self.turns.drain() {
            self.answers.insert(place, Decision::Hopeless(refusing));
            self.wake.push(notify);
        }
    }

    fn let_go(&mut self, now: Nanos) {
        let bound = self.turns.state().quota().scaled(FETCHED_WITHIN);
        self.take_back(now, bound);
        loop {
            match self.turns.next(now) {
                Next::Goes(place, notify, grant) => {
                    self.answers.insert(place, Decision::Granted(grant));
                    self.unfetched.push_back((now, place));
                    self.wake.push(notify);
                }
                Next::Later(place, time) => {
                    let due = self.unfetched.front().map_or(NEVER, |(at, _)| at.saturating_add(bound));
                    let time = time.min(due).min(self.looks_at_store(now));
                    // Does not wake a waiter that sleeps until `time` or an earlier time, because that waiter checks
                    // again by itself.
                    let sleeps = self.first.is_some_and(|(first, until)| first == place && until <= time);
                    self.first = Some((place, time));
                    if !sleeps && let Some(notify) = self.turns.at(place) {
                        self.wake.push(Arc::clone(notify));
                    }
                    return;
                }
                Next::Nobody => {
                    self.first = None;
                    return;
                }
            }
        }
    }

    /// Takes back the grants that their waiters did not fetch within `bound`, because a waiter that is not polled must
    /// not keep its grant.
    fn take_back(&mut self, now: Nanos, bound: Nanos) {
        while let Some((at, place)) = self.unfetched.front().copied() {
            if matches!(self.answers.get(&place), Some(Decision::Granted(_))) {
                if now < at.saturating_add(bound) {
                    return;
                }
                if let Some(Decision::Granted(grant)) = self.answers.insert(place, Decision::Missed) {
                    self.turns.end(now, grant, End::NeverSent);
                }
            }
            self.unfetched.pop_front();
        }
    }
}
