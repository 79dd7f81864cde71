//! The limit reads two things from outside the process: a state in a file, and the replies of a server. The first line
//! of an input names what is tested: `state`, `reply`, or `way`, a series of replies while the limit moves from one
//! place to another. Each further line is a number or a word, and an empty line separates two replies.

use limit_proofs::limit::pool::{Pool, Wanted};
use limit_proofs::limit::state::{Reach, State};
use limit_proofs::limit::{NEVER, Nanos, Quota};
use limit_proofs::script::{Caller, Reply, read};
use limit_proofs::way::Way;

use super::first_line;

const START: Nanos = 1_000_000_000_000_000;
const HOUR: Nanos = 3_600_000_000_000;

pub fn play(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    match first_line(&text) {
        ("state", numbers) => {
            state(&numbers.lines().filter_map(|line| line.parse().ok()).collect::<Vec<_>>());
        }
        ("way", replies) => way(replies),
        (_, words) => reply(&words.lines().map(str::to_owned).collect::<Vec<_>>()),
    }
}

/// Any state that can be read lets requests through again within an hour and four windows. A window lasts at most a
/// day, plus the allowance for the server's clock.
fn state(numbers: &[u64]) {
    let Some(read) = State::read(numbers) else { return };
    let span = read.span();
    assert!(span < 25 * HOUR, "a window of {span}");
    let opens = read.opens_again(START);
    assert!(opens.is_some_and(|after| after < HOUR + 4 * span), "closed for {opens:?} after {numbers:?}");
}

/// After any answer that a process accepts, the process asks the server again within an hour, and sends no more
/// requests than it asked for.
fn reply(words: &[String]) {
    let Ok(Reply::Answer(answer)) = read(words) else { return };
    let mut pool = Pool::new(Quota::default(), START);
    let wanted = Wanted { whole: 3, some: 1, waiting: 4, at: START };
    let question = pool.question(START, wanted);
    if !answer.answers(&question) {
        return;
    }
    pool.answered(START, &question, answer);
    let taken = (0..100).take_while(|_| pool.take(START).is_some()).count();
    assert!(taken <= 4, "{taken} requests for 4");
    let asks_at = pool.asks_at(START, wanted);
    assert!(asks_at < START + HOUR, "the server is not asked again before {asks_at}");
    assert!(pool.closed_until() < START + HOUR);
    assert!(pool.earliest(START, Reach::Whole) == NEVER);
}

/// Whatever a server replies, each step of a move of the limit has a place and arguments.
fn way(replies: &str) {
    let mut caller = Caller { server: String::new(), unlost: 0, changes: 0, member: "1".to_owned(), call: 0 };
    let mut way = Way::new("0".repeat(32));
    way.move_to(&"1".repeat(32));
    for words in replies.split("\n\n") {
        let words: Vec<_> = words.lines().map(str::to_owned).collect();
        match read(&words).map(|reply| way.heard(reply)) {
            Ok(Ok(_)) => {}
            Ok(Err(_)) | Err(_) => drop(way.failed()),
        }
        let step = way.next().map(|step| step.at().len());
        assert!(step.is_none_or(|length| length == 32), "a step at no place: {way:?}");
        assert_eq!(step.is_some(), way.words(&mut caller, &Quota::default()).is_some());
        assert_eq!(way.name().len(), 32);
    }
}

/// Returns the inputs from which the fuzzer starts.
pub fn seeds() -> Vec<String> {
    let mut state = State::shared(Quota::default(), START);
    let mut seeds = Vec::new();
    for nth in 0..12 {
        let now = START + nth * 400_000_000;
        // Ten requests are granted, and one of them stays in flight.
        let _in_flight = state.grant(now);
        let tickets: Vec<_> = (1..10).map(|_| state.grant(now)).collect();
        for (index, ticket) in tickets.into_iter().enumerate() {
            match index {
                0 if nth > 6 => drop(state.refused(now, ticket, None, 7)),
                1 => state.abandoned(now, ticket, limit_proofs::limit::Linger::Window),
                _ => state.seen(now, ticket),
            }
        }
        let mut words = Vec::new();
        state.write(&mut words);
        let words: Vec<_> = words.iter().map(u64::to_string).collect();
        seeds.push(format!("state\n{}", words.join("\n")));
    }
    for reply in [
        "asked 0 0 7 200 200 1 1 1 0 0 0 0 1 2 3",
        "moved 0123456789abcdef0123456789abcdef",
        "moved 0123456789abcdef0123456789abcdef 1-1 00",
        "first 0123456789abcdef0123456789abcdef",
        "left 1-1 00",
        "late",
    ] {
        seeds.push(format!("reply\n{}", reply.replace(' ', "\n")));
    }
    let to = "2".repeat(32);
    let replies =
        ["expected", "left 1-1 00", &format!("moved {to} 2-2 11"), "absorbed", "settled", "absorbed"];
    seeds.push(format!("way\n{}", replies.map(|reply| reply.replace(' ', "\n")).join("\n\n")));
    seeds
}
