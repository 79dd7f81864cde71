//! How the limit grows back after a cut: the curve of CUBIC (RFC 9438), in integers.
//!
//! The ceiling is the level that was refused. Below the ceiling the limit grows fast at first, and slowly near the
//! ceiling. Beyond the ceiling it grows slowly at first, then ever faster. The curve runs over *clean time*, which only
//! successes advance: each success adds a window divided by the limit. Clean time never runs faster than the clock.

use super::Nanos;
use super::words::{MOST, Words};

/// How many windows pass after a first refusal until the limit reaches the ceiling (the refused limit) again. They
/// are windows of clean time, which only successes advance.
const WINDOWS: u64 = 3;
/// Each further cut while the limit grows back doubles the time until the limit reaches the ceiling, at most this many
/// times.
const DOUBLINGS: u32 = 3;
/// Once the limit has reached the ceiling, it grows by at least this many requests in the next [`WINDOWS`] windows of
/// clean time (see the comment of this module). Without this minimum, a recovery from a limit of 1 would take hours
/// instead of minutes.
const LEAST_HEIGHT: u64 = 8;
/// The growth of the limit is calculated with fixed-point numbers that have this many fraction bits.
const BITS: u32 = 20;

/// The recovery of a limit.
#[derive(Clone, Debug)]
pub struct Recovery {
    /// The limit at which the recovery began.
    base: u64,
    /// The limit at which the server refused a request.
    ceiling: u64,
    /// How often the server refused again before the recovery was complete, at most [`DOUBLINGS`]. A refusal far above
    /// the ceiling resets the count to 0.
    met: u32,
    window: Nanos,
    clean: Nanos,
}

impl Recovery {
    /// Writes the recovery as integers, for [`Recovery::read`] to read.
    pub fn write(&self, to: &mut Vec<u64>) {
        to.extend([self.base, self.ceiling, u64::from(self.met), self.clean]);
    }

    /// Reads a recovery with windows of `window`. Returns `None` if the integers are damaged.
    #[must_use]
    pub fn read(from: &mut Words<'_>, window: Nanos) -> Option<Self> {
        let [base, ceiling] = [from.up_to(MOST)?, from.up_to(MOST)?];
        let met = u32::try_from(from.up_to(u64::from(DOUBLINGS))?).ok()?;
        Some(Self { base, ceiling, met, window, clean: from.up_to(Nanos::MAX / 4)? })
    }

    /// Creates a recovery that begins at the limit `base`, after the first cut. `ceiling` is the limit at which the
    /// server refused a request; `window` is the length of a window.
    #[must_use]
    pub fn new(base: u64, ceiling: u64, window: Nanos) -> Self {
        Self { base, ceiling, met: 0, window, clean: 0 }
    }

    /// Restarts at `base`. The ceiling stays, because nothing succeeded since the last cut: the limit has not grown.
    #[must_use]
    pub fn interrupted(self, base: u64) -> Self {
        Self { base, clean: 0, ..self }
    }

    /// Restarts the recovery at the limit `base` with the ceiling `level`, because the server refused while the limit
    /// was growing back.
    #[must_use]
    pub fn refused(self, base: u64, level: u64) -> Self {
        // A refusal far above the old ceiling shows that the old ceiling was too low, perhaps because another client
        // used part of the limit. So the refusals at the old ceiling no longer count.
        let met = if level > self.ceiling + self.ceiling / 8 { 0 } else { (self.met + 1).min(DOUBLINGS) };
        Self { base, ceiling: level, met, clean: 0, window: self.window }
    }

    /// Lowers the base to at most `base`, and the ceiling to at most `ceiling`.
    pub fn lower(&mut self, base: u64, ceiling: u64) {
        self.base = self.base.min(base);
        self.ceiling = self.ceiling.min(ceiling);
    }

    /// Notes a success, which advances the clean time over which the limit grows back. `allowed` is the present limit.
    /// `open` is the time since the end of the last pause; clean time never exceeds `open`.
    pub fn succeeded(&mut self, open: Nanos, allowed: u64) {
        self.clean = self.clean.saturating_add(self.window / allowed.max(1)).min(open);
    }

    /// The limit that the curve has reached by now.
    #[must_use]
    pub fn level(&self) -> u64 {
        let reach = WINDOWS * self.window;
        let climb = reach << self.met;
        let height = self.ceiling.saturating_sub(self.base);
        match climb.checked_sub(self.clean) {
            Some(left) => self.ceiling.saturating_sub(cubed(height, left, climb).saturating_add(1)),
            None => self.ceiling.saturating_add(cubed(height.max(LEAST_HEIGHT), self.clean - climb, reach)),
        }
    }
}

/// Returns height · (part / whole)³, rounded down.
fn cubed(height: u64, part: Nanos, whole: Nanos) -> u64 {
    let fraction = (u128::from(part) << BITS) / u128::from(whole.max(1));
    // Caps `part / whole` at 2^20, so that nothing overflows.
    let fraction = fraction.min(1 << (2 * BITS));
    let square = (fraction * fraction) >> BITS;
    let cube = (square * fraction) >> BITS;
    u64::try_from((u128::from(height) * cube) >> BITS).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Nanos = 10_050_000_000;

    /// The limit at the end of each window, if the client always uses the whole limit and every request succeeds.
    fn climb(recovery: &mut Recovery, allowed: u64, windows: u64) -> Vec<u64> {
        let mut levels = Vec::new();
        let mut allowed = allowed;
        let mut open = 0;
        for window in 1..=windows {
            while open < window * WINDOW {
                open += WINDOW / allowed;
                recovery.succeeded(open, allowed);
                allowed = allowed.max(recovery.level());
            }
            levels.push(allowed);
        }
        levels
    }

    #[test]
    fn the_ceiling_is_reached_within_three_windows_and_left_behind_slowly_at_first() {
        let mut recovery = Recovery::new(140, 200, WINDOW);
        assert_eq!(climb(&mut recovery, 140, 6), [182, 197, 200, 202, 217, 260]);
    }

    #[test]
    fn time_without_successes_and_successes_without_time_raise_nothing() {
        let mut recovery = Recovery::new(140, 200, WINDOW);
        recovery.succeeded(100 * WINDOW, 140);
        assert!(recovery.level() <= 141, "{} after one success", recovery.level());
        let mut recovery = Recovery::new(140, 200, WINDOW);
        (0..10_000).for_each(|_| recovery.succeeded(WINDOW / 1000, 140));
        assert!(recovery.level() <= 141, "{} within a moment", recovery.level());
    }

    #[test]
    fn a_ceiling_that_refuses_again_is_approached_more_slowly_each_time() {
        let mut recovery = Recovery::new(140, 200, WINDOW);
        for windows in [6, 12, 24, 24] {
            recovery = recovery.refused(70, 100);
            climb(&mut recovery, 70, windows - 1);
            assert!((98..100).contains(&recovery.level()), "{} before {windows} windows", recovery.level());
        }
    }

    #[test]
    fn a_ceiling_that_turns_out_too_low_is_forgotten() {
        let mut recovery = Recovery::new(140, 200, WINDOW).refused(70, 100);
        recovery = recovery.refused(105, 150);
        assert!(climb(&mut recovery, 105, 3).ends_with(&[150]));
    }

    #[test]
    fn from_the_floor_the_way_up_takes_minutes() {
        let mut recovery = Recovery::new(1, 2, WINDOW);
        assert!(climb(&mut recovery, 1, 15).ends_with(&[514]));
    }

    #[test]
    fn nothing_overflows() {
        let mut recovery = Recovery::new(1, u64::MAX / 2, u64::MAX / 100);
        recovery.succeeded(u64::MAX, 1);
        let _ = recovery.level();
        recovery = recovery.refused(1, 1_000_000_000);
        (0..200).for_each(|_| recovery.succeeded(u64::MAX, 1));
        assert!(recovery.level() >= 1_000_000_000);
    }
}
