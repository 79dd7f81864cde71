//! Who waits: four classes that share by weight, first come first served within each.

use std::collections::BTreeMap;

/// What a request is for; decides its weight while it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Starts something; weighs 8.
    Trigger,
    /// Looks after something that runs; weighs 4.
    Poll,
    /// Everything else; weighs 2.
    Read,
    /// Reads on and on, such as the later pages of a list; weighs 1 and leaves a tenth of the limit free.
    Bulk,
}

impl Class {
    /// All of them, the heaviest first.
    pub const ALL: [Self; 4] = [Self::Trigger, Self::Poll, Self::Read, Self::Bulk];

    /// What a turn costs: 8 over the weight.
    const fn stride(self) -> u64 {
        match self {
            Self::Trigger => 1,
            Self::Poll => 2,
            Self::Read => 4,
            Self::Bulk => 8,
        }
    }
}

/// The clients inside one gate that have a cap of their own, and 0 for all that have none.
pub type Lane = u64;

/// A place in the line; places of one class and lane are served in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The class.
    pub class: Class,
    /// The lane.
    pub lane: Lane,
    /// Comes before those that come for the first time (false sorts first).
    fresh: bool,
    arrival: u64,
}

/// Everybody who waits; `W` is what is known about each.
#[derive(Debug)]
pub struct Line<W> {
    arrivals: u64,
    /// The pass of the class that was served last.
    virtual_time: u64,
    queues: [Queue<W>; 4],
}

#[derive(Debug)]
struct Queue<W> {
    class: Class,
    pass: u64,
    len: usize,
    lanes: BTreeMap<Lane, BTreeMap<(bool, u64), W>>,
}

impl<W> Default for Line<W> {
    fn default() -> Self {
        let queue = |class| Queue { class, pass: 0, len: 0, lanes: BTreeMap::new() };
        Self { arrivals: 0, virtual_time: 0, queues: Class::ALL.map(queue) }
    }
}

impl<W> Line<W> {
    /// Joins at the end of a class, or with `rejoin` at its head, behind those who rejoined before.
    pub fn join(&mut self, class: Class, lane: Lane, rejoin: bool, waiter: W) -> Place {
        self.arrivals += 1;
        let place = Place { class, lane, fresh: !rejoin, arrival: self.arrivals };
        let now = self.virtual_time;
        let queue = self.queue_mut(class);
        if queue.len == 0 {
            // Time in which nobody of the class waited earns nothing.
            queue.pass = queue.pass.max(now);
        }
        queue.len += 1;
        queue.lanes.entry(lane).or_default().insert((place.fresh, place.arrival), waiter);
        place
    }

    /// Leaves without having been served.
    pub fn leave(&mut self, place: Place) -> Option<W> {
        let queue = self.queue_mut(place.class);
        let lane = queue.lanes.get_mut(&place.lane)?;
        let waiter = lane.remove(&(place.fresh, place.arrival))?;
        if lane.is_empty() {
            queue.lanes.remove(&place.lane);
        }
        queue.len -= 1;
        Some(waiter)
    }

    /// The first of each lane of a class.
    pub fn heads(&self, class: Class) -> impl Iterator<Item = (Place, &W)> {
        self.queue(class).lanes.iter().filter_map(move |(lane, waiting)| {
            let (&(fresh, arrival), waiter) = waiting.first_key_value()?;
            Some((Place { class, lane: *lane, fresh, arrival }, waiter))
        })
    }

    /// Which of these, the heads that may go now, has its turn. Each class shares by weight; within a
    /// class the longest wait counts.
    #[must_use]
    pub fn choose(&self, may_go: &[Place]) -> Option<Place> {
        may_go
            .iter()
            .copied()
            .min_by_key(|place| (self.queue(place.class).pass, place.class, place.fresh, place.arrival))
    }

    /// Serves `chosen` out of those who may go now, and charges its class for the turn.
    pub fn serve(&mut self, chosen: Place, may_go: &[Place]) -> Option<W> {
        let waiter = self.leave(chosen)?;
        let queue = self.queue_mut(chosen.class);
        let now = queue.pass;
        queue.pass += chosen.class.stride();
        self.virtual_time = self.virtual_time.max(now);
        // A class that may not go at the moment saves nothing up for later.
        for queue in &mut self.queues {
            if !may_go.iter().any(|place| place.class == queue.class) {
                queue.pass = queue.pass.max(now);
            }
        }
        Some(waiter)
    }

    /// Who waits at `place`.
    #[must_use]
    pub fn at(&self, place: Place) -> Option<&W> {
        self.queue(place.class).lanes.get(&place.lane)?.get(&(place.fresh, place.arrival))
    }

    /// How many of a class wait.
    #[must_use]
    pub fn waiting(&self, class: Class) -> usize {
        self.queue(class).len
    }

    fn queue(&self, class: Class) -> &Queue<W> {
        let [trigger, poll, read, bulk] = &self.queues;
        match class {
            Class::Trigger => trigger,
            Class::Poll => poll,
            Class::Read => read,
            Class::Bulk => bulk,
        }
    }

    fn queue_mut(&mut self, class: Class) -> &mut Queue<W> {
        let [trigger, poll, read, bulk] = &mut self.queues;
        match class {
            Class::Trigger => trigger,
            Class::Poll => poll,
            Class::Read => read,
            Class::Bulk => bulk,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serve_next(line: &mut Line<&'static str>) -> Option<(Class, &'static str)> {
        let heads: Vec<Place> =
            Class::ALL.into_iter().flat_map(|class| line.heads(class).map(|(place, _)| place)).collect();
        let chosen = line.choose(&heads)?;
        line.serve(chosen, &heads).map(|name| (chosen.class, name))
    }

    #[test]
    fn classes_share_eight_four_two_one_while_all_wait() {
        let mut line = Line::default();
        for class in Class::ALL {
            for _ in 0..1000 {
                line.join(class, 0, false, "");
            }
        }
        let mut served = BTreeMap::new();
        for _ in 0..150 {
            let served_class = serve_next(&mut line).map(|(class, _)| class);
            *served.entry(served_class).or_insert(0) += 1;
        }
        assert_eq!(served.into_values().collect::<Vec<_>>(), [80, 40, 20, 10]);
    }

    #[test]
    fn first_come_first_served_within_a_class_whatever_the_lane() {
        let mut line = Line::default();
        for (lane, name) in [(0, "a"), (7, "b"), (3, "c"), (0, "d")] {
            line.join(Class::Read, lane, false, name);
        }
        let order: Vec<_> = std::iter::from_fn(|| serve_next(&mut line)).map(|(_, name)| name).collect();
        assert_eq!(order, ["a", "b", "c", "d"]);
    }

    #[test]
    fn whoever_rejoins_is_first_in_the_class_and_behind_earlier_rejoiners() {
        let mut line = Line::default();
        line.join(Class::Read, 0, false, "c");
        line.join(Class::Read, 0, true, "a");
        line.join(Class::Read, 5, true, "b");
        line.join(Class::Read, 0, false, "d");
        let order: Vec<_> = std::iter::from_fn(|| serve_next(&mut line)).map(|(_, name)| name).collect();
        assert_eq!(order, ["a", "b", "c", "d"]);
    }

    #[test]
    fn a_class_that_was_empty_has_saved_nothing_up() {
        let mut line = Line::default();
        for _ in 0..100 {
            line.join(Class::Bulk, 0, false, "bulk");
        }
        for _ in 0..50 {
            serve_next(&mut line);
        }
        for _ in 0..100 {
            line.join(Class::Read, 0, false, "read");
        }
        let served: Vec<_> = (0..30).filter_map(|_| serve_next(&mut line)).map(|(_, name)| name).collect();
        let bulk = served.iter().filter(|name| **name == "bulk").count();
        assert!((9..=10).contains(&bulk), "a third of the turns: {served:?}");
    }

    #[test]
    fn who_leaves_is_gone() {
        let mut line = Line::default();
        let place = line.join(Class::Poll, 0, false, "a");
        line.join(Class::Poll, 0, false, "b");
        assert_eq!(line.leave(place), Some("a"));
        assert_eq!(line.leave(place), None);
        assert_eq!(line.waiting(Class::Poll), 1);
        assert_eq!(serve_next(&mut line), Some((Class::Poll, "b")));
    }
}
