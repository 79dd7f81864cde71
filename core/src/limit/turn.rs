//! The queue and the limit together: which request goes now, and when to check again. Pure: no clock and no I/O.

use std::time::Duration;

use super::backoff::Refusal;
pub use super::end::{End, Ended};
use super::line::{Class, Line, LookPriority, Place};
use super::looks::Urgency;
use super::pool::{Pass, Pool, Wanted};
use super::state::{Reach, State, Ticket};
use super::{NEVER, Nanos, Quota};

/// The queue of waiting requests, and the limits that they must keep within.
#[derive(Debug)]
pub struct Turns<W> {
    /// The limit of this process.
    pub(super) state: State,
    /// The limit that this process shares with others through a store; `None` if there is no store.
    pub(super) common: Option<Common>,
    /// The limit that a Redis or Valkey server keeps for several machines; `None` if no server does.
    pool: Option<Pool>,
    /// Whether no request may be granted until [`Turns::closed`] is called.
    withheld: bool,
    pub(super) line: Line<Queued<W>>,
}

/// A limit that several processes share.
#[derive(Debug)]
pub(super) struct Common {
    /// The state as this process read it last.
    pub(super) state: State,
    /// Whether the state is open: [`Turns::opened`] has read the state from the store, and [`Turns::closed`] will
    /// return it to be written.
    pub(super) open: bool,
    /// Requests that ended while the state was not open, and how they ended. [`Turns::opened`] adds these ends to the
    /// state.
    pub(super) missed: Vec<(Ticket, Ended)>,
    /// Ended requests for which this process wrote a note instead of changing the state. If a note was lost,
    /// [`Turns::opened`] adds the end to the state.
    pub(super) noted: Vec<Ticket>,
}

#[derive(Debug)]
pub(super) struct Queued<W> {
    since: Nanos,
    who: W,
}

/// Permission from all limits of [`Turns`] for one request. [`Turns::end`] or [`Turns::refused`] takes the grant back.
#[derive(Debug)]
#[must_use = "a request that is never ended takes its place for good"]
pub struct Grant {
    pub(super) ticket: Ticket,
    pub(super) common: Option<Ticket>,
    pass: Option<Pass>,
    look: bool,
}

impl Grant {
    /// When the request was granted.
    #[must_use]
    pub fn at(&self) -> Nanos {
        self.ticket.at()
    }
}

/// What [`Turns::next`] did.
#[derive(Debug)]
pub enum Next<W> {
    /// This request was granted.
    Goes(Place, W, Grant),
    /// No request was granted. The request at this place goes next. Ask again at this time, or after the next change.
    Later(Place, Nanos),
    /// Nobody waits.
    Nobody,
}

impl<W> Turns<W> {
    /// Creates a limit with an empty queue.
    #[must_use]
    pub fn new(quota: Quota) -> Self {
        Self { state: State::new(quota), common: None, pool: None, withheld: false, line: Line::default() }
    }

    /// From now on, also keeps within a limit that several processes share.
    pub fn share(&mut self, state: State) {
        self.common = Some(Common { state, open: false, missed: Vec::new(), noted: Vec::new() });
    }

    /// From now on, also keeps within a limit that a server keeps for several machines.
    pub fn draw_from(&mut self, pool: Pool) {
        self.pool = Some(pool);
    }

    /// The limit that a server keeps for several machines.
    #[must_use]
    pub fn pool(&self) -> Option<&Pool> {
        self.pool.as_ref()
    }

    /// The limit that a server keeps for several machines, as a mutable reference.
    pub fn pool_mut(&mut self) -> Option<&mut Pool> {
        self.pool.as_mut()
    }

    /// From now on, keeps within the limit of this process only. The pauses and cuts that refusals caused in the shared
    /// limit stay in force.
    pub fn unshare(&mut self, now: Nanos) {
        if let Some(common) = self.common.take() {
            self.state.heed(now, &common.state);
        }
    }

    /// Grants no request until [`Turns::closed`] is called.
    pub fn withhold(&mut self) {
        self.withheld = true;
    }

    /// The limit that several processes share.
    #[must_use]
    pub fn common(&self) -> Option<&State> {
        self.common.as_ref().map(|common| &common.state)
    }

    /// Opens the shared limit: updates its state with `read`, and adds the ends of requests that this process knows but
    /// the state lacks. Requests may be granted until [`Turns::closed`] is called. Returns the result of `read`.
    pub fn opened<E>(&mut self, now: Nanos, read: impl FnOnce(&mut State) -> Result<(), E>) -> Result<(), E> {
        let Some(common) = &mut self.common else { return Ok(()) };
        read(&mut common.state)?;
        common.open = true;
        common.state.tighten(*self.state.quota());
        for (ticket, ended) in std::mem::take(&mut common.missed) {
            ended.tell(&mut common.state, now, ticket);
        }
        common.add_lost_notes(now);
        Ok(())
    }

    /// Closes the shared limit after [`Turns::opened`]. Returns the state to write; `None` if the state was not open.
    pub fn closed(&mut self) -> Option<&State> {
        self.withheld = false;
        let common = self.common.as_mut()?;
        std::mem::take(&mut common.open).then_some(&common.state)
    }

    /// Whether requests may be granted now. If several processes share the limit, [`Turns::opened`] must have read its
    /// state before.
    #[must_use]
    pub fn can_grant(&self) -> bool {
        self.common.as_ref().is_none_or(|common| common.open && !self.withheld)
    }

    /// The first time at or after `from` at which all limits let one more request go.
    fn earliest(&self, from: Nanos, reach: Reach) -> Nanos {
        let mut time = from;
        loop {
            let asked = time;
            time = self.state.earliest(time, reach);
            time = self.common.as_ref().map_or(time, |common| common.state.earliest(time, reach));
            time = self.pool.as_ref().map_or(time, |pool| pool.earliest(time, reach));
            if time == asked || time == NEVER || (self.common.is_none() && self.pool.is_none()) {
                return time;
            }
        }
    }

    /// A time before which no request can go, because at least one of the limits does not allow a request.
    fn not_before(&self, now: Nanos, reach: Reach) -> Nanos {
        let own = self.state.no_earlier_than(now, reach);
        let common = self.common.as_ref().map_or(own, |common| common.state.no_earlier_than(now, reach));
        let pool = self.pool.as_ref().map_or(own, |pool| pool.no_earlier_than(now, reach));
        own.max(common).max(pool)
    }

    /// The limit of this process.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Also keeps within `quota` from now on.
    pub fn tighten(&mut self, quota: Quota) {
        self.state.tighten(quota);
        if let Some(pool) = &mut self.pool {
            pool.tighten(quota);
        }
    }

    /// From now on, also keeps within `share` of the quota. If a Redis or Valkey server keeps the limit, the share
    /// holds only while that server does not answer.
    pub fn set_share(&mut self, share: f64) {
        match &mut self.pool {
            // The pool applies the share only while the server does not answer. A server that answers divides the
            // limit itself.
            Some(pool) => pool.set_share(share),
            None => self.state.set_share(share),
        }
    }

    /// Adds a request to the queue. `look` is the priority of a request that looks at a run; `rejoin` puts the request
    /// at the head of its class.
    pub fn join(
        &mut self,
        now: Nanos,
        class: Class,
        look: Option<LookPriority>,
        rejoin: bool,
        who: W,
    ) -> Place {
        let since = self.settle(now);
        self.line.join(class, look, rejoin, Queued { since, who })
    }

    /// Removes a request that was not granted, and returns its data.
    pub fn leave(&mut self, place: Place) -> Option<W> {
        self.line.leave(place).map(|waiter| waiter.who)
    }

    /// Makes the request that waits at `place` more urgent. This must be a request that looks at a run.
    pub fn raise(&mut self, place: Place, urgency: Urgency) {
        self.line.raise(place, urgency);
    }

    /// Removes all waiting requests.
    pub fn drain(&mut self) -> impl Iterator<Item = (Place, W)> {
        self.line.drain().into_iter().map(|(place, waiter)| (place, waiter.who))
    }

    /// The data of the request that waits at `place`.
    #[must_use]
    pub fn at(&self, place: Place) -> Option<&W> {
        self.line.at(place).map(|waiter| &waiter.who)
    }

    /// How many requests of a class wait. Requests that look at a run count as polls.
    #[must_use]
    pub fn waiting(&self, class: Class) -> usize {
        self.line.waiting(class)
    }

    /// A lower bound of the time at which a request of `class` can be granted if it joins the queue now. `look` says
    /// whether the request looks at a run.
    pub fn no_earlier_than(&mut self, now: Nanos, class: Class, look: bool) -> Nanos {
        let now = self.settle(now);
        if look {
            let (allowed, span) = (self.state.allowed(), self.state.span());
            let lane = self.line.looks().no_earlier_than(now, allowed, span);
            return lane.max(self.not_before(now, Reach::Whole));
        }
        // A bulk request leaves a tenth of the limit free if no request of another class waits (looks do not count).
        // Otherwise it may use this tenth in its turn.
        let alone =
            Class::ALL.into_iter().all(|class| class == Class::Bulk || self.line.head(class).is_none());
        self.not_before(now, if alone { Self::reach(class) } else { Reach::Whole })
    }

    /// How many waiting requests could go `now` if the server that keeps the limit for several machines granted them.
    pub fn wanted(&mut self, now: Nanos) -> Wanted {
        let now = self.settle(now);
        let (allowed, span) = (self.state.allowed(), self.state.span());
        let count = |number: usize| number as u64;
        let waiting: u64 = Class::ALL.into_iter().map(|class| count(self.line.waiting(class))).sum();
        let (looks, bulk) = (count(self.line.looks().waiting()), count(self.line.waiting(Class::Bulk)));
        let others = waiting - looks - bulk;
        let goes = |number: u64, from: Nanos, reach| match number {
            0 => NEVER,
            _ => self.state.earliest(from, reach),
        };
        let whole_at = goes(others, now, Reach::Whole);
        let look_at = goes(looks, self.line.looks().earliest(now, allowed, span), Reach::Whole);
        let some_at = goes(bulk, now, Reach::LeavesTenth);
        let room = allowed.saturating_sub(self.state.in_flight());
        let whole = if whole_at == now { others } else { 0 } + u64::from(look_at == now);
        let whole = whole.min(room);
        let some = if some_at == now { bulk.min(room - whole) } else { 0 };
        Wanted { whole, some, waiting, at: whole_at.min(look_at).min(some_at) }
    }

    /// Grants one request, if possible.
    pub fn next(&mut self, now: Nanos) -> Next<W> {
        let now = self.settle(now);
        let mut times = Times { turns: self, now, whole: None, leaves_tenth: None };
        let mut may_go: Vec<Place> = Vec::new();
        let mut first: Option<(Nanos, Place)> = None;
        let mut consider = |place, time| {
            if time == now {
                may_go.push(place);
            } else if first.is_none_or(|(earliest, _)| time < earliest) {
                first = Some((time, place));
            }
        };
        // Bulk requests usually leave a tenth of the limit free, so that more urgent requests need not wait. If a more
        // urgent request had to wait until now, this tenth was in use too. Then bulk requests may use the whole limit
        // in their turn.
        let mut have_waited = false;
        for class in Class::ALL {
            let Some((place, waiter)) = self.line.head(class) else { continue };
            let time = times.of(if have_waited { Reach::Whole } else { Self::reach(class) });
            have_waited |= time == now && waiter.since < now;
            consider(place, time);
        }
        if let Some((place, _)) = self.line.head_of_looks() {
            let lane = self.line.looks().earliest(now, self.state.allowed(), self.state.span());
            let time = if lane == now { times.of(Reach::Whole) } else { self.earliest(lane, Reach::Whole) };
            consider(place, time);
        }
        if !self.can_grant() {
            let place = may_go.first().copied().or(first.map(|(_, place)| place));
            return place.map_or(Next::Nobody, |place| Next::Later(place, NEVER));
        }
        let Some(place) = self.line.choose(&may_go) else {
            let shared = self.common().map_or(NEVER, State::next_settling);
            let shared = shared.min(self.pool().map_or(NEVER, Pool::next_settling));
            let settling = self.state.next_settling().min(shared);
            return first.map_or(Next::Nobody, |(time, place)| Next::Later(place, time.min(settling)));
        };
        let Some(waiter) = self.line.serve(place, &may_go, now, self.state.span()) else {
            return Next::Nobody;
        };
        let common = self.common.as_mut().map(|common| common.state.grant(now));
        let pass = self.pool.as_mut().and_then(|pool| pool.take(now));
        Next::Goes(place, waiter.who, Grant { ticket: self.state.grant(now), common, pass, look: place.look })
    }

    /// Notes that a granted request has ended.
    pub fn end(&mut self, now: Nanos, grant: Grant, end: End) {
        let (at, Grant { ticket, common, pass, look }) = (grant.at(), grant);
        self.tell(now, common, pass, Ended::Otherwise(end));
        match end {
            End::Seen => self.state.seen(now, ticket),
            End::NeverSent => {
                self.state.never_sent(now, ticket);
                if look {
                    self.line.looks_mut().unsent(at);
                }
            }
            End::Abandoned(linger) => self.state.abandoned(now, ticket, linger),
        }
    }

    /// Notes that a granted request was answered with 429. `jitter` is a random u32, which varies the pause.
    pub fn refused(
        &mut self,
        now: Nanos,
        grant: Grant,
        retry_after: Option<Duration>,
        jitter: u32,
    ) -> Refusal {
        let own = self.state.refused(now, grant.ticket, retry_after, jitter);
        self.tell(now, grant.common, grant.pass, Ended::Refused(retry_after, jitter)).unwrap_or(own)
    }

    /// Reports the end of a request to the shared limit. If the state of that limit is not open, [`Turns::opened`] adds
    /// the end to the state later.
    fn tell(
        &mut self,
        now: Nanos,
        ticket: Option<Ticket>,
        pass: Option<Pass>,
        ended: Ended,
    ) -> Option<Refusal> {
        if let (Some(pool), Some(pass)) = (&mut self.pool, pass) {
            pool.end(now, pass, ended);
        }
        let common = self.common.as_mut()?;
        if common.open {
            return ended.tell(&mut common.state, now, ticket?);
        }
        common.missed.push((ticket?, ended));
        None
    }

    /// Counts abandoned requests as ended once they can no longer reach the server. Returns the later of `now` and the
    /// last known time.
    pub fn settle(&mut self, now: Nanos) -> Nanos {
        if let Some(common) = &mut self.common {
            common.state.settle(now);
        }
        if let Some(pool) = &mut self.pool {
            pool.settle(now);
        }
        self.state.settle(now)
    }

    /// The time from which the limit of this process may be forgotten; see [`State::needed_until`].
    pub fn needed_until(&mut self, now: Nanos) -> Nanos {
        self.state.needed_until(now)
    }

    fn reach(class: Class) -> Reach {
        if class == Class::Bulk { Reach::LeavesTenth } else { Reach::Whole }
    }
}

/// The time at which one more request may go, for each [`Reach`] (the whole limit, or all but a tenth). Each time is
/// computed only once.
struct Times<'a, W> {
    turns: &'a Turns<W>,
    now: Nanos,
    whole: Option<Nanos>,
    leaves_tenth: Option<Nanos>,
}

impl<W> Times<'_, W> {
    fn of(&mut self, reach: Reach) -> Nanos {
        let known = match reach {
            Reach::Whole => &mut self.whole,
            Reach::LeavesTenth => &mut self.leaves_tenth,
        };
        *known.get_or_insert_with(|| self.turns.earliest(self.now, reach))
    }
}
