//! The settings of a world. `tests/scenarios/README.md` explains the members.

mod changes;
mod plans;

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::Error;
use crate::script::Entry;
pub(crate) use changes::{Change, Collection};
pub(crate) use plans::{CampaignSettings, GraphSettings, Plan, RunSettings, SequenceSettings};

/// The `world` of a scenario. An unknown member is an error, so that a misspelt member is not ignored.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct WorldSettings {
    pub(crate) seed: u64,
    pub(crate) syncs: usize,
    pub(crate) sources: Option<usize>,
    pub(crate) destinations: Option<usize>,
    pub(crate) models: Option<usize>,
    /// How many past runs each sync has. The default is up to three.
    pub(crate) past_runs: Option<u64>,
    pub(crate) contracts: usize,
    pub(crate) domains: usize,
    pub(crate) flows: usize,
    pub(crate) messages: usize,
    pub(crate) graph_runs: usize,
    pub(crate) slugs: Vec<String>,
    pub(crate) time_scale: f64,
    pub(crate) clock_ahead: f64,
    /// Whether lists of runs begin with the newest run.
    pub(crate) newest_first: bool,
    pub(crate) limit: LimitSettings,
    pub(crate) page_cap: Option<usize>,
    pub(crate) has_more: HasMore,
    pub(crate) null_schedule: NullSchedule,
    pub(crate) runs: RunSettings,
    pub(crate) sequences: SequenceSettings,
    pub(crate) graphs: GraphSettings,
    pub(crate) campaigns: BTreeMap<String, CampaignSettings>,
    pub(crate) changes: Vec<Change>,
    pub(crate) script: Vec<Entry>,
}

impl Default for WorldSettings {
    fn default() -> Self {
        Self {
            seed: 1,
            syncs: 3,
            sources: None,
            destinations: None,
            models: None,
            past_runs: None,
            contracts: 3,
            domains: 3,
            flows: 2,
            messages: 3,
            graph_runs: 3,
            slugs: Vec::new(),
            time_scale: 20.0,
            clock_ahead: 0.0,
            newest_first: false,
            limit: LimitSettings::default(),
            page_cap: None,
            has_more: HasMore::Honest,
            null_schedule: NullSchedule::Clears,
            runs: RunSettings::default(),
            sequences: SequenceSettings::default(),
            graphs: GraphSettings::default(),
            campaigns: BTreeMap::from([("welcome".to_owned(), CampaignSettings::default())]),
            changes: Vec::new(),
            script: Vec::new(),
        }
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct LimitSettings {
    pub(crate) requests: u32,
    pub(crate) seconds: f64,
    pub(crate) counter: CounterKind,
    pub(crate) phase: f64,
    pub(crate) retry_after: Option<u32>,
    pub(crate) stranger: Option<Stranger>,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            requests: 200,
            seconds: 10.0,
            counter: CounterKind::Exact,
            phase: 0.0,
            retry_after: None,
            stranger: None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CounterKind {
    Exact,
    Fixed,
    TwoBucket,
}

/// Simulated requests of another client of the same workspace. They count towards the limit.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Stranger {
    pub(crate) per_second: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum HasMore {
    Honest,
    Omit,
    Always,
    Never,
}

/// The effect of an update with `schedule: null`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum NullSchedule {
    Clears,
    /// The update leaves the schedule unchanged, as in an example of the vendor.
    Keeps,
}

impl LimitSettings {
    /// Checks that numbers are in their ranges.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let stranger = self.stranger.map_or(1.0, |stranger| stranger.per_second);
        in_range(&[
            ("limit.seconds", self.seconds, 0.001, 1e6),
            ("limit.phase", self.phase, 0.0, 1.0),
            ("limit.stranger.perSecond", stranger, 0.001, 1e4),
        ])
    }
}

fn in_range(numbers: &[(&str, f64, f64, f64)]) -> Result<(), Error> {
    match numbers.iter().find(|(_, value, least, most)| !(least..=most).contains(&value)) {
        None => Ok(()),
        Some((name, _, least, most)) => {
            Err(Error::mistake(format!("{name}: expected a number from {least} to {most}")))
        }
    }
}

impl WorldSettings {
    /// Returns the number of sources. The default grows with the number of syncs.
    pub(crate) fn sources(&self) -> usize {
        self.sources.unwrap_or((self.syncs / 200).max(3))
    }

    pub(crate) fn destinations(&self) -> usize {
        self.destinations.unwrap_or((self.syncs / 50).max(5))
    }

    pub(crate) fn models(&self) -> usize {
        self.models.unwrap_or((self.syncs / 10).max(7))
    }

    /// Checks that numbers are in their ranges and that scripted answers can be sent.
    pub(crate) fn checked(self) -> Result<Self, Error> {
        in_range(&[("timeScale", self.time_scale, 0.001, 1e6), ("clockAhead", self.clock_ahead, -1e8, 1e8)])?;
        self.limit.check()?;
        if self
            .changes
            .iter()
            .flat_map(|change| change.delete.iter().chain(&change.insert))
            .any(|&row| row == 0)
        {
            return Err(Error::mistake("changes: rows are counted from 1".to_owned()));
        }
        for (index, entry) in self.script.iter().enumerate() {
            entry.check().map_err(|error| Error::mistake(format!("script.{index}: {error}")))?;
        }
        Ok(self)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_misspelt_member_is_an_error_at_every_depth() {
        for wrong in [
            json!({"sync": 3}),
            json!({"limit": {"request": 3}}),
            json!({"runs": {"second": 3}}),
            json!({"runs": {"bySlug": {"a": {"second": 3}}}}),
            json!({"sequences": {"second": 3}}),
            json!({"graphs": {"second": 3}}),
            json!({"graphs": {"reprocessing": {"second": 3}}}),
            json!({"campaigns": {"welcome": {"variable": []}}}),
            json!({"changes": [{"of": "sources", "remove": [1]}]}),
            json!({"changes": [{"of": "things"}]}),
            json!({"script": [{"when": {"operatoin": "ListSync"}, "answer": {}}]}),
            json!({"script": [{"when": {}, "answer": {"stauts": 500}}]}),
        ] {
            assert!(serde_json::from_value::<WorldSettings>(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn numbers_out_of_range_and_answers_that_cannot_be_sent_are_errors() {
        for wrong in [
            json!({"timeScale": 0}),
            json!({"timeScale": 1e300}),
            json!({"limit": {"seconds": -1}}),
            json!({"limit": {"phase": 2}}),
            json!({"limit": {"stranger": {"perSecond": 0}}}),
            json!({"script": [{"answer": {"status": 99}}]}),
            json!({"changes": [{"of": "syncs", "insert": [0]}]}),
            json!({"script": [{"answer": {"headers": {"a b": "c"}}}]}),
        ] {
            let settings: WorldSettings = serde_json::from_value(wrong.clone()).unwrap();
            assert!(settings.checked().is_err(), "{wrong}");
        }
        assert!(WorldSettings::default().checked().is_ok());
    }
}
