//! A simulation in virtual time: a client with a rule, a network, and a server with a counter.

pub(crate) mod counters;
pub(crate) mod rules;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use fastrand::Rng;
use limit_proofs::limit::turn::End;
use limit_proofs::limit::{Linger, Nanos};

use counters::Counter;
use rules::Rule;

pub(crate) const MS: Nanos = 1_000_000;
pub(crate) const SECOND: Nanos = 1000 * MS;
/// An unused connection closes after this time.
const IDLE_CONNECTION: Nanos = 20 * SECOND;
/// How long a request may still be on its way to the server after the client has abandoned it.
const LINGER: Nanos = 5 * SECOND;
/// A request without an answer is abandoned after this time.
const TIMEOUT: Nanos = 30 * SECOND;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Latency {
    None,
    Lan,
    /// As on a LAN, but one in ten requests takes 6 s longer.
    Spikes,
    /// As on a LAN, but one in fifty requests takes up to 40 s longer.
    Tail,
}

/// At which moment between its departure and its end a request arrives at the server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Arrival {
    Early,
    Late,
    Uniform,
    EarlyOrLate,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pattern {
    /// There is always another request to send.
    Steady,
    /// Up to 400 requests at a time, then nothing for up to 40 s.
    Bursts,
    /// As `Steady`, but three in ten requests are abandoned, and the connection is lost now and then.
    Cancellations,
    /// As `Steady`, but the process is stopped now and then, for up to 20 s.
    Stops,
    /// As `Steady`, but the server is stopped once for this long. When the server continues, it reads everything that
    /// was sent meanwhile. The client abandons a request after 30 s.
    ServerStops(Nanos),
    /// This many requests, all at once.
    Batch(usize),
    /// This many concurrent callers. Each calls again as soon as it is answered.
    Callers(usize),
}

/// Another client that uses half of the limit: ten requests a second on average.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Stranger {
    Steady,
    /// One request at a random moment of each tenth of a second.
    Scattered,
    /// Requests at independent times. Now and then a window has 125 of them instead of 100.
    Poisson,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct World {
    pub(crate) latency: Latency,
    pub(crate) handshake: Nanos,
    pub(crate) pattern: Pattern,
    pub(crate) arrival: Arrival,
    pub(crate) duration: Nanos,
    pub(crate) seed: u64,
    pub(crate) stranger: Option<Stranger>,
}

/// When requests were granted and ended in a simulation, in time since its start.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) granted: Vec<Nanos>,
    pub(crate) refused: Vec<Nanos>,
    pub(crate) finished: Vec<Nanos>,
}

impl Trace {
    /// Returns the grants per second between `from` and `until`.
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn rate(&self, from: Nanos, until: Nanos) -> f64 {
        let granted = self.granted.iter().filter(|at| (from..until).contains(*at)).count();
        granted as f64 / ((until - from) as f64 / 1e9)
    }

    /// Counts answers in windows of 10 s between `from` and `until`; a window begins at each full second. Returns the
    /// smallest count and the average.
    pub(crate) fn answers(&self, from: Nanos, until: Nanos) -> (usize, usize) {
        let within = |from, until| self.finished.iter().filter(|at| (from..until).contains(*at)).count();
        let begins = from / SECOND..=until / SECOND - 10;
        let fewest = begins.map(|begin| within(begin * SECOND, (begin + 10) * SECOND)).min();
        let seconds = usize::try_from((until - from) / SECOND).expect("a world is no longer than hours");
        (fewest.unwrap_or(0), within(from, until) * 10 / seconds)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Arrives(usize),
    Ends(usize, bool),
    Wakes,
    More(usize),
    Stranger,
}

struct Request<T> {
    ticket: Option<T>,
    admitted: bool,
}

struct Simulation<'a, R: Rule, C> {
    world: World,
    rule: &'a mut R,
    server: &'a mut C,
    rng: Rng,
    now: Nanos,
    order: u64,
    events: BinaryHeap<Reverse<(Nanos, u64, Event)>>,
    requests: Vec<Request<R::Ticket>>,
    to_do: usize,
    wakes_at: Option<Nanos>,
    connected_at: Nanos,
    last_used: Nanos,
    stops: Vec<(Nanos, Nanos)>,
    server_stops: Range<Nanos>,
    start: Nanos,
    trace: Trace,
}

pub(crate) fn play<R: Rule, C: Counter>(world: World, rule: &mut R, server: &mut C) -> Trace {
    let mut rng = Rng::with_seed(world.seed);
    let start = 100 * SECOND + rng.u64(0..10 * SECOND);
    let mut simulation = Simulation {
        world,
        rule,
        server,
        rng,
        now: start,
        order: 0,
        events: BinaryHeap::new(),
        requests: Vec::new(),
        to_do: 0,
        wakes_at: None,
        connected_at: 0,
        last_used: 0,
        stops: Vec::new(),
        server_stops: 0..0,
        start,
        trace: Trace::default(),
    };
    simulation.prepare();
    simulation.run();
    simulation.trace
}

impl<R: Rule, C: Counter> Simulation<'_, R, C> {
    fn prepare(&mut self) {
        let end = self.start + self.world.duration;
        match self.world.pattern {
            Pattern::Steady | Pattern::Cancellations => self.to_do = usize::MAX,
            Pattern::Batch(count) | Pattern::Callers(count) => self.to_do = count,
            Pattern::ServerStops(length) => {
                self.to_do = usize::MAX;
                let from = self.start + self.rng.u64(0..25 * SECOND);
                self.server_stops = from..from + length;
            }
            Pattern::Bursts => {
                let mut at = self.start;
                while at < end {
                    let count = self.rng.usize(1..=400);
                    self.at(at, Event::More(count));
                    at += self.rng.u64(SECOND / 10..40 * SECOND);
                }
            }
            Pattern::Stops => {
                self.to_do = usize::MAX;
                let mut at = self.start;
                while at < end {
                    let from = at + self.rng.u64(0..15 * SECOND);
                    at = from + self.rng.u64(SECOND..20 * SECOND);
                    self.stops.push((from, at));
                }
            }
        }
        self.at(self.start, Event::More(0));
        if self.world.stranger.is_some() {
            // The stranger, another client of the workspace, starts before our client does, so that the server already
            // counts the stranger's requests.
            self.at(self.start - 20 * SECOND, Event::Stranger);
        }
    }

    fn run(&mut self) {
        let end = self.start + self.world.duration;
        while let Some(Reverse((at, _, event))) = self.events.pop() {
            if at >= end {
                break;
            }
            let stop = self.stops.iter().find(|(from, until)| (*from..*until).contains(&at));
            if let Some((_, until)) = stop
                && matches!(event, Event::Ends(..) | Event::Wakes | Event::More(_))
            {
                let until = *until;
                self.at(until, event);
                continue;
            }
            if event == Event::Wakes && self.wakes_at.is_none_or(|wakes| wakes > at) {
                continue;
            }
            self.now = at;
            match event {
                Event::Arrives(id) => self.requests[id].admitted = self.server.arrive(at),
                Event::Stranger => {
                    self.server.arrive(at);
                    self.next_stranger();
                }
                Event::Ends(id, abandoned) => self.ends(id, abandoned),
                Event::More(count) => self.to_do = self.to_do.saturating_add(count),
                Event::Wakes => self.wakes_at = None,
            }
            if matches!(event, Event::Ends(..) | Event::Wakes | Event::More(_)) {
                self.let_go();
            }
            if let Pattern::Batch(count) = self.world.pattern
                && self.trace.finished.len() == count
            {
                break;
            }
        }
    }

    fn let_go(&mut self) {
        while self.to_do > 0 {
            if let Some(time) = self.rule.wait(self.now) {
                // Real timers are often a little late. So the timers are late in every second simulation, and exact in
                // the others.
                let late = if self.world.seed.is_multiple_of(2) { 0 } else { self.rng.u64(0..2 * MS) };
                let time = time.saturating_add(late);
                if self.wakes_at.is_none_or(|wakes| time < wakes) && time < Nanos::MAX / 2 {
                    self.wakes_at = Some(time);
                    self.at(time, Event::Wakes);
                }
                return;
            }
            let ticket = self.rule.grant(self.now);
            self.to_do -= 1;
            self.trace.granted.push(self.now - self.start);
            self.send(ticket);
        }
    }

    fn send(&mut self, ticket: R::Ticket) {
        let cancels = self.world.pattern == Pattern::Cancellations;
        let lost = cancels && self.rng.u32(0..500) == 0;
        if self.now > self.connected_at.max(self.last_used) + IDLE_CONNECTION
            || lost
            || self.requests.is_empty()
        {
            self.connected_at = self.now + self.world.handshake;
        }
        self.last_used = self.now;
        let sent = self.now.max(self.connected_at);
        let lan = |rng: &mut Rng| rng.u64(30 * MS..250 * MS);
        let latency = match self.world.latency {
            Latency::None => 0,
            Latency::Lan => lan(&mut self.rng),
            Latency::Spikes => lan(&mut self.rng) + if self.rng.u32(0..10) == 0 { 6 * SECOND } else { 0 },
            Latency::Tail => {
                let tail = if self.rng.u32(0..50) == 0 { self.rng.u64(0..40 * SECOND) } else { 0 };
                lan(&mut self.rng) + tail
            }
        };
        let end = sent + latency;
        let id = self.requests.len();
        self.requests.push(Request { ticket: Some(ticket), admitted: true });
        if cancels && self.rng.u32(0..10) < 3 {
            let cancelled = self.rng.u64(self.now..=end);
            if cancelled >= sent {
                let arrives = self.arrival(sent, cancelled + LINGER);
                self.at(arrives, Event::Arrives(id));
            }
            // A request that is abandoned before it is sent never arrives.
            self.at(cancelled, Event::Ends(id, cancelled >= sent));
            if cancelled < sent {
                self.requests[id].admitted = false;
            }
            return;
        }
        let arrives = self.arrival(sent, end);
        let stop = self.server_stops.clone();
        if stop.contains(&arrives) || stop.contains(&end) {
            // When the server continues, it reads everything in its sockets at once and then answers.
            let read = if stop.contains(&arrives) { stop.end } else { arrives };
            self.at(read, Event::Arrives(id));
            let answered = stop.end + latency;
            let given_up = sent + TIMEOUT;
            self.at(answered.min(given_up), Event::Ends(id, given_up < answered));
            return;
        }
        self.at(arrives, Event::Arrives(id));
        self.at(end, Event::Ends(id, false));
    }

    fn arrival(&mut self, sent: Nanos, end: Nanos) -> Nanos {
        match self.world.arrival {
            Arrival::Early => sent,
            Arrival::Late => end,
            Arrival::Uniform => self.rng.u64(sent..=end),
            Arrival::EarlyOrLate => {
                if self.rng.bool() {
                    sent
                } else {
                    end
                }
            }
        }
    }

    fn ends(&mut self, id: usize, abandoned: bool) {
        let request = &mut self.requests[id];
        let ticket = request.ticket.take().expect("each request ends once");
        let cancels = self.world.pattern == Pattern::Cancellations;
        match (abandoned, request.admitted) {
            (true, _) => {
                let linger = if cancels { Linger::Brief } else { Linger::Window };
                self.rule.end(self.now, ticket, End::Abandoned(linger));
            }
            (false, true) => {
                self.rule.end(self.now, ticket, End::Seen);
                self.trace.finished.push(self.now - self.start);
                if matches!(self.world.pattern, Pattern::Callers(_)) {
                    self.to_do += 1;
                }
            }
            (false, false) if cancels => self.rule.end(self.now, ticket, End::NeverSent),
            (false, false) => {
                self.rule.refused(self.now, ticket, self.rng.u32(..));
                self.trace.refused.push(self.now - self.start);
                self.to_do = self.to_do.saturating_add(1);
            }
        }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    fn next_stranger(&mut self) {
        let interval = SECOND / 10;
        let wait = match self.world.stranger {
            None => return,
            Some(Stranger::Steady) => interval,
            Some(Stranger::Scattered) => interval - self.now % interval + self.rng.u64(0..interval),
            Some(Stranger::Poisson) => (-(-self.rng.f64()).ln_1p() * interval as f64) as Nanos,
        };
        self.at(self.now + wait, Event::Stranger);
    }

    fn at(&mut self, at: Nanos, event: Event) {
        self.order += 1;
        self.events.push(Reverse((at, self.order, event)));
    }
}
