//! The state of the limit, for users.

use std::time::Duration;

use super::Nanos;
use super::line::Class;
use super::pool::Pool;
use super::turn::Turns;

/// How many requests wait for the rate limit, by priority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Waiting requests that start something.
    pub trigger: usize,
    /// Waiting requests that read the state of a run.
    pub poll: usize,
    /// All other waiting requests.
    pub read: usize,
    /// Waiting requests that read a lot, such as later pages of a list.
    pub bulk: usize,
}

/// Who shares a rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The clients of one process.
    Process,
    /// The processes of one user on one host.
    Host,
    /// All processes, on any host, that ask the same Redis or Valkey server.
    Fleet,
}

/// Whether others share the limit from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopeChange {
    /// They do not, for this reason.
    Alone(String),
    /// They do again.
    Shared,
}

/// The state of the rate limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitStats {
    /// Who shares the limit.
    pub scope: Scope,
    /// Why others do not share the limit at present although the settings say so; `None` if nothing is wrong.
    pub fallback: Option<String>,
    /// How many processes have used the limit within the last minute, if a server keeps it for several hosts.
    pub members: Option<u64>,
    /// Requests per window, as declared in the settings; the strictest, if clients of the workspace declare several.
    pub limit: u64,
    /// Requests per window that are allowed now: fewer than `limit` if the process has a share, or after refusals.
    pub allowed: u64,
    /// Requests in flight. A request that was given up counts for as long as it may still arrive.
    pub in_flight: u64,
    /// Requests that count towards the last window: in flight, or ended within it.
    pub used: u64,
    /// Requests that wait until they may be sent.
    pub waiting: Waiting,
    /// How long nothing will be sent because of a refusal; zero if requests may be sent.
    pub closed_for: Duration,
    /// Refusals (429) seen so far.
    pub refused: u64,
    /// Cuts of the limit that refusals caused so far.
    pub cuts: u64,
    /// Requests sent so far, including those that are about to be sent.
    pub granted: u64,
}

impl LimitStats {
    pub(super) fn of<W>(turns: &mut Turns<W>, now: Nanos) -> Self {
        let now = turns.settle(now);
        let state = turns.state();
        let whole = turns.common().unwrap_or(state);
        let pool = turns.pool();
        let shared = pool.filter(|pool| !pool.is_down());
        let scope = match (shared, turns.common()) {
            (Some(_), _) => Scope::Fleet,
            (None, Some(_)) => Scope::Host,
            (None, None) => Scope::Process,
        };
        let (allowed, in_flight, recent) =
            pool.map_or_else(|| (whole.allowed(), whole.in_flight(), whole.ended_recently()), Pool::standing);
        let closed_until = pool.map_or(0, Pool::closed_until).max(whole.closed_until());
        Self {
            scope,
            fallback: None,
            members: shared.map(|pool| pool.last().members),
            limit: shared.map_or(whole.declared(), |pool| pool.last().declared),
            allowed: state.allowed().min(allowed),
            in_flight,
            used: in_flight + recent,
            waiting: Waiting {
                trigger: turns.waiting(Class::Trigger),
                poll: turns.waiting(Class::Poll),
                read: turns.waiting(Class::Read),
                bulk: turns.waiting(Class::Bulk),
            },
            closed_for: Duration::from_nanos(state.closed_until().max(closed_until).saturating_sub(now)),
            refused: state.refused_total(),
            cuts: state.cuts_total(),
            granted: state.granted_total(),
        }
    }
}
