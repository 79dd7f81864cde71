//! The queue at the gate. Four classes share the limit by weight. Within a class, requests that wait again (after a
//! refusal, or because their waiter did not fetch the grant in time) go first, then the others in order of arrival.
//! Looks (requests that read the state of a run) wait in a separate lane, and their turns are charged to the class of
//! polls.

use std::collections::BTreeMap;

use super::Nanos;
use super::looks::{Looks, Urgency};

/// The class of a request. The class decides how much weight the request has in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Starts a run or sends a campaign; weighs 8.
    Trigger,
    /// Reads the state of a run; weighs 4.
    Poll,
    /// Everything else; weighs 2.
    Read,
    /// Reads a lot, such as the later pages of a list; weighs 1 and leaves a tenth of the limit free.
    Bulk,
}

impl Class {
    /// All classes, the heaviest first.
    pub const ALL: [Self; 4] = [Self::Trigger, Self::Poll, Self::Read, Self::Bulk];

    /// How much each served request adds to the `pass` of its class: 8 divided by the weight.
    const fn stride(self) -> u64 {
        match self {
            Self::Trigger => 1,
            Self::Poll => 2,
            Self::Read => 4,
            Self::Bulk => 8,
        }
    }
}

/// A place in the queue. Places of one class are served in ascending order, but [`Looks`] orders the places in the lane
/// of looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The class of the request; [`Class::Poll`] for a look.
    pub class: Class,
    /// Whether the place is in the lane of looks, the requests that read the state of a run.
    pub look: bool,
    /// False if the request waits again, after a refusal (429) or after its waiter did not fetch the grant in time.
    /// False sorts first, so the request goes ahead of new requests.
    fresh: bool,
    arrival: u64,
}

impl Place {
    /// A number that no other place in the queue has.
    #[must_use]
    pub fn number(self) -> u64 {
        self.arrival
    }
}

/// The priority of a look (a request that reads the state of a run) among the waiting looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookPriority {
    /// How urgent the look is.
    pub urgency: Urgency,
    /// When the run was last looked at, in milliseconds since 1970; 0 if never.
    pub looked_at: i64,
}

/// All waiting requests; `W` is the data of each request. The classes share the turns by stride scheduling: each turn
/// adds its cost to the `pass` of its class, and the class with the lowest `pass` goes next.
#[derive(Debug)]
pub struct Line<W> {
    arrivals: u64,
    /// The highest `pass` that a class had when one of its requests was served.
    virtual_time: u64,
    queues: [Queue<W>; 4],
    looks: Looks<W>,
}

#[derive(Debug)]
struct Queue<W> {
    class: Class,
    pass: u64,
    waiting: BTreeMap<(bool, u64), W>,
}

impl<W> Default for Line<W> {
    fn default() -> Self {
        let queue = |class| Queue { class, pass: 0, waiting: BTreeMap::new() };
        Self { arrivals: 0, virtual_time: 0, queues: Class::ALL.map(queue), looks: Looks::default() }
    }
}

impl<W> Line<W> {
    /// Adds a request at the end of the queue of its class. With `rejoin`, the request goes to the head of the queue
    /// instead, behind requests that rejoined before. A request with `look` waits in the lane of looks, and counts as a
    /// poll whatever its class.
    pub fn join(&mut self, class: Class, look: Option<LookPriority>, rejoin: bool, waiter: W) -> Place {
        self.arrivals += 1;
        let class = if look.is_some() { Class::Poll } else { class };
        let place = Place { class, look: look.is_some(), fresh: !rejoin, arrival: self.arrivals };
        let now = self.virtual_time;
        let idle = self.waiting(class) == 0;
        let queue = self.queue_mut(class);
        if idle {
            // The class with the lowest pass goes next. Raises the pass, so that a class earns no turns while none of
            // its requests wait.
            queue.pass = queue.pass.max(now);
        }
        match look {
            None => drop(queue.waiting.insert((place.fresh, place.arrival), waiter)),
            Some(LookPriority { urgency, looked_at }) => {
                self.looks.join(place.arrival, place.fresh, urgency, looked_at, waiter);
            }
        }
        place
    }

    /// Removes a request that has not been served, and returns its data.
    pub fn leave(&mut self, place: Place) -> Option<W> {
        if place.look {
            return self.looks.leave(place.arrival);
        }
        self.queue_mut(place.class).waiting.remove(&(place.fresh, place.arrival))
    }

    /// Raises the urgency of the look (a request that reads the state of a run) that waits at `place`.
    pub fn raise(&mut self, place: Place, urgency: Urgency) {
        if place.look {
            self.looks.raise(place.arrival, urgency);
        }
    }

    /// The first request in the queue of a class. Requests in the lane of looks do not count.
    #[must_use]
    pub fn head(&self, class: Class) -> Option<(Place, &W)> {
        let (&(fresh, arrival), waiter) = self.queue(class).waiting.first_key_value()?;
        Some((Place { class, look: false, fresh, arrival }, waiter))
    }

    /// The look (a request that reads the state of a run) that goes next.
    #[must_use]
    pub fn head_of_looks(&self) -> Option<(Place, &W)> {
        let (arrival, fresh, waiter) = self.looks.head()?;
        Some((Place { class: Class::Poll, look: true, fresh, arrival }, waiter))
    }

    /// The lane of looks.
    #[must_use]
    pub fn looks(&self) -> &Looks<W> {
        &self.looks
    }

    /// The lane of looks.
    pub fn looks_mut(&mut self) -> &mut Looks<W> {
        &mut self.looks
    }

    /// Chooses the request that goes next. `may_go` lists the places of the requests that may go now: the first of each
    /// class, and the first look. The class with the lowest `pass` goes next; of two classes with an equal `pass`, the
    /// heavier class. If both a poll and a look may go, a request that waits again goes before a new one; otherwise,
    /// the earlier one goes first.
    #[must_use]
    pub fn choose(&self, may_go: &[Place]) -> Option<Place> {
        may_go
            .iter()
            .copied()
            .min_by_key(|place| (self.queue(place.class).pass, place.class, place.fresh, place.arrival))
    }

    /// Removes the request at `chosen` from the queue, raises the `pass` of its class, and returns its data. `may_go`
    /// lists the places of all requests that may go at `now`; `span` is the window over which looks are counted.
    pub fn serve(&mut self, chosen: Place, may_go: &[Place], now: Nanos, span: Nanos) -> Option<W> {
        let waiter =
            if chosen.look { self.looks.serve(chosen.arrival, now, span)? } else { self.leave(chosen)? };
        let queue = self.queue_mut(chosen.class);
        let pass = queue.pass;
        queue.pass += chosen.class.stride();
        self.virtual_time = self.virtual_time.max(pass);
        // The class with the lowest pass goes next. Raises the pass of each class that may not go now, so that no class
        // saves up turns while it may not go.
        for queue in &mut self.queues {
            if !may_go.iter().any(|place| place.class == queue.class) {
                queue.pass = queue.pass.max(pass);
            }
        }
        Some(waiter)
    }

    /// The data of the request that waits at `place`.
    #[must_use]
    pub fn at(&self, place: Place) -> Option<&W> {
        if place.look {
            return self.looks.at(place.arrival);
        }
        self.queue(place.class).waiting.get(&(place.fresh, place.arrival))
    }

    /// How many requests of a class wait. Looks (requests that read the state of a run) count as polls.
    #[must_use]
    pub fn waiting(&self, class: Class) -> usize {
        let looks = if class == Class::Poll { self.looks.waiting() } else { 0 };
        self.queue(class).waiting.len() + looks
    }

    /// Removes all waiting requests.
    pub fn drain(&mut self) -> Vec<(Place, W)> {
        let looks = self.looks.drain();
        let mut all: Vec<_> = looks
            .map(|(arrival, fresh, who)| (Place { class: Class::Poll, look: true, fresh, arrival }, who))
            .collect();
        for queue in &mut self.queues {
            let class = queue.class;
            all.extend(
                std::mem::take(&mut queue.waiting)
                    .into_iter()
                    .map(|((fresh, arrival), who)| (Place { class, look: false, fresh, arrival }, who)),
            );
        }
        all
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
        let heads = Class::ALL.into_iter().filter_map(|class| line.head(class)).chain(line.head_of_looks());
        let heads: Vec<Place> = heads.map(|(place, _)| place).collect();
        let chosen = line.choose(&heads)?;
        line.serve(chosen, &heads, 0, 1).map(|name| (chosen.class, name))
    }

    #[test]
    fn classes_share_eight_four_two_one_while_all_wait() {
        let mut line = Line::default();
        for class in Class::ALL {
            for _ in 0..1000 {
                line.join(class, None, false, "");
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
    fn first_come_first_served_within_a_class_looks_among_the_polls() {
        let mut line = Line::default();
        let priority = LookPriority { urgency: Urgency::Usual, looked_at: 5 };
        for (look, name) in [(None, "a"), (Some(priority), "b"), (None, "c"), (Some(priority), "d")] {
            line.join(Class::Poll, look, false, name);
        }
        let order: Vec<_> = std::iter::from_fn(|| serve_next(&mut line)).map(|(_, name)| name).collect();
        assert_eq!(order, ["a", "b", "c", "d"]);
    }

    #[test]
    fn whoever_rejoins_is_first_in_the_class_and_behind_earlier_rejoiners() {
        let mut line = Line::default();
        line.join(Class::Read, None, false, "c");
        line.join(Class::Read, None, true, "a");
        line.join(Class::Read, None, true, "b");
        line.join(Class::Read, None, false, "d");
        let order: Vec<_> = std::iter::from_fn(|| serve_next(&mut line)).map(|(_, name)| name).collect();
        assert_eq!(order, ["a", "b", "c", "d"]);
    }

    #[test]
    fn a_class_that_was_empty_has_saved_nothing_up() {
        let mut line = Line::default();
        for _ in 0..100 {
            line.join(Class::Bulk, None, false, "bulk");
        }
        for _ in 0..50 {
            serve_next(&mut line);
        }
        for _ in 0..100 {
            line.join(Class::Read, None, false, "read");
        }
        let served: Vec<_> = (0..30).filter_map(|_| serve_next(&mut line)).map(|(_, name)| name).collect();
        let bulk = served.iter().filter(|name| **name == "bulk").count();
        assert!((9..=10).contains(&bulk), "a third of the turns: {served:?}");
    }

    #[test]
    fn who_leaves_is_gone() {
        let mut line = Line::default();
        let place = line.join(Class::Poll, None, false, "a");
        line.join(Class::Poll, None, false, "b");
        assert_eq!(line.leave(place), Some("a"));
        assert_eq!(line.leave(place), None);
        assert_eq!(line.waiting(Class::Poll), 1);
        assert_eq!(serve_next(&mut line), Some((Class::Poll, "b")));
    }
}
