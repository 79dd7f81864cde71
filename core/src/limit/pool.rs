//! One process's side of a limit that a server keeps for several machines: what the server has granted, what the
//! process must report, and how the process goes on while the server does not answer. Pure: no clock and no I/O.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use super::end::{End, Ended};
pub use super::question::{Answer, Question, Wanted};
use super::state::{Reach, State, Ticket};
use super::{NEVER, Nanos, Quota};

/// How long the report of an ended request is delayed, so that one question to the server reports several ended
/// requests.
const TOGETHER: Duration = Duration::from_millis(50);
/// How long the report of an ended request is delayed if no other granted request is in flight. If the caller's next
/// request follows within this time, the question for that request also reports the end of the earlier request.
const NEXT: Duration = Duration::from_millis(5);
/// A server that does not answer is asked again after this long.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// For this long after the last request, a server that does not answer is asked again every [`ASK_AGAIN`].
const IN_USE: Duration = Duration::from_mins(1);
/// A grant is given back if no request uses the grant within this time after the process asked for it. If the process
/// was stopped for a while, the server may no longer count an older grant.
const USED_WITHIN: Duration = Duration::from_secs(1);
/// If a user reads statistics that are older than this, the server is asked for new statistics.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// One question asks the server for at most this many grants.
const MOST_AT_ONCE: u64 = 64;
/// The server keeps a part of the limit free for processes that cannot reach the server: the limit divided by this
/// number.
const KEPT_FREE: u64 = 40;

/// What this process knows of a limit that a server keeps for several machines.
#[derive(Debug)]
pub struct Pool {
    quota: Quota,
    /// The smallest share of the limit that a client has set, above 0 and at most 1. While the server does not answer,
    /// this process keeps within this share.
    share: Option<f64>,
    /// Grants that no request has taken yet.
    ready: VecDeque<Ready>,
    /// The numbers of the grants that the server believes to be in flight.
    held: BTreeSet<u64>,
    ends: Vec<(u64, Ended)>,
    /// The latest time to report the ended requests in `ends` to the server.
    tell_at: Nanos,
    /// The earliest time to ask the server again for grants for waiting requests.
    ask_at: Nanos,
    /// When the server was last asked.
    asked: Nanos,
    /// When a request last began or ended.
    used: Nanos,
    without: Option<Without>,
    /// Of the requests that this process granted without the server: how many were not reported to the server yet, and
    /// how many are in flight.
    sent: (u64, u64),
    /// The last question reported this many of the requests that were granted without the server (`sent`).
    told: u64,
    is_down: bool,
    is_new_connection: bool,
    last: Answer,
    /// Requests that wait in other processes, as of the last answer.
    waiting_elsewhere: u64,
    answered: Nanos,
}

#[derive(Clone, Copy, Debug)]
struct Ready {
    id: u64,
    asked: Nanos,
}

/// The limit of this process while the server does not answer.
#[derive(Debug)]
struct Without {
    quota: Quota,
    state: State,
}

/// Permission for one request.
#[derive(Debug)]
pub enum Pass {
    /// The server granted the request under this number.
    Granted(u64),
    /// This process granted the request, because the server did not answer.
    Without(Ticket),
}

impl Pool {
    /// Creates a pool at `now`, before the server was asked for the first time.
    #[must_use]
    pub fn new(quota: Quota, now: Nanos) -> Self {
        let last =
            Answer { declared: quota.requests(), allowed: quota.requests(), members: 1, ..Answer::default() };
        Self {
            quota,
            share: None,
            ready: VecDeque::new(),
            held: BTreeSet::new(),
            ends: Vec::new(),
            tell_at: NEVER,
            ask_at: now,
            asked: now,
            used: now,
            without: None,
            sent: (0, 0),
            told: 0,
            is_down: false,
            is_new_connection: true,
            last,
            waiting_elsewhere: 0,
            answered: now,
        }
    }

    /// Combines `quota` with all earlier quotas. From the next question on, the process declares the combined quota to
    /// the server.
    pub fn tighten(&mut self, quota: Quota) {
        self.quota = self.quota.stricter(quota);
    }

    /// While the server does not answer, this process may use only a part of the limit: the fraction `share`.
    pub fn set_share(&mut self, share: f64) {
        self.share = Some(self.share.map_or(share, |earlier| earlier.min(share)));
    }

    /// Whether the server did not answer the last question.
    #[must_use]
    pub fn is_down(&self) -> bool {
        self.is_down
    }

    /// Whether the server has answered on the present connection.
    #[must_use]
    pub fn has_answered(&self) -> bool {
        !self.is_new_connection
    }

    /// Notes that a user reads the state of the limit at `now`. If the last answer is old, the server is asked again
    /// soon.
    pub fn look(&mut self, now: Nanos) {
        self.used = now;
        if !self.has_answered() || self.answered.saturating_add(self.quota.scaled(LOOK_AGAIN)) <= now {
            self.tell_at = self.tell_at.min(now);
        }
    }

    /// The server's last answer.
    #[must_use]
    pub fn last(&self) -> &Answer {
        &self.last
    }

    /// Requests that wait in other processes.
    #[must_use]
    pub fn waiting_elsewhere(&self) -> u64 {
        self.waiting_elsewhere
    }

    /// The limit that holds while the server does not answer.
    fn without(&self) -> Option<&State> {
        self.without.as_ref().filter(|_| self.is_down).map(|without| &without.state)
    }

    /// The limit, the requests in flight, and the requests that ended recently. The numbers are those of all processes
    /// together, or of this process while the server does not answer.
    #[must_use]
    pub fn standing(&self) -> (u64, u64, u64) {
        match self.without() {
            Some(state) => (state.allowed(), state.in_flight(), state.ended_recently()),
            None => (self.last.allowed, self.last.in_flight, self.last.recent),
        }
    }

    /// The time until which nothing is granted, because of a refusal.
    #[must_use]
    pub fn closed_until(&self) -> Nanos {
        match self.without() {
            Some(state) => state.closed_until(),
            None => self.answered.saturating_add(self.last.closed_for),
        }
    }

    /// The first time at or after `from` at which one more request may go. [`NEVER`] while the process depends on the
    /// server and has no unused grant.
    #[must_use]
    pub fn earliest(&self, from: Nanos, reach: Reach) -> Nanos {
        match self.without() {
            Some(state) => state.earliest(from, reach),
            None if self.ready.is_empty() => NEVER,
            None => from,
        }
    }

    /// A lower bound (at or after `from`) of the time at which one more request may go.
    #[must_use]
    pub fn no_earlier_than(&self, from: Nanos, reach: Reach) -> Nanos {
        match self.without() {
            Some(state) => state.no_earlier_than(from, reach),
            None => from.max(self.closed_until()),
        }
    }

    /// The next time at which the result of [`Self::earliest`] may change, if nothing else happens; [`NEVER`] if there
    /// is none.
    #[must_use]
    pub fn next_settling(&self) -> Nanos {
        self.without().map_or(NEVER, State::next_settling)
    }

    /// Brings the pool to the time `now`: abandoned requests that can no longer arrive count as ended, and the grants
    /// that no request has used in time are given back.
    pub fn settle(&mut self, now: Nanos) {
        if let Some(without) = &mut self.without {
            without.state.settle(now);
        }
        let within = self.quota.scaled(USED_WITHIN);
        while self.ready.front().is_some_and(|ready| ready.asked.saturating_add(within) <= now) {
            if let Some(Ready { id, .. }) = self.ready.pop_front() {
                self.note(now, id, Ended::Otherwise(End::NeverSent));
            }
        }
    }

    /// Grants a request at the time `now`. Returns `None` if no request may go.
    pub fn take(&mut self, now: Nanos) -> Option<Pass> {
        self.used = now;
        match &mut self.without {
            Some(without) if self.is_down => {
                self.sent = (self.sent.0 + 1, self.sent.1 + 1);
                Some(Pass::Without(without.state.grant(now)))
            }
            _ => self.ready.pop_front().map(|ready| Pass::Granted(ready.id)),
        }
    }

    /// Records how a request has ended.
    pub fn end(&mut self, now: Nanos, pass: Pass, ended: Ended) {
        self.used = now;
        match (pass, &mut self.without) {
            (Pass::Granted(id), _) => self.note(now, id, ended),
            (Pass::Without(ticket), Some(without)) => {
                self.sent.1 = self.sent.1.saturating_sub(1);
                ended.tell(&mut without.state, now, ticket);
            }
            (Pass::Without(_), None) => {}
        }
    }

    fn note(&mut self, now: Nanos, id: u64, ended: Ended) {
        self.ends.push((id, ended));
        let is_last = self.held.len() <= self.ends.len();
        let refused = matches!(ended, Ended::Refused(..));
        let wait = if refused {
            Duration::ZERO
        } else if is_last {
            NEXT
        } else {
            TOGETHER
        };
        self.tell_at = self.tell_at.min(now.saturating_add(self.quota.scaled(wait)));
    }

    /// When to ask the server; [`NEVER`] if there is nothing to ask or to report.
    #[must_use]
    pub fn asks_at(&self, now: Nanos, wanted: Wanted) -> Nanos {
        if self.is_down {
            let in_use = self.used.saturating_add(self.quota.scaled(IN_USE)) > now;
            return if in_use || wanted.waiting > 0 { self.ask_at } else { NEVER };
        }
        // Asks for grants only if a waiting request could use them.
        let wants = wanted.at > now || wanted.whole + wanted.some > self.ready.len() as u64;
        let unused = self
            .ready
            .front()
            .map_or(NEVER, |ready| ready.asked.saturating_add(self.quota.scaled(USED_WITHIN)));
        if wants {
            self.ask_at.max(wanted.at).min(self.tell_at).min(unused)
        } else {
            self.tell_at.min(unused)
        }
    }

    /// Returns the question to ask the server at `now`. The question reports the requests that have ended. If no answer
    /// comes, [`Pool::unanswered`] makes sure that they are reported again.
    pub fn question(&mut self, now: Nanos, wanted: Wanted) -> Question {
        self.settle(now);
        self.asked = now;
        self.tell_at = NEVER;
        let ready = self.ready.len() as u64;
        let whole = wanted.whole.min(MOST_AT_ONCE).saturating_sub(ready);
        let some = wanted.some.min(MOST_AT_ONCE - whole.min(MOST_AT_ONCE));
        let some = some.saturating_sub(ready.saturating_sub(wanted.whole));
        // The server needs the requests that ended within the last two windows. `sent` may also count earlier ones, so
        // the report counts at most twice the limit: no more requests can have ended in two windows.
        let (sent, flying) = (self.sent.0, self.sent.1.min(self.sent.0));
        self.told = sent;
        let most = self.without.as_ref().map_or(0, |without| 2 * without.state.declared());
        Question {
            quota: self.quota,
            kept_free: kept_free(&self.quota),
            share: self.share.map_or(0, |share| self.quota.shared(share).requests()),
            wanted: Wanted { whole, some, ..wanted },
            held: self.is_new_connection.then(|| self.held.iter().copied().collect()),
            ends: std::mem::take(&mut self.ends),
            without: (flying, (sent - flying).min(most)),
            is_without: self.is_down,
        }
    }

    /// Notes that the server has answered a question. Returns true if the server did not answer the previous question.
    pub fn answered(&mut self, now: Nanos, question: &Question, answer: Answer) -> bool {
        for (id, _) in &question.ends {
            self.held.remove(id);
        }
        let asked = self.asked;
        self.held.extend(&answer.granted);
        self.ready.extend(answer.granted.iter().map(|id| Ready { id: *id, asked }));
        self.ask_at = now.saturating_add(answer.again);
        self.answered = now;
        self.is_new_connection = false;
        self.waiting_elsewhere = answer.waiting.saturating_sub(question.wanted.waiting);
        self.last = answer;
        self.last.granted.clear();
        self.settle(now);
        let is_back = std::mem::take(&mut self.is_down);
        // Subtracts the requests that the answered question has reported. The next question reports the rest.
        self.sent.0 = self.sent.0.saturating_sub(self.told);
        if is_back {
            self.tell_at = now;
        }
        is_back
    }

    /// Records that the server has not answered a question. From now on, this process grants requests without the
    /// server.
    pub fn unanswered(&mut self, now: Nanos, question: Question) {
        // The ended requests in the question are reported again. If the server received the question after all, these
        // requests count twice.
        let later = std::mem::replace(&mut self.ends, question.ends);
        self.ends.extend(later);
        for Ready { id, .. } in std::mem::take(&mut self.ready) {
            self.ends.push((id, Ended::Otherwise(End::NeverSent)));
        }
        self.tell_at = now;
        self.ask_at = now.saturating_add(self.quota.scaled(ASK_AGAIN));
        self.is_new_connection = true;
        if !std::mem::replace(&mut self.is_down, true) {
            self.go_without(now);
        }
    }

    fn go_without(&mut self, now: Nanos) {
        let Some(share) = self.share else {
            // The server keeps a few requests of each window free for the processes that cannot reach it. Without a
            // share, these processes divide the few requests among themselves, so each process sends one request every
            // `windows` windows.
            let windows = self.last.members.max(1).div_ceil(kept_free(&self.quota).max(1));
            let window = self.quota.window.saturating_mul(u32::try_from(windows).unwrap_or(u32::MAX));
            let quota = Quota { requests: 1, window, ..self.quota };
            // If there are more processes than requests that the server keeps free, not all processes may send their
            // first request at once. So each process first waits for a part of `windows` windows, and then for another
            // `windows` windows. The part differs between processes.
            let waits = windows > 1;
            let until = now.saturating_add(scrambled(now) % quota.span());
            let mut state =
                if waits { State::lost_until(quota, now, until) } else { State::shared(quota, now) };
            match self.without.take() {
                Some(earlier) if earlier.quota == quota && !waits => state = earlier.state,
                Some(earlier) => state.absorb(now, &earlier.state, |time| time),
                None => {}
            }
            state.settle(now);
            self.without = Some(Without { quota, state });
            return;
        };
        // Until the server notices the silence of this process, other processes may use the share of this process. So
        // the whole share counts as used by requests that end a quarter of a window from now. These requests also stand
        // for the requests that this process sent before.
        let quota = self.quota.shared(share);
        let until = now.saturating_add(quota.span() / 4);
        self.without = Some(Without { quota, state: State::lost_until(quota, now, until) });
    }
}

/// A number that differs between processes that lose the server at almost the same time.
fn scrambled(now: Nanos) -> Nanos {
    now.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16
}

/// How many requests of a window the server keeps free for processes that cannot reach the server.
fn kept_free(quota: &Quota) -> u64 {
    if quota.requests() > 1 { (quota.requests() / KEPT_FREE).max(1) } else { 0 }
}
