//! Compares the rule of the limit with a plain version that tries every start s of a window, in steps of a nanosecond.
//! `core/src/limit/window.rs` states the rule and says what s, t and T mean.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use limit_proofs::limit::state::{Decision, Linger, Reach, State, Ticket};
use limit_proofs::limit::{NEVER, Nanos, Quota};
use proptest::prelude::*;

/// The tests use a window of 40 ns, and abandoned requests count as in flight for 20 ns. These times are so short that
/// a test can try every nanosecond.
const SCALE: f64 = 2.5e8;
const SPAN: Nanos = 40;
const LINGER: Nanos = 20;

#[derive(Clone, Debug)]
enum Step {
    Pass(Nanos),
    Grant,
    Seen(prop::sample::Index),
    NeverSent(prop::sample::Index),
    Abandoned(prop::sample::Index),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..30_u64).prop_map(Step::Pass),
        6 => Just(Step::Grant),
        4 => any::<prop::sample::Index>().prop_map(Step::Seen),
        1 => any::<prop::sample::Index>().prop_map(Step::NeverSent),
        1 => any::<prop::sample::Index>().prop_map(Step::Abandoned),
    ];
    prop::collection::vec(step, 1..120)
}

/// The rule in its plainest form. The tests compare the real rule with it.
#[derive(Default)]
struct Model {
    allowed: u64,
    flying: u64,
    ended: Vec<Nanos>,
    lingering: Vec<Nanos>,
}

impl Model {
    fn settle(&mut self, now: Nanos) {
        let due = self.lingering.iter().filter(|due| **due <= now).count();
        self.lingering.retain(|due| *due > now);
        self.flying -= due as u64;
        self.ended.extend(std::iter::repeat_n(now, due));
    }

    /// Whether the rule forbids a grant at t. Checks the formula in `core/src/limit/window.rs` for every window start s
    /// in (t−T, t], where T is the length of a window.
    fn forbids(&self, t: Nanos) -> bool {
        let between = |from: Nanos, until: Nanos| {
            self.ended.iter().filter(|end| (from..until).contains(*end)).count() as u64
        };
        (t + 1 - SPAN..=t).any(|s| {
            let weight =
                (self.flying + between(s, t + 1) + 1) * SPAN + between(s - SPAN, s) * (SPAN - (t - s));
            weight > self.allowed * SPAN
        })
    }
}

/// Whether the rule forbids a grant at t, by the formula in `core/src/limit/window.rs`. `ended` has the times at which
/// requests ended, in ascending order. As the start s of a window, tries only t, the times in `ended`, and these times
/// plus T, the length of the window. Between two of these moments, the sum in the formula only grows with s, so it is
/// enough to check the later moment.
fn forbids(ended: &[Nanos], flying: u64, allowed: u64, span: Nanos, t: Nanos) -> bool {
    let before = |time: Nanos| ended.partition_point(|end| *end < time) as u64;
    let moments = ended.iter().flat_map(|end| [*end, *end + span]).chain([t]);
    moments.filter(|s| *s <= t && s + span > t).any(|s| {
        let (current, previous) =
            (ended.len() as u64 - before(s), before(s) - before(s.saturating_sub(span)));
        let weight = |count: u64, time: Nanos| u128::from(count) * u128::from(time);
        weight(flying + current + 1, span) + weight(previous, span - (t - s)) > weight(allowed, span)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_grant_is_given_exactly_when_no_moment_forbids_it_and_the_wait_is_tight(
        requests in 1..14_u32,
        steps in steps(),
    ) {
        let quota = Quota { requests, window: Duration::from_secs(10), scale: SCALE };
        prop_assert_eq!(quota.span(), SPAN);
        let mut state = State::new(quota);
        let mut model = Model { allowed: u64::from(requests), ..Model::default() };
        let mut flying: Vec<Ticket> = Vec::new();
        let mut now = 1000;
        for step in steps {
            model.settle(now);
            let decision = state.decide(now, Reach::Whole);
            prop_assert_eq!(decision == Decision::Granted, !model.forbids(now), "at {}", now);
            let earliest = state.earliest(now, Reach::Whole);
            let soon = if earliest == NEVER { now + 3 * SPAN } else { earliest };
            for t in now..soon {
                prop_assert!(model.forbids(t), "{} is allowed, yet the wait lasts until {}", t, earliest);
            }
            if earliest != NEVER {
                prop_assert!(!model.forbids(earliest), "{} is named, yet forbidden", earliest);
            }
            if let Decision::WaitUntil(time) = decision {
                prop_assert_eq!(time, earliest.min(model.lingering.iter().copied().min().unwrap_or(NEVER)));
                prop_assert!(time > now);
            }
            let take = |flying: &mut Vec<Ticket>, index: prop::sample::Index| {
                (!flying.is_empty()).then(|| flying.swap_remove(index.index(flying.len())))
            };
            match step {
                Step::Pass(time) => now += time,
                Step::Grant => if decision == Decision::Granted {
                    flying.push(state.grant(now));
                    model.flying += 1;
                },
                Step::Seen(index) => if let Some(ticket) = take(&mut flying, index) {
                    state.seen(now, ticket);
                    model.flying -= 1;
                    model.ended.push(now);
                },
                Step::NeverSent(index) => if let Some(ticket) = take(&mut flying, index) {
                    state.never_sent(now, ticket);
                    model.flying -= 1;
                },
                Step::Abandoned(index) => if let Some(ticket) = take(&mut flying, index) {
                    state.abandoned(now, ticket, Linger::Brief);
                    model.lingering.push(now + LINGER);
                },
            }
            prop_assert_eq!(state.in_flight(), model.flying);
        }
    }

    /// A waiter asks again only at the time that the last decision named. So asking at these times must soon lead to a
    /// grant.
    #[test]
    fn asking_again_when_told_ends_in_a_grant_after_a_handful_of_times(
        requests in 1..200_u32,
        gaps in prop::collection::vec(0..200_000_000_u64, 1..600),
        abandoned in 0..3_u32,
    ) {
        let mut state = State::new(Quota { requests, ..Quota::default() });
        let mut now = 0;
        for (nth, gap) in gaps.into_iter().enumerate() {
            let mut asked = 0;
            while let Decision::WaitUntil(time) = state.decide(now, Reach::Whole) {
                prop_assert!(time > now && time != NEVER);
                now = time;
                asked += 1;
                prop_assert!(asked <= requests + 1, "asked {} times", asked);
            }
            let ticket = state.grant(now);
            now += gap;
            if abandoned > 0 && nth % 7 == 0 {
                state.abandoned(now, ticket, Linger::Brief);
            } else {
                state.seen(now, ticket);
            }
        }
    }

    #[test]
    fn bulk_leaves_a_tenth_whatever_the_quota(requests in 1..1000_u32) {
        let mut state = State::new(Quota { requests, ..Quota::default() });
        let mut granted = 0;
        while state.decide(0, Reach::LeavesTenth) == Decision::Granted {
            let _ticket = state.grant(0);
            granted += 1;
        }
        prop_assert_eq!(granted, requests - requests / 10);
        while state.decide(0, Reach::Whole) == Decision::Granted {
            let _ticket = state.grant(0);
            granted += 1;
        }
        prop_assert_eq!(granted, requests);
        prop_assert_eq!(state.decide(0, Reach::Whole), Decision::WaitUntil(NEVER));
    }
}

proptest! {
    // A case simulates up to 100,000 requests, which takes a quarter of a second.
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// The cost of a decision must not grow with the limit. So the log of a limit above 512 requests keeps rounded
    /// times, and grants come late by at most a 256th of the window. A smaller limit grants at the exact times.
    #[test]
    fn a_limit_remembers_few_times_and_grants_as_early_as_a_part_of_256_allows(
        requests in prop_oneof![300..=512_u32, 513..20_000_u32],
        busy in 1..40_usize,
        gaps in prop::collection::vec(0..4_000_000_u64, 50),
    ) {
        let mut state = State::new(Quota { requests, ..Quota::default() });
        let span = state.span();
        let late = if requests <= 512 { 1 } else { span / 256 };
        let (mut now, mut ended, mut flying) = (0, Vec::new(), std::collections::VecDeque::new());
        for nth in 0..5 * requests as usize {
            now += gaps[nth % gaps.len()];
            let earliest = state.earliest(now, Reach::Whole);
            if nth % (requests as usize / 7) == 0 {
                let forbidden = |t| forbids(&ended, flying.len() as u64, u64::from(requests), span, t);
                let soonest = earliest.saturating_sub(late);
                prop_assert!(!forbidden(earliest), "{} is named, yet forbidden", earliest);
                prop_assert!(soonest <= now || forbidden(soonest), "{} waits until {}", now, earliest);
            }
            now = earliest;
            flying.push_back(state.grant(now));
            if flying.len() > busy && let Some(ticket) = flying.pop_front() {
                state.seen(now, ticket);
                ended.push(now);
            }
            prop_assert!(state.remembered() <= 2048);
        }
    }
}

#[test]
fn a_clock_that_goes_back_counts_as_standing_still() {
    let mut state = State::new(Quota { requests: 1, ..Quota::default() });
    let ticket = state.grant(20_000_000_000);
    state.seen(30_000_000_000, ticket);
    assert_eq!(state.decide(5, Reach::Whole), state.decide(30_000_000_000, Reach::Whole));
    assert_eq!(state.decide(5, Reach::Whole), Decision::WaitUntil(50_100_000_000));
}

#[test]
fn what_was_given_up_ends_when_that_is_seen_and_not_when_it_was_due() {
    let mut state = State::new(Quota { requests: 1, ..Quota::default() });
    let ticket = state.grant(0);
    state.abandoned(0, ticket, Linger::Brief);
    assert_eq!(state.decide(0, Reach::Whole), Decision::WaitUntil(5_000_000_000));
    // The process was stopped for a minute, so its sockets may send the requests in their buffers only now.
    assert_eq!(state.decide(60_000_000_000, Reach::Whole), Decision::WaitUntil(80_100_000_000));
}

#[test]
fn nothing_is_granted_while_a_refusal_keeps_the_limit_closed() {
    let mut state = State::new(Quota::default());
    let ticket = state.grant(0);
    let _ = state.refused(0, ticket, Some(Duration::from_secs(30)), 0);
    assert_eq!(state.decide(1, Reach::Whole), Decision::WaitUntil(30_000_000_000));
    assert_eq!(state.decide(30_000_000_000, Reach::Whole), Decision::Granted);
}

#[test]
fn the_log_does_not_grow_with_time() {
    let mut state = State::new(Quota::default());
    let mut now = 0;
    for _ in 0..20_000 {
        while let Decision::WaitUntil(time) = state.decide(now, Reach::Whole) {
            now = time;
        }
        let ticket = state.grant(now);
        state.seen(now, ticket);
    }
    assert!(state.remembered() <= 900, "{} ends are remembered", state.remembered());
}
