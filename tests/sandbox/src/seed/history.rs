//! Runs of syncs that ended before the world was created.

use super::{DAY, Kind, Seeds, pick, sync::is_disabled};
use crate::clock::Millis;
use crate::row_store::Key;
use crate::runs::{FIRST_RUN, Run};
use crate::settings::Plan;

/// The largest number of past runs of a sync, unless the world sets `pastRuns`.
const MOST: u64 = 3;

/// Returns the id of the first run that is triggered in a world. Every past run has a smaller id.
pub(crate) fn first_run(seeds: &Seeds, syncs: usize) -> u64 {
    FIRST_RUN.max(most(seeds) * syncs as u64 + 1)
}

fn most(seeds: &Seeds) -> u64 {
    seeds.past_runs.unwrap_or(MOST)
}

const LONGEST_GAP: Millis = 10 * 3_600_000;

struct Past {
    id: u64,
    at: Millis,
    seconds: u16,
    status: &'static str,
}

fn past(seeds: &Seeds, sync: Key) -> impl Iterator<Item = Past> {
    let mut rng = seeds.rng(Kind::Sync, sync.wrapping_add(1 << 40));
    let usual = if is_disabled(sync) { 0 } else { sync % (MOST + 1) };
    let (most, count) = (most(seeds), seeds.past_runs.unwrap_or(usual));
    // The first past run lies so far back that even the last past run has ended when the world is created.
    let more = Millis::try_from(count.saturating_sub(MOST)).unwrap_or(0);
    let mut at = -rng.i64(2 * DAY..3 * DAY) - more * LONGEST_GAP;
    (0..count).map(move |index| {
        at += rng.i64(3_600_000..LONGEST_GAP);
        let status = pick(&mut rng, &["success", "success", "success", "warning", "failed"]);
        Past { id: most * (sync - 1) + index + 1, at, seconds: rng.u16(20..600), status }
    })
}

/// Returns the runs of a sync, the oldest first.
pub(crate) fn past_runs(seeds: &Seeds, sync: Key) -> Vec<Run> {
    past(seeds, sync)
        .map(|past| {
            let plan = Plan {
                seconds: Some(f64::from(past.seconds)),
                queued_seconds: Some(0.0),
                status: Some(past.status.to_owned()),
                error: (past.status == "failed").then(|| "The destination refused the request.".to_owned()),
                ..Plan::default()
            };
            Run::planned(past.id, past.at, past.at, &plan)
        })
        .collect()
}

/// Returns the end of the last run of a sync. This function is much cheaper than [`past_runs`].
pub(crate) fn last_activity(seeds: &Seeds, sync: Key) -> Option<Millis> {
    past(seeds, sync).map(|past| past.at + Millis::from(past.seconds) * 1000).max()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::Clock;
    use crate::settings::WorldSettings;

    #[test]
    fn past_runs_are_over_when_the_world_begins_and_their_ids_are_unique() {
        let seeds = Seeds::new(&WorldSettings::default(), 7, Arc::new(Clock::starting_now(1.0)));
        let mut ids: Vec<u64> = Vec::new();
        for sync in 1..=50 {
            let runs = past_runs(&seeds, sync);
            assert_eq!(runs.iter().map(|run| run.finished).max(), last_activity(&seeds, sync));
            for run in runs {
                assert!(run.finished < 0);
                ids.push(run.id);
            }
        }
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert!(ids.len() == count && count > 20);
        assert!(ids.iter().all(|id| *id < first_run(&seeds, 50)));
        assert_eq!(first_run(&seeds, 100_000), 300_001);
    }

    #[test]
    fn the_history_has_as_many_runs_as_the_world_asks_for() {
        let settings = WorldSettings { past_runs: Some(1234), ..WorldSettings::default() };
        let seeds = Seeds::new(&settings, 7, Arc::new(Clock::starting_now(1.0)));
        let runs = past_runs(&seeds, 1);
        assert!(runs.len() == 1234 && runs.iter().all(|run| run.finished < 0));
        assert_eq!(runs.last().map(|run| run.finished), last_activity(&seeds, 1));
    }
}
