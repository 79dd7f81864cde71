//! Simulates limits that move from one place on a server to another while processes use them. Some processes die in the
//! midst of a move.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, dead_code, reason = "the server and the counters are shared with other tests")]

mod server;
mod world;

use fastrand::Rng;
use limit_proofs::limit::pool::{Answer, Question, Wanted};
use limit_proofs::limit::turn::{End, Ended};
use limit_proofs::limit::{Nanos, Quota};
use limit_proofs::script::Caller;
use limit_proofs::way::Way;
use server::Server;
use world::counters::{AllCounters, Counter};

const SECOND: Nanos = 1_000_000;
const START: Nanos = 1_700_000_000 * SECOND;

/// Returns the factor by which a test multiplies its number of simulations. The factor is 1, or `LIMIT_SEEDS` in
/// `make prove-limit`.
fn seeds() -> u64 {
    std::env::var("LIMIT_SEEDS").map_or(1, |seeds| seeds.parse().unwrap())
}

/// Returns the name of a place at which the server keeps a limit: 32 times the same character.
fn place(name: char) -> String {
    String::from_iter([name; 32])
}

/// The server that keeps the limits, and the API. Both use one clock, in microseconds.
struct World {
    server: Server,
    api: AllCounters,
    now: Nanos,
}

impl World {
    fn new(broken: &[(&str, &str)]) -> Self {
        Self { server: Server::with(broken), api: AllCounters::new(0), now: START }
    }
}

/// A simulated process, which moves the limit and asks the server for permits.
struct Process {
    caller: Caller,
    way: Way,
    ends: Vec<(u64, Ended)>,
    sent: u64,
}

impl Process {
    fn new(member: &str, at: char) -> Self {
        // The server was started long ago, so a limit that it does not know is new and was not lost.
        let unlost = 3600 * SECOND;
        let caller =
            Caller { server: "1".to_owned(), unlost, changes: 0, member: member.to_owned(), call: 0 };
        Self { caller, way: Way::new(place(at)), ends: Vec::new(), sent: 0 }
    }

    /// Takes the next step of a move of the limit. Returns false if no step is left.
    fn step(&mut self, world: &World) -> bool {
        world.server.set_clock(world.now);
        let Some(words) = self.way.words(&mut self.caller, &Quota::default()) else { return false };
        let reply = world.server.run(self.way.next().unwrap().at(), words);
        self.heard(reply);
        true
    }

    /// Asks the server to grant `want` requests, and sends the granted ones at once. Returns `None` if the limit has to
    /// move first.
    fn ask(&mut self, world: &mut World, want: u64) -> Option<Answer> {
        world.server.set_clock(world.now);
        let question = Question {
            quota: Quota::default(),
            kept_free: 0,
            share: 0,
            wanted: Wanted { whole: want, some: 0, waiting: want, at: 0 },
            held: None,
            ends: self.ends.clone(),
            without: (0, 0),
            is_without: false,
        };
        let reply = world.server.run(self.way.name(), self.caller.asks(&question));
        let answer = self.heard(reply)?;
        self.caller.changes = answer.changes;
        self.ends = answer.granted.iter().map(|id| (*id, Ended::Otherwise(End::Seen))).collect();
        for _ in &answer.granted {
            self.sent += 1;
            // The counters expect nanoseconds; `now` is in microseconds.
            world.api.arrive((world.now - START) * 1000);
        }
        Some(answer)
    }

    fn heard(&mut self, reply: limit_proofs::script::Reply) -> Option<Answer> {
        let before = self.way.name().to_owned();
        let answer = self.way.heard(reply).unwrap();
        if self.way.name() != before {
            self.caller.changes = 0;
        }
        answer
    }

    /// Moves the limit as far as necessary, asks the server to grant `want` requests, and sends the granted ones.
    fn uses(&mut self, world: &mut World, want: u64) -> Answer {
        loop {
            while self.step(world) {}
            if let Some(answer) = self.ask(world, want) {
                return answer;
            }
        }
    }

    fn moves(&mut self, world: &World, to: char, steps: usize) {
        self.way.move_to(&place(to));
        for _ in 0..steps {
            self.step(world);
        }
    }
}

/// Simulates a process that dies after `steps` steps of a move, and returns how many requests the API refused.
///
/// The process sends 150 requests with one API key, and begins to move its limit from the place of the key to the place
/// of the workspace. A process at the place of the workspace sends as many requests as it may. Unless `alone` is set, a
/// third process begins with the same key, learns of the workspace from its first answer, and sends requests, too.
fn dies_after(steps: usize, alone: bool, broken: &[(&str, &str)]) -> u64 {
    let mut world = World::new(broken);
    let mut dies = Process::new("dies", '1');
    let mut other = Process::new("other", 'e');
    let _ = other.uses(&mut world, 0);
    assert_eq!(dies.uses(&mut world, 150).granted.len(), 150);
    dies.moves(&world, 'e', steps);
    drop(dies);
    let mut same_key = Process::new("same-key", '1');
    for nth in 0..400 {
        world.now += SECOND / 10;
        if !alone && nth % 2 == 0 {
            let _ = same_key.uses(&mut world, 20);
            same_key.way.move_to(&place('e'));
        } else if steps > 0 || !alone {
            // If `alone` is set and no step was taken, no limit moves, and the place of the workspace cannot count the
            // requests that were sent with the key. So then this process sends nothing.
            let _ = other.uses(&mut world, 20);
        }
    }
    if steps > 0 || !alone {
        let sent = other.sent + same_key.sent;
        assert!(sent > 200, "{steps} steps: the others have sent only {sent}");
    }
    world.api.refusals
}

#[test]
fn what_a_process_has_sent_counts_if_it_dies_in_the_midst_of_a_move() {
    for alone in [true, false] {
        for steps in 0..=4 {
            assert_eq!(dies_after(steps, alone, &[]), 0, "died after {steps} steps, alone: {alone}");
        }
    }
}

/// Each changed version of the server's script breaks one rule of moves. The simulation must notice this: too many
/// requests are sent, and the API refuses some.
#[test]
fn a_move_that_breaks_a_promise_is_found_out() {
    let forgets = ("return { 'moved', to, id, left }", "return { 'moved', to }");
    assert!(dies_after(2, false, &[forgets]) > 0, "the old place keeps no state, and nothing was refused");
    let hurries = ("if state.expected[1] then", "if false then");
    assert!(
        dies_after(2, true, &[hurries]) > 0,
        "nobody waits for what is expected, and nothing was refused"
    );
}

/// Two processes bring the same state of a limit to its new place, the place of the workspace. Returns how many
/// requests count there afterwards.
fn brought_twice(broken: &[(&str, &str)]) -> u64 {
    let mut world = World::new(broken);
    let mut dies = Process::new("dies", '1');
    let (mut one, mut two) = (Process::new("one", '1'), Process::new("two", 'e'));
    assert_eq!(two.uses(&mut world, 50).granted.len(), 50);
    let _ = two.uses(&mut world, 0);
    assert_eq!(dies.uses(&mut world, 70).granted.len(), 70);
    let _ = dies.uses(&mut world, 0);
    // The process dies before it brings the state of its limit to the new place.
    dies.moves(&world, 'e', 2);
    world.now += SECOND;
    // Both processes learn of this state before either of them brings it to the new place.
    assert!(one.ask(&mut world, 0).is_none());
    assert!(two.ask(&mut world, 0).is_none() && two.step(&world));
    let _ = one.uses(&mut world, 0);
    let answer = two.uses(&mut world, 0);
    let later = Process::new("later", '1').uses(&mut world, 0);
    assert_eq!((later.recent, later.in_flight), (answer.recent, 0));
    answer.recent
}

#[test]
fn a_state_that_several_processes_bring_counts_once() {
    assert_eq!(brought_twice(&[]), 120);
    let twice = [("not has(state.absorbed, 'name', name) and ", "")];
    assert_eq!(brought_twice(&twice), 190, "a state that is absorbed twice is not found out");
}

/// A process took a limit from its old place and died before it brought the state to the new place. The old place must
/// drop the state in time: a process that comes three minutes later must not bring it to the new place.
#[test]
fn a_state_that_was_left_long_ago_is_not_absorbed() {
    let mut world = World::new(&[]);
    let mut dies = Process::new("dies", '1');
    let _ = dies.uses(&mut world, 70);
    dies.moves(&world, 'e', 2);
    world.now += 181 * SECOND;
    let mut later = Process::new("later", '1');
    assert_eq!(later.uses(&mut world, 200).granted.len(), 200);
    assert_eq!(world.api.refusals, 0);
}

/// Two processes move their limits to each other's place at the same moment. Returns whether both limits end up at the
/// same place.
fn meet(broken: &[(&str, &str)]) -> bool {
    let mut world = World::new(broken);
    let (mut one, mut other) = (Process::new("one", 'e'), Process::new("other", '0'));
    assert_eq!((one.uses(&mut world, 70).granted.len(), other.uses(&mut world, 50).granted.len()), (70, 50));
    one.moves(&world, '0', 1);
    other.moves(&world, 'e', 1);
    assert!(one.step(&world) && other.step(&world), "both leave");
    for _ in 0..20 {
        let _ = one.step(&world) || other.step(&world);
    }
    one.way.next().is_none() && other.way.next().is_none() && one.way.name() == other.way.name()
}

#[test]
fn limits_that_move_to_each_other_meet_at_one_place() {
    assert!(meet(&[]));
    let both_leave = [("if stays or", "if")];
    let met = std::panic::catch_unwind(|| meet(&both_leave));
    assert!(!met.unwrap_or(false), "both places were left for each other, and this is not found out");
}

/// Limits of four places move at random, some of them towards each other, and processes die at any step. Each process
/// that lives must still be granted requests, and the place of the workspace must count what all processes sent.
#[test]
fn moves_that_cross_lead_all_processes_to_one_place() {
    for seed in 0..30 * seeds() {
        let mut rng = Rng::with_seed(seed);
        let mut world = World::new(&[]);
        let mut processes: Vec<_> =
            (0..4).map(|nth| Process::new(&format!("p{nth}"), ['1', '2', 'e', '0'][nth])).collect();
        for nth in 0..200 {
            world.now += rng.u64(0..SECOND / 20);
            let who = rng.usize(0..4);
            if rng.u32(0..25) == 0 {
                processes[who] = Process::new(&format!("q{nth}"), rng.choice(['1', '2', 'e', '0']).unwrap());
            } else if rng.u32(0..12) == 0 {
                processes[who].way.move_to(&place(rng.choice(['e', '0']).unwrap()));
            } else if !processes[who].step(&world) {
                let _ = processes[who].ask(&mut world, 3);
            }
        }
        // All processes learn that their keys belong to one workspace. From then on, all processes keep one limit.
        for process in &mut processes {
            process.way.move_to(&place('e'));
            let _ = process.uses(&mut world, 0);
        }
        let all: Vec<_> = processes.iter_mut().map(|process| process.uses(&mut world, 0)).collect();
        let places: Vec<_> = processes.iter().map(|process| process.way.name().to_owned()).collect();
        assert!(places.iter().all(|name| *name == places[0]), "seed {seed}: {places:?}");
        assert!(all.iter().all(|answer| answer.recent == all[3].recent), "seed {seed}: {all:?}");
        world.now += 100 * SECOND;
        world.api = AllCounters::new(0);
        let before: u64 = processes.iter().map(|process| process.sent).sum();
        for _ in 0..300 {
            world.now += SECOND / 10;
            let _ = processes[rng.usize(0..4)].uses(&mut world, 10);
        }
        let sent = processes.iter().map(|process| process.sent).sum::<u64>() - before;
        assert!(sent > 300, "seed {seed}: only {sent} were sent");
        assert_eq!(world.api.refusals, 0, "seed {seed}");
    }
}
