//! Who waits for results, and whether the driver's own thread has to do the I/O.

use std::time::{Duration, Instant};

/// How often the driver's thread checks whether threads still wait for a call, and whether an event loop still answers.
/// A shorter pause would wake the thread more often for nothing.
const BUSY: Duration = Duration::from_millis(500);
/// How often the driver's thread checks whether an event loop still answers, while no call is in progress. Idle
/// connections answer pings this late if the event loop is stopped.
const QUIET: Duration = Duration::from_secs(5);
/// While no call is in progress, the driver's thread takes over the I/O only once this time has passed since a thread
/// last waited for a call. A program that makes one call after another pauses for a shorter time, so the program's own
/// thread keeps doing the I/O.
const IDLE: Duration = Duration::from_millis(20);

/// Counts the threads, event loops and calls that wait for results.
#[derive(Debug)]
pub(super) struct Waiting {
    /// Threads that wait for a call.
    pub threads: usize,
    /// Calls for which no thread waits.
    pub calls: usize,
    /// The calls among them that were started by an event loop that watches the descriptor.
    calls_of_loops: usize,
    /// Event loops that watch the descriptor.
    pub loops: usize,
    /// How many turns event loops have begun, even if another thread did the I/O (see `Watch::turn`).
    pub turns: u64,
    /// Whether an event loop does the I/O now.
    pub in_turn: bool,
    /// When an event loop last stopped doing the I/O.
    pub checked: Instant,
    /// Whether the driver's thread does the I/O.
    pub stands_in: bool,
    /// When a thread last stopped waiting.
    pub last: Instant,
    /// For how long the driver's thread waits for a change. `None` if it does not wait: then no notification is sent,
    /// because each notification is a system call.
    pub listens_for: Option<Duration>,
}

/// What the driver's thread does next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Does the I/O.
    StandIn,
    /// Waits for a change, for at most this long.
    Wait(Duration),
    /// Makes the descriptor readable, and waits this long for an event loop to do the I/O.
    AskLoops(Duration),
}

impl Waiting {
    pub(super) fn new() -> Self {
        Self {
            threads: 0,
            calls: 0,
            calls_of_loops: 0,
            loops: 0,
            turns: 0,
            in_turn: false,
            checked: Instant::now(),
            stands_in: false,
            last: Instant::now(),
            listens_for: None,
        }
    }

    /// Counts a call that begins. Returns whether to notify the driver's thread.
    pub(super) fn begin(&mut self, by_loop: bool) -> bool {
        self.calls += 1;
        self.calls_of_loops += usize::from(by_loop);
        // An event loop does the I/O of the calls that it begins. Then the driver's thread only checks the event loop,
        // and a notification is needed only if the thread would check too late.
        self.listens_for.is_some_and(|pause| !by_loop || pause > BUSY)
    }

    pub(super) fn end(&mut self, by_loop: bool) {
        self.calls -= 1;
        self.calls_of_loops -= usize::from(by_loop);
    }

    /// Whether a thread other than that of an event loop has entered the runtime, or is about to.
    pub(super) fn others_do_io(&self) -> bool {
        self.threads > 0 || self.stands_in
    }

    /// Whether event loops do the I/O for all calls in progress. An event loop certainly runs only while it has a call
    /// in progress.
    pub(super) fn loops_do_io(&self) -> bool {
        self.loops > 0 && self.calls_of_loops > 0
    }

    /// Decides what the driver's thread does next. `asked` is the value of `turns` when event loops were last asked to
    /// do the I/O.
    pub(super) fn next(&self, asked: Option<u64>) -> Next {
        if self.threads > 0 {
            return Next::Wait(BUSY);
        }
        if self.calls > 0 && !self.loops_do_io() {
            return Next::StandIn;
        }
        if self.loops > 0 {
            // An event loop that was asked and did nothing is blocked, or is not running.
            let is_stuck = asked == Some(self.turns) && !self.in_turn;
            let pause = if self.calls > 0 { BUSY } else { QUIET };
            return if is_stuck { Next::StandIn } else { Next::AskLoops(pause) };
        }
        match IDLE.checked_sub(self.last.elapsed()) {
            Some(left) => Next::Wait(left.max(Duration::from_millis(1))),
            None => Next::StandIn,
        }
    }
}
