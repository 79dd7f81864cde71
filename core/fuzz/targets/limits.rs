//! Fuzzes the data that the rate limit reads from outside its process: the state and the notes of ended requests in a
//! shared file, and the replies of a Redis or Valkey server. The first line of an input names what is tested: `state`,
//! `notes`, `reply`, or `way`, a series of replies while the limit moves from one place on the server to another. The
//! rest of an input is numbers or words, one in each line, with an empty line between replies.

use limit_proofs::limit::pool::{Pool, Wanted};
use limit_proofs::limit::state::{EndNote, Reach, SLOTS, State};
use limit_proofs::limit::{NEVER, Nanos, Quota};
use limit_proofs::script::{Caller, Reply, read};
use limit_proofs::way::Way;

use super::first_line;

const START: Nanos = 1_000_000_000_000_000;
const SECOND: Nanos = 1_000_000_000;
const HOUR: Nanos = 3_600_000_000_000;

pub fn play(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    match first_line(&text) {
        ("state", numbers) => {
            state(&numbers.lines().filter_map(|line| line.parse().ok()).collect::<Vec<_>>());
        }
        ("notes", numbers) => {
            notes(&numbers.lines().filter_map(|line| line.parse().ok()).collect::<Vec<_>>());
        }
        ("way", replies) => way(replies),
        (_, words) => reply(&words.lines().map(str::to_owned).collect::<Vec<_>>()),
    }
}

/// Checks any state that can be read: the limit lets requests through again within an hour and four windows. A window
/// lasts at most a day, plus the allowance for the server's clock.
fn state(numbers: &[u64]) {
    let Some(read) = State::read(numbers) else { return };
    let span = read.span();
    assert!(span < 25 * HOUR, "a window of {span}");
    let opens = read.opens_again(START);
    assert!(opens.is_some_and(|after| after < HOUR + 4 * span), "closed for {opens:?} after {numbers:?}");
}

/// Returns a state with requests in flight. Some were granted before a refusal (429) lowered the limit, and the others
/// afterwards.
fn in_flight() -> State {
    let mut state = State::shared(Quota::default(), START);
    let mut grant = |after: Nanos| state.grant(START + after);
    let [_first, refused, _before, ended] = [0, 1, 2, 3].map(&mut grant);
    state.seen(START + 4, ended);
    let _ = state.refused(START + SECOND, refused, None, 7);
    for nth in 0..70 {
        let _in_flight = state.grant(START + 5 * SECOND + nth);
    }
    state
}

/// Checks that the notes of ended requests end only requests that are in flight, and that no request ends before its
/// grant. Each note is made of three numbers: the lease of the request (a time), the time of its end, and how many times
/// the limit had been lowered. Both times count from `START`.
fn notes(numbers: &[u64]) {
    let (mut state, now) = (in_flight(), START + 10 * SECOND);
    let before = state.in_flight();
    let mut slots = [None; SLOTS];
    for [lease, at, epoch] in numbers.as_chunks().0 {
        let (lease, at) = (START.wrapping_add(*lease), START.wrapping_add(*at));
        slots[EndNote::slot(lease)] = Some(EndNote { lease, at, epoch: *epoch });
    }
    state.add_noted(now, |lease| slots[EndNote::slot(lease)]);
    let ended = before - state.in_flight();
    let known = |note: &&EndNote| (START..START + 74).contains(&note.lease) && note.epoch <= 1;
    let known = slots.iter().flatten().filter(known).count() as u64;
    assert!(ended <= known, "{known} notes ended {ended} requests");
    assert!(state.ended_recently() >= ended, "a request ended before its grant: {numbers:?}");
    let mut words = Vec::new();
    state.write(&mut words);
    assert!(State::read(&words).is_some(), "what was written cannot be read: {words:?}");
    let opens = state.opens_again(now);
    assert!(opens.is_some_and(|after| after < HOUR), "closed for {opens:?} after {numbers:?}");
}

/// After any answer that a process accepts, the process asks the server again within an hour, and takes no more grants
/// than it asked for.
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

/// Checks that each step of a move of the limit names a place on the server and has arguments, whatever the server
/// replies.
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
    seeds.push("notes\n4\n6000000000\n1\n5\n5000000009\n1\n73\n0\n1".to_owned());
    seeds.push("notes\n0\n5\n0\n69\n18446744073709551615\n1\n6\n7\n2".to_owned());
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
