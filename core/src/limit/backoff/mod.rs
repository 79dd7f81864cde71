//! Reacts to refusals (429): lowers the limit, closes the gate for a while, and then starts again with few requests.

use std::time::Duration;

use super::recovery::Recovery;
use super::words::{MOST, Words};
use super::{NEVER, Nanos, Quota};

/// The longest `Retry-After` that a call waits for. A call that gets a longer `Retry-After` fails at once.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_mins(1);

/// Once the server has refused every request for this long, refused calls fail instead of waiting.
pub const HOPELESS_AFTER: Duration = Duration::from_mins(3);

/// The pause after a first cut; a random part makes the pause up to twice as long. [`Backoff::opens`] uses this
/// duration too.
pub const PAUSE: Duration = Duration::from_secs(1);

/// Pauses and recovery use a window of at least this length. If a client with a shorter window keeps within its limit
/// and is refused, the server evidently counts over a longer window.
pub const SHORTEST_WINDOW: Duration = Duration::from_secs(10);

/// The server must refuse at least this many requests of a [`Burst`] before the burst shows how many requests the
/// server accepts. Fewer refusals may be chance.
const SAMPLE: u64 = 8;

/// What a refused request may do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedBy429 {
    /// Wait at the gate again, before new requests of the same class (see `Ask::rejoin`). The gate grants nothing for
    /// this long.
    Closed(Duration),
    /// Fail: the server asks for this wait, which is longer than 60 s.
    TooLong(Duration),
    /// Fail: the server has refused everything for this long, which is [`HOPELESS_AFTER`] or more.
    Hopeless(Duration),
}

/// A cut: a refusal has lowered the limit and closed the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The limit from now on: requests in a window.
    pub allowed: u64,
    /// How long the gate stays closed.
    pub closed_for: Duration,
}

/// The consequences of one refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a refused request either waits again or fails"]
pub struct Refusal {
    /// What the request may do now.
    pub next: RefusedBy429,
    /// The cut that this refusal caused; `None` if the request was granted before the last cut.
    pub cut: Option<Cut>,
}

/// The limit as refusals have lowered it, and the time until which the gate is closed.
#[derive(Clone, Debug)]
pub struct Backoff {
    declared: u64,
    allowed: u64,
    /// How the limit grows back after a cut; `None` before a cut and once the limit has grown back.
    recovery: Option<Recovery>,
    /// The number of the current epoch; [`Backoff::epoch`] says when an epoch begins. A refusal causes a cut only if
    /// its request was granted in this epoch.
    epoch: u64,
    /// How many requests of this epoch are in flight. Abandoned requests do not count.
    flying: u64,
    /// How many requests of this epoch have succeeded.
    successes: u64,
    /// The number of cuts without a success in between. Only successes of requests that were granted since the last cut
    /// count.
    in_a_row: u32,
    closed_until: Nanos,
    refusing_since: Option<Nanos>,
    burst: Burst,
    pause: Nanos,
    longest_pause: Nanos,
    window: Nanos,
    hopeless_after: Nanos,
}

/// The requests that were in flight at the last cut, or had ended shortly before: their number, and how the server
/// answered them.
#[derive(Clone, Copy, Debug, Default)]
struct Burst {
    used: u64,
    refused: u64,
    succeeded: bool,
}

impl Burst {
    /// Of the requests around the last cut, returns how many were accepted. Returns `None` if none was accepted, or if
    /// too few were refused for an estimate.
    fn let_through(self) -> Option<u64> {
        let enough = self.succeeded && self.refused >= (self.used / 4).max(SAMPLE);
        self.used.checked_sub(self.refused).filter(|through| enough && *through > 0)
    }
}

impl Backoff {
    /// Creates a backoff with the limit of `quota` and without refusals.
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

    /// Writes the backoff as integers, for [`Backoff::read`] to read, without the fields that can be computed from the
    /// quota.
    pub fn write(&self, to: &mut Vec<u64>) {
        to.extend([self.allowed, self.epoch, self.flying, self.successes, u64::from(self.in_a_row)]);
        to.extend([self.closed_until, self.refusing_since.unwrap_or(NEVER)]);
        to.extend([self.burst.used, self.burst.refused, u64::from(self.burst.succeeded)]);
        to.push(u64::from(self.recovery.is_some()));
        if let Some(recovery) = &self.recovery {
            recovery.write(to);
        }
    }

    /// Reads a backoff of `quota`. `latest` is the latest time until which the gate may be closed. Returns `None` if
    /// the integers are damaged.
    #[must_use]
    pub fn read(from: &mut Words<'_>, quota: &Quota, latest: Nanos) -> Option<Self> {
        let mut read = Self::new(quota);
        read.allowed = from.up_to(read.declared)?.max(1);
        read.epoch = from.up_to(NEVER / 4)?;
        read.flying = from.up_to(MOST)?;
        read.successes = from.up_to(NEVER / 4)?;
        read.in_a_row = u32::try_from(from.word()?).ok()?;
        read.closed_until = from.up_to(latest)?;
        let since = from.word()?;
        read.refusing_since = (since != NEVER).then_some(since);
        read.burst = Burst { used: from.up_to(MOST)?, refused: from.up_to(MOST)?, succeeded: from.flag()? };
        let recovering = from.flag()?;
        let plausible = read.refusing_since.is_none_or(|since| since <= latest);
        if recovering {
            read.recovery = Some(Recovery::read(from, read.window)?);
        }
        plausible.then_some(read)
    }

    /// Changes to a stricter quota. A limit that refusals have lowered stays lowered.
    pub fn tighten(&mut self, quota: &Quota) {
        self.declared = quota.requests();
        self.allowed = self.allowed.min(self.declared);
        self.pause = quota.scaled(PAUSE);
        self.window = quota.span().max(quota.scaled(SHORTEST_WINDOW));
        self.longest_pause = self.window.min(quota.scaled(LONGEST_RETRY_AFTER));
        self.hopeless_after = quota.scaled(HOPELESS_AFTER);
    }

    /// Returns how many requests are allowed in a window now.
    #[must_use]
    pub fn allowed(&self) -> u64 {
        self.allowed
    }

    /// Whether a refusal has lowered the limit, and the limit has not grown back yet.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.recovery.is_some()
    }

    /// The number of the current epoch. A new epoch begins with each cut (a refusal that lowers the limit), and when
    /// two limits are merged while the gate is closed.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The time from which grants are possible again.
    #[must_use]
    pub fn closed_until(&self) -> Nanos {
        self.closed_until
    }

    /// Returns the first time, at or after `from`, at which earlier refusals allow one more request. Assumes that no
    /// request ends before that time.
    ///
    /// After a pause, one request is sent as a trial. After each success, two more may be sent. The number of requests
    /// that may be without an answer also grows with time: to two requests 1 s after the pause, to four after 2 s, and
    /// so on. So a server that still refuses gets few requests.
    #[must_use]
    pub fn opens(&self, from: Nanos) -> Nanos {
        let from = from.max(self.closed_until);
        let beyond = if self.epoch == 0 { 0 } else { self.flying.saturating_sub(self.successes) };
        if beyond == 0 {
            return from;
        }
        // `beyond` is how many more requests are in flight than have succeeded. At k times `pause` after the gate
        // opened, one more request may be sent if `beyond` is less than 2^k.
        let doublings = u64::from(u64::BITS - beyond.leading_zeros());
        from.max(self.closed_until.saturating_add(doublings * self.pause))
    }

    /// Records that a request is sent. Returns the epoch of the request. Pass the epoch to the method that records how
    /// the request ended.
    pub fn leaves(&mut self) -> u64 {
        self.flying += 1;
        self.epoch
    }

    /// Records that a request that was granted in `epoch` ended without an answer.
    pub fn ends(&mut self, epoch: u64) {
        if epoch == self.epoch {
            self.flying = self.flying.saturating_sub(1);
        }
    }

    /// Notes that a request granted in `epoch` was answered and not refused.
    pub fn succeeded(&mut self, now: Nanos, epoch: u64) {
        self.ends(epoch);
        self.refusing_since = None;
        // The success of a request from before the last cut does not raise the lowered limit. But if the request was
        // granted between the last two cuts, its answer helps to show how many requests the server accepts.
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

    /// Notes that a request granted in `epoch` was refused at `now`. `jitter` is a random u32, which varies the pause.
    ///
    /// The first refusal of a request that was granted since the last cut lowers the limit to seven tenths of the level
    /// that the server refused (usually the limit itself), but not below 1. This refusal also closes the gate for a
    /// pause of 1 to 2 s. Each further cut without a success in between doubles the pause, up to one window (at least
    /// 10 s) and at most 60 s. A `retry_after` above zero and up to 60 s replaces the pause. `used` is how many
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
            // If nothing succeeded since the previous cut, the server still refuses everything, whatever the limit is.
            Some(recovery) if self.successes == 0 => (cut(level), recovery.interrupted(cut(level))),
            // If the server refused while the limit was growing back, it accepts fewer than `used` requests in a
            // window. If `used` is small, the refusal may be chance, so the refused level is taken to be at least half
            // the limit.
            Some(recovery) => {
                let refused = level.min(used.max(level / 2));
                (cut(refused), recovery.refused(cut(refused), refused - refused / 16))
            }
        };
        self.allowed = allowed;
        self.recovery = Some(recovery);
        self.begin_epoch(Burst { used, refused: 1, succeeded: self.successes > 0 });
    }

    /// Lowers the limit further once the answers to the requests around the last cut show how many requests the server
    /// accepts.
    fn learn(&mut self) {
        if let (Some(ceiling), Some(recovery)) = (self.burst.let_through(), &mut self.recovery) {
            self.allowed = self.allowed.min((ceiling * 7 / 10).max(1));
            recovery.lower(self.allowed, ceiling);
        }
    }

    /// Merges another backoff into this one: the smaller limit and the later `closed_until` hold. `time` converts a
    /// time of `other` to a time of this backoff.
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
            // A new epoch begins, so that few requests are sent after this pause until one of them succeeds.
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

    /// How long the server has been refusing every request, up to `now`.
    fn refusing_for(&mut self, now: Nanos) -> Nanos {
        // If the last pause ended long ago, earlier refusals no longer count.
        let lately = now <= self.closed_until.saturating_add(self.hopeless_after / 3);
        let since = self.refusing_since.filter(|_| lately).unwrap_or(now);
        self.refusing_since = Some(since);
        now.saturating_sub(since)
    }
}

#[cfg(test)]
mod tests;
