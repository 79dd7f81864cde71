//! A state is kept outside this process as a list of integers. What is read may be damaged, so the reader of each part
//! checks what its arithmetic relies on.

/// The largest count that is accepted. The arithmetic does not overflow with counts up to this.
pub const MOST: u64 = u32::MAX as u64;

/// Reads a list of integers from its beginning.
#[derive(Debug)]
pub struct Words<'a>(&'a [u64]);

impl<'a> Words<'a> {
    /// Reads `words`.
    #[must_use]
    pub fn new(words: &'a [u64]) -> Self {
        Self(words)
    }

    /// The next integer.
    pub fn word(&mut self) -> Option<u64> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// The next integer, if it is at most `most`.
    pub fn up_to(&mut self, most: u64) -> Option<u64> {
        self.word().filter(|word| *word <= most)
    }

    /// The next integer, which must be 0 or 1, as a bool.
    pub fn flag(&mut self) -> Option<bool> {
        self.up_to(1).map(|word| word == 1)
    }

    /// A list that is preceded by its length.
    pub fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let length = self.up_to(self.0.len() as u64)?;
        (0..length).map(|_| read(self)).collect()
    }

    /// A list of pairs that [`write_pairs`] has written.
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

/// Writes a list of pairs for [`Words::pairs`]. A log has hundreds of them and is written for each request, so this
/// must be as fast as a copy.
pub fn write_pairs<T>(to: &mut Vec<u64>, list: &[T], pair: impl Fn(&T) -> [u64; 2]) {
    to.push(list.len() as u64);
    let begin = to.len();
    to.resize(begin + 2 * list.len(), 0);
    for (to, item) in to.split_at_mut(begin).1.as_chunks_mut().0.iter_mut().zip(list) {
        *to = pair(item);
    }
}
