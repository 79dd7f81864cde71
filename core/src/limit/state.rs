//! The state of one limit: pure, in integer nanoseconds, without clock, waiting or randomness.
//!
//! Times may come in any order: a time before the last one counts as the last one.

use std::collections::VecDeque;
use std::time::Duration;

use super::backoff::{Backoff, Refusal};
use super::window::Window;
use super::{NEVER, Nanos, Quota};

/// How long a request that was given up after sending may still be on its way. That nothing arrives
/// later is an assumption about networks, not a fact about the server.
const LINGER: Duration = Duration::from_secs(5);

/// Whether one more may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Now.
    Granted,
    /// Not before this time; [`NEVER`] when only the end of a request can help.
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

/// One request that was granted and has not ended; given back at its end, once.
#[derive(Debug)]
#[must_use = "a request that is never ended takes its place for good"]
pub struct Ticket {
    epoch: u64,
}

impl Ticket {
    /// Ends it; gives back the epoch in which it was granted.
    fn spend(self) -> u64 {
        self.epoch
    }
}

/// The limit as we know it: what is in flight, what ended when, and what was refused.
#[derive(Clone, Debug)]
pub struct State {
    quota: Quota,
    window: Window,
    backoff: Backoff,
    /// When those that were given up after sending count as ended.
    lingering: VecDeque<Nanos>,
    linger: Nanos,
    last: Nanos,
    granted: u64,
    refused: u64,
}

impl State {
    /// Nothing sent yet.
    #[must_use]
    pub fn new(quota: Quota) -> Self {
        Self {
            quota,
            window: Window::new(quota.span()),
            backoff: Backoff::new(&quota),
            lingering: VecDeque::new(),
            linger: quota.scaled(LINGER),
            last: 0,
            granted: 0,
            refused: 0,
        }
    }

    /// Keeps `quota` as well as the one before, from now on; what was cut stays cut.
    pub fn tighten(&mut self, quota: Quota) {
        self.quota = self.quota.stricter(quota);
        self.window.set_span(self.quota.span());
        self.backoff.tighten(&self.quota);
        self.linger = self.quota.scaled(LINGER);
    }

    /// Whether one more may leave `now`, and if not, when to ask again. Never polls: the time given is
    /// the first at which the answer can differ if nothing ends before.
    pub fn decide(&mut self, now: Nanos, reach: Reach) -> Decision {
        let now = self.settle(now);
        match self.earliest(now, reach) {
            time if time == now => Decision::Granted,
            time => Decision::WaitUntil(time.min(self.next_settling())),
        }
    }

    /// The first time at or after `from` at which one more may leave if nothing else happens.
    #[must_use]
    pub fn earliest(&self, from: Nanos, reach: Reach) -> Nanos {
        let from = self.backoff.opens(from.max(self.last));
        self.earliest_with(from, self.window.flying(), reach)
    }

    /// A time before which none can leave, whatever happens to those in flight.
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

    /// When the next one that was given up counts as ended; [`NEVER`] if there is none.
    #[must_use]
    pub fn next_settling(&self) -> Nanos {
        self.lingering.front().copied().unwrap_or(NEVER)
    }

    /// Notes what has come to pass by `now`; gives back the time that counts as now.
    pub fn settle(&mut self, now: Nanos) -> Nanos {
        self.last = self.last.max(now);
        // They end when we look, not when it was due: a process that was stopped may have sent them late.
        while self.lingering.front().is_some_and(|due| *due <= self.last) {
            self.lingering.pop_front();
            self.window.ends(self.last);
        }
        self.last
    }

    /// One leaves `now`; only after [`Decision::Granted`] at the same time.
    pub fn grant(&mut self, now: Nanos) -> Ticket {
        self.settle(now);
        self.window.leaves();
        self.granted += 1;
        Ticket { epoch: self.backoff.leaves() }
    }

    /// The end of an answer other than a refusal was seen.
    pub fn seen(&mut self, now: Nanos, ticket: Ticket) {
        let now = self.settle(now);
        self.window.ends(now);
        self.backoff.succeeded(now, ticket.spend());
    }

    /// It certainly never reached the server.
    pub fn never_sent(&mut self, now: Nanos, ticket: Ticket) {
        self.settle(now);
        self.window.vanishes();
        self.backoff.ends(ticket.spend());
        self.granted = self.granted.saturating_sub(1);
    }

    /// It was given up after sending: it may yet arrive, and counts as in flight for 5 s more.
    pub fn abandoned(&mut self, now: Nanos, ticket: Ticket) {
        let now = self.settle(now);
        self.backoff.ends(ticket.spend());
        // A stricter quota may have changed the linger; the queue stays ascending.
        let due = now.saturating_add(self.linger);
        self.lingering.push_back(self.lingering.back().map_or(due, |last| due.max(*last)));
    }

    /// It was answered with 429; `jitter` is uniform over all u32.
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
        self.backoff.refused(now, ticket.spend(), retry_after, jitter, used, &self.quota)
    }

    /// What is declared.
    #[must_use]
    pub fn quota(&self) -> &Quota {
        &self.quota
    }

    /// N, cut by refusals.
    #[must_use]
    pub fn allowed(&self) -> u64 {
        self.backoff.allowed()
    }

    /// The N that was declared.
    #[must_use]
    pub fn declared(&self) -> u64 {
        self.quota.requests()
    }

    /// Granted and not ended, those that linger included.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.window.flying()
    }

    /// Ended within the last T, as of the last time given.
    #[must_use]
    pub fn ended_recently(&self) -> u64 {
        self.window.recent(self.last)
    }

    /// How many ends are remembered.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.window.remembered()
    }

    /// Until when nothing is granted.
    #[must_use]
    pub fn closed_until(&self) -> Nanos {
        self.backoff.closed_until()
    }

    /// When a request that leaves now can no longer weigh on a later one: how long a log is worth keeping.
    #[must_use]
    pub fn memory(&self) -> Nanos {
        2 * self.window.span()
    }

    /// Grants so far, without those never sent.
    #[must_use]
    pub fn granted_total(&self) -> u64 {
        self.granted
    }

    /// Refusals so far.
    #[must_use]
    pub fn refused_total(&self) -> u64 {
        self.refused
    }
}
