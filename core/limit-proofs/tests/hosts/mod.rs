//! A simulation in virtual time: processes on several machines, a server that keeps their limit with the real script,
//! messages that take time to arrive, and an API that counts requests.

mod given;

pub(crate) use given::{Fault, Hosts, Outcome};

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::ops::Range;

use fastrand::Rng;
use limit_proofs::limit::Class;
use limit_proofs::limit::pool::{Answer, Pool, Question};
use limit_proofs::limit::turn::{End, Grant, Next, Turns};
use limit_proofs::limit::{NEVER, Nanos, Quota};
use limit_proofs::script::{Caller, Reply};

use crate::server::{KEY, Server};
use crate::world::counters::{AllCounters, Counter};
use crate::world::{MS, SECOND};

/// What the server's clock shows at the simulation's time 0, in microseconds.
const EPOCH: Nanos = 1_700_000_000_000_000;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A question reaches the server.
    Heard {
        who: usize,
        life: u64,
        call: u64,
    },
    /// An answer reaches the process.
    Told {
        who: usize,
        life: u64,
        call: u64,
    },
    /// The time limit for an answer has passed.
    TooLate {
        who: usize,
        life: u64,
        call: u64,
    },
    Arrives(usize),
    Ends(usize),
    Wakes {
        who: usize,
        life: u64,
    },
    Fault(usize),
    Snapshot,
}

/// A process. `life` counts its starts.
struct Process {
    life: u64,
    turns: Turns<()>,
    caller: Caller,
    asking: Option<(u64, Question)>,
    wakes_at: Nanos,
    stops: Vec<Range<Nanos>>,
}

struct Request {
    who: usize,
    life: u64,
    grant: Option<Grant>,
    admitted: bool,
}

struct Play {
    hosts: Hosts,
    server: Server,
    api: AllCounters,
    rng: Rng,
    now: Nanos,
    order: u64,
    events: BinaryHeap<Reverse<(Nanos, u64, Event)>>,
    processes: Vec<Process>,
    requests: Vec<Request>,
    /// Questions and answers that have not arrived yet. The key is the process, the number of its start, and the
    /// number of the question.
    questions: HashMap<(usize, u64, u64), Vec<String>>,
    answers: HashMap<(usize, u64, u64), Answer>,
    before: [HashMap<String, String>; 2],
    outcome: Outcome,
    lives: u64,
}

pub(crate) fn play(hosts: Hosts) -> Outcome {
    let mut rng = Rng::with_seed(hosts.seed);
    let now = 100 * SECOND + rng.u64(0..10 * SECOND);
    let mut play = Play {
        server: Server::with(hosts.broken),
        api: AllCounters::new(0),
        rng,
        now,
        order: 0,
        events: BinaryHeap::new(),
        processes: Vec::new(),
        requests: Vec::new(),
        questions: HashMap::new(),
        answers: HashMap::new(),
        before: [HashMap::new(), HashMap::new()],
        outcome: Outcome::default(),
        lives: 0,
        hosts,
    };
    play.run(now);
    play.outcome.refusals = play.api.refusals;
    play.outcome
}

impl Play {
    fn run(&mut self, start: Nanos) {
        let end = start + self.hosts.duration;
        for who in 0..self.hosts.processes {
            let process = self.new_process(start, end);
            self.processes.push(process);
            let at = start + self.rng.u64(0..SECOND);
            let life = self.processes[who].life;
            self.at(at, Event::Wakes { who, life });
            self.processes[who].wakes_at = at;
        }
        for (index, fault) in self.hosts.faults.clone().into_iter().enumerate() {
            if let Fault::ForgetsAll(at) | Fault::ForgetsLastSecond(at) = fault {
                self.at(start + at, Event::Fault(index));
            }
        }
        self.at(start, Event::Snapshot);
        while let Some(Reverse((at, _, event))) = self.events.pop() {
            // After 50 refusals, further refusals would show nothing new.
            if at >= end || self.api.refusals > 50 {
                break;
            }
            if let Some(later) = self.held_up(at, start, &event) {
                self.at(later, event);
                continue;
            }
            self.now = at;
            self.happens(&event, start, end);
        }
        self.outcome.granted.iter_mut().for_each(|(at, _)| *at -= start);
        self.outcome.alone.iter_mut().for_each(|(at, _)| *at -= start);
        self.outcome.back.iter_mut().for_each(|(at, _)| *at -= start);
    }

    fn new_process(&mut self, start: Nanos, end: Nanos) -> Process {
        let quota = Quota::default();
        let mut turns = Turns::new(quota);
        turns.draw_from(Pool::new(quota, self.now));
        if let Some(share) = self.hosts.share {
            turns.set_share(share);
        }
        let mut stops = Vec::new();
        let mut at = start + self.rng.u64(0..30 * SECOND);
        while self.hosts.stops && at < end {
            let until = at + self.rng.u64(SECOND / 10..20 * SECOND);
            stops.push(at..until);
            at = until + self.rng.u64(0..60 * SECOND);
        }
        self.lives += 1;
        let member = format!("{:016x}", self.rng.u64(..));
        let caller = Caller { server: String::new(), unlost: 0, changes: 0, member, call: 0 };
        Process { life: self.lives, turns, caller, asking: None, wakes_at: NEVER, stops }
    }

    /// Returns the time until which an event is delayed because its process or the server is stopped; `None` if the
    /// event is handled at once.
    fn held_up(&self, at: Nanos, start: Nanos, event: &Event) -> Option<Nanos> {
        let stopped = |who: usize| self.processes[who].stops.iter().find(|stop| stop.contains(&at));
        match *event {
            Event::Heard { .. } => self.hosts.faults.iter().find_map(|fault| match fault {
                Fault::Hangs(when) if when.contains(&(at - start)) => Some(start + when.end),
                _ => None,
            }),
            // If an answer arrives while the process is stopped, the process reads the answer first and then notices
            // that the time limit has passed.
            Event::TooLate { who, .. } => stopped(who).map(|stop| stop.end + 1),
            Event::Told { who, .. } | Event::Wakes { who, .. } => stopped(who).map(|stop| stop.end),
            Event::Ends(index) => stopped(self.requests[index].who).map(|stop| stop.end),
            Event::Arrives(_) | Event::Fault(_) | Event::Snapshot => None,
        }
    }

    fn happens(&mut self, event: &Event, start: Nanos, end: Nanos) {
        match *event {
            Event::Arrives(index) => self.requests[index].admitted = self.api.arrive(self.now),
            Event::Snapshot => {
                let now = self.server.kept.borrow().clone();
                self.before = [std::mem::take(&mut self.before[1]), now];
                self.at(self.now + SECOND, Event::Snapshot);
            }
            Event::Fault(index) => {
                let forgets_all = matches!(self.hosts.faults[index], Fault::ForgetsAll(_));
                let kept = if forgets_all { HashMap::new() } else { self.before[0].clone() };
                *self.server.kept.borrow_mut() = kept;
                self.server.start.set(self.server.start.get() + 1);
                // A restart closes the connections. Each process then opens another connection and asks again.
                self.questions.clear();
                self.answers.clear();
            }
            Event::Heard { who, life, call } => self.heard(who, life, call),
            Event::Told { who, life, call } => {
                if let Some(answer) = self.answers.remove(&(who, life, call)) {
                    self.told(who, life, call, Some(answer));
                }
            }
            Event::TooLate { who, life, call } => self.told(who, life, call, None),
            Event::Ends(index) => self.ends(index),
            Event::Wakes { who, life } => {
                if self.processes[who].life == life && self.processes[who].wakes_at <= self.now {
                    self.processes[who].wakes_at = NEVER;
                    self.goes_on(who, start, end);
                }
            }
        }
        if let Event::Told { who, .. } | Event::TooLate { who, .. } = *event {
            self.goes_on(who, start, end);
        }
        if let Event::Ends(index) = *event {
            self.goes_on(self.requests[index].who, start, end);
        }
    }

    fn heard(&mut self, who: usize, life: u64, call: u64) {
        let Some(mut words) = self.questions.remove(&(who, life, call)) else { return };
        // The second argument is the `run_id` of the server, which a process reads when it connects.
        words[1] = self.server.start.get().to_string();
        let fast = (who as u64 + 1) * u64::from(self.hosts.own_clocks);
        let apart = self.now / 1000 / 10 * fast / self.hosts.processes as u64;
        self.server.set_clock(EPOCH + self.now / 1000 + apart);
        self.outcome.asked += 1;
        match self.server.try_run(KEY, words) {
            Ok(Reply::Answer(answer)) => {
                self.answers.insert((who, life, call), answer);
                let at = self.now + self.rng.u64(self.hosts.delay.clone());
                self.at(at, Event::Told { who, life, call });
            }
            // A question of an earlier connection can arrive after a question of a later connection.
            Err("it has heard a later question before") => {}
            other => panic!("{other:?}"),
        }
    }

    fn told(&mut self, who: usize, life: u64, call: u64, answer: Option<Answer>) {
        let now = self.now;
        let process = &mut self.processes[who];
        if process.life != life || process.asking.as_ref().is_none_or(|(asking, _)| *asking != call) {
            return;
        }
        let Some((_, question)) = process.asking.take() else { return };
        let pool = process.turns.pool_mut().unwrap();
        if let Some(answer) = answer {
            process.caller.changes = answer.changes;
            if pool.answered(now, &question, answer) {
                self.outcome.back.push((now, who));
            }
        } else {
            if !pool.is_down() {
                self.outcome.alone.push((now, who));
            }
            pool.unanswered(now, question);
        }
    }

    fn ends(&mut self, index: usize) {
        let (now, request) = (self.now, &mut self.requests[index]);
        let process = &mut self.processes[request.who];
        if process.life != request.life {
            return;
        }
        let Some(grant) = request.grant.take() else { return };
        if request.admitted {
            process.turns.end(now, grant, End::Seen);
        } else {
            let _ = process.turns.refused(now, grant, None, self.rng.u32(..));
        }
    }

    /// Lets a process send every request that it may send now, and ask the server if it has to.
    fn goes_on(&mut self, who: usize, start: Nanos, end: Nanos) {
        let now = self.now;
        loop {
            let process = &mut self.processes[who];
            while process.turns.waiting(Class::Read) < 4 {
                process.turns.join(now, Class::Read, None, false, ());
            }
            match process.turns.next(now) {
                Next::Goes(_, (), grant) => {
                    self.sends(who, grant);
                    if self.crashes(start, end) {
                        return self.goes_on(who, start, end);
                    }
                }
                Next::Later(_, time) => {
                    self.wakes(who, time);
                    break;
                }
                Next::Nobody => break,
            }
        }
        let process = &mut self.processes[who];
        if process.asking.is_some() {
            return;
        }
        let wanted = process.turns.wanted(now);
        let asks_at = process.turns.pool().unwrap().asks_at(now, wanted);
        if asks_at > now {
            return self.wakes(who, asks_at);
        }
        let question = process.turns.pool_mut().unwrap().question(now, wanted);
        let words = process.caller.asks(&question);
        let (life, call) = (process.life, process.caller.call);
        process.asking = Some((call, question));
        self.at(now + self.hosts.patience, Event::TooLate { who, life, call });
        let cut_off = who < self.hosts.processes.div_ceil(2)
            && self
                .hosts
                .faults
                .iter()
                .any(|fault| matches!(fault, Fault::CutOff(when) if when.contains(&(now - start))));
        if !cut_off {
            self.questions.insert((who, life, call), words);
            let at = now + self.rng.u64(self.hosts.delay.clone());
            self.at(at, Event::Heard { who, life, call });
        }
    }

    /// Decides at random whether a process crashes now. If so, a new process replaces the crashed process. The requests
    /// of the crashed process still arrive.
    fn crashes(&mut self, start: Nanos, end: Nanos) -> bool {
        if self.hosts.crash_in.is_none_or(|number| self.rng.u32(0..number) != 0) {
            return false;
        }
        let who = self.rng.usize(0..self.hosts.processes);
        let process = self.new_process(start, end);
        let (at, life) = (self.now + SECOND, process.life);
        self.processes[who] = process;
        self.processes[who].wakes_at = at;
        self.at(at, Event::Wakes { who, life });
        true
    }

    fn sends(&mut self, who: usize, grant: Grant) {
        let now = self.now;
        self.outcome.granted.push((now, who));
        let index = self.requests.len();
        let life = self.processes[who].life;
        self.requests.push(Request { who, life, grant: Some(grant), admitted: true });
        let end = now + self.rng.u64(30 * MS..250 * MS);
        let arrives = self.rng.u64(now..=end);
        self.at(arrives, Event::Arrives(index));
        self.at(end, Event::Ends(index));
    }

    fn wakes(&mut self, who: usize, time: Nanos) {
        let process = &mut self.processes[who];
        let time = time.max(self.now + 1);
        if time < process.wakes_at && time < NEVER / 2 {
            process.wakes_at = time;
            let life = process.life;
            self.at(time, Event::Wakes { who, life });
        }
    }

    fn at(&mut self, at: Nanos, event: Event) {
        self.order += 1;
        self.events.push(Reverse((at, self.order, event)));
    }
}
