//! The state of the limit, for users.

use std::time::Duration;

use super::Nanos;
use super::line::Class;
use super::pool::Pool;
use super::turn::Turns;

/// How many requests wait for the rate limit, by priority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Waiting requests that start a run or send a campaign.
    pub trigger: usize,
    /// Waiting requests that read the state of a run.
    pub poll: usize,
    /// Waiting requests that belong to none of the other three priorities.
    pub read: usize,
    /// Waiting requests that read a lot, such as later pages of a list.
    pub bulk: usize,
}

/// Who shares a rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The clients of one process.
    Process,
    /// The processes of one user on one machine.
    Host,
    /// All processes, on any machine, that ask the same Redis or Valkey server.
    Fleet,
}

impl Scope {
    /// The fixed name of the scope, the same in every release.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Host => "host",
            Self::Fleet => "fleet",
        }
    }
}

/// A change of who shares the limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopeChange {
    /// From now on, this process keeps a limit of its own, for this reason.
    Alone(String),
    /// The limit is shared again.
    Shared,
}

/// A function that a gate calls each time this process stops sharing the limit with others, and each time it shares the
/// limit again. The thread that notices the change calls the function at once.
pub type ScopeListener = dyn Fn(&ScopeChange) + Send + Sync;

/// The state of the rate limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitStats {
    /// Who shares the limit.
    pub scope: Scope,
    /// Why the limit is not shared at present although the settings ask for it; `None` if nothing is wrong.
    pub fallback: Option<String>,
    /// How many processes, this one included, have used the limit within the last minute. `None` unless a Redis or
    /// Valkey server keeps the limit and has answered.
    pub members: Option<u64>,
    /// Requests per window, as declared in the settings. If clients of the workspace declare different limits, this is
    /// the strictest.
    pub limit: u64,
    /// Requests per window that are allowed now. After refusals (429), or if this process may use only a share of the
    /// limit, this is fewer than `limit`.
    pub allowed: u64,
    /// Requests in flight. An abandoned request also counts, for as long as it may still reach the server.
    pub in_flight: u64,
    /// Requests that count towards the last window: in flight, or ended within it.
    pub used: u64,
    /// Requests that wait until they may be sent.
    pub waiting: Waiting,
    /// Requests that wait, counted over all processes. `None` unless a Redis or Valkey server keeps the limit and has
    /// answered.
    pub waiting_total: Option<u64>,
    /// For how long no request will be sent because of a refusal (429); zero if requests may be sent.
    pub closed_for: Duration,
    /// Refusals (429) that this process has seen so far.
    pub refused: u64,
    /// How often a refusal (429) has lowered the limit so far, including refusals that other processes received.
    pub cuts: u64,
    /// Requests that this process has sent so far or is about to send.
    pub granted: u64,
}

impl LimitStats {
    pub(super) fn of<W>(turns: &mut Turns<W>, now: Nanos) -> Self {
        let now = turns.settle(now);
        if let Some(pool) = turns.pool_mut() {
            pool.look(now);
        }
        let state = turns.state();
        let whole = turns.common().unwrap_or(state);
        let pool = turns.pool();
        let shared = pool.filter(|pool| !pool.is_down());
        let answer = shared.filter(|pool| pool.has_answered()).map(Pool::last);
        let scope = match (shared, turns.common()) {
            (Some(_), _) => Scope::Fleet,
            (None, Some(_)) => Scope::Host,
            (None, None) => Scope::Process,
        };
        let (allowed, in_flight, recent) =
            pool.map_or_else(|| (whole.allowed(), whole.in_flight(), whole.ended_recently()), Pool::standing);
        let closed_until = pool.map_or(0, Pool::closed_until).max(whole.closed_until());
        let waiting = Waiting {
            trigger: turns.waiting(Class::Trigger),
            poll: turns.waiting(Class::Poll),
            read: turns.waiting(Class::Read),
            bulk: turns.waiting(Class::Bulk),
        };
        let here = (waiting.trigger + waiting.poll + waiting.read + waiting.bulk) as u64;
        Self {
            scope,
            fallback: None,
            members: answer.map(|answer| answer.members),
            limit: shared.map_or(whole.declared(), |pool| pool.last().declared),
            allowed: state.allowed().min(allowed),
            in_flight,
            used: in_flight + recent,
            waiting,
            waiting_total: shared.filter(|_| answer.is_some()).map(|pool| here + pool.waiting_elsewhere()),
            closed_for: Duration::from_nanos(state.closed_until().max(closed_until).saturating_sub(now)),
            refused: state.refused_total(),
            cuts: answer.map_or(whole.cuts_total(), |answer| answer.cuts),
            granted: state.granted_total(),
        }
    }
}
