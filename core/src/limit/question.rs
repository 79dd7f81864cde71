//! What a process asks and reports to the server that keeps its limit, and what the server answers.

use super::backoff::LONGEST_RETRY_AFTER;
use super::end::Ended;
use super::{NEVER, Nanos, Quota};

/// The shortest pause that the server may ask for.
const SHORTEST_PAUSE: Nanos = 1_000_000;
/// The largest number of processes that is plausible in an answer.
const MOST_MEMBERS: u64 = 1 << 16;
/// The largest whole number that the server's Lua holds exactly.
const MOST: u64 = 1 << 53;

/// How many requests wait, and how many of them could be sent if the server granted them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The number of waiting requests that may use the whole limit.
    pub whole: u64,
    /// The number of waiting requests that leave a tenth of the limit free: bulk reads.
    pub some: u64,
    /// The number of all waiting requests, including those that could not go yet.
    pub waiting: u64,
    /// When the first waiting request could go; [`NEVER`] if none waits, or if another request must end first.
    pub at: Nanos,
}

impl Wanted {
    /// Nothing waits.
    pub const NOTHING: Self = Self { whole: 0, some: 0, waiting: 0, at: NEVER };
}

/// One message to the server: what the process asks for, and what it reports.
#[derive(Clone, Debug)]
pub struct Question {
    /// The limit that this process declares.
    pub quota: Quota,
    /// How many requests the server keeps free for processes that cannot reach the server.
    pub kept_free: u64,
    /// If a client has set a share of the limit: how many requests this process sends in a window while it cannot reach
    /// the server. Otherwise 0: without a share, the process uses the requests that the server keeps free.
    pub share: u64,
    /// What this process wants to send.
    pub wanted: Wanted,
    /// The numbers of the grants in flight, so that the server finds the grants that this process never received.
    /// `None` once the server has answered on the present connection.
    pub held: Option<Vec<u64>>,
    /// How granted requests have ended, with the numbers of their grants.
    pub ends: Vec<(u64, Ended)>,
    /// How many requests this process granted while the server did not answer, and has not reported yet: those in
    /// flight, and those that have ended. The second count includes every request that ended within the last two
    /// windows, and possibly earlier ones.
    pub without: (u64, u64),
    /// Whether this process grants requests without the server until the answer arrives.
    pub is_without: bool,
}

/// What the server answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The numbers that identify the new grants.
    pub granted: Vec<u64>,
    /// How long to wait before asking for the requests that were not granted; 0 if all were granted.
    pub again: Nanos,
    /// For how long nothing is granted, because of a refusal.
    pub closed_for: Nanos,
    /// How often the limit has changed so far. A lower number than before shows that the server has lost changes.
    pub changes: u64,
    /// The declared limit.
    pub declared: u64,
    /// The limit that holds now: the declared limit, or less after refusals.
    pub allowed: u64,
    /// Requests in flight.
    pub in_flight: u64,
    /// Requests that ended within the last window.
    pub recent: u64,
    /// The number of processes that share the limit: those that have asked within the last minute.
    pub members: u64,
    /// Requests that wait in all processes.
    pub waiting: u64,
    /// The number of refusals (429) that all processes got.
    pub refused: u64,
    /// How often a refusal has lowered the limit.
    pub cuts: u64,
    /// Whether the server had lost the state of the limit.
    pub lost: bool,
}

impl Answer {
    /// Whether this answer is plausible for `question`. An implausible answer is not used, because it could stop this
    /// process or grant more requests than the process asked for.
    #[must_use]
    pub fn answers(&self, question: &Question) -> bool {
        let wanted = question.wanted.whole.saturating_add(question.wanted.some);
        let granted = self.granted.len() as u64;
        let quota = &question.quota;
        let again = if granted < wanted { SHORTEST_PAUSE..=quota.span().max(SHORTEST_PAUSE) } else { 0..=0 };
        let Self { changes, declared, allowed, in_flight, recent, waiting, refused, cuts, .. } = self;
        let counts = [changes, declared, allowed, in_flight, recent, waiting, refused, cuts];
        granted <= wanted
            && again.contains(&self.again)
            && self.closed_for / 2 <= quota.scaled(LONGEST_RETRY_AFTER)
            && self.members <= MOST_MEMBERS
            && counts.into_iter().chain(&self.granted).all(|count| *count <= MOST)
    }
}
