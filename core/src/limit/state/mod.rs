//! The state of one limit: pure, in integer nanoseconds, without waiting or randomness.
//!
//! The caller passes the time. If the passed time is earlier than the latest time that the state knows, the state uses
//! the latest known time.

mod kept;
mod noted;
mod ticket;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::backoff::{Backoff, Refusal};
use super::lease::Leases;
use super::window::Window;
use super::{NEVER, Nanos, Quota};
pub use noted::{EndNote, SLOTS};
pub use ticket::Ticket;

/// How long a request that was given up may still arrive, if the server answers other requests meanwhile. The value is
/// an assumption about networks.
pub const BRIEF_LINGER: Duration = Duration::from_secs(5);

/// A request that was given up with [`Linger::Window`] still counts as in flight for a while: for the time that it went
/// unanswered plus [`BRIEF_LINGER`], and for at least a window. Of the time that it went unanswered, at most this
/// duration counts.
///
/// A server that was stopped for a while reads old requests from its sockets later. We assume that a server is stopped
/// for at most twice the time that a request went unanswered: a minute, with the default timeout of 30 s. After a
/// longer stop, the server may read up to twice the limit at once.
pub const LONGEST_UNANSWERED: Duration = Duration::from_secs(30);

/// If a process does not report the end of a request to the shared limit, the request counts as in flight for this
/// long.
pub const LEASE: Duration = Duration::from_mins(1);

/// Why a request was given up after it was sent. The reason decides how long the request may still arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linger {
    /// The caller gave the request up, or the connection was lost. In both cases the server is probably not stuck, so
    /// the request counts as in flight only for another [`BRIEF_LINGER`].
    Brief,
    /// No answer came in time, or the connection is known to be stuck. The request counts as in flight for another
    /// window, or longer if the request went unanswered for long ([`LONGEST_UNANSWERED`]).
    Window,
}

/// Whether one more request may be sent.
#[allow(dead_code)] // Used by core/limit-proofs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The request may be sent now.
    Granted,
    /// The request may not be sent now. Ask again at this time; [`NEVER`] if another request must end first.
    WaitUntil(Nanos),
}

/// How much of the limit a request may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The whole limit.
    Whole,
    /// All but a tenth of the limit. The tenth is rounded down.
    LeavesTenth,
}

/// The state of one limit: the requests in flight, when requests ended, and the effects of refusals.
#[derive(Clone, Debug)]
pub struct State {
    quota: Quota,
    /// The part of the quota that may be used, from 0 to 1.
    share: f64,
    window: Window,
    backoff: Backoff,
    /// The times at which abandoned requests count as ended, the earliest on top.
    lingering: BinaryHeap<Reverse<Nanos>>,
    /// The leases of the requests in flight, if several processes share this limit.
    leases: Option<Leases>,
    last: Nanos,
    granted: u64,
    refused: u64,
    cuts: u64,
}

impl State {
    /// Creates a limit without requests.
    #[must_use]
    pub fn new(quota: Quota) -> Self {
        Self {
            quota,
            share: 1.0,
            window: Window::new(quota.span()),
            backoff: Backoff::new(&quota),
            lingering: BinaryHeap::new(),
            leases: None,
            last: 0,
            granted: 0,
            refused: 0,
            cuts: 0,
        }
    }

    /// Creates a limit that several processes share, without requests, at the time `now`. A request counts as ended
    /// [`LEASE`] after its grant if nobody reports its end before.
    #[must_use]
    pub fn shared(quota: Quota, now: Nanos) -> Self {
        Self { leases: Some(Leases::new(now)), last: now, ..Self::new(quota) }
    }

    /// Creates a shared limit in place of a limit that was lost at the time `now`. As many requests as the limit allows
    /// may still be on their way to the server. These requests count as abandoned.
    #[must_use]
    pub fn lost(quota: Quota, now: Nanos) -> Self {
        Self::lost_until(quota, now, now.saturating_add(quota.span()))
    }

    /// Like [`State::lost`], but requests on their way may arrive until `until`.
    #[must_use]
    pub fn lost_until(quota: Quota, now: Nanos, until: Nanos) -> Self {
        let mut state = Self::shared(quota, now);
        for _ in 0..state.allowed() {
            state.window.leaves();
            state.lingering.push(Reverse(until));
        }
        state
    }

    /// From now on, keeps within `quota` and the earlier quota. A limit that refusals have lowered stays lowered.
    pub fn tighten(&mut self, quota: Quota) {
        if quota == self.quota {
            return;
        }
        self.quota = self.quota.stricter(quota);
        self.window.set_span(self.quota.span());
        self.backoff.tighten(&self.quota.shared(self.share));
    }

    /// From now on, allows only a part of the quota: `share` (above 0, at most 1) times its requests in a window,
    /// rounded down, but at least one request. Of several shares, the smallest holds.
    pub fn set_share(&mut self, share: f64) {
        if share < self.share {
            self.share = share;
            self.backoff.tighten(&self.quota.shared(share));
        }
    }

    /// Returns whether one more request may be sent `now`. If not, returns when to ask again: before that time, the
    /// answer changes only if a request ends.
    #[allow(dead_code)] // Used by core/limit-proofs.
    pub fn decide(&mut self, now: Nanos, reach: Reach) -> Decision {
        let now = self.settle(now);
        match self.earliest(now, reach) {
            time if time == now => Decision::Granted,
            time => Decision::WaitUntil(time.min(self.next_settling())),
        }
    }

    /// The first time at or after `from` at which one more request may be sent, if nothing else happens.
    #[must_use]
    pub fn earliest(&self, from: Nanos, reach: Reach) -> Nanos {
        let from = self.backoff.opens(from.max(self.last));
        self.earliest_with(from, self.window.flying(), reach)
    }

    /// A time before which no request can be sent, however early the requests in flight end.
    #[must_use]
    pub fn no_earlier_than(&self, from: Nanos, reach: Reach) -> Nanos {
        self.earliest_with(from, 0, reach)
    }

    fn earliest_with(&self, from: Nanos, flying: u64, reach: Reach) -> Nanos {
        let allowed = self.backoff.allowed();
        let allowed = match reach {
            Reach::Whole => allowed,
            Reach::LeavesTenth => allowed - allowed / 10,
        };
        let from = from.max(self.last).max(self.backoff.closed_until());
        self.window.earliest(from, flying, allowed)
    }

    /// The time at which the next abandoned request counts as ended, or the next lease expires; [`NEVER`] if there are
    /// none.
    #[must_use]
    pub fn next_settling(&self) -> Nanos {
        self.next_due().min(self.leases.as_ref().map_or(NEVER, Leases::next_expiry))
    }

    fn next_due(&self) -> Nanos {
        self.lingering.peek().map_or(NEVER, |Reverse(due)| *due)
    }

    /// Brings the state to the time `now`: abandoned requests that can no longer arrive count as ended, and so do
    /// requests with an expired lease. Returns the later of `now` and the last known time.
    pub fn settle(&mut self, now: Nanos) -> Nanos {
        self.last = self.last.max(now);
        // An abandoned request counts as ended now, even if its time ran out earlier. If this process was stopped for a
        // while, it may have sent the request only after it was resumed.
        while self.next_due() <= self.last {
            self.lingering.pop();
            self.window.ends(self.last);
        }
        while self.leases.as_mut().is_some_and(|leases| leases.expire(self.last)) {
            self.window.ends(self.last);
        }
        self.last
    }

    /// Prepares for the end of a request. If the request no longer counts, because its lease has expired or the state
    /// was lost, counts it as in flight again. Without this, its end would be taken for the end of another request.
    fn resume(&mut self, ticket: &Ticket) {
        let held = match (&mut self.leases, ticket.lease) {
            (Some(leases), Some(id)) => leases.give_back(id),
            (leases, _) => leases.is_none(),
        };
        if !held {
            self.window.leaves();
        }
    }

    /// Records that a request is sent `now`. Call this only if [`Self::earliest`] is `now`.
    pub fn grant(&mut self, now: Nanos) -> Ticket {
        let at = self.settle(now);
        self.window.leaves();
        self.granted += 1;
        let until = at.saturating_add(self.quota.scaled(LEASE));
        let lease = self.leases.as_mut().map(|leases| leases.take(until));
        let shares_slot = self.leases.as_ref().is_some_and(Leases::last_shares_slot);
        Ticket { epoch: self.backoff.leaves(), at, lease, shares_slot }
    }

    /// Notes that a request got an answer other than a refusal.
    pub fn seen(&mut self, now: Nanos, ticket: Ticket) {
        let now = self.settle(now);
        self.resume(&ticket);
        self.window.ends(now);
        self.backoff.succeeded(now, ticket.spend());
    }

    /// Notes that a request certainly never reached the server.
    pub fn never_sent(&mut self, now: Nanos, ticket: Ticket) {
        self.settle(now);
        self.resume(&ticket);
        self.window.vanishes();
        self.backoff.ends(ticket.spend());
        self.granted = self.granted.saturating_sub(1);
    }

    /// Notes that a request was abandoned after it was sent. It may still arrive, so it counts as in flight for a
    /// while.
    pub fn abandoned(&mut self, now: Nanos, ticket: Ticket, linger: Linger) {
        let now = self.settle(now);
        let linger = match linger {
            Linger::Brief => self.quota.scaled(BRIEF_LINGER),
            Linger::Window => {
                let longest = self.quota.scaled(LONGEST_UNANSWERED);
                let unanswered = now.saturating_sub(ticket.at).min(longest);
                (unanswered + self.quota.scaled(BRIEF_LINGER)).max(self.span())
            }
        };
        self.resume(&ticket);
        self.backoff.ends(ticket.spend());
        self.lingering.push(Reverse(now.saturating_add(linger)));
    }

    /// Notes that a request was answered with 429. `jitter` is a random u32, which varies the pause.
    pub fn refused(
        &mut self,
        now: Nanos,
        ticket: Ticket,
        retry_after: Option<Duration>,
        jitter: u32,
    ) -> Refusal {
        let now = self.settle(now);
        self.resume(&ticket);
        self.window.ends(now);
        self.refused += 1;
        let used = self.window.flying() + self.window.recent(now);
        let refusal = self.backoff.refused(now, ticket.spend(), retry_after, jitter, used, &self.quota);
        self.cuts += u64::from(refusal.cut.is_some());
        refusal
    }

    /// Merges another limit into this one. `time` converts a time of `other` to a time of this limit.
    ///
    /// Requests that ended at `other` count here too. Requests in flight at `other` count as in flight here for at
    /// least a window from now, because only `other` learns when they end. The numbers of grants, refusals and cuts are
    /// added up. For everything else, the stricter value holds.
    pub fn absorb(&mut self, now: Nanos, other: &Self, time: impl Fn(Nanos) -> Nanos) {
        let now = self.settle(now);
        self.set_share(other.share);
        self.tighten(other.quota);
        self.window.absorb(now, &other.window, &time);
        let soonest = now.saturating_add(self.span());
        let lingering = other.lingering.iter().map(|Reverse(due)| Reverse(time(*due).max(soonest)));
        self.lingering.extend(lingering);
        let leases = other.leases.iter().flat_map(Leases::ends).map(|until| time(until).max(soonest));
        let unleased = other.window.flying() - other.lingering.len() as u64 - other.leases_held();
        self.lingering.extend(leases.chain((0..unleased).map(|_| soonest)).map(Reverse));
        self.backoff.absorb(now, &other.backoff, &time);
        self.granted += other.granted;
        self.refused += other.refused;
        self.cuts += other.cuts;
    }

    /// The last known time.
    #[must_use]
    pub fn last(&self) -> Nanos {
        self.last
    }

    fn leases_held(&self) -> u64 {
        self.leases.as_ref().map_or(0, Leases::held)
    }

    /// Takes over from `other` only the effects of refusals (429): a lowered limit and a pause. Both limits must use
    /// the same clock.
    pub fn heed(&mut self, now: Nanos, other: &Self) {
        self.backoff.absorb(now, &other.backoff, |time| time);
    }

    /// The length of the window.
    #[must_use]
    pub fn span(&self) -> Nanos {
        self.window.span()
    }

    /// The declared quota; the strictest, if several were declared.
    #[must_use]
    pub fn quota(&self) -> &Quota {
        &self.quota
    }

    /// The requests that are allowed in a window: the share of the quota, after the cuts by refusals.
    #[must_use]
    pub fn allowed(&self) -> u64 {
        self.backoff.allowed()
    }

    /// How many requests the declared quota allows in a window, regardless of the share and of cuts.
    #[must_use]
    pub fn declared(&self) -> u64 {
        self.quota.requests()
    }

    /// Requests in flight, including abandoned requests that may still arrive.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.window.flying()
    }

    /// Requests in flight that have not been abandoned: their ends are still to be noted.
    #[must_use]
    pub fn to_be_ended(&self) -> u64 {
        self.window.flying().saturating_sub(self.lingering.len() as u64)
    }

    /// Requests that ended within a window before the last known time.
    #[must_use]
    pub fn ended_recently(&self) -> u64 {
        self.window.recent(self.last)
    }

    /// The number of entries in the log of ended requests.
    #[must_use]
    #[allow(dead_code)] // Used by core/limit-proofs.
    pub fn remembered(&self) -> usize {
        self.window.remembered()
    }

    /// The time until which nothing is granted, because of a refusal.
    #[must_use]
    pub fn closed_until(&self) -> Nanos {
        self.backoff.closed_until()
    }

    /// The time from which this state may be forgotten: no ended request counts any more, and no refusal keeps the
    /// limit closed. Refusals may still have lowered the limit. [`NEVER`] while a request is in flight.
    pub fn needed_until(&mut self, now: Nanos) -> Nanos {
        self.settle(now);
        if self.in_flight() > 0 {
            return NEVER;
        }
        let ends_count_until = self.window.last_end().map_or(0, |end| end.saturating_add(2 * self.span()));
        ends_count_until.max(self.closed_until())
    }

    /// How many requests were granted so far, without those that were never sent.
    #[must_use]
    pub fn granted_total(&self) -> u64 {
        self.granted
    }

    /// Refusals so far.
    #[must_use]
    pub fn refused_total(&self) -> u64 {
        self.refused
    }

    /// How often a refusal has lowered the limit so far.
    #[must_use]
    pub fn cuts_total(&self) -> u64 {
        self.cuts
    }
}
