//! The SDK's rule of when a request may be sent, and weaker rules that must fail in the same simulations.

use limit_proofs::limit::state::{Decision, Reach, State, Ticket};
use limit_proofs::limit::turn::End;
use limit_proofs::limit::{Linger, NEVER, Nanos, Quota};

use super::counters::LIMIT;

/// The window of the SDK's rule. The weaker rules use the same window, so that the comparison is fair.
const SPAN: Nanos = 10_050_000_000;

/// Decides when a request may be sent.
pub(crate) trait Rule {
    type Ticket;
    /// Returns `None` if a request may be sent now, else the time at which to ask again.
    fn wait(&mut self, now: Nanos) -> Option<Nanos>;
    fn grant(&mut self, now: Nanos) -> Self::Ticket;
    fn end(&mut self, now: Nanos, ticket: Self::Ticket, end: End);
    fn refused(&mut self, now: Nanos, ticket: Self::Ticket, jitter: u32);
}

pub(crate) fn real() -> State {
    State::new(Quota::default())
}

impl Rule for State {
    type Ticket = Ticket;

    fn wait(&mut self, now: Nanos) -> Option<Nanos> {
        match self.decide(now, Reach::Whole) {
            Decision::Granted => None,
            Decision::WaitUntil(time) => Some(time),
        }
    }

    fn grant(&mut self, now: Nanos) -> Ticket {
        Self::grant(self, now)
    }

    fn end(&mut self, now: Nanos, ticket: Ticket, end: End) {
        match end {
            End::Seen => self.seen(now, ticket),
            End::NeverSent => self.never_sent(now, ticket),
            End::Abandoned(linger) => self.abandoned(now, ticket, linger),
        }
    }

    fn refused(&mut self, now: Nanos, ticket: Ticket, jitter: u32) {
        let _ = Self::refused(self, now, ticket, None, jitter);
    }
}

/// A weaker rule: a bucket of 200 tokens that refills at the configured rate.
pub(crate) struct TokenBucket {
    tokens: u64,
    since: Nanos,
}

impl TokenBucket {
    const INTERVAL: Nanos = SPAN / LIMIT;

    pub(crate) fn full() -> Self {
        Self { tokens: LIMIT, since: 0 }
    }
}

impl Rule for TokenBucket {
    type Ticket = ();

    fn wait(&mut self, now: Nanos) -> Option<Nanos> {
        let filled = (now - self.since) / Self::INTERVAL;
        self.since += filled * Self::INTERVAL;
        self.tokens = (self.tokens + filled).min(LIMIT);
        (self.tokens == 0).then(|| self.since + Self::INTERVAL)
    }

    fn grant(&mut self, _now: Nanos) {
        self.tokens -= 1;
    }

    fn end(&mut self, _now: Nanos, (): (), _end: End) {}

    fn refused(&mut self, _now: Nanos, (): (), _jitter: u32) {}
}

/// A weaker rule: an exact sliding window over the times at which requests depart.
#[derive(Default)]
pub(crate) struct SlidingDepartures(Vec<Nanos>);

impl Rule for SlidingDepartures {
    type Ticket = ();

    fn wait(&mut self, now: Nanos) -> Option<Nanos> {
        self.0.retain(|left| left + SPAN > now);
        (self.0.len() as u64 >= LIMIT).then(|| self.0.first().map_or(NEVER, |left| left + SPAN))
    }

    fn grant(&mut self, now: Nanos) {
        self.0.push(now);
    }

    fn end(&mut self, _now: Nanos, (): (), _end: End) {}

    fn refused(&mut self, _now: Nanos, (): (), _jitter: u32) {}
}

/// A weaker rule: an exact sliding window over the ends of requests and the requests in flight. It suffices only for
/// a server that counts exactly. The rule checks the formula in `core/src/limit/window.rs` only for s = t.
#[derive(Default)]
pub(crate) struct SlidingEnds {
    flying: u64,
    ended: Vec<Nanos>,
}

impl Rule for SlidingEnds {
    type Ticket = ();

    fn wait(&mut self, now: Nanos) -> Option<Nanos> {
        self.ended.retain(|end| end + SPAN > now);
        let used = self.flying + self.ended.len() as u64;
        (used >= LIMIT).then(|| self.ended.first().map_or(NEVER, |end| end + SPAN))
    }

    fn grant(&mut self, _now: Nanos) {
        self.flying += 1;
    }

    fn end(&mut self, now: Nanos, (): (), _end: End) {
        self.flying -= 1;
        self.ended.push(now);
    }

    fn refused(&mut self, _now: Nanos, (): (), _jitter: u32) {}
}

/// The SDK's rule, but a request counts as ended when it is sent.
pub(crate) struct DeparturesInsteadOfEnds(pub(crate) State);

impl Rule for DeparturesInsteadOfEnds {
    type Ticket = ();

    fn wait(&mut self, now: Nanos) -> Option<Nanos> {
        self.0.wait(now)
    }

    fn grant(&mut self, now: Nanos) {
        let ticket = self.0.grant(now);
        self.0.seen(now, ticket);
    }

    fn end(&mut self, _now: Nanos, (): (), _end: End) {}

    fn refused(&mut self, _now: Nanos, (): (), _jitter: u32) {}
}

/// The SDK's rule, but an abandoned request counts as never sent.
pub(crate) struct ForgetsTheAbandoned(pub(crate) State);

impl Rule for ForgetsTheAbandoned {
    type Ticket = Ticket;

    fn wait(&mut self, now: Nanos) -> Option<Nanos> {
        self.0.wait(now)
    }

    fn grant(&mut self, now: Nanos) -> Ticket {
        self.0.grant(now)
    }

    fn end(&mut self, now: Nanos, ticket: Ticket, end: End) {
        let end = if matches!(end, End::Abandoned(_)) { End::NeverSent } else { end };
        Rule::end(&mut self.0, now, ticket, end);
    }

    fn refused(&mut self, now: Nanos, ticket: Ticket, jitter: u32) {
        Rule::refused(&mut self.0, now, ticket, jitter);
    }
}

/// The SDK's rule, but it ignores that a server may stop answering and still read requests later.
pub(crate) struct LingersBriefly(pub(crate) State);

impl Rule for LingersBriefly {
    type Ticket = Ticket;

    fn wait(&mut self, now: Nanos) -> Option<Nanos> {
        self.0.wait(now)
    }

    fn grant(&mut self, now: Nanos) -> Ticket {
        self.0.grant(now)
    }

    fn end(&mut self, now: Nanos, ticket: Ticket, end: End) {
        let end = if matches!(end, End::Abandoned(_)) { End::Abandoned(Linger::Brief) } else { end };
        Rule::end(&mut self.0, now, ticket, end);
    }

    fn refused(&mut self, now: Nanos, ticket: Ticket, jitter: u32) {
        Rule::refused(&mut self.0, now, ticket, jitter);
    }
}

/// Returns the SDK's rule, but without the half percent that the rule adds to the window because clocks may be slow.
pub(crate) fn without_allowance_for_clocks() -> State {
    State::new(Quota { window: std::time::Duration::from_nanos(9_950_248_757), ..Quota::default() })
}
