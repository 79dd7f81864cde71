//! The lane of looks, the requests that read the state of a run. All looks together get a tenth of the limit. Pure: no
//! clock and no waiting.
//!
//! Looks that wait again (after a refusal, or because their waiter did not fetch the grant in time) go first. Then the
//! most urgent look goes. Among equally urgent looks, the look at the run that was looked at longest ago goes first.
//! After `IN_A_ROW` urgent looks, a usual look goes.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};

use super::Nanos;

/// How urgent a look is. A look is a request that reads the state of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Nothing suggests that the run has changed.
    #[default]
    Usual,
    /// Something suggests that the state of the run has changed.
    Changed,
    /// Something suggests that the run has ended.
    Ended,
}

/// After this many urgent looks in a row, one look that is not urgent goes, if any waits.
const IN_A_ROW: u32 = 3;

/// How many looks (requests that read the state of a run) are granted in a window of `allowed` requests: a tenth,
/// rounded down, but at least one.
#[must_use]
pub fn looks_of(allowed: u64) -> u64 {
    (allowed / 10).max(1)
}

/// The order in which looks are served: the lowest rank goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// False if the look waits again, after a refusal (429) or after its waiter did not fetch the grant in time.
    /// False sorts first, so the look goes ahead of new looks.
    fresh: bool,
    urgency: Reverse<Urgency>,
    /// When the run was last looked at, in milliseconds since 1970.
    looked_at: i64,
    arrival: u64,
}

impl Rank {
    const FIRST_USUAL: Self =
        Self { fresh: true, urgency: Reverse(Urgency::Usual), looked_at: i64::MIN, arrival: 0 };

    fn is_usual(self) -> bool {
        self.urgency.0 == Urgency::Usual
    }
}

/// The waiting looks at runs, and the times of recent grants; `W` is the data of each look.
#[derive(Debug)]
pub struct Looks<W> {
    ranks: BTreeMap<u64, Rank>,
    waiting: BTreeMap<Rank, W>,
    /// When looks were granted, oldest first. Times older than a window no longer matter, and `serve` removes them.
    granted: VecDeque<Nanos>,
    /// How many urgent looks in a row were granted while usual looks waited.
    urgent: u32,
}

impl<W> Default for Looks<W> {
    fn default() -> Self {
        Self { ranks: BTreeMap::new(), waiting: BTreeMap::new(), granted: VecDeque::new(), urgent: 0 }
    }
}

impl<W> Looks<W> {
    /// How many looks (requests that read the state of a run) wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Adds a look, which `arrival` identifies. A look that is not `fresh` waits again, because it was refused, or
    /// because its waiter did not fetch the grant in time. `looked_at` is when its run was last looked at, in
    /// milliseconds since 1970.
    pub fn join(&mut self, arrival: u64, fresh: bool, urgency: Urgency, looked_at: i64, who: W) {
        let rank = Rank { fresh, urgency: Reverse(urgency), looked_at, arrival };
        self.ranks.insert(arrival, rank);
        self.waiting.insert(rank, who);
    }

    /// Removes a look that has not been granted, and returns its data.
    pub fn leave(&mut self, arrival: u64) -> Option<W> {
        self.waiting.remove(&self.ranks.remove(&arrival)?)
    }

    /// Raises the urgency of a waiting look; never lowers it.
    pub fn raise(&mut self, arrival: u64, urgency: Urgency) {
        let Some(rank) = self.ranks.get_mut(&arrival).filter(|rank| rank.urgency.0 < urgency) else { return };
        if let Some(who) = self.waiting.remove(rank) {
            rank.urgency = Reverse(urgency);
            self.waiting.insert(*rank, who);
        }
    }

    /// The data of the look with this `arrival`.
    #[must_use]
    pub fn at(&self, arrival: u64) -> Option<&W> {
        self.waiting.get(self.ranks.get(&arrival)?)
    }

    /// The look that goes next: its number in the order of arrival, [`Rank::fresh`], and its data.
    #[must_use]
    pub fn head(&self) -> Option<(u64, bool, &W)> {
        let (rank, who) = self.first()?;
        Some((rank.arrival, rank.fresh, who))
    }

    /// The look that goes next: the first in order or, after [`IN_A_ROW`] urgent looks, the first usual look. Without
    /// this rule, usual looks would wait for ever while some runs change all the time.
    fn first(&self) -> Option<(&Rank, &W)> {
        let usual = || self.waiting.range(Rank::FIRST_USUAL..).next();
        (self.urgent >= IN_A_ROW).then(usual).flatten().or_else(|| self.waiting.first_key_value())
    }

    /// The first time at or after `now` at which the next look may go. The limit allows `allowed` requests in a
    /// window of length `span`.
    ///
    /// All looks together get [`looks_of`] requests of a window. A quarter of these requests is kept for urgent looks,
    /// and for a usual look that goes after `IN_A_ROW` urgent looks.
    #[must_use]
    pub fn earliest(&self, now: Nanos, allowed: u64, span: Nanos) -> Nanos {
        let most = looks_of(allowed);
        let kept = self.first().is_some_and(|(rank, _)| rank.is_usual() && self.urgent < IN_A_ROW);
        self.room(now, if kept { (most - most / 4).max(1) } else { most }, span)
    }

    /// A lower bound: a look that joins the lane now cannot go before this time.
    #[must_use]
    pub fn no_earlier_than(&self, now: Nanos, allowed: u64, span: Nanos) -> Nanos {
        self.room(now, looks_of(allowed), span)
    }

    /// The first time at or after `now` for which fewer than `most` looks were granted in the window that ends then.
    fn room(&self, now: Nanos, most: u64, span: Nanos) -> Nanos {
        let blocker = usize::try_from(most).ok().and_then(|most| self.granted.len().checked_sub(most));
        let blocker = blocker.and_then(|index| self.granted.get(index));
        blocker.map_or(now, |at| now.max(at.saturating_add(span)))
    }

    /// Removes the look with this `arrival`, counts it as granted at `now`, and returns its data.
    pub fn serve(&mut self, arrival: u64, now: Nanos, span: Nanos) -> Option<W> {
        let rank = self.ranks.remove(&arrival)?;
        let who = self.waiting.remove(&rank)?;
        while self.granted.front().is_some_and(|at| at.saturating_add(span) <= now) {
            self.granted.pop_front();
        }
        self.granted.push_back(now);
        let others = self.waiting.range(Rank::FIRST_USUAL..).next().is_some();
        self.urgent = if rank.is_usual() || !others { 0 } else { self.urgent + 1 };
        Some(who)
    }

    /// Stops counting a look that was granted at the time `at`, because it was never sent.
    pub fn unsent(&mut self, at: Nanos) {
        if let Some(index) = self.granted.iter().rposition(|granted| *granted == at) {
            self.granted.remove(index);
        }
    }

    /// The times of recent grants, oldest first.
    pub fn granted(&self) -> impl Iterator<Item = Nanos> {
        self.granted.iter().copied()
    }

    /// Also counts looks that another gate granted at these times.
    pub fn count(&mut self, granted: impl Iterator<Item = Nanos>) {
        self.granted.extend(granted);
        self.granted.make_contiguous().sort_unstable();
    }

    /// Removes all waiting looks. Returns the arrival number of each look, whether the look waits for the first time,
    /// and its data.
    pub fn drain(&mut self) -> impl Iterator<Item = (u64, bool, W)> {
        self.ranks.clear();
        std::mem::take(&mut self.waiting).into_iter().map(|(rank, who)| (rank.arrival, rank.fresh, who))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Nanos = 10_000_000_000;
    const ALLOWED: u64 = 200;

    /// Grants the look that goes next, if it may go at `now`.
    fn serve(looks: &mut Looks<()>, now: Nanos) -> Option<u64> {
        let (arrival, ..) = looks.head()?;
        (looks.earliest(now, ALLOWED, SPAN) == now).then(|| looks.serve(arrival, now, SPAN))?;
        Some(arrival)
    }

    #[test]
    fn a_tenth_of_the_limit_is_granted_in_any_window_and_a_quarter_of_it_is_kept() {
        let mut looks = Looks::default();
        for nth in 0..15 {
            looks.join(nth, true, Urgency::Usual, 0, ());
            assert_eq!(serve(&mut looks, 7), Some(nth));
        }
        looks.join(15, true, Urgency::Usual, 99, ());
        assert_eq!(looks.earliest(7, ALLOWED, SPAN), 7 + SPAN);
        looks.leave(15);
        for nth in 16..21 {
            looks.join(nth, true, Urgency::Changed, 0, ());
            assert_eq!(serve(&mut looks, 7), Some(nth));
        }
        looks.join(21, true, Urgency::Ended, 0, ());
        assert_eq!(looks.earliest(7 + SPAN / 2, ALLOWED, SPAN), 7 + SPAN);
        assert_eq!(serve(&mut looks, 7 + SPAN), Some(21));
    }

    #[test]
    fn what_ended_goes_before_what_changed_and_then_what_was_looked_at_longest_ago() {
        let mut looks = Looks::default();
        looks.join(1, true, Urgency::Usual, 30, ());
        looks.join(2, true, Urgency::Usual, 20, ());
        looks.join(3, true, Urgency::Changed, 90, ());
        looks.join(4, true, Urgency::Ended, 95, ());
        looks.join(5, false, Urgency::Usual, 99, ());
        let order: Vec<_> = std::iter::from_fn(|| serve(&mut looks, 0)).collect();
        assert_eq!(order, [5, 4, 3, 2, 1], "a refused one comes first");
    }

    #[test]
    fn a_look_that_waits_is_moved_ahead_and_never_back() {
        let mut looks = Looks::default();
        looks.join(1, true, Urgency::Changed, 0, ());
        looks.join(2, true, Urgency::Usual, 0, ());
        looks.raise(2, Urgency::Ended);
        looks.raise(2, Urgency::Usual);
        looks.raise(3, Urgency::Ended);
        assert_eq!(looks.head().map(|(arrival, ..)| arrival), Some(2));
        assert_eq!(looks.waiting(), 2);
    }

    /// No list of the API shows that a sequence has changed. So a look (a request that reads the state of a run) is
    /// never urgent for a run of a sequence. Such a look must get its turn even if there are always urgent looks at
    /// runs of syncs.
    #[test]
    fn what_nothing_points_to_gets_its_turn_among_ever_more_that_is_urgent() {
        let mut looks = Looks::default();
        looks.join(0, true, Urgency::Usual, 1, ());
        for nth in 1..4 {
            looks.join(nth, true, Urgency::Ended, 0, ());
            assert_eq!(serve(&mut looks, 0), Some(nth));
        }
        looks.join(4, true, Urgency::Ended, 0, ());
        assert_eq!(serve(&mut looks, 0), Some(0));
        assert_eq!(serve(&mut looks, 0), Some(4));
    }

    #[test]
    fn whoever_leaves_holds_nobody_up() {
        let mut looks = Looks::default();
        looks.join(1, true, Urgency::Usual, 1, ());
        looks.join(2, true, Urgency::Usual, 2, ());
        assert!(looks.leave(1).is_some());
        assert!(looks.leave(1).is_none());
        assert_eq!(serve(&mut looks, 0), Some(2));
    }

    #[test]
    fn a_small_limit_leaves_one_look_in_a_window() {
        let mut looks = Looks::default();
        looks.join(1, true, Urgency::Usual, 0, ());
        assert_eq!(looks.earliest(0, 3, SPAN), 0);
        looks.serve(1, 0, SPAN);
        looks.join(2, true, Urgency::Ended, 0, ());
        assert_eq!(looks.earliest(0, 3, SPAN), SPAN);
    }

    #[test]
    fn a_look_that_was_never_sent_leaves_its_room_to_others() {
        let mut looks = Looks::default();
        for nth in 0..20 {
            looks.join(nth, true, Urgency::Ended, 0, ());
            assert_eq!(serve(&mut looks, nth), Some(nth));
        }
        assert_eq!(looks.no_earlier_than(50, ALLOWED, SPAN), SPAN);
        looks.unsent(0);
        assert_eq!(looks.no_earlier_than(50, ALLOWED, SPAN), 50);
    }
}
