//! Reads and writes lists of integers. The state of a limit has this form outside this process. The integers may be
//! damaged, so the code that reads a part of the state checks all values that its arithmetic relies on.

/// The largest accepted count. The arithmetic does not overflow up to this count.
pub const MOST: u64 = u32::MAX as u64;

/// Reads a list of integers from its beginning.
#[derive(Debug)]
pub struct Words<'a>(&'a [u64]);

impl<'a> Words<'a> {
    /// Creates a reader at the beginning of `words`.
    #[must_use]
    pub fn new(words: &'a [u64]) -> Self {
        Self(words)
    }

    /// Reads the next integer; `None` at the end of the list.
    pub fn word(&mut self) -> Option<u64> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// Reads the next integer; `None` if it is above `most`.
    pub fn up_to(&mut self, most: u64) -> Option<u64> {
        self.word().filter(|word| *word <= most)
    }

    /// Reads the next integer as a bool; `None` if it is not 0 or 1.
    pub fn flag(&mut self) -> Option<bool> {
        self.up_to(1).map(|word| word == 1)
    }

    /// Reads the length of a list, then each item with `read`; `None` if the list is damaged.
    pub fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let length = self.up_to(self.0.len() as u64)?;
        (0..length).map(|_| read(self)).collect()
    }

    /// Reads a list of pairs that [`write_pairs`] has written; `None` if integers are missing.
    pub fn pairs(&mut self) -> Option<&'a [[u64; 2]]> {
        let length = usize::try_from(self.word()?).ok()?.checked_mul(2)?;
        let (pairs, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(pairs.as_chunks().0)
    }

    /// Whether everything was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Writes a list of pairs for [`Words::pairs`]. A log of ended requests has hundreds of pairs and is written for each
/// request, so writing must not take longer than a copy.
pub fn write_pairs<T>(to: &mut Vec<u64>, list: &[T], pair: impl Fn(&T) -> [u64; 2]) {
    to.push(list.len() as u64);
    let begin = to.len();
    to.resize(begin + 2 * list.len(), 0);
    for (to, item) in to.split_at_mut(begin).1.as_chunks_mut().0.iter_mut().zip(list) {
        *to = pair(item);
    }
}
