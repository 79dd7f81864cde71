//! The rows of one kind. The store keeps only rows that were changed or created. All other rows are generated from the
//! seed whenever they are shown.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// A row as the API shows it.
pub(crate) type Row = Map<String, Value>;

/// The key of a row within its kind. If ids of the kind are numbers, the key is the row's id in the API. Otherwise the
/// id is a text that contains the key.
pub(crate) type Key = u64;

#[derive(Debug, Default)]
pub(crate) struct RowStore {
    /// The keys of all rows that exist, in ascending order.
    keys: Vec<Key>,
    stored: HashMap<Key, Row>,
    next: Key,
}

impl RowStore {
    /// Creates a store of `count` rows that are generated from the seed. The keys of these rows begin with `base + 1`.
    pub(crate) fn seeded(base: Key, count: usize) -> Self {
        let keys: Vec<Key> = (base + 1..).take(count).collect();
        let next = keys.last().map_or(base + 1, |last| last + 1);
        Self { keys, stored: HashMap::new(), next }
    }

    pub(crate) fn keys(&self) -> &[Key] {
        &self.keys
    }

    pub(crate) fn has(&self, key: Key) -> bool {
        self.keys.binary_search(&key).is_ok()
    }

    /// Returns the row if it was changed or created.
    pub(crate) fn stored(&self, key: Key) -> Option<&Row> {
        self.stored.get(&key)
    }

    pub(crate) fn store(&mut self, key: Key, row: Row) {
        self.stored.insert(key, row);
    }

    pub(crate) fn next_key(&self) -> Key {
        self.next
    }

    pub(crate) fn add(&mut self, row: Row) -> Key {
        let key = self.next;
        self.next += 1;
        self.keys.push(key);
        self.stored.insert(key, row);
        key
    }

    pub(crate) fn remove(&mut self, key: Key) -> bool {
        self.stored.remove(&key);
        self.keys.binary_search(&key).map(|at| self.keys.remove(at)).is_ok()
    }

    /// Inserts the row that the seed generates for this key, even if the row was removed before. The keys stay in
    /// order.
    pub(crate) fn put(&mut self, key: Key) {
        if let Err(at) = self.keys.binary_search(&key) {
            self.keys.insert(at, key);
            self.next = self.next.max(key.saturating_add(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_row_can_be_inserted_in_its_old_place() {
        let mut rows = RowStore::seeded(10, 3);
        assert!(rows.remove(12) && !rows.remove(12) && !rows.has(12));
        assert_eq!(rows.keys(), [11, 13]);
        rows.put(12);
        assert_eq!(rows.keys(), [11, 12, 13]);
    }

    #[test]
    fn new_rows_come_last_and_no_key_is_used_twice() {
        let mut rows = RowStore::seeded(0, 2);
        assert_eq!(rows.add(Row::new()), 3);
        rows.remove(3);
        assert_eq!(rows.add(Row::new()), 4);
        assert_eq!((rows.keys(), rows.stored(4).is_some(), rows.stored(1)), (&[1, 2, 4][..], true, None));
    }
}
