//! Compares two ways to record the end of a request: as a note, which is added to the state of the limit later, and as
//! a change of the state at once.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use limit_proofs::limit::state::{EndNote, Reach, SLOTS, State, Ticket};
use limit_proofs::limit::{Nanos, Quota};
use proptest::collection::vec;
use proptest::prelude::*;

const START: Nanos = 1_000_000_000_000;
const MS: Nanos = 1_000_000;

#[derive(Clone, Copy, Debug)]
enum Step {
    Grant,
    /// Ends the request at this index of the requests in flight. If the state allows a note, the end is written as a
    /// note.
    End(usize),
    /// As `End`, but changes the state at once and writes no note.
    Tell(usize),
    Refuse(usize),
    /// A process reads the state, and adds the notes to it.
    Look,
    /// The next note is written only after this many steps.
    Late(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        60 => Just(Step::Grant),
        60 => (0..100_usize).prop_map(Step::End),
        10 => (0..100_usize).prop_map(Step::Tell),
        1 => (0..100_usize).prop_map(Step::Refuse),
        10 => Just(Step::Look),
        10 => (0..10_usize).prop_map(Step::Late),
    ]
}

/// Two states of the same limit, which get the same requests. When a request ends, `told` changes at once. For `noted`,
/// the end is written as a note, if the state allows a note.
struct Both {
    told: State,
    noted: State,
    slots: [Option<EndNote>; SLOTS],
    /// The notes that are written later, and after how many steps.
    late: Vec<(usize, EndNote)>,
    late_by: usize,
    held: Vec<(Ticket, Ticket)>,
    now: Nanos,
}

impl Both {
    fn new(quota: Quota) -> Self {
        let [told, noted] = [(); 2].map(|()| State::shared(quota, START));
        Self { told, noted, slots: [None; SLOTS], late: Vec::new(), late_by: 0, held: Vec::new(), now: START }
    }

    fn write_late(&mut self) {
        for (after, note) in std::mem::take(&mut self.late) {
            match after.checked_sub(1) {
                Some(after) => self.late.push((after, note)),
                None => self.slots[EndNote::slot(note.lease)] = Some(note),
            }
        }
    }

    /// Adds the notes to the state `noted`, and compares both states at the present time.
    fn look(&mut self) {
        let slots = self.slots;
        self.noted.add_noted(self.now, |lease| slots[EndNote::slot(lease)]);
        self.noted.settle(self.now);
        self.told.settle(self.now);
        assert_eq!(self.noted.in_flight(), self.told.in_flight() + self.late.len() as u64);
        let recently = |state: &State| state.in_flight() + state.ended_recently();
        assert!(recently(&self.noted) >= recently(&self.told));
        let [told, noted] = [&self.told, &self.noted].map(|state| state.earliest(self.now, Reach::Whole));
        assert!(noted >= told, "noted ends let a request go at {noted}, and told ends at {told}");
    }

    fn end(&mut self, place: usize, ends: impl Fn(&mut State, Nanos, Ticket)) {
        let Some(place) = place.checked_rem(self.held.len()) else { return };
        let (told, noted) = self.held.swap_remove(place);
        self.look();
        ends(&mut self.told, self.now, told);
        ends(&mut self.noted, self.now, noted);
        self.look();
    }

    fn play(&mut self, step: Step) {
        match step {
            Step::Grant => {
                self.look();
                if self.noted.earliest(self.now, Reach::Whole) == self.now {
                    self.held.push((self.told.grant(self.now), self.noted.grant(self.now)));
                }
            }
            Step::End(place) => {
                let note = place.checked_rem(self.held.len()).map(|place| (place, &self.held[place].1));
                let note = note.and_then(|(place, ticket)| {
                    self.noted.end_note(self.now, ticket).map(|note| (place, note))
                });
                let Some((at, note)) = note else { return self.play(Step::Tell(place)) };
                let (told, _) = self.held.swap_remove(at);
                self.told.seen(self.now, told);
                self.late.push((std::mem::take(&mut self.late_by), note));
                self.write_late();
            }
            Step::Tell(place) => self.end(place, State::seen),
            Step::Refuse(place) => {
                self.end(place, |state, now, ticket| {
                    let _ = state.refused(now, ticket, None, 7);
                });
            }
            Step::Look => self.look(),
            Step::Late(by) => self.late_by = by,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// All steps together take at most 40 s, so no lease ends: a lease lasts a minute.
    #[test]
    fn a_state_with_notes_is_as_careful_as_one_that_is_told_at_once(
        requests in prop_oneof![1..10_u32, 50..300_u32],
        steps in vec((step(), prop_oneof![Just(0), 0..MS, 0..100 * MS]), 1..400),
    ) {
        let mut both = Both::new(Quota { requests, ..Quota::default() });
        for (step, passed) in steps {
            both.now += passed;
            both.write_late();
            both.play(step);
        }
        while !both.late.is_empty() {
            both.write_late();
        }
        both.look();
        prop_assert_eq!(both.noted.in_flight(), both.held.len() as u64);
    }
}

/// After a note was written, a refusal may cut the limit before the note is added to the state. The note must then have
/// the same effect as an end that is reported after the cut.
#[test]
fn a_note_from_before_a_cut_changes_the_same_as_an_end_that_is_told_after_it() {
    let states = [false, true].map(|is_noted| {
        let mut state = State::shared(Quota::default(), START);
        let [ended, refused, _in_flight] = [(); 3].map(|()| state.grant(START));
        let note = state.end_note(START + 2 * MS, &ended);
        let _ = state.refused(START + MS, refused, None, 7);
        let _after = state.grant(START + MS);
        if is_noted {
            state.add_noted(START + 2 * MS, |lease| note.filter(|note| note.lease == lease));
        } else {
            state.seen(START + 2 * MS, ended);
        }
        let mut words = Vec::new();
        state.write(&mut words);
        words
    });
    assert_eq!(states[0], states[1]);
}

/// Both requests have the same slot, which holds one note. A note of the later request could replace an unread note.
#[test]
fn of_two_requests_in_flight_with_one_slot_only_the_earlier_is_noted() {
    let mut state = State::shared(Quota::default(), START);
    let is_noted = |state: &State, ticket: &Ticket| state.end_note(START, ticket).is_some();
    let first = state.grant(START);
    let skip = |state: &mut State| {
        for _ in 1..SLOTS {
            let ended = state.grant(START);
            state.seen(START, ended);
        }
    };
    skip(&mut state);
    let second = state.grant(START);
    assert!(is_noted(&state, &first) && !is_noted(&state, &second));
    state.seen(START, first);
    assert!(!is_noted(&state, &second), "a note of the first may be on its way");
    skip(&mut state);
    let third = state.grant(START);
    assert!(!is_noted(&state, &third), "the second is in flight");
    state.seen(START, second);
    state.seen(START, third);
    skip(&mut state);
    let fourth = state.grant(START);
    assert!(is_noted(&state, &fourth), "the slot is free again");
}

/// A note names the time of an end. Before the note is added to the state, another process may report a later end.
#[test]
fn a_note_of_an_earlier_end_keeps_the_log_in_order() {
    let mut state = State::shared(Quota::default(), START);
    let (noted, told) = (state.grant(START), state.grant(START));
    let note = state.end_note(START + MS, &noted);
    state.seen(START + 2 * MS, told);
    state.add_noted(START + 3 * MS, |lease| note.filter(|note| note.lease == lease));
    let mut words = Vec::new();
    state.write(&mut words);
    let read = State::read(&words).expect("the ends are in order");
    assert_eq!((read.in_flight(), read.ended_recently()), (0, 2));
}

/// Incident: a process wrote a note that a request had ended. The machine was then idle for minutes, so a new state
/// replaced the old one. The process did not find the end in the new state and reported it again, so the end counted
/// once more.
#[test]
fn after_a_long_pause_an_end_that_was_noted_is_not_told_again() {
    const SECOND: Nanos = 1000 * MS;
    let mut state = State::shared(Quota::default(), START);
    let ticket = state.grant(START);
    assert!(state.end_note(START + 59 * SECOND, &ticket).is_some());
    assert!(state.end_note(START + 60 * SECOND, &ticket).is_none(), "its lease is over");
    for (after, lacks) in [(1, true), (69, true), (75, false), (300, false)] {
        let now = START + after * SECOND;
        assert_eq!(State::shared(Quota::default(), now).lacks_end_of(now, &ticket), lacks, "after {after} s");
    }
}
