//! Rows of one kind. Those of the seed are made when they are shown: only what was changed or created is kept.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// A row as the API shows it.
pub(crate) type Row = Map<String, Value>;

/// What a row is filed under; a kind whose ids are text writes it in its own way.
pub(crate) type Key = u64;

#[derive(Debug, Default)]
pub(crate) struct Shelf {
    /// In their order.
    keys: Vec<Key>,
    kept: HashMap<Key, Row>,
    next: Key,
}

impl Shelf {
    /// `count` rows, filed under the keys after `base`.
    pub(crate) fn seeded(base: Key, count: usize) -> Self {
        let keys: Vec<Key> = (base + 1..).take(count).collect();
        let next = keys.last().map_or(base + 1, |last| last + 1);
        Self { keys, kept: HashMap::new(), next }
    }

    pub(crate) fn keys(&self) -> &[Key] {
        &self.keys
    }

    pub(crate) fn has(&self, key: Key) -> bool {
        self.keys.binary_search(&key).is_ok()
    }

    /// The row, where it is not the seed's any more.
    pub(crate) fn kept(&self, key: Key) -> Option<&Row> {
        self.kept.get(&key)
    }

    pub(crate) fn keep(&mut self, key: Key, row: Row) {
        self.kept.insert(key, row);
    }

    /// The key that the next new row gets.
    pub(crate) fn next(&self) -> Key {
        self.next
    }

    pub(crate) fn add(&mut self, row: Row) -> Key {
        let key = self.next;
        self.next += 1;
        self.keys.push(key);
        self.kept.insert(key, row);
        key
    }

    pub(crate) fn remove(&mut self, key: Key) -> bool {
        self.kept.remove(&key);
        self.keys.binary_search(&key).map(|at| self.keys.remove(at)).is_ok()
    }

    /// Puts a row of the seed in its place, also where it was taken from there.
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
    fn what_is_removed_can_be_put_back_in_its_place() {
        let mut shelf = Shelf::seeded(10, 3);
        assert!(shelf.remove(12) && !shelf.remove(12) && !shelf.has(12));
        assert_eq!(shelf.keys(), [11, 13]);
        shelf.put(12);
        assert_eq!(shelf.keys(), [11, 12, 13]);
    }

    #[test]
    fn new_rows_come_last_and_no_key_is_given_twice() {
        let mut shelf = Shelf::seeded(0, 2);
        assert_eq!(shelf.add(Row::new()), 3);
        shelf.remove(3);
        assert_eq!(shelf.add(Row::new()), 4);
        assert_eq!((shelf.keys(), shelf.kept(4).is_some(), shelf.kept(1)), (&[1, 2, 4][..], true, None));
    }
}
