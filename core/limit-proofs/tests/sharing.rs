//! Simulates several processes that keep one limit in a store. Processes crash, are stopped, find the store locked,
//! note the ends of requests without the lock, or report them late. The store loses its state or notes.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, dead_code, reason = "the worlds are shared with another test")]

mod world;

use fastrand::Rng;
use limit_proofs::limit::line::Class;
use limit_proofs::limit::state::{EndNote, LEASE, SLOTS, State};
use limit_proofs::limit::turn::{End, Grant, Next, Turns};
use limit_proofs::limit::{NEVER, Nanos, Quota};
use world::counters::AllCounters;
use world::rules::{Rule, real};
use world::{Arrival, Latency, MS, Pattern, SECOND, World, play};

const SEEDS: u64 = 6;

#[derive(Clone, Copy, Debug, Default)]
struct Faults {
    /// On average, one in this many grants is followed by the crash of a random process. The requests of this process
    /// still arrive, but nobody reports their ends.
    crash_in: Option<u32>,
    /// On average, one in this many grants is followed by a stop of a random process, for up to 20 s. Afterwards the
    /// process reports the ends of its requests.
    stop_in: Option<u32>,
    /// One in this many changes finds the store locked. If the change is the end of a request, the process reports the
    /// end with its next change.
    busy_in: Option<u32>,
    /// On average, the store loses the state after one grant in this many.
    loss_in: Option<u32>,
    /// One in this many notes (which record the end of a request without the lock) is lost, as if it was written only
    /// in part or the file was removed.
    note_lost_in: Option<u32>,
    /// One in this many notes is written up to 20 s late, because its process was stopped just before.
    note_late_in: Option<u32>,
    /// On average, one in this many notes is followed by a crash of its process, before anybody reads the note.
    crash_after_note_in: Option<u32>,
    /// Whether a note gives the time of the grant as the end of the request. This breaks the rule.
    notes_end_early: bool,
    /// Whether a lost state counts as an empty one. This breaks the rule.
    lost_is_empty: bool,
    /// Whether a process that finds the store locked still changes the store, from the last state that the process
    /// knows. This breaks the rule.
    ignores_locks: bool,
}

/// Processes that share a state. Before a change, a process reads the state if another process has changed it. After
/// the change, the process writes the state.
struct Processes {
    faults: Faults,
    /// How often the shared state was written, and the state itself.
    kept: (u64, Vec<u64>),
    notes: [Option<EndNote>; SLOTS],
    /// The notes that are written late, and the time at which each is written.
    late_notes: Vec<(Nanos, EndNote)>,
    /// How many ends of requests were written as notes.
    noted: u64,
    rng: Rng,
    all: Vec<Process>,
    /// The request that [`Rule::wait`] has granted. The next [`Rule::grant`] returns it.
    granted: Option<Sent>,
}

struct Process {
    turns: Turns<()>,
    /// How often the shared state had been written when this process read or wrote it last.
    known: u64,
    /// How often the process has crashed.
    crashes: u64,
    stopped_until: Nanos,
    /// The requests that have ended but still count as in flight in the store, because the process was stopped or the
    /// store was locked.
    late: Vec<(Grant, Ended)>,
}

/// A request, and the process that sent it.
struct Sent {
    process: usize,
    crashes: u64,
    grant: Grant,
}

#[derive(Clone, Copy)]
enum Ended {
    Otherwise(End),
    Refused(u32),
}

impl Process {
    fn new(now: Nanos, crashes: u64) -> Self {
        let mut turns = Turns::new(Quota::default());
        turns.share(State::shared(Quota::default(), now));
        Self { turns, known: 0, crashes, stopped_until: 0, late: Vec::new() }
    }
}

impl Processes {
    fn new(count: usize, faults: Faults, seed: u64) -> Self {
        let mut kept = Vec::new();
        State::shared(Quota::default(), 0).write(&mut kept);
        let all = (0..count).map(|_| Process::new(0, 0)).collect();
        Self {
            faults,
            kept: (1, kept),
            notes: [None; SLOTS],
            late_notes: Vec::new(),
            noted: 0,
            rng: Rng::with_seed(seed),
            all,
            granted: None,
        }
    }

    /// Lets one of the processes change the state of the limit, as a gate does.
    fn change<R>(&mut self, now: Nanos, index: usize, change: impl FnOnce(&mut Turns<()>) -> R) -> R {
        let is_busy = self.happens(self.faults.busy_in);
        for (_, note) in self.late_notes.extract_if(.., |(at, _)| *at <= now) {
            self.notes[EndNote::slot(note.lease)] = Some(note);
        }
        let Process { turns, known, late, .. } = &mut self.all[index];
        let (generation, kept) = &mut self.kept;
        let _ = turns.opened(now, |state| match is_busy {
            true if self.faults.ignores_locks => Ok(()),
            true => Err(()),
            false => {
                if std::mem::replace(known, *generation) != *generation {
                    *state = State::read(kept).expect("what was written can be read");
                }
                state.add_noted(now, |lease| {
                    let note = self.notes[EndNote::slot(lease)]?;
                    Some(if self.faults.notes_end_early { EndNote { at: 0, ..note } } else { note })
                });
                Ok(())
            }
        });
        for (grant, ended) in late.drain(..) {
            end(turns, now, grant, ended);
        }
        let result = change(turns);
        let Some(state) = turns.closed() else { return result };
        let mut words = Vec::new();
        state.write(&mut words);
        if !State::are_alike(&words, kept) {
            (*kept, *generation) = (words, *generation + 1);
            *known = *generation;
        }
        result
    }

    fn ends(&mut self, now: Nanos, sent: Sent, ended: Ended) {
        let process = &mut self.all[sent.process];
        if process.crashes != sent.crashes {
            return;
        }
        if process.stopped_until > now {
            process.late.push((sent.grant, ended));
            return;
        }
        if matches!(ended, Ended::Otherwise(End::Seen)) && process.turns.may_tell_later() {
            return end(&mut process.turns, now, sent.grant, ended);
        }
        let note = process.turns.end_note(now, &sent.grant).filter(|_| process.late.is_empty());
        if let (Ended::Otherwise(End::Seen), Some(note)) = (ended, note) {
            process.turns.ended_with_note(now, sent.grant);
            return self.write(now, sent.process, note);
        }
        self.change(now, sent.process, |turns| end(turns, now, sent.grant, ended));
    }

    /// Writes the note of an ended request, which needs no lock.
    fn write(&mut self, now: Nanos, index: usize, note: EndNote) {
        self.noted += 1;
        if self.happens(self.faults.note_late_in) {
            self.late_notes.push((now + self.rng.u64(0..20 * SECOND), note));
        } else if !self.happens(self.faults.note_lost_in) {
            self.notes[EndNote::slot(note.lease)] = Some(note);
        }
        if self.happens(self.faults.crash_after_note_in) {
            self.all[index] = Process::new(now, self.all[index].crashes + 1);
        }
    }

    fn happens(&mut self, one_in: Option<u32>) -> bool {
        one_in.is_some_and(|number| self.rng.u32(0..number) == 0)
    }

    fn go_wrong(&mut self, now: Nanos) {
        let index = self.rng.usize(0..self.all.len());
        if self.happens(self.faults.crash_in) {
            self.all[index] = Process::new(now, self.all[index].crashes + 1);
        }
        if self.happens(self.faults.stop_in) {
            self.all[index].stopped_until = now + self.rng.u64(SECOND..20 * SECOND);
        }
        if self.happens(self.faults.loss_in) {
            let quota = Quota::default();
            let fresh =
                if self.faults.lost_is_empty { State::shared(quota, now) } else { State::lost(quota, now) };
            self.kept.0 += 1;
            self.kept.1.clear();
            fresh.write(&mut self.kept.1);
        }
    }
}

fn end(turns: &mut Turns<()>, now: Nanos, grant: Grant, ended: Ended) {
    match ended {
        Ended::Otherwise(end) => turns.end(now, grant, end),
        Ended::Refused(jitter) => drop(turns.refused(now, grant, None, jitter)),
    }
}

impl Rule for Processes {
    type Ticket = Sent;

    /// Lets a request wait in one of the processes that are not stopped. The process looks at the store as often as a
    /// gate does.
    fn wait(&mut self, now: Nanos) -> Option<Nanos> {
        let running = |(_, process): &(usize, &Process)| process.stopped_until <= now;
        let running: Vec<_> = self.all.iter().enumerate().filter(running).map(|(index, _)| index).collect();
        let Some(process) = self.rng.choice(running) else {
            return self.all.iter().map(|process| process.stopped_until).min();
        };
        let next = self.change(now, process, |turns| {
            let place = turns.join(now, Class::Read, None, false, ());
            match turns.next(now) {
                Next::Goes(_, (), grant) => Ok(grant),
                Next::Later(_, time) => {
                    turns.leave(place);
                    Err(time.min(now + if turns.can_grant() { 50 * MS } else { 2 * MS }))
                }
                Next::Nobody => Err(NEVER),
            }
        });
        let crashes = self.all[process].crashes;
        next.map(|grant| self.granted = Some(Sent { process, crashes, grant })).err()
    }

    fn grant(&mut self, now: Nanos) -> Self::Ticket {
        let sent = self.granted.take().expect("a grant follows a wait that has ended");
        self.go_wrong(now);
        sent
    }

    fn end(&mut self, now: Nanos, sent: Self::Ticket, end: End) {
        self.ends(now, sent, Ended::Otherwise(end));
    }

    fn refused(&mut self, now: Nanos, sent: Self::Ticket, jitter: u32) {
        self.ends(now, sent, Ended::Refused(jitter));
    }
}

fn world(latency: Latency, pattern: Pattern, seed: u64) -> World {
    let arrival = [Arrival::Early, Arrival::Late, Arrival::Uniform, Arrival::EarlyOrLate]
        [usize::try_from(seed % 4).unwrap()];
    World { latency, handshake: SECOND, pattern, arrival, duration: 200 * SECOND, seed, stranger: None }
}

/// Runs the simulations of one kind. Returns the number of refusals and the lowest sustained rate.
fn played(count: usize, latency: Latency, pattern: Pattern, faults: Faults) -> (u64, f64) {
    let (refusals, lowest) = seeds(latency, pattern, |seed| Processes::new(count, faults, seed));
    println!(
        "{count} processes, {latency:?}, {pattern:?}, {faults:?}: {refusals} refusals, {lowest:.2} a second"
    );
    (refusals, lowest)
}

fn seeds<R: Rule>(latency: Latency, pattern: Pattern, mut rule: impl FnMut(u64) -> R) -> (u64, f64) {
    let (mut refusals, mut lowest) = (0, f64::MAX);
    for seed in 0..SEEDS {
        let mut counters = AllCounters::new(0);
        let trace = play(world(latency, pattern, seed), &mut rule(seed), &mut counters);
        refusals += counters.refusals;
        lowest = lowest.min(trace.rate(80 * SECOND, 200 * SECOND));
    }
    (refusals, lowest)
}

#[test]
fn processes_together_keep_the_limit_and_use_it_like_one() {
    let steady = [Latency::None, Latency::Lan, Latency::Spikes].map(|latency| (latency, Pattern::Steady));
    let others =
        [Pattern::Bursts, Pattern::Cancellations, Pattern::Stops].map(|pattern| (Latency::Lan, pattern));
    for (latency, pattern) in [steady, others].concat() {
        let (_, alone) = seeds(latency, pattern, |_| real());
        for count in [2, 8, 64] {
            let (refusals, rate) = played(count, latency, pattern, Faults::default());
            assert!(refusals == 0 && rate >= 0.95 * alone, "{refusals} refusals, {rate} of {alone} a second");
        }
    }
}

/// If a process cannot report the end of a request at once, the request counts as in flight for longer. So the
/// processes stay within the limit.
#[test]
fn ends_that_are_told_late_leave_the_processes_within_the_limit() {
    for count in [2, 8, 64] {
        for (busy_in, least) in [(10, 18.0), (2, 12.0)] {
            let faults = Faults { busy_in: Some(busy_in), ..Faults::default() };
            let (refusals, rate) = played(count, Latency::Lan, Pattern::Steady, faults);
            assert!(refusals == 0 && rate >= least, "{refusals} refusals, {rate} a second");
            for pattern in [Pattern::Bursts, Pattern::Cancellations] {
                assert_eq!(played(count, Latency::Lan, pattern, faults).0, 0);
            }
        }
    }
}

#[test]
fn the_same_worlds_refuse_processes_that_grant_by_what_they_knew() {
    let faults = Faults { busy_in: Some(10), ignores_locks: true, ..Faults::default() };
    assert!(played(8, Latency::Lan, Pattern::Steady, faults).0 > 0);
}

#[test]
fn processes_that_crash_or_stop_with_requests_in_flight_leave_the_others_within_the_limit() {
    let crashes = Faults { crash_in: Some(100), ..Faults::default() };
    let stops = Faults { stop_in: Some(200), ..Faults::default() };
    let all = Faults { busy_in: Some(5), stop_in: Some(400), ..crashes };
    for count in [2, 8, 64] {
        for (faults, least) in [(crashes, 15.0), (stops, 10.0), (all, 10.0)] {
            for pattern in [Pattern::Steady, Pattern::Cancellations] {
                let (refusals, rate) = played(count, Latency::Lan, pattern, faults);
                assert!(refusals == 0 && rate >= least, "{refusals} refusals, {rate} a second");
            }
        }
    }
}

#[test]
fn most_ends_are_noted_unless_many_requests_are_in_flight() {
    for (count, least) in [(2, 50), (8, 80), (64, 90)] {
        let mut processes = Processes::new(count, Faults::default(), 1);
        let trace = play(world(Latency::Lan, Pattern::Steady, 1), &mut processes, &mut AllCounters::new(0));
        let noted = processes.noted * 100 / trace.finished.len() as u64;
        assert!(noted >= least, "{count} processes note {noted} % of the ends");
    }
}

#[test]
fn notes_that_are_lost_or_late_leave_the_processes_within_the_limit() {
    let lost = Faults { note_lost_in: Some(3), ..Faults::default() };
    let crashes = Faults { crash_after_note_in: Some(100), crash_in: Some(200), ..lost };
    let late = Faults { note_late_in: Some(3), crash_after_note_in: Some(200), ..Faults::default() };
    let all = Faults {
        busy_in: Some(5),
        stop_in: Some(400),
        loss_in: Some(1000),
        note_late_in: Some(5),
        ..crashes
    };
    for count in [2, 8, 64] {
        for (faults, least) in [(lost, 15.0), (late, 10.0), (crashes, 10.0), (all, 5.0)] {
            for pattern in [Pattern::Steady, Pattern::Cancellations] {
                let (refusals, rate) = played(count, Latency::Lan, pattern, faults);
                assert!(refusals == 0 && rate >= least, "{refusals} refusals, {rate} a second");
            }
        }
    }
}

#[test]
fn the_same_worlds_refuse_processes_that_end_requests_too_early() {
    let faults = Faults { notes_end_early: true, ..Faults::default() };
    let refusals = |latency| played(64, latency, Pattern::Steady, faults).0;
    assert!([Latency::Spikes, Latency::Tail].map(refusals).iter().sum::<u64>() > 0);
}

#[test]
fn a_state_that_is_lost_counts_as_full() {
    for latency in [Latency::None, Latency::Lan, Latency::Spikes] {
        let faults = Faults { loss_in: Some(500), ..Faults::default() };
        let (refusals, rate) = played(8, latency, Pattern::Steady, faults);
        assert!(refusals == 0 && rate > 5.0, "{refusals} refusals, {rate} a second");
    }
}

#[test]
fn the_same_worlds_refuse_processes_that_take_lost_state_for_empty() {
    let faults = Faults { loss_in: Some(500), lost_is_empty: true, ..Faults::default() };
    assert!(played(8, Latency::Lan, Pattern::Steady, faults).0 > 0);
}

/// Without leases, the requests of crashed processes would count as in flight for ever.
#[test]
fn a_request_that_nobody_ends_counts_until_its_lease_ends() {
    let quota = Quota::default();
    let mut state = State::shared(quota, 0);
    for _ in 0..200 {
        let _never_ended = state.grant(SECOND);
    }
    let lease = Nanos::try_from(LEASE.as_nanos()).unwrap();
    assert_eq!(Rule::wait(&mut state, 2 * SECOND), Some(SECOND + lease));
    let again = Rule::wait(&mut state, SECOND + lease).expect("the requests have only just ended");
    assert!(again > SECOND + lease);
    assert_eq!(Rule::wait(&mut state, again), None);
}

/// The state of the limit does not know a request if its lease has expired or the state was lost. If the end of such a
/// request is reported, the end counts like any other end.
#[test]
fn an_end_that_the_state_does_not_know_counts_too() {
    let quota = Quota::default();
    let mut earlier = State::shared(quota, 0);
    let ticket = earlier.grant(SECOND);
    let mut state = State::shared(quota, 2 * SECOND);
    state.seen(3 * SECOND, ticket);
    assert_eq!((state.in_flight(), state.ended_recently()), (0, 1));
}
