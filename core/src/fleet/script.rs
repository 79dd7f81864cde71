//! The Lua script that the Redis or Valkey server runs: its arguments, and the meaning of its replies. Pure: no clock
//! and no I/O.

// The items are `pub`, because the proofs (`core/limit-proofs`) build this file as a public module.
#![allow(unreachable_pub)]

use std::time::Duration;

use crate::limit::backoff::{HOPELESS_AFTER, LONGEST_RETRY_AFTER, PAUSE, SHORTEST_WINDOW};
use crate::limit::pool::{Answer, Question};
use crate::limit::state::{BRIEF_LINGER, LEASE, LONGEST_UNANSWERED};
use crate::limit::turn::{End, Ended};
use crate::limit::{Linger, Nanos, Quota};

/// The source of the script.
pub const SCRIPT: &str =
    concat!(include_str!("state.lua"), include_str!("rule.lua"), include_str!("run.lua"));

/// A process that waits asks the server again at least this many times in each window, because requests of other
/// processes may have ended.
const LOOKS_IN_WINDOW: u64 = 40;
/// A waiting process loses its turn if it asks the server again too late. It may be late by at most a window divided
/// by this number.
const GRACES_IN_WINDOW: u64 = 100;
/// A process that has requests waiting or in flight counts as cut off from the server if it asks nothing for this long.
const SILENT_AFTER: Duration = Duration::from_secs(1);
/// The server resets a limit that no process has used for this long. Without the reset, the stricter limit of an
/// earlier process would hold for ever.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(3);

/// A reply of the script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The answer to a question.
    Answer(Answer),
    /// The limit has moved to the place with this name. The reply also contains the state of the limit, if the new
    /// place may still lack the state.
    Moved(String, Option<Left>),
    /// The place that was asked grants nothing yet. First, a process must move the limit of the place with this name to
    /// the place that was asked.
    First(String),
    /// The place (an entry on the server) now expects that the limit of another place is moved to it.
    Expected,
    /// The limit has left the place, and this state must be absorbed at the new place.
    Left(Left),
    /// The place has absorbed the state of the other limit, now or earlier.
    Absorbed,
    /// The old place has deleted its copy of the state.
    Settled,
}

/// The state of a limit that has left its old place on the server. The new place must absorb (merge) this state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The id of the limit's move to the new place. The new place absorbs the state of each move only once.
    pub id: String,
    /// The state of the limit, as hexadecimal digits.
    pub state: String,
}

/// The process that calls the script, and what the process knows of the server.
#[derive(Debug)]
pub struct Caller {
    /// The server's `run_id`, which is new at each start. A server that was restarted may have lost its last changes.
    pub server: String,
    /// The server has lost no state for at least this long, in microseconds.
    pub unlost: u64,
    /// The unique name of this process.
    pub member: String,
    /// The number of changes of the limit in the server's last answer. If the server now counts fewer changes, it has
    /// lost some of them.
    pub changes: u64,
    /// How often this process has called the script so far.
    pub call: u64,
}

impl Caller {
    fn begins(&mut self, operation: &str, quota: &Quota) -> Vec<String> {
        self.call += 1;
        let unlost = self.unlost.to_string();
        let mut words = vec![operation.to_owned(), self.server.clone(), unlost, self.member.clone()];
        let span = quota.span();
        let window = span.max(quota.scaled(SHORTEST_WINDOW));
        let longest_pause = window.min(quota.scaled(LONGEST_RETRY_AFTER));
        let times = [
            quota.scaled(PAUSE),
            window,
            longest_pause,
            quota.scaled(HOPELESS_AFTER),
            quota.scaled(LEASE),
            quota.scaled(BRIEF_LINGER),
            quota.scaled(LONGEST_UNANSWERED),
            span / LOOKS_IN_WINDOW,
            span / GRACES_IN_WINDOW,
            quota.scaled(SILENT_AFTER),
            quota.scaled(FORGOTTEN_AFTER),
        ];
        push(&mut words, [self.call, quota.requests(), micros(span)]);
        push(&mut words, times.map(micros));
        words
    }

    /// Returns the script's arguments for `question`.
    pub fn asks(&mut self, question: &Question) -> Vec<String> {
        let quota = &question.quota;
        let mut words = self.begins("ask", quota);
        let wanted = question.wanted;
        push(&mut words, [question.kept_free, self.changes, question.share]);
        push(&mut words, [wanted.whole, wanted.some, wanted.waiting]);
        push(&mut words, [u64::from(question.is_without), u64::from(question.held.is_some())]);
        push(&mut words, [question.without.0, question.without.1]);
        let held = question.held.as_deref().unwrap_or_default();
        push(&mut words, std::iter::once(held.len() as u64).chain(held.iter().copied()));
        push(&mut words, [question.ends.len() as u64]);
        for (id, ended) in &question.ends {
            push(&mut words, [*id]);
            let (how, retry_after, jitter) = how(quota, *ended);
            words.push(how.to_owned());
            push(&mut words, [retry_after, u64::from(jitter)]);
        }
        words
    }

    /// Returns the arguments that tell a place to expect the limit of the place `from`.
    pub fn expects(&mut self, quota: &Quota, from: &str) -> Vec<String> {
        self.moves("expect", quota, &[from])
    }

    /// Returns the arguments that move the limit from the place `from` towards the place `to`. The script runs at
    /// `from`.
    pub fn leaves(&mut self, quota: &Quota, from: &str, to: &str) -> Vec<String> {
        self.moves("leave", quota, &[from, to])
    }

    /// Returns the arguments that tell a place to absorb the limit of the place `from`. If `left` is `None`, the place
    /// only stops expecting that limit.
    pub fn absorbs(&mut self, quota: &Quota, from: &str, left: Option<&Left>) -> Vec<String> {
        let (id, state) = left.map_or(("-", "-"), |left| (&left.id, &left.state));
        self.moves("absorb", quota, &[from, id, state])
    }

    /// Returns the arguments that tell the old place to delete its copy of the state after the move `id`.
    pub fn settles(&mut self, quota: &Quota, id: &str) -> Vec<String> {
        self.moves("settle", quota, &[id])
    }

    fn moves(&mut self, operation: &str, quota: &Quota, more: &[&str]) -> Vec<String> {
        let mut words = self.begins(operation, quota);
        push(&mut words, [0, 0]);
        words.extend(more.iter().map(|word| (*word).to_owned()));
        words
    }
}

/// Reads a reply.
///
/// # Errors
/// The reply has the wrong form, or says that the script has already answered a later question. The error is the
/// reason, worded as the end of a sentence.
pub fn read(reply: &[String]) -> Result<Reply, &'static str> {
    const STRANGE: &str = "its answer cannot be read";
    let (kind, rest) = reply.split_first().ok_or(STRANGE)?;
    match (kind.as_str(), rest) {
        ("asked", rest) => answer(rest).map(Reply::Answer).ok_or(STRANGE),
        ("moved", [name, rest @ ..]) if is_name(name) => match rest {
            [] => Ok(Reply::Moved(name.clone(), None)),
            rest => Ok(Reply::Moved(name.clone(), Some(left(rest).ok_or(STRANGE)?))),
        },
        ("first", [name]) if is_name(name) => Ok(Reply::First(name.clone())),
        ("left", rest) => left(rest).map(Reply::Left).ok_or(STRANGE),
        ("expected", []) => Ok(Reply::Expected),
        ("absorbed", []) => Ok(Reply::Absorbed),
        ("settled", []) => Ok(Reply::Settled),
        ("late", []) => Err("it has heard a later question before"),
        _ => Err(STRANGE),
    }
}

fn is_name(name: &str) -> bool {
    name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn left(words: &[String]) -> Option<Left> {
    let [id, state] = words else { return None };
    let is_id = id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_state = !state.is_empty() && state.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_id && is_state).then(|| Left { id: id.clone(), state: state.clone() })
}

fn answer(words: &[String]) -> Option<Answer> {
    let numbers: Option<Vec<u64>> = words.iter().map(|word| word.parse().ok()).collect();
    let mut numbers = numbers?.into_iter();
    let nanos = |micros: u64| micros.checked_mul(1000).filter(|nanos| *nanos < Nanos::MAX / 4);
    // `run.lua` returns the numbers in this order.
    Some(Answer {
        again: nanos(numbers.next()?)?,
        closed_for: nanos(numbers.next()?)?,
        changes: numbers.next()?,
        declared: numbers.next()?,
        allowed: numbers.next()?,
        in_flight: numbers.next()?,
        recent: numbers.next()?,
        members: numbers.next()?,
        waiting: numbers.next()?,
        refused: numbers.next()?,
        cuts: numbers.next()?,
        lost: numbers.next()? != 0,
        granted: numbers.collect(),
    })
}

fn how(quota: &Quota, ended: Ended) -> (&'static str, u64, u32) {
    match ended {
        Ended::Otherwise(End::Seen) => ("seen", 0, 0),
        Ended::Otherwise(End::NeverSent) => ("unsent", 0, 0),
        Ended::Otherwise(End::Abandoned(Linger::Brief)) => ("brief", 0, 0),
        Ended::Otherwise(End::Abandoned(Linger::Window)) => ("window", 0, 0),
        Ended::Refused(retry_after, jitter) => {
            let told = retry_after.filter(|told| *told <= LONGEST_RETRY_AFTER).unwrap_or_default();
            ("refused", micros(quota.scaled(told)), jitter)
        }
    }
}

fn micros(nanos: Nanos) -> u64 {
    nanos.div_ceil(1000)
}

fn push(words: &mut Vec<String>, numbers: impl IntoIterator<Item = u64>) {
    words.extend(numbers.into_iter().map(|number| number.to_string()));
}
