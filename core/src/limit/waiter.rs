//! One request that waits at the gate.

use std::sync::Arc;
use std::time::Duration;

use super::Nanos;
use super::clock::clock;
use super::gate::{Core, Gate};
use super::line::{Class, Place};
use super::look::Look;
use super::permit::Permit;
use super::sync::{FETCHED_WITHIN, Instant, Notify, timeout_at};
use super::turn::{End, Grant};

/// What a request asks of the gate.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The class of the request.
    pub class: Class,
    /// The longest wait; unlimited if `None`. With zero, the request is granted at once or fails.
    pub max_wait: Option<Duration>,
    /// Whether the request was refused (429) and waits again. Such a request goes to the head of its class.
    pub rejoin: bool,
    /// The priority of the run that the request looks at; `None` if the request looks at no run. Requests that look at
    /// runs wait in a queue of their own, the lane, and count as polls whatever their class. Together they get a tenth
    /// of the limit.
    pub look: Option<Arc<Look>>,
}

impl Ask {
    /// Creates an [`Ask`] for a request of `class` that waits for as long as necessary.
    #[must_use]
    #[allow(dead_code)] // Used by core/limit-proofs.
    pub fn new(class: Class) -> Self {
        Self { class, max_wait: None, rejoin: false, look: None }
    }
}

/// Why the gate granted no permit. The request was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotGranted {
    /// The wait would be longer than `max_wait`. It would take at least this long, counted from the call of `acquire`.
    TooLong(Duration),
    /// The server has refused everything for this long, and refused one more request while this request waited.
    Hopeless(Duration),
    /// Another gate has taken over the limit of this gate. Ask the other gate.
    Moved,
}

/// A decision that the waiter has not fetched yet.
#[derive(Debug)]
pub(super) enum Decision {
    Granted(Grant),
    /// The request was granted, but its waiter did not fetch the grant in time, so the gate took the grant back.
    Missed,
    Hopeless(Duration),
}

enum WaitStep {
    Granted(Grant),
    Sleep(Instant),
}

/// A request that waits at the gate. Dropping a `Waiter` releases its place in the queue.
struct Waiter<'a> {
    core: &'a Core,
    ask: &'a Ask,
    notify: Arc<Notify>,
    place: Option<Place>,
    started: Instant,
    deadline: Option<Instant>,
}

impl Gate {
    /// Waits for permission to send one request. Dropping the future releases its place at once. A future that nobody
    /// polls delays the other waiters by a few seconds at most, if the other waiters are polled.
    ///
    /// # Errors
    /// [`NotGranted::TooLong`] if no permit is granted within `max_wait`: at once if the wait is certain to be too
    /// long, otherwise once `max_wait` has passed. [`NotGranted::Hopeless`] if the server has refused everything for
    /// minutes, and refuses another request while this request waits. [`NotGranted::Moved`] if another gate has
    /// absorbed this gate, or absorbs it during the wait.
    pub async fn acquire(self: &Arc<Self>, ask: Ask) -> Result<Permit, NotGranted> {
        let started = clock();
        let deadline = ask.max_wait.and_then(|wait| started.checked_add(wait));
        let notify = Arc::new(Notify::new());
        let mut spot = Waiter { core: self.core(), ask: &ask, notify, place: None, started, deadline };
        spot.join(ask.rejoin)?;
        loop {
            let until = match spot.step()? {
                WaitStep::Granted(grant) => return Ok(Permit::new(Arc::clone(self), grant)),
                WaitStep::Sleep(until) => until,
            };
            if timeout_at(until, spot.notify.notified()).await.is_err() {
                spot.core.change(|_, _| ());
            }
        }
    }
}

impl Waiter<'_> {
    fn join(&mut self, rejoin: bool) -> Result<(), NotGranted> {
        let look = self.ask.look.as_deref();
        let place = self.core.change(|inner, now| {
            if inner.moved {
                return Err(NotGranted::Moved);
            }
            let earliest = inner.turns.no_earlier_than(now, self.ask.class, look.is_some());
            if earliest > now && self.deadline.is_some_and(|deadline| self.core.instant(earliest) > deadline)
            {
                return Err(self.too_long(earliest));
            }
            let priority = look.map(Look::priority);
            let place = inner.turns.join(now, self.ask.class, priority, rejoin, Arc::clone(&self.notify));
            if let Some(look) = look {
                inner.looking.insert((look.id(), place.number()), place);
            }
            Ok(place)
        })?;
        self.place = Some(place);
        Ok(())
    }

    fn step(&mut self) -> Result<WaitStep, NotGranted> {
        let Some(place) = self.place else { return Ok(WaitStep::Sleep(clock())) };
        let mut inner = self.core.lock();
        if inner.moved {
            self.place = None;
            return Err(NotGranted::Moved);
        }
        if let Some(answer) = inner.answers.remove(&place) {
            self.place = None;
            if let Some(look) = &self.ask.look {
                inner.looking.remove(&(look.id(), place.number()));
            }
            let shares = inner.shares();
            drop(inner);
            let answer = match answer {
                // The grant came too late, for example because the process was stopped for a while. Other processes may
                // no longer count the grant.
                Decision::Granted(grant) if shares && self.is_stale(&grant) => {
                    self.core.change(|inner, now| inner.turns.end(now, grant, End::NeverSent));
                    Decision::Missed
                }
                answer => answer,
            };
            return self.answered(answer);
        }
        let now = self.core.now();
        if self.deadline.is_some_and(|deadline| deadline <= clock()) {
            let earliest = inner.turns.no_earlier_than(now, place.class, place.look);
            return Err(self.too_long(earliest));
        }
        let until = match inner.first {
            Some((first, time)) if first == place => time,
            _ => now.saturating_add(inner.watch(place, now)),
        };
        let until = self.core.instant(until);
        Ok(WaitStep::Sleep(self.deadline.map_or(until, |deadline| until.min(deadline))))
    }

    fn answered(&mut self, answer: Decision) -> Result<WaitStep, NotGranted> {
        match answer {
            Decision::Granted(grant) => {
                if let Some(look) = &self.ask.look {
                    look.seen();
                }
                Ok(WaitStep::Granted(grant))
            }
            Decision::Hopeless(refusing) => Err(NotGranted::Hopeless(refusing)),
            Decision::Missed => {
                self.join(true)?;
                self.step()
            }
        }
    }

    fn is_stale(&self, grant: &Grant) -> bool {
        let since = Duration::from_nanos(self.core.now().saturating_sub(grant.at()));
        since >= FETCHED_WITHIN
    }

    fn too_long(&self, earliest: Nanos) -> NotGranted {
        let earliest = self.core.instant(earliest).max(clock());
        NotGranted::TooLong(earliest.saturating_duration_since(self.started))
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let Some(place) = self.place else { return };
        self.core.change(|inner, now| {
            if let Some(look) = &self.ask.look {
                inner.looking.remove(&(look.id(), place.number()));
            }
            match inner.answers.remove(&place) {
                Some(Decision::Granted(grant)) => inner.turns.end(now, grant, End::NeverSent),
                Some(Decision::Missed | Decision::Hopeless(_)) => {}
                None => drop(inner.turns.leave(place)),
            }
        });
    }
}
