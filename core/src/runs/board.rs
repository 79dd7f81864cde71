//! All runs that one client follows: their looks take turns, and what lists show of their syncs moves some ahead.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::line::{Answer, Line, Place, Urgency};
use super::state::State as _;
use super::sweep::Sweep;
use super::token::RunToken;
use crate::resources::SyncRun;

/// What one client knows of the runs that it follows.
#[derive(Debug)]
pub(crate) struct Board {
    state: Mutex<State>,
    /// Whoever holds it reads the list of syncs for all; when they stop, the next one does.
    pub(super) sweep: tokio::sync::Mutex<Sweep>,
}

#[derive(Debug)]
struct State {
    line: Line,
    /// Who waits in the line, to be told.
    bells: HashMap<u64, Arc<Notify>>,
    /// By the sync's id as tokens have it; what runs no sync is under `None`.
    followed: HashMap<Option<String>, Vec<Arc<Watch>>>,
    next: u64,
}

/// One run that is followed.
#[derive(Debug)]
struct Watch {
    id: u64,
    run: i64,
    since: i64,
    urgency: Mutex<Urgency>,
    rung: Arc<Notify>,
}

/// Keeps a run on the board while it is followed.
#[derive(Debug)]
pub(super) struct Followed<'a> {
    board: &'a Board,
    parent: Option<String>,
    watch: Arc<Watch>,
}

/// A place in the line, given up when it is dropped.
struct Waiting<'a> {
    board: &'a Board,
    place: Place,
}

impl Board {
    /// For a limit of `requests` in `span`.
    pub(crate) fn new(requests: u64, span: Duration) -> Self {
        let state = State {
            line: Line::new(requests, span),
            bells: HashMap::new(),
            followed: HashMap::new(),
            next: 0,
        };
        Self { state: Mutex::new(state), sweep: tokio::sync::Mutex::new(Sweep::new(requests, span)) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn follow(&self, token: &RunToken) -> Followed<'_> {
        let mut state = self.lock();
        state.next += 1;
        let watch = Arc::new(Watch {
            id: state.next,
            run: token.run.parse().unwrap_or(i64::MAX),
            since: token.since,
            urgency: Mutex::default(),
            rung: Arc::default(),
        });
        let parent = if token.kind == SyncRun::KIND { Some(token.parent.clone()) } else { None };
        state.followed.entry(parent.clone()).or_default().push(Arc::clone(&watch));
        Followed { board: self, parent, watch }
    }

    /// Since when lists of syncs are worth reading: the time of the oldest trigger, where more runs are followed than can
    /// be looked at in a window.
    pub(super) fn crowded_since(&self) -> Option<i64> {
        let state = self.lock();
        if state.followed.values().map(Vec::len).sum::<usize>() <= state.line.most() {
            return None;
        }
        let of_syncs = state.followed.iter().filter(|(parent, _)| parent.is_some());
        of_syncs.flat_map(|(_, watches)| watches).map(|watch| watch.since).min()
    }

    /// Whether a sync has a run that is followed.
    pub(super) fn follows(&self, sync: &str) -> bool {
        self.lock().followed.contains_key(&Some(sync.to_owned()))
    }

    /// Moves a run of a sync ahead: the oldest, since runs of a sync follow each other.
    pub(super) fn hint(&self, sync: &str, urgency: Urgency) {
        let state = self.lock();
        let watches = state.followed.get(&Some(sync.to_owned()));
        let oldest = watches.into_iter().flatten().map(|watch| watch.run).min();
        for watch in watches.into_iter().flatten().filter(|watch| Some(watch.run) == oldest) {
            let mut known = watch.urgency.lock().unwrap_or_else(PoisonError::into_inner);
            if urgency > *known {
                *known = urgency;
                watch.rung.notify_one();
            }
        }
    }

    fn ring(state: &State) {
        if let Some(bell) = state.line.first().and_then(|id| state.bells.get(&id)) {
            bell.notify_one();
        }
    }
}

impl Followed<'_> {
    fn urgency(&self) -> Urgency {
        *self.watch.urgency.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `due`, or until something points to a change.
    pub(super) async fn due(&self, due: Instant) {
        if self.urgency() == Urgency::Usual {
            tokio::select! {
                () = tokio::time::sleep_until(due) => {}
                () = self.watch.rung.notified() => {}
            }
        }
    }

    /// Waits for its turn; `looked` is when the run was last looked at, in milliseconds since 1970.
    pub(super) async fn turn(&self, looked: i64) {
        loop {
            let urgency = self.urgency();
            tokio::select! {
                biased;
                () = self.board.turn(looked, urgency) => break,
                // To the place that it has now.
                () = self.watch.rung.notified() => {}
            }
        }
        *self.watch.urgency.lock().unwrap_or_else(PoisonError::into_inner) = Urgency::Usual;
    }
}

impl Board {
    async fn turn(&self, looked: i64, urgency: Urgency) {
        let bell = Arc::new(Notify::new());
        let waiting = {
            let mut state = self.lock();
            let place = state.line.join(looked, urgency);
            state.bells.insert(place.id(), Arc::clone(&bell));
            Waiting { board: self, place }
        };
        loop {
            let answer = self.lock().line.ask(waiting.place, Instant::now());
            match answer {
                Answer::Go => return,
                Answer::Behind => bell.notified().await,
                Answer::Until(then) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(then) => {}
                        () = bell.notified() => {}
                    }
                }
            }
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.board.lock();
        state.line.leave(self.place);
        state.bells.remove(&self.place.id());
        Board::ring(&state);
    }
}

impl Drop for Followed<'_> {
    fn drop(&mut self) {
        let mut state = self.board.lock();
        if let Some(watches) = state.followed.get_mut(&self.parent) {
            watches.retain(|watch| watch.id != self.watch.id);
            if watches.is_empty() {
                state.followed.remove(&self.parent);
            }
        }
    }
}
