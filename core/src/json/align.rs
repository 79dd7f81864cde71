//! Pairs the items of an old and a new list for a diff.

use std::collections::HashMap;
use std::ops::Range;

use super::tree::{Shape, Tree};

/// An old item and a new item that belong together, or an item without a partner. Each number is an index in the old or
/// the new list. The two items of `Both` may differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pair {
    Both(usize, usize),
    Old(usize),
    New(usize),
}

/// The maximum number of comparisons in one stretch. A stretch is a range of the old list together with a range of the
/// new list. A stretch that needs more comparisons is divided, or its items are paired by position.
const STRETCH: usize = 2_000_000;
/// The maximum number of comparisons in a whole diff.
pub(super) const BUDGET: usize = 20_000_000;
/// How many times a stretch (a range of the old list and a range of the new list) may be divided into smaller
/// stretches. The divisions are at equal items that occur only once in each of the two ranges.
const DIVISIONS: usize = 8;

/// The weight of a pair of equal items. It exceeds the sum of the weights of all unequal pairs in one [`STRETCH`].
const EQUAL: u64 = 1 << 40;

/// Pairs the items of two lists, in order: as many equal items as possible, and between them the items that have the
/// most in common. Long lists that differ much are paired by position, except for equal items that occur once or stand
/// at either end. Subtracts the number of comparisons from `budget`.
pub(super) fn align(old: &[Tree<'_>], new: &[Tree<'_>], budget: &mut usize) -> Vec<Pair> {
    let mut aligner = Aligner { old, new, budget, pairs: Vec::with_capacity(old.len().max(new.len())) };
    aligner.stretch(0..old.len(), 0..new.len(), 0);
    aligner.pairs
}

struct Aligner<'t, 'b> {
    old: &'t [Tree<'t>],
    new: &'t [Tree<'t>],
    budget: &'b mut usize,
    pairs: Vec<Pair>,
}

impl Aligner<'_, '_> {
    fn are_equal(&self, old: usize, new: usize) -> bool {
        matches!((self.old.get(old), self.new.get(new)), (Some(old), Some(new)) if old.class == new.class)
    }

    fn stretch(&mut self, mut old: Range<usize>, mut new: Range<usize>, divisions: usize) {
        while !old.is_empty() && !new.is_empty() && self.are_equal(old.start, new.start) {
            self.pairs.push(Pair::Both(old.start, new.start));
            (old.start, new.start) = (old.start + 1, new.start + 1);
        }
        let mut same = 0;
        while !old.is_empty() && !new.is_empty() && self.are_equal(old.end - 1, new.end - 1) {
            (old.end, new.end, same) = (old.end - 1, new.end - 1, same + 1);
        }
        let ends = (old.end, new.end);
        self.middle(old, new, divisions);
        self.pairs.extend((0..same).map(|at| Pair::Both(ends.0 + at, ends.1 + at)));
    }

    fn middle(&mut self, old: Range<usize>, new: Range<usize>, divisions: usize) {
        if old.is_empty() || new.is_empty() {
            self.pairs.extend(old.map(Pair::Old).chain(new.map(Pair::New)));
            return;
        }
        let cost = self.cost(&old, &new);
        if cost <= STRETCH.min(*self.budget) {
            *self.budget -= cost;
            return self.compare_all(old, new);
        }
        let anchors = if divisions < DIVISIONS { self.anchors(&old, &new) } else { Vec::new() };
        if anchors.is_empty() {
            return self.by_place(old, new);
        }
        let mut from = (old.start, new.start);
        for (in_old, in_new) in anchors {
            self.stretch(from.0..in_old, from.1..in_new, divisions + 1);
            self.pairs.push(Pair::Both(in_old, in_new));
            from = (in_old + 1, in_new + 1);
        }
        self.stretch(from.0..old.end, from.1..new.end, divisions + 1);
    }

    fn by_place(&mut self, old: Range<usize>, new: Range<usize>) {
        let both = old.len().min(new.len());
        self.pairs.extend((0..both).map(|at| Pair::Both(old.start + at, new.start + at)));
        self.pairs.extend((old.start + both..old.end).map(Pair::Old));
        self.pairs.extend((new.start + both..new.end).map(Pair::New));
    }

    /// Returns how many comparisons are needed to compare each old item with each new item.
    fn cost(&self, old: &Range<usize>, new: &Range<usize>) -> usize {
        let members = |items: &[Tree<'_>], range: &Range<usize>| -> usize {
            items.get(range.clone()).unwrap_or_default().iter().map(breadth).sum()
        };
        let each = old.len().saturating_mul(new.len());
        each.saturating_add(members(self.old, old).saturating_mul(new.len()))
            .saturating_add(members(self.new, new).saturating_mul(old.len()))
    }

    /// Finds the pairs with the greatest total weight, by dynamic programming.
    fn compare_all(&mut self, old: Range<usize>, new: Range<usize>) {
        let width = new.len() + 1;
        // `best[i * width + j]` is the weight of the best pairing of the old items from index `i` on with the new items
        // from index `j` on.
        let mut best = vec![0_u64; (old.len() + 1) * width];
        let at = |best: &[u64], i: usize, j: usize| best.get(i * width + j).copied().unwrap_or_default();
        for i in (0..old.len()).rev() {
            for j in (0..new.len()).rev() {
                let paired = self.weight(old.start + i, new.start + j) + at(&best, i + 1, j + 1);
                let most = paired.max(at(&best, i + 1, j)).max(at(&best, i, j + 1));
                if let Some(cell) = best.get_mut(i * width + j) {
                    *cell = most;
                }
            }
        }
        let (mut i, mut j) = (0, 0);
        while i < old.len() && j < new.len() {
            let most = at(&best, i, j);
            let (in_old, in_new) = (old.start + i, new.start + j);
            if most == self.weight(in_old, in_new) + at(&best, i + 1, j + 1) {
                self.pairs.push(Pair::Both(in_old, in_new));
                (i, j) = (i + 1, j + 1);
            } else if most == at(&best, i + 1, j) {
                self.pairs.push(Pair::Old(in_old));
                i += 1;
            } else {
                self.pairs.push(Pair::New(in_new));
                j += 1;
            }
        }
        self.pairs.extend((old.start + i..old.end).map(Pair::Old));
        self.pairs.extend((new.start + j..new.end).map(Pair::New));
    }

    fn weight(&self, old: usize, new: usize) -> u64 {
        match (self.old.get(old), self.new.get(new)) {
            (Some(old), Some(new)) if old.class == new.class => EQUAL,
            (Some(old), Some(new)) => in_common(old, new),
            _ => 0,
        }
    }

    /// Returns the longest sequence of items that occur once in each range and have the same order in both ranges.
    fn anchors(&self, old: &Range<usize>, new: &Range<usize>) -> Vec<(usize, usize)> {
        let once = |items: &[Tree<'_>], range: &Range<usize>| {
            let mut places: HashMap<u32, Option<usize>> = HashMap::new();
            for place in range.clone() {
                if let Some(item) = items.get(place) {
                    places.entry(item.class).and_modify(|place| *place = None).or_insert(Some(place));
                }
            }
            places
        };
        let (in_old, in_new) = (once(self.old, old), once(self.new, new));
        let place_of = |item: &Tree<'_>| {
            in_old.get(&item.class).copied().flatten().zip(in_new.get(&item.class).copied().flatten())
        };
        let pairs: Vec<_> =
            self.old.get(old.clone()).unwrap_or_default().iter().filter_map(place_of).collect();
        longest_increasing(&pairs)
    }
}

/// Returns the longest subsequence of `pairs` in which the second numbers increase. `pairs` is sorted by the first
/// numbers.
fn longest_increasing(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let second = |at: usize| pairs.get(at).map_or(0, |pair| pair.1);
    // Of all pairs that end an increasing sequence of `n + 1` pairs, `ends[n]` is the index of the pair with the lowest
    // second number.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for at in 0..pairs.len() {
        let length = ends.partition_point(|end| second(*end) < second(at));
        before.push(length.checked_sub(1).and_then(|last| ends.get(last)).copied());
        match ends.get_mut(length) {
            Some(end) => *end = at,
            None => ends.push(at),
        }
    }
    let mut found = Vec::with_capacity(ends.len());
    let mut next = ends.last().copied();
    while let Some(at) = next {
        found.extend(pairs.get(at));
        next = before.get(at).copied().flatten();
    }
    found.reverse();
    found
}

/// How many members an item has; 0 if it is not an object.
fn breadth(item: &Tree<'_>) -> usize {
    if let Shape::Object(members) = &item.shape { members.sorted.len() } else { 0 }
}

/// Returns how much two unequal items have in common: 1 for any two items, 2 for two lists or two objects, and more for
/// each name and value that two objects share.
fn in_common(old: &Tree<'_>, new: &Tree<'_>) -> u64 {
    match (&old.shape, &new.shape) {
        (Shape::Object(old), Shape::Object(new)) => {
            let (mut old, mut new) = (old.sorted.iter().peekable(), new.sorted.iter().peekable());
            let mut weight = 2;
            while let (Some((one, value)), Some((other, another))) = (old.peek(), new.peek()) {
                match one.cmp(other) {
                    std::cmp::Ordering::Less => drop(old.next()),
                    std::cmp::Ordering::Greater => drop(new.next()),
                    std::cmp::Ordering::Equal => {
                        weight += if value == another { 3 } else { 1 };
                        (_, _) = (old.next(), new.next());
                    }
                }
            }
            weight
        }
        (Shape::List(_), Shape::List(_)) => 2,
        _ => 1,
    }
}
