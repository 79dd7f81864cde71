//! What a refusal (429) changes: fewer requests in a window, nothing for a while, and a careful start after it.

use std::time::Duration;

use super::recovery::Recovery;
use super::{Nanos, Quota};

/// The longest `Retry-After` that a call waits for. A call that gets a longer one fails at once.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_mins(1);

/// How long a server may refuse everything before calls end with that: refusals that go on for this long, without one
/// success in between, are no busy moment any more.
pub const HOPELESS_AFTER: Duration = Duration::from_mins(3);

/// The pause after a first cut, before it is jittered to up to twice as much; and how long a trial after a pause goes on
/// before twice as many may be under way without an answer.
const PAUSE: Duration = Duration::from_secs(1);

/// Pauses and recovery take the window to be at least this long: a server that refuses a client with a shorter window
/// evidently counts over a longer one.
const SHORTEST_WINDOW: Duration = Duration::from_secs(10);

/// So many refusals of one burst are no stray ones.
const SAMPLE: u64 = 8;

/// What a refused request may do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedBy429 {
    /// Wait again, with `rejoin`; nothing is granted for this long.
    Closed(Duration),
    /// The server asks for a longer wait than 60 s: fail, and say for how long.
    TooLong(Duration),
    /// The server has refused everything for this long, [`HOPELESS_AFTER`] or more: fail, and say so.
    Hopeless(Duration),
}

/// A cut of the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Requests that are let through in a window from now on.
    pub allowed: u64,
    /// For how long nothing is let through.
    pub closed_for: Duration,
}

/// What one refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a refused request either waits again or fails"]
pub struct Refusal {
    /// What the request may do now.
    pub next: RefusedBy429,
    /// The cut that this refusal caused. Refusals of requests that were granted before the last cut cause none.
    pub cut: Option<Cut>,
}

/// N after the refusals so far, and until when nothing is granted.
#[derive(Clone, Debug)]
pub struct Backoff {
    declared: u64,
    allowed: u64,
    /// Until N is what was declared again.
    recovery: Option<Recovery>,
    /// Counts the cuts; a refusal of a request that was granted before the last one says nothing new.
    epoch: u64,
    /// Requests of this epoch that have not ended, those that were given up not among them.
    flying: u64,
    /// Successes of this epoch.
    successes: u64,
    /// Cuts since the last success of an epoch.
    in_a_row: u32,
    closed_until: Nanos,
    refusing_since: Option<Nanos>,
    burst: Burst,
    pause: Nanos,
    longest_pause: Nanos,
    window: Nanos,
    hopeless_after: Nanos,
}

/// What the last cut met: a window of requests, and what became of them.
#[derive(Clone, Copy, Debug, Default)]
struct Burst {
    used: u64,
    refused: u64,
    succeeded: bool,
}

impl Burst {
    /// How many the server let through, where it refused a good part of them and not all.
    fn let_through(self) -> Option<u64> {
        let enough = self.succeeded && self.refused >= (self.used / 4).max(SAMPLE);
        self.used.checked_sub(self.refused).filter(|through| enough && *through > 0)
    }
}

impl Backoff {
    /// Creates a backoff without refusals, whose N is that of `quota`.
    #[must_use]
    pub fn new(quota: &Quota) -> Self {
        let mut new = Self {
            declared: quota.requests(),
            allowed: quota.requests(),
            recovery: None,
            epoch: 0,
            flying: 0,
            successes: 0,
            in_a_row: 0,
            closed_until: 0,
            refusing_since: None,
            burst: Burst::default(),
            pause: 0,
            longest_pause: 0,
            window: 0,
            hopeless_after: 0,
        };
        new.tighten(quota);
        new
    }

    /// Adopts a stricter quota; what was cut stays cut.
    pub fn tighten(&mut self, quota: &Quota) {
        self.declared = quota.requests();
        self.allowed = self.allowed.min(self.declared);
        self.pause = quota.scaled(PAUSE);
        self.window = quota.span().max(quota.scaled(SHORTEST_WINDOW));
        self.longest_pause = self.window.min(quota.scaled(LONGEST_RETRY_AFTER));
        self.hopeless_after = quota.scaled(HOPELESS_AFTER);
    }

    /// The N that holds now.
    #[must_use]
    pub fn allowed(&self) -> u64 {
        self.allowed
    }

    /// The time from which grants are possible again.
    #[must_use]
    pub fn closed_until(&self) -> Nanos {
        self.closed_until
    }

    /// The first time at or after `from` at which one more may leave, as far as refusals are concerned, if nothing ends
    /// before.
    ///
    /// After a pause one request goes ahead as a trial. Each success lets two more be under way, and so does time: after
    /// 1 s without an answer two may be, then four. A server that refuses on meets few requests so, however many wait.
    #[must_use]
    pub fn opens(&self, from: Nanos) -> Nanos {
        let from = from.max(self.closed_until);
        let beyond = if self.epoch == 0 { 0 } else { self.flying.saturating_sub(self.successes) };
        if beyond == 0 {
            return from;
        }
        // Once k pauses have passed, a request may leave if `beyond` is less than 2^k.
        let doublings = u64::from(u64::BITS - beyond.leading_zeros());
        from.max(self.closed_until.saturating_add(doublings * self.pause))
    }

    /// A request leaves; gives back the epoch in which it does, to be told at its end.
    pub fn leaves(&mut self) -> u64 {
        self.flying += 1;
        self.epoch
    }

    /// A request granted in `epoch` ended without an answer.
    pub fn ends(&mut self, epoch: u64) {
        if epoch == self.epoch {
            self.flying = self.flying.saturating_sub(1);
        }
    }

    /// Records that a request granted in `epoch` was answered and not refused.
    pub fn succeeded(&mut self, now: Nanos, epoch: u64) {
        self.ends(epoch);
        self.refusing_since = None;
        // A request from before the cut says nothing about the lowered N, but is part of the burst that was cut.
        if epoch != self.epoch {
            if epoch + 1 == self.epoch {
                self.burst.succeeded = true;
                self.learn();
            }
            return;
        }
        self.successes += 1;
        self.in_a_row = 0;
        if let Some(recovery) = &mut self.recovery {
            recovery.succeeded(now.saturating_sub(self.closed_until), self.allowed);
            self.allowed = self.allowed.max(recovery.level()).min(self.declared);
            if self.allowed == self.declared {
                self.recovery = None;
            }
        }
    }

    /// A request granted in `epoch` was refused at `now`; `jitter` is uniform over all u32.
    ///
    /// The first refusal of an epoch cuts N to seven tenths, never below 1, and closes the gate for 1–2 s, twice as long
    /// for each further cut without a success in between, up to a window, or for `retry_after`. `used` is how many
    /// requests are in flight or ended within the last window.
    pub fn refused(
        &mut self,
        now: Nanos,
        epoch: u64,
        retry_after: Option<Duration>,
        jitter: u32,
        used: u64,
        quota: &Quota,
    ) -> Refusal {
        let refusing = self.refusing_for(now);
        let told = retry_after.filter(|told| !told.is_zero() && *told <= LONGEST_RETRY_AFTER);
        let cuts = epoch == self.epoch;
        if cuts {
            self.cut(used);
        } else if epoch + 1 == self.epoch {
            self.burst.refused += 1;
            self.learn();
        }
        match told {
            Some(told) => self.close(now, quota.scaled(told)),
            None if cuts => self.close(now, self.pause(jitter)),
            None => {}
        }
        if cuts {
            self.in_a_row = self.in_a_row.saturating_add(1);
        }
        let closed_for = Duration::from_nanos(self.closed_until.saturating_sub(now));
        let next = match retry_after {
            Some(long) if long > LONGEST_RETRY_AFTER => RefusedBy429::TooLong(long),
            _ if refusing >= self.hopeless_after => RefusedBy429::Hopeless(Duration::from_nanos(refusing)),
            _ => RefusedBy429::Closed(closed_for),
        };
        Refusal { next, cut: cuts.then_some(Cut { allowed: self.allowed, closed_for }) }
    }

    fn cut(&mut self, used: u64) {
        let cut = |level: u64| (level * 7 / 10).max(1);
        let level = self.allowed;
        let (allowed, recovery) = match self.recovery.take() {
            None => (cut(level), Recovery::new(cut(level), level, self.window)),
            // Nothing succeeded since the previous cut, so the server still refuses everything, whatever N is.
            Some(recovery) if self.successes == 0 => (cut(level), recovery.interrupted(cut(level))),
            // Refused while N recovers: the requests that were in use then were too many. A client that uses little may
            // be refused by chance, so at least half of N is assumed.
            Some(recovery) => {
                let refused = level.min(used.max(level / 2));
                (cut(refused), recovery.refused(cut(refused), refused - refused / 16))
            }
        };
        self.allowed = allowed;
        self.recovery = Some(recovery);
        self.begin_epoch(Burst { used, refused: 1, succeeded: self.successes > 0 });
    }

    /// The rest of a burst tells better than its first refusal how much the server lets through.
    fn learn(&mut self) {
        if let (Some(ceiling), Some(recovery)) = (self.burst.let_through(), &mut self.recovery) {
            self.allowed = self.allowed.min((ceiling * 7 / 10).max(1));
            recovery.lower(self.allowed, ceiling);
        }
    }

    /// Merges another backoff into this one: the smaller N and the later opening hold. `time` converts a time of the
    /// other.
    pub fn absorb(&mut self, now: Nanos, other: &Self, time: impl Fn(Nanos) -> Nanos) {
        if other.allowed < self.allowed {
            self.allowed = other.allowed;
            self.recovery.clone_from(&other.recovery);
        }
        if other.epoch == 0 {
            return;
        }
        self.closed_until = self.closed_until.max(time(other.closed_until));
        if self.closed_until > now {
            // After this pause, this gate sends trials too.
            self.begin_epoch(Burst::default());
        }
    }

    fn begin_epoch(&mut self, burst: Burst) {
        self.burst = burst;
        self.epoch += 1;
        self.flying = 0;
        self.successes = 0;
    }

    fn pause(&self, jitter: u32) -> Nanos {
        let extra = (u128::from(self.pause) * u128::from(jitter)) >> 32;
        let pause = self.pause + Nanos::try_from(extra).unwrap_or(self.pause);
        pause.saturating_mul(1 << self.in_a_row.min(20)).min(self.longest_pause)
    }

    fn close(&mut self, now: Nanos, pause: Nanos) {
        self.closed_until = self.closed_until.max(now.saturating_add(pause));
    }

    /// How long everything has been refused.
    fn refusing_for(&mut self, now: Nanos) -> Nanos {
        // After a long time without requests the count starts again: a refusal then does not continue the earlier ones.
        let lately = now <= self.closed_until.saturating_add(self.hopeless_after / 3);
        let since = self.refusing_since.filter(|_| lately).unwrap_or(now);
        self.refusing_since = Some(since);
        now.saturating_sub(since)
    }
}

#[cfg(test)]
mod tests;
