//! Who waits for results, and whether the driver's own thread has to do the I/O.

use std::thread::{self, ThreadId};
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
/// After two event loops have had calls at the same time, this much time must pass before an event loop does the I/O
/// again. Otherwise the I/O would change its thread at nearly every call.
const CALM: Duration = Duration::from_secs(1);

/// If nobody has checked for I/O for this long, calls begin only after a check.
const LATE: Duration = Duration::from_millis(1);

/// Identifies an event loop that watches the descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LoopId {
    number: u64,
    /// A thread that has several copies of a package has several watches, but only one event loop.
    thread: ThreadId,
}

/// Counts the threads, event loops and calls that wait for results.
#[derive(Debug)]
pub(super) struct Waiting {
    /// Threads that wait for a call.
    pub threads: usize,
    /// Calls for which no thread waits.
    pub calls: usize,
    /// How many of these calls each event loop has started; only event loops with calls.
    calls_of_loops: Vec<(LoopId, usize)>,
    /// When two event loops last had calls at once, and the driver's thread took over the I/O. `None` if an event loop
    /// may do the I/O. If several event loops watched the descriptor, each event would wake all of them.
    shared: Option<Instant>,
    /// [`BUSY`], [`QUIET`] and [`CALM`]. Tests set other times.
    pub busy: Duration,
    pub quiet: Duration,
    pub calm: Duration,
    /// The event loops that watch the descriptor now. If one stops watching, it starts again at its next call.
    pub watching: Vec<LoopId>,
    /// The number of the last event loop.
    last_loop: u64,
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
            calls_of_loops: Vec::new(),
            shared: None,
            busy: BUSY,
            quiet: QUIET,
            calm: CALM,
            watching: Vec::new(),
            last_loop: 0,
            turns: 0,
            in_turn: false,
            checked: Instant::now(),
            stands_in: false,
            last: Instant::now(),
            listens_for: None,
        }
    }

    /// Gives a new id to the event loop of this thread, and notes that it watches the descriptor.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "there, no event loop does the I/O"))]
    pub(super) fn add_loop(&mut self) -> LoopId {
        self.last_loop += 1;
        let id = LoopId { number: self.last_loop, thread: thread::current().id() };
        self.watching.push(id);
        id
    }

    /// Counts a call that begins. Returns whether to notify the driver's thread.
    pub(super) fn begin(&mut self, by: Option<LoopId>) -> bool {
        self.calls += 1;
        if let Some(by) = by {
            self.count(by);
            if self.calls_of_loops.iter().any(|(id, _)| id.thread != by.thread) {
                self.shared = Some(Instant::now());
            } else if self.calls_of_loops.len() == 1 && self.shared.is_some_and(|at| at.elapsed() > self.calm)
            {
                self.shared = None;
            }
            if self.is_for_loops() {
                self.watch(by, true);
            }
        }
        // If an event loop does the I/O, the thread only has to check the event loop often enough.
        self.listens_for.is_some_and(|pause| !self.loops_do_io() || pause > self.busy)
    }

    fn count(&mut self, by: LoopId) {
        match self.calls_of_loops.iter_mut().find(|(id, _)| *id == by) {
            Some((_, calls)) => *calls += 1,
            None => self.calls_of_loops.push((by, 1)),
        }
    }

    pub(super) fn end(&mut self, by: Option<LoopId>) {
        self.calls -= 1;
        let Some(by) = by else { return };
        self.calls_of_loops.retain_mut(|(id, calls)| {
            *calls -= usize::from(*id == by);
            *calls > 0
        });
    }

    /// Whether event loops may do the I/O.
    pub(super) fn is_for_loops(&self) -> bool {
        self.shared.is_none()
    }

    /// Whether an event loop may do the I/O, and has calls in progress.
    pub(super) fn is_for(&self, id: LoopId) -> bool {
        self.is_for_loops() && self.calls_of_loops.iter().any(|(other, _)| *other == id)
    }

    /// Notes that an event loop watches the descriptor, or that it does not.
    pub(super) fn watch(&mut self, id: LoopId, watches: bool) {
        let place = self.watching.iter().position(|other| *other == id);
        match (place, watches) {
            (None, true) => self.watching.push(id),
            (Some(place), false) => drop(self.watching.swap_remove(place)),
            _ => {}
        }
    }

    /// Whether an event loop must go on watching the descriptor. An event loop without calls watches as long as nobody
    /// else does the I/O: a batch, for example, goes on although no call is in progress.
    pub(super) fn must_watch(&self, id: LoopId) -> bool {
        let is_needed = self.calls_of_loops.is_empty() && !self.others_do_io();
        self.is_for(id) || self.is_for_loops() && is_needed
    }

    /// Whether nobody may have checked for I/O for some time. A call must then begin after a check. Otherwise it could be
    /// sent on a connection that the server has closed in the meantime, and nobody would know whether a change took
    /// effect.
    pub(super) fn is_late(&self) -> bool {
        self.checked.max(self.last).elapsed() > LATE
    }

    /// Whether a thread other than that of an event loop has entered the runtime, or is about to.
    pub(super) fn others_do_io(&self) -> bool {
        self.threads > 0 || self.stands_in
    }

    /// Whether event loops do the I/O for all calls in progress. False if no event loop has a call in progress, because
    /// an event loop without calls may have stopped running.
    pub(super) fn loops_do_io(&self) -> bool {
        !self.watching.is_empty() && self.is_for_loops() && !self.calls_of_loops.is_empty()
    }

    /// Decides what the driver's thread does next. `asked` is the value of `turns` when event loops were last asked to
    /// do the I/O.
    pub(super) fn next(&self, asked: Option<u64>) -> Next {
        if self.threads > 0 {
            return Next::Wait(self.busy);
        }
        if self.calls > 0 && !self.loops_do_io() {
            return Next::StandIn;
        }
        if !self.watching.is_empty() {
            // An event loop that was asked and did nothing is blocked, or is not running.
            let is_stuck = asked == Some(self.turns) && !self.in_turn;
            let pause = if self.calls > 0 { self.busy } else { self.quiet };
            return if is_stuck { Next::StandIn } else { Next::AskLoops(pause) };
        }
        match IDLE.checked_sub(self.last.elapsed()) {
            Some(left) => Next::Wait(left.max(Duration::from_millis(1))),
            None => Next::StandIn,
        }
    }
}
