//! Runs the script of the Redis server in simulations. The script must decide like the rule that a process uses without
//! a server.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, dead_code, reason = "the worlds are shared with another test")]

mod server;
mod world;

use fastrand::Rng;
use limit_proofs::limit::pool::{Question, Wanted};
use limit_proofs::limit::state::{Decision, Reach, State, Ticket};
use limit_proofs::limit::turn::{End, Ended};
use limit_proofs::limit::{Linger, Nanos, Quota};
use limit_proofs::script::Reply;
use server::{Member, Server};
use std::time::Duration;

/// With this scale, the numbers of a state are microseconds instead of nanoseconds, as in the script.
const MICROS: f64 = 1000.0;
const SECOND: Nanos = 1_000_000;

fn question() -> Question {
    Question {
        quota: Quota::default(),
        kept_free: 0,
        share: 0,
        wanted: Wanted::NOTHING,
        held: None,
        ends: Vec::new(),
        without: (0, 0),
        is_without: false,
    }
}

/// A simulation in which the Lua script of the server and the rule of a process get the same requests at the same
/// times.
struct Twins {
    server: Server,
    member: Member,
    state: State,
    open: Vec<(u64, Ticket)>,
    rng: Rng,
    now: Nanos,
}

impl Twins {
    fn new(seed: u64) -> Self {
        let server = Server::new();
        let mut member = Member::new("one");
        let now = 1_700_000_000 * SECOND;
        server.set_clock(now);
        // The first call finds no state, and the script treats a missing state as lost.
        let _ = member.ask(&server, &question());
        let quota = Quota { scale: MICROS, ..Quota::default() };
        let mut state = State::lost(quota, now);
        // After the loss, both assume for one window that requests fill the limit. At the end of the window, the script
        // counts these requests as ended, but the rule of a process does so only when the state is next used.
        let now = now + quota.span();
        state.settle(now);
        Self { server, member, state, open: Vec::new(), rng: Rng::with_seed(seed), now }
    }

    /// Tells the script and the rule how requests have ended. Then asks both for up to `want` requests that may use the
    /// whole limit, and up to `some` that leave a tenth of the limit unused. Both must decide alike. Returns the number
    /// of grants.
    fn step(&mut self, want: u64, some: u64, mut ends: Vec<(usize, Ended)>) -> u64 {
        self.server.set_clock(self.now);
        let mut told = Vec::new();
        ends.sort_unstable_by_key(|(index, _)| std::cmp::Reverse(*index));
        ends.dedup_by_key(|(index, _)| *index);
        for (index, ended) in ends {
            let (id, ticket) = self.open.swap_remove(index);
            told.push((id, ended));
            let _ = ended.tell(&mut self.state, self.now, ticket);
        }
        let wanted = Wanted { whole: want, some, waiting: want + some, at: 0 };
        let answer = self.member.ask(&self.server, &Question { wanted, ends: told, ..question() });
        let mut expected = 0;
        for nth in 0..want + some {
            let reach = if nth < want { Reach::Whole } else { Reach::LeavesTenth };
            if self.state.decide(self.now, reach) != Decision::Granted {
                break;
            }
            let ticket = self.state.grant(self.now);
            if let Some(id) = answer.granted.get(usize::try_from(expected).unwrap()) {
                self.open.push((*id, ticket));
            }
            expected += 1;
        }
        assert_eq!(answer.granted.len() as u64, expected, "at {}: {answer:?}, {:?}", self.now, self.state);
        self.state.settle(self.now);
        let (allowed, in_flight) = (self.state.allowed(), self.state.in_flight());
        assert_eq!((answer.allowed, answer.in_flight), (allowed, in_flight), "at {}", self.now);
        assert_eq!(answer.recent, self.state.ended_recently(), "at {}", self.now);
        let closed = self.state.closed_until().saturating_sub(self.now);
        assert_eq!(answer.closed_for, closed * 1000, "at {}", self.now);
        assert_eq!((answer.refused, answer.cuts), (self.state.refused_total(), self.state.cuts_total()));
        expected
    }

    fn some_ends(&mut self, refusals: u32) -> Vec<(usize, Ended)> {
        let most = self.open.len().min(self.rng.usize(0..40));
        let mut ends = Vec::new();
        for _ in 0..most {
            let index = self.rng.usize(0..self.open.len());
            let ended = match self.rng.u32(0..100) {
                number if number < refusals => {
                    let told = self.rng.bool().then(|| Duration::from_secs(self.rng.u64(0..70)));
                    Ended::Refused(told, self.rng.u32(..))
                }
                97 => Ended::Otherwise(End::NeverSent),
                98 => Ended::Otherwise(End::Abandoned(Linger::Brief)),
                99 => Ended::Otherwise(End::Abandoned(Linger::Window)),
                _ => Ended::Otherwise(End::Seen),
            };
            ends.push((index, ended));
        }
        ends
    }
}

#[test]
fn the_script_decides_as_the_rule_of_a_process_does() {
    for seed in 0..12 {
        let mut twins = Twins::new(seed);
        // The API refuses nothing in some simulations, a few requests in others, and nearly everything in the rest.
        let (refusals, least) = [(0, 2_500), (0, 2_500), (1, 200), (5, 100), (30, 20), (90, 15)]
            [usize::try_from(seed % 6).unwrap()];
        let mut granted = 0;
        for _ in 0..1_500 {
            let far = twins.rng.u32(0..60) == 0;
            let longest = if far { 40 * SECOND } else { SECOND / 5 };
            twins.now += twins.rng.u64(0..longest);
            let ends = twins.some_ends(refusals);
            let (want, some) = (twins.rng.u64(0..20), twins.rng.u64(0..5));
            granted += twins.step(want, some, ends);
        }
        assert!(granted > least, "seed {seed}: {granted} requests say little");
    }
}

/// If the API refuses a request of one process, the limit falls for all processes, because the API counts all their
/// requests together.
#[test]
fn a_refusal_that_one_process_sees_stops_the_others() {
    let server = Server::new();
    let (mut one, mut other) = (Member::new("one"), Member::new("other"));
    let wanted = Wanted { whole: 5, some: 0, waiting: 5, at: 0 };
    server.set_clock(SECOND);
    let _ = one.ask(&server, &question());
    let mut now = 100 * SECOND;
    server.set_clock(now);
    let granted = one.ask(&server, &Question { wanted, ..question() }).granted;
    assert_eq!(granted.len(), 5);
    let refused = (granted[0], Ended::Refused(Some(Duration::from_secs(7)), 0));
    let _ = one.ask(&server, &Question { ends: vec![refused], ..question() });
    let told = other.ask(&server, &Question { wanted, ..question() });
    assert_eq!((told.granted.len(), told.closed_for, told.allowed), (0, 7_000_000_000, 140));
    now += 7 * SECOND;
    server.set_clock(now);
    let told = other.ask(&server, &Question { wanted, ..question() });
    assert_eq!(told.granted.len(), 1, "after a pause, one request goes first as a trial");
}

#[test]
fn a_reply_that_is_none_of_the_script_is_refused() {
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let name = "0123456789abcdef0123456789abcdef";
    for text in [
        "",
        "asked",
        "asked 1 2 3",
        "moved ..",
        "asked x 0 0 0 0 0 0 0 0 0 0 0",
        "left",
        "left one",
        "left one xyz",
        "left ../one 00",
        "first ..",
        &format!("moved {name} one"),
        &format!("moved {name} one xyz"),
    ] {
        assert!(limit_proofs::script::read(&words(text)).is_err(), "{text}");
    }
    assert!(matches!(
        limit_proofs::script::read(&words(&format!("moved {name} one 00"))),
        Ok(Reply::Moved(to, Some(_))) if to == name
    ));
    assert!(matches!(limit_proofs::script::read(&words("absorbed")), Ok(Reply::Absorbed)));
}
