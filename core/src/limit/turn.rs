//! The line and the states together: who goes now, and when to look again. Pure, like both.

use std::collections::BTreeMap;
use std::time::Duration;

use super::backoff::Refusal;
use super::line::{Class, Lane, Line, Place};
use super::state::{Reach, State, Ticket};
use super::{Nanos, Quota};

/// The lane of those who have no cap of their own.
pub const OPEN_LANE: Lane = 0;

/// Everybody who waits at one limit, the limit, and the caps of single clients inside it.
#[derive(Debug)]
pub struct Turns<W> {
    state: State,
    caps: BTreeMap<Lane, Cap>,
    lanes: Lane,
    line: Line<Waiter<W>>,
}

/// What one client may use, as a limit of its own that nothing cuts.
#[derive(Debug)]
struct Cap {
    share: f64,
    state: State,
}

#[derive(Debug)]
struct Waiter<W> {
    since: Nanos,
    who: W,
}

/// A request that may leave; given back at its end, once.
#[derive(Debug)]
#[must_use = "a request that is never ended takes its place for good"]
pub struct Grant {
    ticket: Ticket,
    cap: Option<(Lane, Ticket)>,
    at: Nanos,
}

impl Grant {
    /// When it was granted.
    #[must_use]
    pub fn at(&self) -> Nanos {
        self.at
    }
}

/// How a granted request ended, other than refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Its answer was seen.
    Seen,
    /// It certainly never reached the server.
    NeverSent,
    /// It was given up after sending.
    Abandoned,
}

/// What happens next.
#[derive(Debug)]
pub enum Next<W> {
    /// This one goes now.
    Goes(Place, W, Grant),
    /// Nobody goes; this one is the first who may, at this time if nothing else happens.
    Later(Place, Nanos),
    /// Nobody waits.
    Nobody,
}

impl<W> Turns<W> {
    /// Nobody waits and nothing was sent.
    #[must_use]
    pub fn new(quota: Quota) -> Self {
        Self { state: State::new(quota), caps: BTreeMap::new(), lanes: OPEN_LANE, line: Line::default() }
    }

    /// The limit itself.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Keeps `quota` as well from now on, and the caps their share of it.
    pub fn tighten(&mut self, quota: Quota) {
        self.state.tighten(quota);
        let quota = *self.state.quota();
        for cap in self.caps.values_mut() {
            cap.state.tighten(quota.shared(cap.share));
        }
    }

    /// Opens a lane whose requests may use `share` of the declared quota and no more.
    pub fn open_lane(&mut self, share: f64) -> Lane {
        self.lanes += 1;
        let state = State::new(self.state.quota().shared(share));
        self.caps.insert(self.lanes, Cap { share, state });
        self.lanes
    }

    /// Forgets a lane; nobody waits in it any more.
    pub fn close_lane(&mut self, lane: Lane) {
        self.caps.remove(&lane);
    }

    /// Somebody joins the line.
    pub fn join(&mut self, now: Nanos, class: Class, lane: Lane, rejoin: bool, who: W) -> Place {
        let since = self.settle(now);
        self.line.join(class, lane, rejoin, Waiter { since, who })
    }

    /// Somebody leaves the line without having gone.
    pub fn leave(&mut self, place: Place) -> Option<W> {
        self.line.leave(place).map(|waiter| waiter.who)
    }

    /// Who waits at `place`.
    #[must_use]
    pub fn at(&self, place: Place) -> Option<&W> {
        self.line.at(place).map(|waiter| &waiter.who)
    }

    /// How many of a class wait.
    #[must_use]
    pub fn waiting(&self, class: Class) -> usize {
        self.line.waiting(class)
    }

    /// A time before which nobody who joins now can go, whatever happens to those before.
    pub fn no_earlier_than(&mut self, now: Nanos, class: Class, lane: Lane) -> Nanos {
        let now = self.settle(now);
        // Among others who wait, bulk may have its turn within the tenth.
        let alone = Class::ALL.into_iter().all(|class| class == Class::Bulk || self.waiting(class) == 0);
        let reach = if alone { Self::reach(class) } else { Reach::Whole };
        let capped = self.caps.get(&lane).map_or(now, |cap| cap.state.no_earlier_than(now, reach));
        capped.max(self.state.no_earlier_than(now, reach))
    }

    /// Lets one go if one may.
    pub fn next(&mut self, now: Nanos) -> Next<W> {
        let now = self.settle(now);
        let mut times = Times { turns: self, now, known: Vec::new() };
        let mut may_go: Vec<Place> = Vec::new();
        let mut have_waited: Vec<Lane> = Vec::new();
        let mut first: Option<(Nanos, Place)> = None;
        for class in Class::ALL {
            for (place, waiter) in self.line.heads(class) {
                let (whole, lane) = if class == Class::Bulk && !have_waited.is_empty() {
                    // The tenth is kept for those who come later. Once others have had to wait it is gone,
                    // and bulk takes its turns among them by weight; else it would never have one.
                    let lane =
                        if have_waited.contains(&place.lane) { Reach::Whole } else { Reach::LeavesTenth };
                    (Reach::Whole, lane)
                } else {
                    (Self::reach(class), Self::reach(class))
                };
                let time = times.of(place.lane, whole, lane);
                if time == now {
                    may_go.push(place);
                    if class != Class::Bulk && waiter.since < now {
                        have_waited.push(place.lane);
                    }
                } else if first.is_none_or(|(earliest, _)| time < earliest) {
                    first = Some((time, place));
                }
            }
        }
        let Some(place) = self.line.choose(&may_go) else {
            let settling = self
                .caps
                .values()
                .map(|cap| cap.state.next_settling())
                .fold(self.state.next_settling(), Nanos::min);
            return first.map_or(Next::Nobody, |(time, place)| Next::Later(place, time.min(settling)));
        };
        let Some(waiter) = self.line.serve(place, &may_go) else {
            return Next::Nobody;
        };
        let cap = self.caps.get_mut(&place.lane).map(|cap| (place.lane, cap.state.grant(now)));
        let grant = Grant { ticket: self.state.grant(now), cap, at: now };
        Next::Goes(place, waiter.who, grant)
    }

    /// A granted request has ended.
    pub fn end(&mut self, now: Nanos, grant: Grant, end: End) {
        let now = self.settle(now);
        let Grant { ticket, cap, .. } = grant;
        self.end_in_cap(now, cap, end);
        end_in(&mut self.state, now, ticket, end);
    }

    /// A granted request was answered with 429; `jitter` is uniform over all u32.
    pub fn refused(
        &mut self,
        now: Nanos,
        grant: Grant,
        retry_after: Option<Duration>,
        jitter: u32,
    ) -> Refusal {
        let now = self.settle(now);
        let Grant { ticket, cap, .. } = grant;
        self.end_in_cap(now, cap, End::Seen);
        self.state.refused(now, ticket, retry_after, jitter)
    }

    fn end_in_cap(&mut self, now: Nanos, cap: Option<(Lane, Ticket)>, end: End) {
        if let Some((lane, ticket)) = cap
            && let Some(cap) = self.caps.get_mut(&lane)
        {
            end_in(&mut cap.state, now, ticket, end);
        }
    }

    /// Notes what has come to pass by `now`; gives back the time that counts as now, one for all states.
    pub fn settle(&mut self, now: Nanos) -> Nanos {
        let now = self.state.settle(now);
        for cap in self.caps.values_mut() {
            cap.state.settle(now);
        }
        now
    }

    fn reach(class: Class) -> Reach {
        if class == Class::Bulk { Reach::LeavesTenth } else { Reach::Whole }
    }
}

fn end_in(state: &mut State, now: Nanos, ticket: Ticket, end: End) {
    match end {
        End::Seen => state.seen(now, ticket),
        End::NeverSent => state.never_sent(now, ticket),
        End::Abandoned => state.abandoned(now, ticket),
    }
}

/// When a lane may go, each looked up once.
struct Times<'a, W> {
    turns: &'a Turns<W>,
    now: Nanos,
    known: Vec<(Lane, Reach, Reach, Nanos)>,
}

impl<W> Times<'_, W> {
    fn of(&mut self, lane: Lane, whole: Reach, capped: Reach) -> Nanos {
        let known = self.known.iter().find(|(l, w, c, _)| (*l, *w, *c) == (lane, whole, capped));
        if let Some((.., time)) = known {
            return *time;
        }
        let time = self.find(lane, whole, capped);
        self.known.push((lane, whole, capped, time));
        time
    }

    /// The first time at which the limit and the lane's cap both let one go.
    fn find(&self, lane: Lane, whole: Reach, capped: Reach) -> Nanos {
        let mut time = self.turns.state.earliest(self.now, whole);
        let Some(cap) = self.turns.caps.get(&lane) else {
            return time;
        };
        // Each may forbid what the other allows. A few rounds meet nearly always; a time that is too early
        // only means to look again then.
        for _ in 0..8 {
            let both = cap.state.earliest(time, capped);
            time = self.turns.state.earliest(both, whole);
            if time == both {
                break;
            }
        }
        time
    }
}
