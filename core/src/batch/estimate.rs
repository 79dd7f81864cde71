//! Estimates what a batch needs, before anything is sent.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{AT_ONCE, RunMany};
use crate::call::SyncReference;
use crate::limit::looks_of;
use crate::resources::{IfRunning, is_remembered};
use crate::sender::Sender;

/// The requests and the time that a batch needs at least. A run that has not ended when it is first read needs more
/// requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Estimate {
    /// Requests that prepare triggers: one for each slug (unless the client remembers its id), one for each sync with
    /// [`IfRunning::Join`], and one if a checkpoint needs the server's time.
    pub lookups: u64,
    /// Requests that start runs: one for each sync.
    pub triggers: u64,
    /// Requests that read how runs ended: one for each sync.
    pub looks: u64,
    /// The sum of `lookups`, `triggers` and `looks`.
    pub requests: u64,
    /// The least time until the last run has ended, given the rate limit and the expected time of a run.
    pub duration: Duration,
}

/// Counts the requests of a batch, and estimates its least duration.
///
/// The limit is N requests in a window of length T. Looks, the requests that read runs, may use a tenth of N. The R
/// requests that prepare and start runs take ⌊(R−1)/N⌋·T, and the looks take ⌊(looks−1)/(N/10)⌋·T. The runs take
/// `run_time` once for each wave of `at_once` syncs. The estimated duration is the longest of these three.
pub(super) fn estimate(
    sender: &Sender,
    syncs: &[SyncReference],
    how: &RunMany,
    run_time: Duration,
) -> Estimate {
    let slugs: BTreeSet<&str> = syncs
        .iter()
        .filter_map(|sync| match sync {
            SyncReference::Slug(slug) => Some(slug.as_str()),
            SyncReference::Id(_) => None,
        })
        .filter(|slug| !is_remembered(sender, slug))
        .collect();
    let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    let triggers = count(syncs.len());
    let joins = if how.trigger.if_running == Some(IfRunning::Join) { triggers } else { 0 };
    let clock_is_unknown = sender.server_time(tokio::time::Instant::now()).is_none();
    let clock = u64::from(how.checkpoint.is_some() && triggers > 0 && clock_is_unknown);
    let lookups = count(slugs.len()) + joins + clock;
    let allowed = sender.stats().allowed.max(1);
    let window = Duration::from_nanos(sender.config().quota.span());
    let windows = |requests: u64, in_window: u64| {
        window.saturating_mul(u32::try_from(requests.saturating_sub(1) / in_window).unwrap_or(u32::MAX))
    };
    let waves = syncs.len().div_ceil(how.at_once.unwrap_or(AT_ONCE).max(1));
    let runs = sender.scaled(run_time).saturating_mul(u32::try_from(waves).unwrap_or(u32::MAX));
    let limit = windows(lookups + triggers, allowed).max(windows(triggers, looks_of(allowed)));
    Estimate {
        lookups,
        triggers,
        looks: triggers,
        requests: lookups + 2 * triggers,
        duration: limit.max(runs),
    }
}
