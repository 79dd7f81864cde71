//! The items of a batch as they are known now. The task of the batch changes them, and callers wait for the changes.
//! Unread changes take no more memory than the items, however many changes there are.

use std::collections::{BTreeSet, VecDeque};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::BatchItem;
use crate::sender::RequestReport;

/// How many unread reports are kept at most. If nobody reads the reports of a batch, the oldest are dropped.
const TOLD_KEPT: usize = 10_000;

/// A report about a request of the batch.
#[derive(Debug)]
pub(crate) enum Told {
    /// A notice, as the JSON that Python, Node.js and Swift get.
    Notice(String),
    /// A request that has ended.
    Request(Box<RequestReport>),
}

/// What is new since the last reading: the items that have changed, and new reports.
#[derive(Debug, Default)]
pub(crate) struct News {
    pub items: Vec<BatchItem>,
    pub told: Vec<Told>,
}

impl News {
    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty() && self.told.is_empty()
    }
}

/// The items of a batch, and which of them have changed since the changes were last read.
#[derive(Debug)]
pub(super) struct Table {
    state: Mutex<TableState>,
    news: Notify,
}

#[derive(Debug)]
struct TableState {
    items: Vec<BatchItem>,
    /// The positions of changed items, in the order of their first unread changes.
    changed: VecDeque<usize>,
    /// The positions in `changed`, as a set.
    waiting: BTreeSet<usize>,
    /// Unread reports about requests, the oldest first.
    told: VecDeque<Told>,
    /// Whether all items are final.
    is_over: bool,
}

impl TableState {
    fn next(&mut self) -> Option<BatchItem> {
        let at = self.changed.pop_front()?;
        self.waiting.remove(&at);
        self.items.get(at).cloned()
    }

    fn news(&mut self) -> News {
        let items = std::iter::from_fn(|| self.next()).collect();
        News { items, told: self.told.drain(..).collect() }
    }
}

impl Table {
    pub(super) fn new(items: Vec<BatchItem>) -> Arc<Self> {
        let state = TableState {
            items,
            changed: VecDeque::new(),
            waiting: BTreeSet::new(),
            told: VecDeque::new(),
            is_over: false,
        };
        Arc::new(Self { state: Mutex::new(state), news: Notify::new() })
    }

    pub(super) fn items(&self) -> Vec<BatchItem> {
        self.lock().items.clone()
    }

    /// Records the new state of an item.
    pub(super) fn report(&self, item: &BatchItem) {
        let mut state = self.lock();
        let Some(slot) = state.items.get_mut(item.index) else { return };
        slot.clone_from(item);
        if state.waiting.insert(item.index) {
            state.changed.push_back(item.index);
        }
        drop(state);
        self.news.notify_waiters();
    }

    /// Keeps a report about a request until it is read.
    pub(super) fn tell(&self, told: Told) {
        let mut state = self.lock();
        if state.told.len() == TOLD_KEPT {
            state.told.pop_front();
        }
        state.told.push_back(told);
        drop(state);
        self.news.notify_waiters();
    }

    /// Waits for a change. Returns `None` once no item changes any more and every change was read.
    pub(super) async fn changed(&self) -> Option<BatchItem> {
        self.when(TableState::next).await
    }

    /// Waits for news. Returns all items that have changed, in the order of their changes, and the reports. Returns
    /// empty news once no item changes any more and everything was read.
    pub(super) async fn news(&self) -> News {
        let news = |state: &mut TableState| Some(state.news()).filter(|news| !news.is_empty());
        self.when(news).await.unwrap_or_default()
    }

    /// Returns all items and all reports, and marks both as read.
    pub(super) fn read_all(&self) -> News {
        let mut state = self.lock();
        let News { told, .. } = state.news();
        News { items: state.items.clone(), told }
    }

    /// Waits until no item changes any more.
    pub(super) async fn over(&self) {
        self.when(|_| None::<()>).await;
    }

    /// Waits until `take` returns something, or until no item changes any more. Nothing is awaited between `take` and
    /// the return, so a future that is dropped loses no change.
    async fn when<T>(&self, mut take: impl FnMut(&mut TableState) -> Option<T>) -> Option<T> {
        loop {
            let mut news = pin!(self.news.notified());
            news.as_mut().enable();
            {
                let mut state = self.lock();
                let taken = take(&mut state);
                if taken.is_some() || state.is_over {
                    return taken;
                }
            }
            news.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, TableState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Marks all items of the table as final when this value is dropped, even if the runtime drops the task of the batch.
pub(super) struct Ending(pub Arc<Table>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.lock().is_over = true;
        self.0.news.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::batch::ItemOutcome;

    fn table(syncs: i64) -> Arc<Table> {
        let items = (0..syncs).map(|id| BatchItem::new(usize::try_from(id).unwrap(), id.into()));
        Table::new(items.collect())
    }

    fn ended(table: &Table, index: usize) {
        let mut item = table.items().remove(index);
        item.outcome = Some(ItemOutcome::Success);
        table.report(&item);
    }

    /// Guards against a table that grows with each change while nobody reads the changes.
    #[test]
    fn unread_changes_take_one_place_for_each_item() {
        let table = table(3);
        for _ in 0..1000 {
            for item in table.items() {
                table.report(&item);
            }
        }
        ended(&table, 1);
        assert_eq!(table.lock().changed.len(), 3);
        let changed = table.news().now_or_never().unwrap().items;
        let outcomes: Vec<_> = changed.iter().map(|item| (item.index, item.outcome)).collect();
        assert_eq!(outcomes, [(0, None), (1, Some(ItemOutcome::Success)), (2, None)]);
    }

    #[test]
    fn the_oldest_notices_are_forgotten_if_nobody_reads_them() {
        let table = table(1);
        for number in 0..=TOLD_KEPT {
            table.tell(Told::Notice(number.to_string()));
        }
        ended(&table, 0);
        let News { items, told } = table.news().now_or_never().unwrap();
        assert_eq!((items.len(), told.len()), (1, TOLD_KEPT));
        assert!(matches!(told.first(), Some(Told::Notice(oldest)) if oldest == "1"), "{:?}", told.first());
    }

    #[test]
    fn a_wait_that_is_dropped_loses_no_change() {
        let table = table(2);
        assert!(table.changed().now_or_never().is_none());
        let dropped = table.news();
        ended(&table, 1);
        drop(dropped);
        ended(&table, 0);
        let order: Vec<_> =
            std::iter::from_fn(|| table.changed().now_or_never().flatten()).map(|item| item.index).collect();
        assert_eq!(order, [1, 0]);
    }

    #[tokio::test]
    async fn everybody_who_waits_learns_of_the_end() {
        let table = table(1);
        let end = Ending(Arc::clone(&table));
        let ends = async {
            tokio::task::yield_now().await;
            drop(end);
        };
        let (first, second, (), ()) = tokio::join!(table.changed(), table.news(), table.over(), ends);
        assert!(first.is_none() && second.is_empty());
    }
}
