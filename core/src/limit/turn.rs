//! The queue and the limit together: which request goes now, and when to check again. Pure.

use std::time::Duration;

use super::backoff::Refusal;
use super::line::{Class, Line, LookPriority, Place};
use super::looks::Urgency;
use super::state::{Linger, Reach, State, Ticket};
use super::{Nanos, Quota};

/// One limit and its queue.
#[derive(Debug)]
pub struct Turns<W> {
    state: State,
    line: Line<Queued<W>>,
}

#[derive(Debug)]
struct Queued<W> {
    since: Nanos,
    who: W,
}

/// Permission for one request. It is given back when the request ends.
#[derive(Debug)]
#[must_use = "a request that is never ended takes its place for good"]
pub struct Grant {
    ticket: Ticket,
    look: bool,
}

impl Grant {
    /// When the request was granted.
    #[must_use]
    pub fn at(&self) -> Nanos {
        self.ticket.at()
    }
}

/// How a granted request ended, unless it was refused (429).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The server answered it.
    Seen,
    /// It certainly never reached the server.
    NeverSent,
    /// It was abandoned after it was sent.
    Abandoned(Linger),
}

/// What [`Turns::next`] did.
#[derive(Debug)]
pub enum Next<W> {
    /// This request was granted.
    Goes(Place, W, Grant),
    /// No request was granted. The one at this place goes next: ask again at this time, or when something else happens.
    Later(Place, Nanos),
    /// Nobody waits.
    Nobody,
}

/// The state of a limit for another limit that absorbs it. Its times are those of the absorbed limit.
#[derive(Debug)]
pub struct Handover {
    state: State,
    looks: Vec<Nanos>,
}

impl<W> Turns<W> {
    /// Creates a limit with an empty queue.
    #[must_use]
    pub fn new(quota: Quota) -> Self {
        Self { state: State::new(quota), line: Line::default() }
    }

    /// The limit itself.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Also keeps within `quota` from now on.
    pub fn tighten(&mut self, quota: Quota) {
        self.state.tighten(quota);
    }

    /// Also keeps within `share` of the quota from now on.
    pub fn set_share(&mut self, share: f64) {
        self.state.set_share(share);
    }

    /// Adds a request to the queue. `look` is its priority if it looks at a run; `rejoin` puts it at the head of its
    /// class.
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

    /// Makes a look that waits at `place` more urgent.
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

    /// How many requests of a class wait. Looks count as polls.
    #[must_use]
    pub fn waiting(&self, class: Class) -> usize {
        self.line.waiting(class)
    }

    /// A time before which a request of `class` that joins now cannot be granted; `look` is true for a look at a run.
    pub fn no_earlier_than(&mut self, now: Nanos, class: Class, look: bool) -> Nanos {
        let now = self.settle(now);
        if look {
            let (allowed, span) = (self.state.allowed(), self.state.span());
            let lane = self.line.looks().no_earlier_than(now, allowed, span);
            return lane.max(self.state.no_earlier_than(now, Reach::Whole));
        }
        // A bulk request that waits alone leaves a tenth of the limit free. If others wait too, it may use that tenth
        // when it is its turn.
        let alone =
            Class::ALL.into_iter().all(|class| class == Class::Bulk || self.line.head(class).is_none());
        self.state.no_earlier_than(now, if alone { Self::reach(class) } else { Reach::Whole })
    }

    /// Grants one request, if possible.
    pub fn next(&mut self, now: Nanos) -> Next<W> {
        let now = self.settle(now);
        let mut times = Times { state: &self.state, now, whole: None, leaves_tenth: None };
        let mut may_go: Vec<Place> = Vec::new();
        let mut first: Option<(Nanos, Place)> = None;
        let mut consider = |place, time| {
            if time == now {
                may_go.push(place);
            } else if first.is_none_or(|(earliest, _)| time < earliest) {
                first = Some((time, place));
            }
        };
        // Bulk leaves a tenth of the limit free for more urgent requests that come later. But if a more urgent request
        // that may go now has had to wait, the tenth was used up before. Then bulk may use the whole limit and takes
        // turns by weight; otherwise it would never get a turn.
        let mut have_waited = false;
        for class in Class::ALL {
            let Some((place, waiter)) = self.line.head(class) else { continue };
            let time = times.of(if have_waited { Reach::Whole } else { Self::reach(class) });
            have_waited |= time == now && waiter.since < now;
            consider(place, time);
        }
        if let Some((place, _)) = self.line.head_of_looks() {
            let lane = self.line.looks().earliest(now, self.state.allowed(), self.state.span());
            let time =
                if lane == now { times.of(Reach::Whole) } else { self.state.earliest(lane, Reach::Whole) };
            consider(place, time);
        }
        let Some(place) = self.line.choose(&may_go) else {
            let settling = self.state.next_settling();
            return first.map_or(Next::Nobody, |(time, place)| Next::Later(place, time.min(settling)));
        };
        let Some(waiter) = self.line.serve(place, &may_go, now, self.state.span()) else {
            return Next::Nobody;
        };
        Next::Goes(place, waiter.who, Grant { ticket: self.state.grant(now), look: place.look })
    }

    /// Notes that a granted request has ended.
    pub fn end(&mut self, now: Nanos, grant: Grant, end: End) {
        let (at, Grant { ticket, look }) = (grant.at(), grant);
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

    /// Notes that a granted request was answered with 429; `jitter` is uniform over all u32.
    pub fn refused(
        &mut self,
        now: Nanos,
        grant: Grant,
        retry_after: Option<Duration>,
        jitter: u32,
    ) -> Refusal {
        self.state.refused(now, grant.ticket, retry_after, jitter)
    }

    /// Ends the abandoned requests that are due by `now`. Returns the later of `now` and the last known time.
    pub fn settle(&mut self, now: Nanos) -> Nanos {
        self.state.settle(now)
    }

    /// The time from which the state decides like a new one; see [`State::needed_until`].
    pub fn needed_until(&mut self, now: Nanos) -> Nanos {
        self.state.needed_until(now)
    }

    /// The state that another limit needs to absorb this one.
    #[must_use]
    pub fn handover(&self) -> Handover {
        Handover { state: self.state.clone(), looks: self.line.looks().granted().collect() }
    }

    /// Absorbs another limit; `time` converts its times to those of this limit.
    pub fn absorb(&mut self, now: Nanos, handover: &Handover, time: impl Fn(Nanos) -> Nanos) {
        self.state.absorb(now, &handover.state, &time);
        self.line.looks_mut().count(handover.looks.iter().map(|at| time(*at)));
    }

    fn reach(class: Class) -> Reach {
        if class == Class::Bulk { Reach::LeavesTenth } else { Reach::Whole }
    }
}

/// When the limit grants one more request. The time for each reach is computed only once.
struct Times<'a> {
    state: &'a State,
    now: Nanos,
    whole: Option<Nanos>,
    leaves_tenth: Option<Nanos>,
}

impl Times<'_> {
    fn of(&mut self, reach: Reach) -> Nanos {
        let known = match reach {
            Reach::Whole => &mut self.whole,
            Reach::LeavesTenth => &mut self.leaves_tenth,
        };
        *known.get_or_insert_with(|| self.state.earliest(self.now, reach))
    }
}
