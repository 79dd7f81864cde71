//! Who may look at a run next: all looks together stay within a part of the limit. Pure.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

/// How much there is to see at a run, as far as is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    /// Nothing points to a change.
    #[default]
    Usual,
    /// Its sync shows another state than before.
    Changed,
    /// Its sync shows a state that none under way has.
    Ended,
}

/// A place in the line: the most urgent first, then what was not looked at for the longest time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    urgency: std::cmp::Reverse<Urgency>,
    /// When it was last looked at, in milliseconds since 1970.
    looked: i64,
    /// Tells apart, and keeps the order of those that came.
    id: u64,
}

/// What a place in the line may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Look; the place is given up.
    Go,
    /// Ask again then.
    Until(Instant),
    /// Ask again when told to.
    Behind,
}

/// Urgent looks in a row while others wait.
const IN_A_ROW: u32 = 3;

/// Looks in any window of `span`: at most `most`, and of those that nothing points to at most `usual`.
#[derive(Debug)]
pub(super) struct Line {
    most: usize,
    usual: usize,
    span: Duration,
    /// When the last looks were granted, oldest first.
    granted: VecDeque<Instant>,
    waiting: BTreeSet<Place>,
    next: u64,
    /// How many urgent ones went in a row while others waited.
    urgent: u32,
}

impl Line {
    /// A tenth of a limit of `requests` in `span`; a quarter of that is kept for runs of which something is known.
    pub(super) fn new(requests: u64, span: Duration) -> Self {
        let most = usize::try_from(requests / 10).unwrap_or(usize::MAX).max(1);
        Self {
            most,
            usual: (most - most / 4).max(1),
            span,
            granted: VecDeque::new(),
            waiting: BTreeSet::new(),
            next: 0,
            urgent: 0,
        }
    }

    /// How many looks there are in a window.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    pub(super) fn join(&mut self, looked: i64, urgency: Urgency) -> Place {
        self.next += 1;
        let place = Place { urgency: std::cmp::Reverse(urgency), looked, id: self.next };
        self.waiting.insert(place);
        place
    }

    pub(super) fn leave(&mut self, place: Place) {
        self.waiting.remove(&place);
    }

    /// Whose turn it is.
    pub(super) fn first(&self) -> Option<u64> {
        self.head().map(Place::id)
    }

    /// The most urgent; after some of those the longest unlooked-at of the others, which would wait for ever beside syncs
    /// that change all the time.
    fn head(&self) -> Option<Place> {
        let usual = || self.waiting.range(Place::FIRST_USUAL..).next().copied();
        (self.urgent >= IN_A_ROW).then(usual).flatten().or_else(|| self.waiting.first().copied())
    }

    pub(super) fn ask(&mut self, place: Place, now: Instant) -> Answer {
        while self.granted.front().is_some_and(|at| now.saturating_duration_since(*at) >= self.span) {
            self.granted.pop_front();
        }
        if self.head() != Some(place) {
            return Answer::Behind;
        }
        let is_usual = place.urgency.0 == Urgency::Usual;
        let most = if is_usual && self.urgent < IN_A_ROW { self.usual } else { self.most };
        match self.granted.len().checked_sub(most) {
            None => {
                self.waiting.remove(&place);
                self.granted.push_back(now);
                let others = self.waiting.range(Place::FIRST_USUAL..).next().is_some();
                self.urgent = if is_usual || !others { 0 } else { self.urgent + 1 };
                Answer::Go
            }
            Some(above) => match self.granted.get(above) {
                Some(at) => Answer::Until(*at + self.span),
                None => Answer::Behind,
            },
        }
    }
}

impl Place {
    const FIRST_USUAL: Self = Self { urgency: std::cmp::Reverse(Urgency::Usual), looked: i64::MIN, id: 0 };

    pub(super) fn id(self) -> u64 {
        self.id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Duration = Duration::from_secs(10);

    fn line() -> Line {
        Line::new(200, SPAN)
    }

    #[test]
    fn a_tenth_of_the_limit_is_granted_in_any_window_and_a_quarter_of_it_is_kept() {
        let (mut line, start) = (line(), Instant::now());
        for nth in 0..15 {
            let place = line.join(nth, Urgency::Usual);
            assert_eq!(line.ask(place, start), Answer::Go, "{nth}");
        }
        let usual = line.join(99, Urgency::Usual);
        assert_eq!(line.ask(usual, start), Answer::Until(start + SPAN));
        line.leave(usual);
        for nth in 0..5 {
            let place = line.join(nth, Urgency::Changed);
            assert_eq!(line.ask(place, start), Answer::Go, "{nth}");
        }
        let ended = line.join(0, Urgency::Ended);
        assert_eq!(line.ask(ended, start + SPAN / 2), Answer::Until(start + SPAN));
        assert_eq!(line.ask(ended, start + SPAN), Answer::Go);
    }

    #[test]
    fn what_ended_goes_before_what_changed_and_then_what_was_looked_at_longest_ago() {
        let (mut line, now) = (line(), Instant::now());
        let places = [
            line.join(30, Urgency::Usual),
            line.join(20, Urgency::Usual),
            line.join(90, Urgency::Changed),
            line.join(95, Urgency::Ended),
        ];
        for nth in [3, 2, 1, 0] {
            assert_eq!(line.first(), Some(places[nth].id()));
            assert_eq!(line.ask(places[nth], now), Answer::Go, "{nth}");
        }
    }

    /// Guards against a wait for a sequence, of which no list tells, that ended only when all syncs stood still.
    #[test]
    fn what_nothing_points_to_gets_its_turn_among_ever_more_that_is_urgent() {
        let (mut line, now) = (line(), Instant::now());
        let usual = line.join(1, Urgency::Usual);
        for nth in 0..3 {
            let urgent = line.join(nth, Urgency::Ended);
            assert_eq!(line.ask(usual, now), Answer::Behind);
            assert_eq!(line.ask(urgent, now), Answer::Go);
        }
        let urgent = line.join(9, Urgency::Ended);
        assert_eq!(line.ask(urgent, now), Answer::Behind);
        assert_eq!(line.ask(usual, now), Answer::Go);
        assert_eq!(line.ask(urgent, now), Answer::Go);
    }

    #[test]
    fn whoever_leaves_holds_nobody_up() {
        let (mut line, now) = (line(), Instant::now());
        let (first, second) = (line.join(1, Urgency::Usual), line.join(2, Urgency::Usual));
        assert_eq!(line.ask(second, now), Answer::Behind);
        line.leave(first);
        assert_eq!(line.first(), Some(second.id()));
        assert_eq!(line.ask(second, now), Answer::Go);
    }

    #[test]
    fn a_small_limit_leaves_one_look_in_a_window() {
        let (mut line, start) = (Line::new(3, SPAN), Instant::now());
        let place = line.join(0, Urgency::Usual);
        assert_eq!(line.ask(place, start), Answer::Go);
        let place = line.join(0, Urgency::Ended);
        assert_eq!(line.ask(place, start), Answer::Until(start + SPAN));
    }
}
