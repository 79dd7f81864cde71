//! The asynchronous gate: one lock over the state, and waiters who sleep by themselves.
//!
//! There is no task in the background and no runtime of the gate's own. Whoever changes something lets go
//! whoever may go then, and tells the first of the others if its time has changed; that one sleeps until
//! its time. Waiters may live on different runtimes.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::backoff::Refusal;
use super::line::{Class, Lane, Place};
use super::permit::Permit;
use super::sync::{Instant, LOOK_AFTER_FIRST, Mutex, MutexGuard, Notify, timeout_at};
use super::turn::{End, Grant, Next, OPEN_LANE, Turns};
use super::{NEVER, Nanos, Quota};

/// The clock: the one place that reads it. It stands still in tests that pause tokio's.
fn clock() -> Instant {
    Instant::now()
}

/// One limit for all clients of a process that share an origin and a key.
#[derive(Debug)]
pub struct Gate {
    core: Arc<Core>,
}

/// What outlives the last user of a gate for a while.
#[derive(Debug)]
pub(super) struct Core {
    born: Instant,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    turns: Turns<Arc<Notify>>,
    /// Granted, and not fetched by their waiters yet.
    ready: BTreeMap<Place, Grant>,
    /// Who sleeps until when on behalf of all.
    first: Option<(Place, Nanos)>,
    idle_since: Option<Instant>,
}

/// It would take longer than the caller wants to wait; nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// How long it would have taken at least, from the call of `acquire`.
    pub at_least: Duration,
}

/// How many wait, by class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Waiting triggers.
    pub trigger: usize,
    /// Waiting polls.
    pub poll: usize,
    /// Waiting reads.
    pub read: usize,
    /// Waiting bulk reads.
    pub bulk: usize,
}

/// The limit as the gate sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitStats {
    /// Requests that are declared for a window.
    pub limit: u64,
    /// Requests that are let through in a window now: fewer than `limit` after refusals.
    pub allowed: u64,
    /// Requests handed over and not ended; those given up stay here for 5 s.
    pub in_flight: u64,
    /// Requests that weigh on the last window: in flight, or ended within it.
    pub used: u64,
    /// Requests that wait.
    pub waiting: Waiting,
    /// For how long nothing is let through, after a refusal.
    pub closed_for: Duration,
    /// Refusals (429) seen so far.
    pub refused: u64,
    /// Requests let through so far, without those that never were sent.
    pub granted: u64,
}

impl Gate {
    /// A gate of its own, shared with nobody.
    #[must_use]
    pub fn new(quota: Quota) -> Arc<Self> {
        Arc::new(Self { core: Core::new(quota) })
    }

    pub(super) fn over(core: Arc<Core>) -> Arc<Self> {
        core.lock().idle_since = None;
        Arc::new(Self { core })
    }

    pub(super) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// A client's way through the gate. A `share` below 1 caps this one client: it may use that part of
    /// the declared quota (rounded down, at least one request) even while nobody else uses the rest. The
    /// cap is a limit of its own with the same rule, and a request needs leave from both.
    #[must_use]
    pub fn with_share(self: &Arc<Self>, share: f64) -> GateHandle {
        let lane = if share < 1.0 { self.core.lock().turns.open_lane(share) } else { OPEN_LANE };
        GateHandle { gate: Arc::clone(self), lane }
    }

    /// The limit as it stands.
    #[must_use]
    pub fn stats(&self) -> LimitStats {
        let mut inner = self.core.lock();
        let now = inner.turns.settle(self.core.now());
        let turns = &inner.turns;
        let state = turns.state();
        LimitStats {
            limit: state.declared(),
            allowed: state.allowed(),
            in_flight: state.in_flight(),
            used: state.in_flight() + state.ended_recently(),
            waiting: Waiting {
                trigger: turns.waiting(Class::Trigger),
                poll: turns.waiting(Class::Poll),
                read: turns.waiting(Class::Read),
                bulk: turns.waiting(Class::Bulk),
            },
            closed_for: Duration::from_nanos(state.closed_until().saturating_sub(now)),
            refused: state.refused_total(),
            granted: state.granted_total(),
        }
    }

    pub(super) fn end(&self, grant: Grant, end: End) {
        self.core.change(|inner, now| inner.turns.end(now, grant, end));
    }

    pub(super) fn refused(&self, grant: Grant, retry_after: Option<Duration>) -> Refusal {
        let jitter = fastrand::u32(..);
        self.core.change(|inner, now| inner.turns.refused(now, grant, retry_after, jitter))
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.core.lock().idle_since = Some(clock());
    }
}

/// One client's way through a gate.
#[derive(Debug)]
pub struct GateHandle {
    gate: Arc<Gate>,
    lane: Lane,
}

impl GateHandle {
    /// The gate behind it.
    #[must_use]
    pub fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// Waits for leave to send one request. `rejoin` is for a request that was refused (429) and puts it
    /// at the head of its class. Dropping the future gives its place back at once.
    ///
    /// # Errors
    /// [`Refused`] when `max_wait` would not be enough: at once if that is known already, else when it
    /// has passed.
    pub async fn acquire(
        &self,
        class: Class,
        max_wait: Option<Duration>,
        rejoin: bool,
    ) -> Result<Permit, Refused> {
        let core = &self.gate.core;
        let started = clock();
        let deadline = max_wait.and_then(|wait| started.checked_add(wait));
        let notify = Arc::new(Notify::new());
        let place = core.change(|inner, now| {
            if let Some(deadline) = deadline {
                let earliest = core.instant(inner.turns.no_earlier_than(now, class, self.lane));
                if earliest > deadline {
                    return Err(Refused { at_least: earliest.saturating_duration_since(started) });
                }
            }
            Ok(inner.turns.join(now, class, self.lane, rejoin, Arc::clone(&notify)))
        })?;
        let mut spot = Spot { core, place: Some(place) };
        loop {
            let until = match spot.look(deadline) {
                Look::Granted(grant) => {
                    let waited = core.instant(grant.at()).saturating_duration_since(started);
                    return Ok(Permit::new(Arc::clone(&self.gate), grant, waited));
                }
                Look::TooLate(earliest) => {
                    return Err(Refused { at_least: earliest.saturating_duration_since(started) });
                }
                Look::Sleep(until) => until,
            };
            if timeout_at(until, notify.notified()).await.is_err() {
                core.change(|_, _| ());
            }
        }
    }
}

impl Drop for GateHandle {
    fn drop(&mut self) {
        if self.lane != OPEN_LANE {
            self.gate.core.lock().turns.close_lane(self.lane);
        }
    }
}

/// A waiter's place, given back when its future is dropped.
struct Spot<'a> {
    core: &'a Core,
    place: Option<Place>,
}

enum Look {
    Granted(Grant),
    TooLate(Instant),
    Sleep(Instant),
}

impl Spot<'_> {
    fn look(&mut self, deadline: Option<Instant>) -> Look {
        let mut inner = self.core.lock();
        let Some(place) = self.place else {
            return Look::Sleep(clock());
        };
        if let Some(grant) = inner.ready.remove(&place) {
            self.place = None;
            return Look::Granted(grant);
        }
        let now = self.core.now();
        if deadline.is_some_and(|deadline| deadline <= clock()) {
            let earliest = inner.turns.no_earlier_than(now, place.class, place.lane);
            return Look::TooLate(self.core.instant(earliest).max(clock()));
        }
        let until = match inner.first {
            Some((first, time)) if first == place => time,
            _ => now.saturating_add(inner.turns.state().quota().scaled(LOOK_AFTER_FIRST)),
        };
        let until = self.core.instant(until);
        Look::Sleep(deadline.map_or(until, |deadline| until.min(deadline)))
    }
}

impl Drop for Spot<'_> {
    fn drop(&mut self) {
        let Some(place) = self.place else { return };
        self.core.change(|inner, now| match inner.ready.remove(&place) {
            Some(grant) => inner.turns.end(now, grant, End::NeverSent),
            None => drop(inner.turns.leave(place)),
        });
    }
}

impl Core {
    fn new(quota: Quota) -> Arc<Self> {
        let inner = Inner { turns: Turns::new(quota), ready: BTreeMap::new(), first: None, idle_since: None };
        Arc::new(Self { born: clock(), inner: Mutex::new(inner) })
    }

    fn now(&self) -> Nanos {
        Nanos::try_from(clock().saturating_duration_since(self.born).as_nanos()).unwrap_or(NEVER - 1)
    }

    /// The instant of a time of the state; far away for [`NEVER`].
    fn instant(&self, time: Nanos) -> Instant {
        let far = Duration::from_hours(365 * 24);
        self.born + Duration::from_nanos(time).min(clock().saturating_duration_since(self.born) + far)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, lets go whoever may go now, and wakes whom that concerns.
    fn change<R>(&self, change: impl FnOnce(&mut Inner, Nanos) -> R) -> R {
        let mut inner = self.lock();
        let now = self.now();
        let result = change(&mut inner, now);
        let wake = inner.let_go(now);
        drop(inner);
        // Outside of the lock: waking may run code of an executor that we do not know.
        for waiter in wake {
            waiter.notify_one();
        }
        result
    }

    /// Keeps `quota` as well from now on.
    pub(super) fn tighten(&self, quota: Quota) {
        self.change(|inner, _| inner.turns.tighten(quota));
    }

    /// Whether a gate without users may be forgotten: 30 s after the last one, and not before what was
    /// sent has left every window and a pause that the server asked for is over.
    pub(super) fn expired(&self, keep: Duration) -> bool {
        let inner = self.lock();
        let Some(since) = inner.idle_since else {
            return false;
        };
        let state = inner.turns.state();
        let keep = state.quota().scaled(keep).max(state.memory());
        let over = (since + Duration::from_nanos(keep)).max(self.instant(state.closed_until()));
        over <= clock()
    }
}

impl Inner {
    fn let_go(&mut self, now: Nanos) -> Vec<Arc<Notify>> {
        let mut wake = Vec::new();
        loop {
            match self.turns.next(now) {
                Next::Goes(place, notify, grant) => {
                    self.ready.insert(place, grant);
                    wake.push(notify);
                }
                Next::Later(place, time) => {
                    // Whoever sleeps until an earlier time looks again by itself then.
                    let sleeps = self.first.is_some_and(|(first, until)| first == place && until <= time);
                    self.first = Some((place, time));
                    if !sleeps && let Some(notify) = self.turns.at(place) {
                        wake.push(Arc::clone(notify));
                    }
                    return wake;
                }
                Next::Nobody => {
                    self.first = None;
                    return wake;
                }
            }
        }
    }
}
