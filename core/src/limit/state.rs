//! The state of one limit: pure, in integer nanoseconds, without clock, waiting or randomness.
//!
//! Times may come in any order: a time before the last one counts as the last one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::backoff::{Backoff, Refusal};
use super::window::Window;
use super::{NEVER, Nanos, Quota};

/// How long a request may still arrive after it was given up while the server answers others. That none arrives later
/// is an assumption about networks; the server does not promise it.
pub const BRIEF_LINGER: Duration = Duration::from_secs(5);

/// How long a request that got no answer is counted after it was given up: for as long again as it went unanswered, but at
/// most this long. [`BRIEF_LINGER`] is added, and the sum is never less than a window.
///
/// A server that was paused reads the old requests from its sockets once it continues. We assume that its pause is at
/// most twice as long as the time that a request went unanswered: a minute, with the default timeout of 30 s. If the
/// pause is longer, and the server's system or a proxy accepts requests meanwhile, the server reads new requests
/// together with old ones that we no longer count. Together they may be up to twice the limit.
pub const LONGEST_UNANSWERED: Duration = Duration::from_secs(30);

/// Why a request was given up after it was sent. It decides how long the request may still arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linger {
    /// The caller gave it up, or its connection was lost, and the server is probably still reading. It counts as in
    /// flight for another [`BRIEF_LINGER`].
    Brief,
    /// No answer came in time, or its connection is known to be stuck. It counts as in flight for another window, or
    /// longer if it went unanswered for longer ([`LONGEST_UNANSWERED`]).
    Window,
}

/// Whether one more request may be sent.
#[allow(dead_code)] // Used by core/limit-proofs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Now.
    Granted,
    /// Not before this time; [`NEVER`] if only the end of a request can help.
    WaitUntil(Nanos),
}

/// How much of N a grant may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// All of it.
    Whole,
    /// All but a tenth, rounded down.
    LeavesTenth,
}

/// Permission for one request. It is given back when the request ends.
#[derive(Debug)]
#[must_use = "a request that is never ended takes its place for good"]
pub struct Ticket {
    epoch: u64,
    at: Nanos,
}

impl Ticket {
    /// When it was granted.
    #[must_use]
    pub fn at(&self) -> Nanos {
        self.at
    }

    /// Ends the ticket, and returns its epoch.
    fn spend(self) -> u64 {
        self.epoch
    }
}

/// The limit as we know it: what is in flight, what ended when, and what was refused.
#[derive(Clone, Debug)]
pub struct State {
    quota: Quota,
    /// The part of the quota that may be used.
    share: f64,
    window: Window,
    backoff: Backoff,
    /// When abandoned requests count as ended, the earliest on top.
    lingering: BinaryHeap<Reverse<Nanos>>,
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
            last: 0,
            granted: 0,
            refused: 0,
            cuts: 0,
        }
    }

    /// Also keeps within `quota` from now on. Cuts stay in force.
    pub fn tighten(&mut self, quota: Quota) {
        self.quota = self.quota.stricter(quota);
        self.window.set_span(self.quota.span());
        self.backoff.tighten(&self.quota.shared(self.share));
    }

    /// Keeps within `share` (above 0 and up to 1) of the quota from now on, rounded down and at least one request; a
    /// larger share than the one before changes nothing.
    pub fn set_share(&mut self, share: f64) {
        if share < self.share {
            self.share = share;
            self.backoff.tighten(&self.quota.shared(share));
        }
    }

    /// Whether one more request may be sent `now`, and if not, when to ask again: the first time at which the answer
    /// can differ if nothing ends before.
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

    /// A time before which no request can be sent, whatever happens to those in flight.
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

    /// When the next abandoned request counts as ended; [`NEVER`] if there is none.
    #[must_use]
    pub fn next_settling(&self) -> Nanos {
        self.lingering.peek().map_or(NEVER, |Reverse(due)| *due)
    }

    /// Ends the abandoned requests that are due by `now`. Returns the later of `now` and the last known time.
    pub fn settle(&mut self, now: Nanos) -> Nanos {
        self.last = self.last.max(now);
        // These requests end now and not at the time when they were due: a process that was paused may have sent them
        // late.
        while self.next_settling() <= self.last {
            self.lingering.pop();
            self.window.ends(self.last);
        }
        self.last
    }

    /// Notes that a request is sent `now`. Call it only after [`Decision::Granted`] at the same time.
    pub fn grant(&mut self, now: Nanos) -> Ticket {
        let at = self.settle(now);
        self.window.leaves();
        self.granted += 1;
        Ticket { epoch: self.backoff.leaves(), at }
    }

    /// Notes that a request got an answer other than a refusal.
    pub fn seen(&mut self, now: Nanos, ticket: Ticket) {
        let now = self.settle(now);
        self.window.ends(now);
        self.backoff.succeeded(now, ticket.spend());
    }

    /// Notes that a request certainly never reached the server.
    pub fn never_sent(&mut self, now: Nanos, ticket: Ticket) {
        self.settle(now);
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
        self.backoff.ends(ticket.spend());
        self.lingering.push(Reverse(now.saturating_add(linger)));
    }

    /// Notes that a request was answered with 429; `jitter` is uniform over all u32.
    pub fn refused(
        &mut self,
        now: Nanos,
        ticket: Ticket,
        retry_after: Option<Duration>,
        jitter: u32,
    ) -> Refusal {
        let now = self.settle(now);
        self.window.ends(now);
        self.refused += 1;
        let used = self.window.flying() + self.window.recent(now);
        let refusal = self.backoff.refused(now, ticket.spend(), retry_after, jitter, used, &self.quota);
        self.cuts += u64::from(refusal.cut.is_some());
        refusal
    }

    /// Takes over from another limit; `time` converts a time of the other to one of this limit.
    ///
    /// Requests that ended at the other count here too. Requests that it has in flight count as in flight for at least
    /// a window from now, because the other limit notes their ends. In all else, the stricter of both holds.
    pub fn absorb(&mut self, now: Nanos, other: &Self, time: impl Fn(Nanos) -> Nanos) {
        let now = self.settle(now);
        self.set_share(other.share);
        self.tighten(other.quota);
        self.window.absorb(now, &other.window, &time);
        let soonest = now.saturating_add(self.span());
        let lingering = other.lingering.iter().map(|Reverse(due)| Reverse(time(*due).max(soonest)));
        self.lingering.extend(lingering);
        for _ in other.lingering.len() as u64..other.window.flying() {
            self.lingering.push(Reverse(soonest));
        }
        self.backoff.absorb(now, &other.backoff, &time);
        self.granted += other.granted;
        self.refused += other.refused;
        self.cuts += other.cuts;
    }

    /// T, the length of the window.
    #[must_use]
    pub fn span(&self) -> Nanos {
        self.window.span()
    }

    /// The declared quota.
    #[must_use]
    pub fn quota(&self) -> &Quota {
        &self.quota
    }

    /// N: the share of the quota, cut by refusals.
    #[must_use]
    pub fn allowed(&self) -> u64 {
        self.backoff.allowed()
    }

    /// The N that was declared.
    #[must_use]
    pub fn declared(&self) -> u64 {
        self.quota.requests()
    }

    /// Requests in flight, including abandoned ones that may still arrive.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.window.flying()
    }

    /// Requests that ended within T before the last known time.
    #[must_use]
    pub fn ended_recently(&self) -> u64 {
        self.window.recent(self.last)
    }

    /// How many ends are remembered.
    #[must_use]
    #[allow(dead_code)] // The proofs ask it.
    pub fn remembered(&self) -> usize {
        self.window.remembered()
    }

    /// Until when the gate is closed.
    #[must_use]
    pub fn closed_until(&self) -> Nanos {
        self.backoff.closed_until()
    }

    /// How long an ended request still counts, and so how long the log is worth keeping.
    #[must_use]
    pub fn memory(&self) -> Nanos {
        2 * self.window.span()
    }

    /// Grants so far, except for requests that were never sent.
    #[must_use]
    pub fn granted_total(&self) -> u64 {
        self.granted
    }

    /// Refusals so far.
    #[must_use]
    pub fn refused_total(&self) -> u64 {
        self.refused
    }

    /// Cuts so far.
    #[must_use]
    pub fn cuts_total(&self) -> u64 {
        self.cuts
    }
}
